package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
)

const (
	// CodeLifetime is how long a code sent by e-mail can be used.
	CodeLifetime = 10 * time.Minute
	// PurposeSignUp marks the challenge that makes an account.
	PurposeSignUp = "sign_up"

	codeDigits = 6
	codeField  = "code"
	macPurpose = "challenge"
)

// errBrowser is a fault of the caller: every browser has a value before it can ask.
var errBrowser = errors.New("expected an opaque random value of at least 22 characters that names the browser")

// SignUp is what a person enters to get an account.
type SignUp struct {
	Email    string
	Password string
	// NoPassword lets the account begin without one: its person signs in with codes.
	NoPassword bool
	// Detail is kept until the account is made; of a member it is the name of the organization.
	Detail string
	// Browser is an opaque random value of at least 128 bits that only this browser has (a cookie). Its hash is stored, and the code
	// works nowhere else: somebody who is talked into reading out a code gives it to no one else's browser, and a code that is
	// intercepted is not enough.
	Browser string
}

// BeginSignUp sends a code to the address and returns the challenge that it answers. Whoever asks learns nothing about the address:
// when it has an account, the same happens after the same work, except that the message has no code and the challenge no right answer.
// Render makes the message from the code, or for the known address without one; its recipient is set here. Errors: FieldError,
// ErrTooMany, ErrBusy, ErrUnavailable.
func (s *Service) BeginSignUp(ctx context.Context, accounts Accounts, in SignUp,
	render func(code string, known bool) (mail.Message, error),
) (challenge id.ID, err error) {
	address, err := ParseEmail(in.Email)
	if err != nil {
		return id.ID{}, err
	}
	if len(in.Browser) < 22 {
		return id.ID{}, errBrowser
	}
	hash := ""
	if in.Password != "" || !in.NoPassword {
		if hash, err = s.Passwords.Hash(ctx, in.Password); err != nil {
			return id.ID{}, err
		}
	}
	_, _, err = accounts.FindByEmail(ctx, address)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return id.ID{}, err
	}
	challenge, code := id.New(), secret.Digits(codeDigits)
	out := Challenge{
		ID: challenge, Purpose: PurposeSignUp, Email: address, BrowserHash: secret.Hash(in.Browser), CodeMAC: s.codeMAC(challenge, code),
		PasswordHash: hash, Detail: in.Detail, Lifetime: CodeLifetime,
	}
	if known {
		code, out.CodeMAC, out.PasswordHash = "", nil, ""
	}
	message, err := render(code, known)
	if err != nil {
		return id.ID{}, err
	}
	message.To = address
	if err := accounts.CreateChallenge(ctx, out, message); err != nil {
		return id.ID{}, err
	}
	return challenge, nil
}

// FinishSignUp makes the account when the code is right and comes from the browser that asked for it. Spaces in the code are ignored;
// anything but six digits is a FieldError and costs no attempt. Other errors are those of Accounts.FinishChallenge.
func (s *Service) FinishSignUp(ctx context.Context, accounts Accounts, challenge id.ID, code, browser string) (Account, error) {
	code, err := readCode(code)
	if err != nil {
		return Account{}, err
	}
	return accounts.FinishChallenge(ctx, challenge, secret.Hash(browser), func(stored []byte) bool {
		return s.codeIs(challenge, code, stored)
	})
}

// readCode ignores spaces, and refuses what cannot be a code before it costs an attempt.
func readCode(typed string) (string, error) {
	code := withoutSpaces(typed)
	if len(code) != codeDigits || strings.Trim(code, "0123456789") != "" {
		return "", FieldError{Field: codeField, Message: "Enter the six digits from the e-mail."}
	}
	return code, nil
}

func withoutSpaces(typed string) string {
	return strings.NewReplacer(" ", "", "\u00a0", "", "\t", "").Replace(typed)
}

// codeMAC authenticates a code for one challenge, behind the version of the key: whoever reads the database can neither try all the
// codes offline nor carry one to another challenge.
func (s *Service) codeMAC(challenge id.ID, code string) []byte {
	version := s.Keys.Current()
	return append([]byte{version}, s.Keys.MAC(version, macPurpose, challenge[:], []byte(code))...)
}

// codeIs compares in constant time. Nothing matches a challenge without code or one whose key is gone.
func (s *Service) codeIs(challenge id.ID, code string, stored []byte) bool {
	if len(stored) < 2 {
		return false
	}
	mac := s.Keys.MAC(stored[0], macPurpose, challenge[:], []byte(code))
	return mac != nil && secret.Equal(mac, stored[1:])
}
