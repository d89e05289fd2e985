package templates

import "time"

// ConfirmPage asks a member who they are before something dangerous. Fields: waiting, how ("password", "passkey", "send" or "code"),
// password, challenge, code, and those of the passkey.
type ConfirmPage struct {
	Shell
	Action         string
	Act            string // after "You asked to"
	Waiting        string // what was sent, sealed
	HasPassword    bool
	Passkey        *PasskeyForm // nil: the member has none
	Challenge      string       // a code is on its way
	Password, Code Field
	Alert          string
	BackHref       string
	NoAddress      bool   // no code can be mailed
	GitHubHref     string // where such a member signs in; empty: not offered now
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
	SessionsCut                                  bool // those are the latest, and there may be more
	DeleteError, PasskeyError                    string
	Passkeys                                     []PasskeyLine
	NewPasskey                                   *PasskeyForm // its action also takes remove: an id
	Organizations                                []Place
	InvitationsHref                              string
	NoAddress                                    bool
}

// MemberSession is a browser in which a member is signed in.
type MemberSession struct {
	ID, Agent string
	Since     time.Time
	Current   bool
}
