package templates

import "time"

// ConfirmPage asks a member who they are before something dangerous. The fields of the form that was sent go along; those of this page
// begin with again_: to, method, how ("password", "send" or "code"), password, challenge, code.
type ConfirmPage struct {
	Shell
	Action, To, Method string
	Kept               []Choice // name and value
	HasPassword        bool
	Challenge          string // a code is on its way
	Password, Code     Field
	Alert              string
	BackHref           string
}

// MemberAccountPage is the member's own page. Forms: PasswordAction (password), SessionsAction (session, or others=yes), DeleteAction (confirm).
type MemberAccountPage struct {
	Shell
	Email                                        string
	HasPassword                                  bool
	PasswordAction, SessionsAction, DeleteAction string
	Password                                     Field
	PasswordMin                                  int
	Sessions                                     []MemberSession
	DeleteError, PasskeyError                    string
	Passkeys                                     []PasskeyLine
	NewPasskey                                   *PasskeyForm // its action also takes remove: an id
	Organizations                                []Place
	InvitationsHref                              string
}

// MemberSession is a browser in which a member is signed in.
type MemberSession struct {
	ID, Agent string
	Since     time.Time
	Current   bool
}
