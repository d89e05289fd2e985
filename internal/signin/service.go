package signin

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"mcpauth.example/internal/secret"
)

// SessionPrefix begins every session token, so that a leaked one is recognised.
const SessionPrefix = "mcpauth_ss_"

// agentMax bounds what is kept of a User-Agent header, in bytes.
const agentMax = 200

// cleanAgent keeps what a program may write of itself.
func cleanAgent(agent string) string {
	agent = strings.ToValidUTF8(agent[:min(len(agent), agentMax)], "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, agent)
}

// Service proves who a person is, against the store it is given. It is safe for concurrent use.
type Service struct {
	Keys      *secret.Keyring
	Passwords *Passwords
}

// SignIn checks an address and a password. An unknown address, an account without password, a blocked account and a wrong password
// are one answer, ErrWrongPassword, after the same work. Other errors: a FieldError for what cannot be an address, ErrBusy,
// ErrUnavailable.
func (s *Service) SignIn(ctx context.Context, accounts Accounts, email, password string) (Account, error) {
	address, err := ParseEmail(email)
	if err != nil {
		return Account{}, err
	}
	if password == "" {
		return Account{}, FieldError{Field: passwordField, Message: "Enter your password."}
	}
	if s.Passwords.full() { // before the database is asked for nothing
		return Account{}, ErrBusy
	}
	account, hash, err := accounts.FindByEmail(ctx, address)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Account{}, err
	}
	ok, rehash, err := s.Passwords.Verify(ctx, hash, password)
	if err != nil {
		return Account{}, err
	}
	if !ok || account.Blocked {
		return Account{}, ErrWrongPassword
	}
	if rehash {
		if fresh, err := s.Passwords.Hash(ctx, password); err == nil {
			_ = accounts.ReplacePasswordHash(ctx, account.ID, hash, fresh) // the old hash stays good; the next sign-in tries again
		}
	}
	return account, nil
}

// CreateAccount makes a verified account without a code, for the operator's seeding and command line. ErrConflict: the address has one.
func (s *Service) CreateAccount(ctx context.Context, accounts Accounts, email, password, detail string) (Account, error) {
	address, err := ParseEmail(email)
	if err != nil {
		return Account{}, err
	}
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	return accounts.CreateAccount(ctx, NewAccount{Email: address, PasswordHash: hash, Detail: detail})
}

// NewSession begins a session for an account that has just proved itself and returns its token, of which only the hash is stored.
// Each call makes a new token: a session is never raised to another account or level.
func (s *Service) NewSession(ctx context.Context, accounts Accounts, asked NewSession) (token string, session Session, err error) {
	token = secret.Token(SessionPrefix)
	asked.Agent = cleanAgent(asked.Agent)
	session, err = accounts.CreateSession(ctx, secret.Hash(token), asked)
	if err != nil {
		return "", Session{}, err
	}
	return token, session, nil
}

// SetPassword gives an account a new password. Errors: a FieldError, ErrBusy, ErrUnavailable.
func (s *Service) SetPassword(ctx context.Context, accounts Accounts, session Session, password string) error {
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return accounts.SetPassword(ctx, session.Account.ID, session.ID, hash)
}

// Session returns the living session of a token, or ErrNotFound.
func (s *Service) Session(ctx context.Context, accounts Accounts, token string) (Session, error) {
	if len(token) != len(SessionPrefix)+43 || token[:len(SessionPrefix)] != SessionPrefix {
		return Session{}, ErrNotFound
	}
	return accounts.FindSession(ctx, secret.Hash(token))
}
