package templates

import "time"

// Choice is one value of a filter.
type Choice struct{ Value, Label string }

// ClientsPage lists the clients that a project knows. Its filters are q, kind and state.
type ClientsPage struct {
	Shell
	Query, Kind, State  string
	Clients             []ClientLine
	First, Next         string
	NewHref, AccessHref string // NewHref is empty for who may not
}

// ClientLine is one client in the list.
type ClientLine struct {
	ID, Name, Href, Host, Kind, State, Tone, Connections string
	LastApproved, CreatedAt                              time.Time
}

// ClientPage is one client.
type ClientPage struct {
	Shell
	ID, Name, Kind, Host, URI, State, Tone, AuthMethod  string
	RedirectURIs                                        []string
	CreatedAt, RenewedAt, FirstUsed                     time.Time
	Connections                                         string
	ListHref, ConnectionsHref, ActivityHref             string
	BlockAction, UnblockAction, DeleteAction, EndAction string // empty: not offered
	AllowAction, BlockHostAction                        string // rules for clients with a document
	DeleteError                                         string
	Secret                                              string // just made, shown this once
	Grants                                              []GrantLine
}

// GrantLine is one living connection.
type GrantLine struct {
	ID, UserEmail, UserHref, ClientName, ClientHref, ServerName, Organization string
	Scopes                                                                    []string
	CreatedAt, LastUsed, ExpiresAt                                            time.Time
	EndAction                                                                 string // empty for who may not
}

// NewClientPage makes a client by hand. Fields: name, redirect_uris (one per line), kind (public or confidential).
type NewClientPage struct {
	Shell
	Action, CancelHref string
	Name, RedirectURIs Field
	Confidential       bool
	Alert              string
}

// AccessPage says who may become a client. Forms: RegistrationAction (policy), DocumentAction (policy), TokenAction (name, days),
// RuleAction (subject, value, decision).
type AccessPage struct {
	Shell
	ClientsHref                                                 string
	Registration, Documents                                     string
	RegistrationAction, DocumentAction, TokenAction, RuleAction string // empty for who may not
	TokenName, TokenDays, RuleValue                             Field
	Alert                                                       string
	Tokens                                                      []AccessToken
	Rules                                                       []RuleLine
	Token                                                       string // an initial access token just created, shown this once
}

// AccessToken is an initial access token as it may be shown.
type AccessToken struct {
	ID, Name, RevokeAction string
	CreatedAt, ExpiresAt   time.Time // ExpiresAt zero: until revoked
}

// RuleLine is a decision about clients with a document.
type RuleLine struct {
	Subject, Value, Decision, Tone, RemoveAction string
	Fields                                       map[string]string
}

// UsersPage lists a project's people. Its filter is q.
type UsersPage struct {
	Shell
	Query          string
	Users          []UserLine
	First, Next    string
	ReviewerAction string // fields email, days; empty for who may not
	Reviewer       Field
	Code           string // of a reviewer's account just made, shown this once
	CodeFor        string
	Reviewers      []ReviewerLine
}

// ReviewerLine is an account for people who review an app.
type ReviewerLine struct {
	ID, Address, Maker, Href, EndAction string // ID and EndAction are empty when there is nothing to end, or for who may not
	MadeAt, Until                       time.Time
	Ended                               bool
	Connections                         int
}

// UserLine is one user in the list.
type UserLine struct {
	Email, Name, Href, State, Tone string
	Connections                    int
	CreatedAt, LastSignIn          time.Time
}

// UserPage is one user.
type UserPage struct {
	Shell
	ID, Email, Name, State, Tone, ListHref                                     string
	CreatedAt, LastSignIn, ReviewerUntil                                       time.Time
	BlockAction, UnblockAction, SessionsAction, DisconnectAction, DeleteAction string // empty: not offered
	DeleteError                                                                string
	Grants                                                                     []GrantLine
}

// ConnectionsPage lists living connections. Its filters are client, user and server, as ids.
type ConnectionsPage struct {
	Shell
	Grants           []GrantLine
	Servers          []Choice
	Server           string
	Client, User     string // names of what is filtered by; empty: nothing
	ClientID, UserID string
	ClearHref        string
	First, Next      string
}
