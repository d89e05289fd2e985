// Package templates renders every page and e-mail of the product from plain view structs, and serves the static files they use.
//
// It owns markup, words and styles; it must not import anything of the project outside templates/.
package templates

import "time"

// Field is one form field as it is shown again after an error: what was typed, and what was expected instead.
type Field struct {
	Value string
	Error string
}

// Brand is what a project lets its people see of itself on the pages of its issuer.
type Brand struct {
	// Name of the project in plain text.
	Name string
	// StylesheetURL sets colours, font and corners, and LogoURL is a picture; empty: the product's own.
	StylesheetURL, LogoURL string
	// Title and Text stand above the sign-in form, in plain text; empty: ours.
	Title, Text string
	// Unbadged leaves our name out of the foot of each page.
	Unbadged bool
	// Links at the foot of each page, https or mailto; empty: none.
	SupportURL, TermsURL, PrivacyURL string
	// ButtonBackground and ButtonText are colours (#rrggbb) for messages; empty: ours.
	ButtonBackground, ButtonText string
}

// FlowPage is the frame of every page of one authorization: who asks for whom, and the sealed request that each form posts back.
type FlowPage struct {
	Brand Brand
	// ClientName is the name the client gave itself; empty outside an authorization (then Request is empty too).
	ClientName string
	// ServerName is the display name of the MCP server the client asks for.
	ServerName string
	// Request is the sealed authorization request, posted back as the hidden field "request".
	Request string
	// Alert is one sentence about what went wrong, above the form; empty when nothing did.
	Alert string
}

// SignInPage asks for e-mail and password. Fields: email, password, request.
type SignInPage struct {
	FlowPage
	Action       string
	SignUpAction string // POST target of the button "Create an account", carries request; empty when sign-up is closed
	Email        Field
	Password     Field
	ResetAction  string // POST target of "Forgot your password?", carries request; empty: there is no such way
	// NoPassword leaves the form with the password out.
	NoPassword bool
	// Ways are the other ways to sign in, in the order of the page.
	Ways []SignInWay
}

// SignInWay is a way to sign in besides the password.
type SignInWay struct {
	ID     string // such as "email_code", for tests and styles
	Label  string // such as "Send me a code"
	Action string // POST target, carries request
	// Email asks for the address as well: the way needs it.
	Email bool
	// Passkey is the form of this way, when it is a passkey: a script fills it in.
	Passkey *PasskeyForm
	// Fields are further hidden fields.
	Fields map[string]string
}

// PasskeyForm is a form that the browser answers with a passkey. Fields: ceremony, credential, and request or token.
type PasskeyForm struct {
	Action, Label string
	Options       string // JSON for navigator.credentials
	Ceremony      string
	New           bool // makes a passkey instead of using one
	Second        bool // an outlined button
}

// OfferPasskeyPage asks a person who has just signed in whether they want a passkey. The form without credential goes on without.
type OfferPasskeyPage struct {
	FlowPage
	Form PasskeyForm
}

// SecondFactorPage asks for the second step of a sign-in. Fields: code, pending, request.
type SecondFactorPage struct {
	FlowPage
	Action, Pending, Restart string
	Code                     Field
}

// TwoStepPage sets up an app of one-time passwords. Fields: token, key, code.
type TwoStepPage struct {
	Brand                      Brand
	Action, Token, AccountHref string
	Key, KeyText               string // sealed, and as it is typed into an app
	Picture                    string // data URL of a QR code
	Code                       Field
}

// RecoveryCodesPage shows the codes this once.
type RecoveryCodesPage struct {
	Brand       Brand
	Codes       []string
	AccountHref string
}

// SignUpPage asks for e-mail and a new password. Fields: email, password, request.
type SignUpPage struct {
	FlowPage
	Action       string
	SignInAction string // POST target of "Sign in instead", carries request
	Email        Field
	Password     Field
	PasswordMin  int // fewest characters of a password, shown as help; 0: no help
}

// CodePage asks for the six digits sent by e-mail. Fields: code, challenge, request.
type CodePage struct {
	FlowPage
	Action    string
	Email     string
	Challenge string // reference of the challenge, hidden field "challenge"
	Code      Field
	Restart   string // GET or POST target to start again (POST with request inside an authorization)
}

// ResetPage asks for the address of an account whose password is forgotten. Fields: email, request.
type ResetPage struct {
	FlowPage
	Action       string
	SignInAction string
	Email        Field
}

// NewPasswordPage asks for the six digits sent by e-mail and a new password. Fields: code, challenge, password, request.
type NewPasswordPage struct {
	FlowPage
	Action      string
	Email       string
	Challenge   string
	Code        Field
	Password    Field
	PasswordMin int
	Restart     string
}

// LinkPage is what the link of a message opens. In the browser that asked for it one click goes on (fields: code, challenge, request);
// in another one it shows the code to type.
type LinkPage struct {
	FlowPage
	Action    string // empty: another browser
	Challenge string
	Code      string // six digits
}

// ScopeLine is one thing the client will be able to do.
type ScopeLine struct {
	Name        string
	Description string
	// New marks what was not allowed before, in a step-up.
	New bool
}

// OrganizationLine is an organization that the person acts for.
type OrganizationLine struct{ ID, Name string }

// Destination says where the person is taken after the decision.
type Destination struct {
	// Host is the redirect host in ASCII, or the scheme of a private-use redirect ("cursor").
	Host string
	// Kind is "loopback" (an app on this computer), "app" (a private-use scheme) or "web".
	Kind string
}

// ConsentPage asks to allow or deny. Fields: request, approval, decision ("allow" or "deny"); a second small form posts request to SwitchAction ("use another account").
type ConsentPage struct {
	FlowPage
	Action       string
	SwitchAction string
	Approval     string
	AccountEmail string
	Resource     string // exact MCP server URL
	Scopes       []ScopeLine
	Destination  Destination
	// ClientHost publishes the client's description and so vouches for it; empty when nobody does.
	ClientHost string
	ClientURI  string // shown as plain text; empty when the client gave none
	// KeepsAccess says that the client may keep access until it is revoked (a refresh token is issued).
	KeepsAccess bool
	// Selectable lets the person allow some of the scopes only. Fields: selectable, and scope:<name> for each that stays.
	Selectable bool
	// Organizations to choose one of (field organization); empty: the person belongs to none.
	Organizations []OrganizationLine
	// Unreviewed names who runs the server when nobody has checked them; empty otherwise.
	Unreviewed string
	// NameWarning is a sentence the page must show prominently, such as for a name that imitates another; empty when there is none.
	NameWarning string
	// AccountHref leads to the page where the person takes access back; empty when there is none.
	AccountHref string
}

// AccountPage is what a person sees of themself at an issuer. Every form posts token besides its own fields.
type AccountPage struct {
	Brand Brand
	Email string
	// NoAddress: the account has no address to sign in with, and Email is what it is called.
	NoAddress bool
	// Token binds the forms to the session.
	Token string
	// Notice says what was just done; Alert what went wrong.
	Notice, Alert string
	Connections   []ConnectionLine
	Sessions      []SessionLine
	// Targets of the forms. Disconnect takes client and server, or all=yes; Sessions takes session, or all=yes; Password takes password;
	// Delete takes email, and is empty where the person may not.
	DisconnectAction, SessionsAction, PasswordAction, DeleteAction string
	// HasPassword tells whether there is one to change; PasswordAction is empty where people do not sign in with one.
	HasPassword bool
	Password    Field
	PasswordMin int
	Confirm     Field // of the deletion
	// Passkeys of this address, and the form for a further one; nil where they are not offered.
	Passkeys []PasskeyLine
	// PasskeysAction removes one, and ExternalLogin names where the person signs in instead; empty when they can sign in here.
	PasskeysAction, ExternalLogin string
	NewPasskey                    *PasskeyForm // nil: none can be added
	// TwoStepAction turns the second step on, or with off=yes off; empty where it is not offered.
	TwoStepAction string
	TwoStep       bool
	RecoveryCodes int // left
}

// PasskeyLine is a passkey of a person.
type PasskeyLine struct {
	ID, Agent       string
	Since, LastUsed time.Time
}

// AllowMorePage asks whether a connected app may do more. Fields: token, client, server, scope, decision.
type AllowMorePage struct {
	Brand                      Brand
	Action, Token, Email       string
	ClientID, ClientName, Host string
	Server, Resource, Scope    string
	Added, Known               []ScopeLine
	NameWarning                string
}

// EnterPage asks whether to go on as the person whom the customer's site named. Fields: state, answer.
type EnterPage struct {
	Brand                        Brand
	Action, State, Answer, Email string
}

// ConnectionLine is an app that a person allowed on an MCP server.
type ConnectionLine struct {
	ClientID, Name string
	Host           string // vouches for the app; empty: nobody does
	Server         string // name of the MCP server
	Resource       string
	Scopes         []string // in words
	Since          time.Time
	LastUsed       time.Time // zero: never
	Tools          []string
}

// SessionLine is a browser in which a person is signed in.
type SessionLine struct {
	ID      string
	Agent   string
	Since   time.Time
	Current bool
}

// LeavePage takes the person back to the client: a meta refresh, a link, and what to do if nothing happens.
type LeavePage struct {
	Brand      Brand
	ClientName string
	Location   string // validated redirect URI with its parameters; any scheme that was registered, never a script scheme
	Denied     bool
	// ToSignIn says that the way leads to where the person signs in, and ToPay to where a member pays, not back to the app.
	ToSignIn, ToPay bool
}

// MessagePage is a full page that explains an error or an end state.
type MessagePage struct {
	Brand     Brand // Name may be empty: then the product's own name is shown
	Title     string
	Text      string   // what happened
	Expected  string   // what was expected instead; may be empty
	Steps     []string // what to do
	LinkText  string   // an optional link, such as back to the client
	LinkURL   string
	RequestID string
	Code      string // OAuth error code for support, shown small in mono
}

// Shell is the frame of a dashboard page: who is signed in, where one is.
type Shell struct {
	Title        string
	MemberEmail  string
	Organization string
	Theme        string // "light", "dark" or "" for the system's
	Nav          []NavItem
	Project      string // name of the open project; empty on organization pages
	Flash        string
	// Banner is trouble that every page tells; empty: none.
	Banner string
	// HomeHref is where the organization's name leads; "/dashboard" when empty.
	HomeHref string
	// SignOutAction is the POST target of "Sign out"; the button is left out when empty.
	SignOutAction string
	// ThemeAction is the POST target of the theme switch (fields theme: "light", "dark" or "", and next); left out when empty.
	ThemeAction string
	// Here is the path of this page.
	Here string
	// AccountHref leads to the member's own page; the address is no link when empty.
	AccountHref string
	// Organizations to switch to, this one with its projects; NewOrganizationHref makes another one.
	Organizations       []Place
	NewOrganizationHref string
	// Now makes times relative ("3 hours ago"); when zero they are shown as dates.
	Now time.Time
}

// Place is an organization or project to go to.
type Place struct {
	Name, Href string
	Projects   []Place
}

// NavItem is one entry of the dashboard's left rail.
type NavItem struct {
	Label   string
	Href    string
	Icon    string // lucide name
	Current bool
	Group   string // "Project" or "Organization"
}

// MemberSignInPage is, with MemberSignUpPage and MemberCodePage, the dashboard's own entrance. Fields: email, password, name (of the organization, sign-up only), code, challenge.
type MemberSignInPage struct {
	Passkey            *PasskeyForm // nil: none is offered
	GitHubHref         string       // empty: it is not offered
	Action, SignUpHref string
	Email, Password    Field
	Alert              string
	Next               string // hidden field next
	// CodeAction takes email and next, and sends a code; empty: there is no such way.
	CodeAction string
}

// MemberSignUpPage creates a member and an organization.
type MemberSignUpPage struct {
	Action, SignInHref            string
	GitHubHref                    string // empty: it is not offered
	Organization, Email, Password Field
	Alert                         string
	PasswordMin                   int // fewest characters of a password, shown as help; 0: no help
}

// MemberCodePage asks a new member for the six digits sent by e-mail.
type MemberCodePage struct {
	Action, Email, Challenge, RestartHref string
	Code                                  Field
	Alert                                 string
}

// ProjectRow is a project in the list.
type ProjectRow struct {
	Name, Href, Issuer, ServerURL string
	Suspended, Production         bool
	CreatedAt                     time.Time
}

// ProjectsPage lists the organization's projects, or teaches how to make the first.
type ProjectsPage struct {
	Shell
	Projects   []ProjectRow
	CreateHref string
}

// NewProjectPage asks for the MCP server's URL. Fields: server_url, and name, which may stay empty. CheckHref says what is known of the URL.
type NewProjectPage struct {
	Shell
	Action, CancelHref, CheckHref string
	Name, ServerURL               Field
	Alert                         string
}

// SecretRow is a living registration secret as it may be shown: never the secret.
type SecretRow struct {
	ID, LastFour string
	CreatedAt    time.Time
	LastUsedAt   time.Time // zero: never
	RevokeAction string
}

// ServerRow is one MCP server of a project with its secrets.
type ServerRow struct {
	Name, URL    string
	Secrets      []SecretRow
	CreateAction string // POST: a further secret
}

// Snippet is code with real values filled in.
type Snippet struct {
	Label, Language, Code string
	Install               string // command that brings what the code needs; empty: nothing
}

// CaughtMail is one message that the mail catcher of local work holds.
type CaughtMail struct {
	ID, From, To, Subject, Text string
	At                          time.Time
}

// MailPage lists caught mail, newest first.
type MailPage struct {
	Mails []CaughtMail
}

// CodeMail carries a six-digit code.
type CodeMail struct {
	Brand     Brand
	Code      string
	Minutes   int
	Requested string // what it was requested for: "create your account at Acme Tools"
	Link      string // does the same with a click, in the same browser; empty: there is none
}

// NoAccountMail tells somebody that a code was asked for an address that has no account.
type NoAccountMail struct{ Brand Brand }

// KnownAddressMail tells somebody who already has an account that it was tried to create another with the same address.
type KnownAddressMail struct {
	Brand     Brand
	SignInURL string
}

// LandingPage is the root of the service.
type LandingPage struct{ Site }

// DevLoginPage asks whom a customer's own site would sign in. Fields: request, iss, subject, email, name, organizations.
type DevLoginPage struct {
	Action, Request, Issuer, Alert string
}
