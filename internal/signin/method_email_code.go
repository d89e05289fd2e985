package signin

import (
	"context"
	"errors"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
)

// PurposeSignIn marks the challenge that signs a person in, PurposeReset the one that sets a new password, and PurposeConfirm the one by
// which somebody who is signed in proves once more who they are.
const (
	PurposeSignIn  = "sign_in"
	PurposeReset   = "reset"
	PurposeConfirm = "confirm"
)

// EmailCode is a wish to be sent a code.
type EmailCode struct {
	Email string
	// Browser is the opaque value of the browser that asks, as in SignUp; the code works nowhere else.
	Browser string
	// Detail is kept for the browser that asked: what to go on with when the link of the message is opened.
	Detail string
	// AllowNew makes an account for an address that has none.
	AllowNew bool
}

// BeginSignIn sends a code to the address. Whoever asks learns nothing about the address: without an account, and where none may be
// made, the same happens after the same work, except that render is told not known and the challenge has no right answer. Errors:
// FieldError, ErrTooMany, ErrUnavailable.
func (s *Service) BeginSignIn(ctx context.Context, accounts Accounts, in EmailCode,
	render func(challenge id.ID, code string, known bool) (mail.Message, error),
) (challenge id.ID, err error) {
	return s.begin(ctx, accounts, PurposeSignIn, in, render)
}

// BeginReset sends a code that sets a new password. It tells as little as BeginSignIn.
func (s *Service) BeginReset(ctx context.Context, accounts Accounts, in EmailCode,
	render func(challenge id.ID, code string, known bool) (mail.Message, error),
) (challenge id.ID, err error) {
	in.AllowNew = false
	return s.begin(ctx, accounts, PurposeReset, in, render)
}

// BeginConfirm sends a code to somebody who is signed in. These are counted apart from what anybody may have sent to the address, so that
// a stranger does not use them up. Browser names the session, too.
func (s *Service) BeginConfirm(ctx context.Context, accounts Accounts, in EmailCode,
	render func(challenge id.ID, code string, known bool) (mail.Message, error),
) (challenge id.ID, err error) {
	in.AllowNew = false
	return s.begin(ctx, accounts, PurposeConfirm, in, render)
}

// FinishConfirm returns the account of the address when the code is right. Errors as of FinishSignIn.
func (s *Service) FinishConfirm(ctx context.Context, accounts Accounts, challenge id.ID, code, browser string) (Account, error) {
	code, err := readCode(code)
	if err != nil {
		return Account{}, err
	}
	return accounts.FinishConfirm(ctx, challenge, secret.Hash(browser), func(stored []byte) bool { return s.codeIs(challenge, code, stored) })
}

func (s *Service) begin(ctx context.Context, accounts Accounts, purpose string, in EmailCode,
	render func(challenge id.ID, code string, known bool) (mail.Message, error),
) (id.ID, error) {
	address, err := ParseEmail(in.Email)
	if err != nil {
		return id.ID{}, err
	}
	if len(in.Browser) < 22 {
		return id.ID{}, errBrowser
	}
	_, _, err = accounts.FindByEmail(ctx, address)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return id.ID{}, err
	}
	challenge, code := id.New(), secret.Digits(codeDigits)
	out := Challenge{ID: challenge, Purpose: purpose, Email: address, BrowserHash: secret.Hash(in.Browser), CodeMAC: s.codeMAC(challenge, code), Detail: in.Detail, Lifetime: CodeLifetime}
	if known = known || in.AllowNew; !known {
		code, out.CodeMAC = "", nil
	}
	message, err := render(challenge, code, known)
	if err != nil {
		return id.ID{}, err
	}
	message.To = address
	return challenge, accounts.CreateChallenge(ctx, out, message)
}

// FinishSignIn returns the account of the address when the code is right and comes from the browser that asked for it, and makes it if it
// has none and allowNew. Errors as of FinishSignUp, and ErrBlocked.
func (s *Service) FinishSignIn(ctx context.Context, accounts Accounts, challenge id.ID, code, browser string, allowNew bool) (Account, error) {
	code, err := readCode(code)
	if err != nil {
		return Account{}, err
	}
	return accounts.FinishSignIn(ctx, challenge, secret.Hash(browser), allowNew, func(stored []byte) bool { return s.codeIs(challenge, code, stored) })
}

// FinishReset sets a new password when the code is right. Every session of the account ends, every connection of its apps, and every
// other code on its way to the address (catalogue 130). The password is judged before the code, so that a weak one costs no attempt.
func (s *Service) FinishReset(ctx context.Context, accounts Accounts, challenge id.ID, code, browser, password string) (Account, error) {
	code, err := readCode(code)
	if err != nil {
		return Account{}, err
	}
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	return accounts.FinishReset(ctx, challenge, secret.Hash(browser), hash, func(stored []byte) bool { return s.codeIs(challenge, code, stored) })
}

// Pending returns the detail of a challenge that this browser began and that can still be answered, or ErrNotFound. It changes nothing:
// programs that look at the links of messages do so without a person (catalogue 111).
func (s *Service) Pending(ctx context.Context, accounts Accounts, challenge id.ID, browser string) (detail string, err error) {
	return accounts.FindChallenge(ctx, challenge, secret.Hash(browser))
}
