// Package signin proves who a person is: passwords, one-time codes sent by e-mail, and sessions. Users of a project (oauth/endpoints)
// and members of the dashboard use the same code over two stores.
//
// It owns the rules for addresses, passwords, codes and session tokens. It imports the standard library, x/crypto/argon2,
// internal/secret and the Message type of internal/mail; it knows neither HTTP nor SQL nor whose people these are.
package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
)

// What a store or a rule answers besides success.
var (
	ErrNotFound      = errors.New("not found")
	ErrUnavailable   = errors.New("temporarily unavailable")
	ErrConflict      = errors.New("already exists")
	ErrWrongPassword = errors.New("wrong address or password")
	ErrBlocked       = errors.New("account is blocked")
	ErrCode          = errors.New("code is wrong, used up or expired")
	ErrTooMany       = errors.New("too many messages to this address")
	ErrBusy          = errors.New("too many passwords are being checked")
	ErrNotOffered    = errors.New("this way to sign in is switched off")
	ErrSignedOut     = errors.New("signed out everywhere since the proof")
	ErrReplaced      = errors.New("the session that asked for the proof is over")
	ErrElsewhere     = errors.New("this person signs in at the customer's own site only")
)

// FieldError says which field was refused and what was expected, in words for the person who typed it. It never repeats the value.
type FieldError struct {
	Field   string // "email", "password", "code" or "detail"
	Message string
}

func (e FieldError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Message) }

// Account is a person as a user of one project or as a member.
type Account struct {
	ID id.ID
	// Email is the address to sign in with, normalised (see ParseEmail). Empty: its person signs in with other providers only.
	Email         string
	EmailVerified bool
	Blocked       bool
	// KnownAs is how pages call a person without such an address: what somebody else says, which proves nothing.
	KnownAs string
	// Identity is the row of the identity that has just signed in; zero: it was a way of our own.
	Identity id.ID
	// Reviewer marks an account for people who review an app, which has no way to sign in but its code.
	Reviewer bool
	// Epoch counts how often the sessions of the account were ended all at once. Who proved themself before that begins none.
	Epoch int
}

// FirstEpoch is the epoch of an account that was just made.
const FirstEpoch = 1

// Called is how pages call the person.
func (a Account) Called() string { return cmp.Or(a.Email, a.KnownAs) }

// Way is how a person proved who they are. Members have none.
type Way struct {
	Method   string `json:"m"` // as the project's settings name it
	Provider id.ID  `json:"p"` // the other place that spoke of them; zero: none
	Identity id.ID  `json:"i"` // who they are there
}

// NewSession is a session to begin.
type NewSession struct {
	Account  Account // as it was when its person proved who they are
	Way      Way
	Lifetime time.Duration
	Agent    string // User-Agent of the browser
	// Replaces is the session in which the proof was asked for; it ends with the beginning of this one. Zero: none.
	Replaces id.ID
}

// Session is one browser in which a person is signed in.
type Session struct {
	ID        id.ID
	Account   Account
	AuthTime  time.Time // when the person proved who they are
	CreatedAt time.Time
	ExpiresAt time.Time
	Agent     string // User-Agent of the browser, at most 200 bytes
}

// Challenge is a code on its way: what is known when it is sent, and what becomes of it when it comes back.
type Challenge struct {
	ID          id.ID
	Purpose     string
	Email       string
	BrowserHash []byte
	// CodeMAC is the authenticated code, behind the version of its key; nil: no code was sent and none is right.
	CodeMAC []byte
	// PasswordHash and Detail are what the account is made with. A member's detail is the name of the organization.
	PasswordHash string
	Detail       string
	Lifetime     time.Duration
}

// NewAccount is a person with a proven address, or with none.
type NewAccount struct {
	Email        string // empty: none
	PasswordHash string
	Detail       string // of a member: the name of the organization to make
}

// Limits that every store enforces by the database's clock and within its statements.
const (
	// MaxAttempts is how many codes may be tried on one challenge.
	MaxAttempts = 5
	// MaxListedSessions is how many sessions of an account are listed. There may be more.
	MaxListedSessions = 100
	// MaxChallenges is how many challenges one address is sent within an hour, and as many again by who is signed in there.
	MaxChallenges = 5
)

// Accounts is where the people of one project, or the members, are kept. Each method is one atomic verb. Besides the errors named,
// every method returns ErrUnavailable when the database cannot be asked.
type Accounts interface {
	// FindByEmail returns the account of a normalised address and its password hash ("" when it has none), or ErrNotFound.
	FindByEmail(ctx context.Context, email string) (account Account, passwordHash string, err error)
	// CreateAccount makes a verified account; ErrConflict when the address has one.
	CreateAccount(ctx context.Context, account NewAccount) (Account, error)
	// ReplacePasswordHash stores a new hash if the old one is still in place; otherwise it changes nothing and that is no error.
	ReplacePasswordHash(ctx context.Context, account id.ID, oldHash, newHash string) error

	// CreateChallenge stores the challenge and queues its message, both or neither. ErrTooMany: MaxChallenges is reached.
	CreateChallenge(ctx context.Context, challenge Challenge, message mail.Message) error
	// FinishChallenge counts the attempt, for good, asks check about the code, and makes the account when it is right: of all
	// attempts at once, one succeeds. ErrNotFound: there is no such challenge for this browser; ErrCode: wrong code, attempts used up,
	// expired or finished before; ErrConflict: the address has got an account meanwhile.
	FinishChallenge(ctx context.Context, id id.ID, browserHash []byte, check func(codeMAC []byte) bool) (Account, error)

	// FinishSignIn counts the attempt like FinishChallenge and returns the account of the address, which it makes if there is none and
	// allowNew. ErrBlocked: the account is.
	FinishSignIn(ctx context.Context, id id.ID, browserHash []byte, allowNew bool, check func(codeMAC []byte) bool) (Account, error)
	// FinishConfirm counts the attempt like FinishChallenge and returns the account of the address. ErrBlocked: the account is.
	FinishConfirm(ctx context.Context, id id.ID, browserHash []byte, check func(codeMAC []byte) bool) (Account, error)
	// FinishReset counts the attempt like FinishChallenge, replaces the password, and ends the account's sessions, its apps' connections
	// and the other challenges of the address. ErrElsewhere, and nothing of this.
	FinishReset(ctx context.Context, id id.ID, browserHash []byte, passwordHash string, check func(codeMAC []byte) bool) (Account, error)
	// FindChallenge returns the detail of a challenge that can still be answered, or ErrNotFound.
	FindChallenge(ctx context.Context, id id.ID, browserHash []byte) (detail string, err error)

	// CreateSession begins a session; ErrNotFound or ErrBlocked when the account may not have one, ErrSignedOut when its sessions were ended
	// after the proof, ErrNotOffered when the project does not offer the way, or the provider, any more. ErrElsewhere: it would go
	// around the customer's own login. ErrReplaced: the session that it replaces is over; of many that replace one, one begins.
	CreateSession(ctx context.Context, tokenHash []byte, session NewSession) (Session, error)
	// FindSession returns the living session of a token: not ended, not expired, account not blocked. Otherwise ErrNotFound.
	FindSession(ctx context.Context, tokenHash []byte) (Session, error)
	// EndSession ends a living session; ErrNotFound when it has ended already or never was.
	EndSession(ctx context.Context, id id.ID) error
	// ListSessions returns the living sessions of an account, the latest first, at most MaxListedSessions.
	ListSessions(ctx context.Context, account id.ID) ([]Session, error)
	// EndSessions ends one session of the account, or with the zero id all of them. It succeeds when there is none.
	EndSessions(ctx context.Context, account, id id.ID) error
	// EndEarlierSessions ends, for a session that has to be alive still, another one of the account, or with the zero id all others, if their
	// people proved themselves no later. It returns how many of those asked for are alive because they came later. Sign-ins under way go on.
	EndEarlierSessions(ctx context.Context, account, kept, id id.ID) (later int, err error)
	// EndOtherSessions ends every session but the kept one, and those that are about to begin; ErrNotFound when that one is over.
	EndOtherSessions(ctx context.Context, account, kept id.ID) error
	// SetPassword replaces the password and ends sessions as EndOtherSessions does. ErrElsewhere.
	SetPassword(ctx context.Context, account, kept id.ID, passwordHash string) error
	// DeleteAccount deletes the account with everything that belongs to it; ErrNotFound when there is none. A member leaves every
	// organization with it; tenants.LastOwnerError, and nothing happened: one would be left without an owner.
	DeleteAccount(ctx context.Context, account id.ID) error
}
