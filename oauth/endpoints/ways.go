package endpoints

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// offers tells whether people may sign in this way now. A page may be older than the setting: every step asks.
func offers(issuer *oauth.Issuer, way signin.Way) bool {
	if way.Provider.IsZero() {
		return issuer.OffersSignIn(way.Method)
	}
	for _, p := range issuer.Providers {
		if p.ID == way.Provider {
			return issuer.OffersSignIn(way.Method) && (p.Kind == signin.ProviderOwn) == (way.Method == tenants.SignInExternal)
		}
	}
	return false
}

// offered finds the provider that a form or the way back names, of a way that is switched on; signin.ErrNotOffered for any other.
func (h *Handler) offered(c echo.Context, issuer *oauth.Issuer, method, name string) (signin.Provider, error) {
	id, err := id.Parse(name)
	if err != nil || !offers(issuer, signin.Way{Method: method, Provider: id}) {
		return signin.Provider{}, signin.ErrNotOffered
	}
	provider, err := h.identities(issuer.ID).FindProvider(c.Request().Context(), id)
	if errors.Is(err, signin.ErrNotFound) || err == nil && (provider.Kind == signin.ProviderOwn) != (method == tenants.SignInExternal) {
		return signin.Provider{}, signin.ErrNotOffered
	}
	return provider, fault(err)
}

// switchedOff answers a step of a way that is not offered here, or not any more: nobody is signed in, and the page shows the ways that are.
func (h *Handler) switchedOff(c echo.Context, f *flow) error {
	failed(c, notOffered())
	return h.renderSignIn(c, http.StatusForbidden, f, signInForm{alert: "This way to sign in is switched off. Choose another one."})
}

// closed is its like for new accounts.
func (h *Handler) closed(c echo.Context, f *flow) error {
	failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "account", Description: "Expected sign-up to be open."})
	return h.renderSignIn(c, http.StatusForbidden, f, signInForm{alert: "New accounts cannot be created here."})
}

// refused shows switchedOff for a provider that is not offered; other errors stay what they are.
func (h *Handler) refused(c echo.Context, f *flow, err error) error {
	if errors.Is(err, signin.ErrNotOffered) {
		return h.switchedOff(c, f)
	}
	if errors.Is(err, signin.ErrElsewhere) {
		name := ownName(f.issuer)
		failed(c, elsewhere())
		return h.renderSignIn(c, http.StatusForbidden, f, signInForm{alert: "You sign in with " + name + " here. Choose \"Continue with " + name + "\"."})
	}
	if errors.Is(err, signin.ErrSignedOut) {
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "account", Description: "Every session of the account was ended while this sign-in was under way."})
		return h.renderSignIn(c, http.StatusForbidden, f, signInForm{alert: "This account was just signed out everywhere. Sign in again."})
	}
	return err
}

// accountFlow is a sign-in that leads to the person's own page.
func (h *Handler) accountFlow(c echo.Context, fresh bool, page string) *flow {
	issuer := issuerOf(c)
	return &flow{issuer: issuer, request: h.oauth.NewAccountRequest(fresh, page), browser: browserOf(c, issuer)}
}

// ownName is what people know the customer's own site by; empty when it signs nobody in.
func ownName(issuer *oauth.Issuer) string {
	for _, p := range issuer.Providers {
		if p.Kind == signin.ProviderOwn && issuer.OffersSignIn(tenants.SignInExternal) {
			return p.Name
		}
	}
	return ""
}

// signsInElsewhere asks the store only where there can be such people.
func (h *Handler) signsInElsewhere(c echo.Context, issuer *oauth.Issuer, account id.ID) (bool, error) {
	if issuer.WaysBesideOwn || ownName(issuer) == "" {
		return false, nil
	}
	yes, err := h.identities(issuer.ID).SignsInElsewhere(c.Request().Context(), account)
	return yes, fault(err)
}

// elsewhere refuses a password or passkey of ours to a person of the customer's own login.
func elsewhere() error {
	return &oauth.Error{Code: oauth.AccessDenied, Parameter: "method", Description: "This account signs in with the project's own login only."}
}

func notOffered() error {
	return &oauth.Error{Code: oauth.AccessDenied, Parameter: "method", Description: "This way to sign in is not offered here."}
}
