package tenants

import (
	"context"
	"slices"

	"mcpauth.example/internal/id"
)

// The ways in which people may sign in at a project's issuer, in the order in which the page offers them.
const (
	SignInPasskey   = "passkey"
	SignInPassword  = "password"
	SignInEmailCode = "email_code"
	SignInProvider  = "upstream" // with an account at another provider
	SignInExternal  = "own"      // the customer's own site signs the person in
	SignInTOTP      = "totp"     // people may add a second step, with an app of one-time passwords
)

func signInMethods() []string {
	return []string{SignInPasskey, SignInPassword, SignInEmailCode, SignInProvider, SignInExternal, SignInTOTP}
}

// SetSignInMethods changes how people may sign in; whoever is signed in stays so. It returns a FieldError for "sign_in_methods".
func (p Projects) SetSignInMethods(ctx context.Context, actor Actor, org, project id.ID, methods []string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	var kept []string
	for _, known := range signInMethods() {
		if slices.Contains(methods, known) {
			kept = append(kept, known)
		}
	}
	if slices.ContainsFunc(methods, func(m string) bool { return !slices.Contains(kept, m) }) {
		return FieldError{Field: "sign_in_methods", Message: "Choose among passkey, password, email_code, upstream, own and totp."}
	}
	first := slices.DeleteFunc(slices.Clone(kept), func(m string) bool { return m == SignInPasskey || m == SignInTOTP })
	if len(first) == 0 { // nobody has a passkey or a second step before they have signed in once
		return FieldError{Field: "sign_in_methods", Message: "Choose at least one way that works alone: a password, a code by e-mail, accounts at other providers, or your own login."}
	}
	return p.Store.SetSignInMethods(ctx, actor, org, project, kept)
}
