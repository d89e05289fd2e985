package endpoints

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

const (
	// cookieProvider begins the names of cookies that carry a request over the hop to another provider, one for each flow.
	cookieProvider = "mcpauth_upstream_"
	// providerCookieMax is what browsers keep for certain, in bytes.
	providerCookieMax = 3500
	purposeProvider   = "upstream"
)

// providerTrip is what has to come back from another provider.
type providerTrip struct {
	Request         string                 `json:"r"` // sealed
	Provider        id.ID                  `json:"p"`
	ProviderRequest signin.ProviderRequest `json:"u"`
	Visit           id.ID                  `json:"v,omitzero"`  // to the customer's own site
	Done            bool                   `json:"d,omitempty"` // the person is signed in, and goes on
	Pending         string                 `json:"n,omitempty"` // or has a second step to take
	At              time.Time              `json:"t"`
}

// identityProviderPage sends a person to another provider. Nothing is written: the request stays in the browser (catalogue 118).
func (h *Handler) identityProviderPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	quiet(c)
	provider, err := h.offered(c, f.issuer, tenants.SignInProvider, form.Get("provider"))
	if err != nil {
		return h.refused(c, f, err)
	}
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	out := providerTrip{Request: page.Request, Provider: provider.ID, ProviderRequest: signin.NewProviderRequest(f.request.FlowID.String()), At: h.now()}
	location, err := h.providers.Begin(c.Request().Context(), provider, out.ProviderRequest, f.issuer.URL+pathProviderReturn)
	if err != nil {
		return h.identityProviderFailed(c, f, provider.Name, err)
	}
	if err := h.recordProviderTrip(c, f, out); err != nil {
		return err
	}
	return web.RenderLeaving(c, templates.Leave(templates.LeavePage{Brand: brandOf(f.issuer), ClientName: provider.Name,
		Location: location, ToSignIn: true}))
}

// identityProviderReturnPage takes the provider's answer: of this browser, of this flow, once (catalogue 118, 125).
func (h *Handler) identityProviderReturnPage(c echo.Context) error {
	f, back, query, err := h.readHop(c, false)
	if err != nil {
		return err
	}
	cookiesOf(f.issuer).Clear(c, cookieProvider+back.ProviderRequest.State)
	identities := h.identities(f.issuer.ID)
	provider, err := h.offered(c, f.issuer, tenants.SignInProvider, back.Provider.String())
	if err != nil {
		return h.refused(c, f, err)
	}
	if err := identities.UseAnswer(c.Request().Context(), secret.Hash(back.ProviderRequest.State+" "+back.ProviderRequest.Nonce), signin.ProviderRequestLifetime); err != nil {
		return h.identityProviderFailed(c, f, provider.Name, err)
	}
	if query.Get("error") != "" || query.Get("code") == "" {
		noteIdentityProvider(c, signin.ErrIdentityProvider)
		return h.renderSignIn(c, http.StatusOK, f, signInForm{alert: provider.Name + " did not sign you in. Try again, or choose another way."})
	}
	identity, err := h.providers.Finish(c.Request().Context(), provider, back.ProviderRequest, f.issuer.URL+pathProviderReturn, query.Get("code"), query.Get("iss"))
	if err != nil {
		return h.identityProviderFailed(c, f, provider.Name, err)
	}
	account, err := identities.SignInIdentity(c.Request().Context(), provider.ID, identity, f.issuer.SignUpOpen)
	if err != nil {
		return h.identityProviderFailed(c, f, provider.Name, err)
	}
	return h.arrived(c, f, back, account, signin.Way{Method: tenants.SignInProvider, Provider: provider.ID, Identity: account.Identity})
}

// arrived signs a person in who comes back from another site, or asks for their second step.
func (h *Handler) arrived(c echo.Context, f *flow, back providerTrip, account signin.Account, way signin.Way) (err error) {
	if back.Pending, err = h.asksSecondFactor(c, f, account, way); err != nil {
		return err
	}
	if back.Pending == "" {
		if _, err := h.startSession(c, f, account, way); err != nil {
			return h.refused(c, f, err)
		}
	}
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	back.Request, back.Done, back.At = page.Request, true, h.now()
	if err := h.recordProviderTrip(c, f, back); err != nil {
		return err
	}
	// On to an address without the provider's code in it (catalogue 138).
	return c.Redirect(http.StatusSeeOther, f.issuer.URL+pathProviderDone+"?"+url.Values{"state": {back.ProviderRequest.State}}.Encode())
}

// identityProviderDonePage goes on where the person left for the provider. Consent is asked for all the same (catalogue 143).
func (h *Handler) identityProviderDonePage(c echo.Context) error {
	f, back, _, err := h.readHop(c, true)
	if err != nil {
		return err
	}
	cookiesOf(f.issuer).Clear(c, cookieProvider+back.ProviderRequest.State)
	if back.Pending != "" {
		if half, err := h.halfway(f, back.Pending); err == nil && !offers(f.issuer, half.Way) {
			return h.switchedOff(c, f)
		}
		return h.renderSecondFactor(c, http.StatusOK, f, back.Pending, "", "")
	}
	session, ok, err := h.sessionOf(c, f.issuer)
	if err != nil {
		return err
	}
	if !ok || !h.oauth.AcceptsSession(f.request, session.ID, session.AuthTime) {
		return h.renderSignIn(c, http.StatusOK, f, signInForm{})
	}
	offered, err := h.offerPasskey(c, f, session)
	if err != nil || offered {
		return err
	}
	return h.goOn(c, f, session)
}

func (h *Handler) recordProviderTrip(c echo.Context, f *flow, out providerTrip) error {
	plain, err := json.Marshal(out)
	if err != nil {
		return err
	}
	sealed := secret.Encode(h.signin.Keys.Seal(purposeProvider, plain, providerTripBinding(f.issuer, f.browser)))
	if len(sealed) > providerCookieMax {
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "state", Description: "The app's request is too large for this way to sign in. Choose another one."}
	}
	cookiesOf(f.issuer).Set(c, cookieProvider+out.ProviderRequest.State, sealed, signin.ProviderRequestLifetime)
	return nil
}

func providerTripBinding(issuer *oauth.Issuer, browser string) []byte {
	return secret.Join(issuer.ID[:], []byte(issuer.URL), secret.Hash(browser))
}

// readHop finds the flow that an answer belongs to. Without the cookies of the browser that left there is none.
func (h *Handler) readHop(c echo.Context, done bool) (*flow, providerTrip, url.Values, error) {
	strange := &oauth.Error{Code: oauth.InvalidRequest, Parameter: "state", Description: "This answer does not belong to a sign-in that was started in this browser. Start again from the app."}
	issuer := issuerOf(c)
	query, wrong := url.ParseQuery(c.Request().URL.RawQuery)
	id, err := id.Parse(query.Get("state"))
	if err != nil || wrong != nil || len(c.Request().URL.RawQuery) > oauth.AuthorizeQueryMax || !plainQuery(query) {
		return nil, providerTrip{}, nil, strange
	}
	cookies := cookiesOf(issuer)
	browser := cookies.Get(c, cookiePreSession)
	raw, err := secret.Decode(cookies.Get(c, cookieProvider+id.String()))
	if err == nil {
		raw, err = h.signin.Keys.Open(purposeProvider, raw, providerTripBinding(issuer, browser))
	}
	var back providerTrip
	if err != nil || browser == "" || json.Unmarshal(raw, &back) != nil || back.Done != done || !secret.Equal([]byte(back.ProviderRequest.State), []byte(id.String())) ||
		h.now().Sub(back.At) > signin.ProviderRequestLifetime {
		return nil, providerTrip{}, nil, strange
	}
	f, err := h.resume(c, url.Values{"request": {back.Request}})
	return f, back, query, err
}

// plainQuery refuses what two readers may read differently: repeated parameters, NUL, and what is not UTF-8.
func plainQuery(query url.Values) bool {
	for _, values := range query {
		if len(values) != 1 || strings.ContainsRune(values[0], 0) || !utf8.ValidString(values[0]) {
			return false
		}
	}
	return true
}

// identityProviderFailed shows the sign-in page again with what a person can do.
func (h *Handler) identityProviderFailed(c echo.Context, f *flow, name string, err error) error {
	noteIdentityProvider(c, err)
	shown := signInForm{}
	switch {
	case errors.Is(err, signin.ErrNotOffered):
		return h.switchedOff(c, f)
	case errors.Is(err, signin.ErrUnverified):
		shown.alert = name + " does not vouch for your e-mail address, so this account cannot be used here. Sign in in another way."
	case errors.Is(err, signin.ErrBlocked):
		shown.alert = "This account is blocked. Ask the people of " + f.issuer.Name + "."
	case errors.Is(err, signin.ErrNotFound), errors.Is(err, signin.ErrConflict):
		shown.alert = "You cannot sign in with " + name + " here. Choose another way."
	case errors.Is(err, signin.ErrIdentityProvider):
		h.log.WarnContext(c.Request().Context(), "sign-in with another provider", "error", err, "request_id", web.RequestID(c))
		shown.alert = name + " did not answer as expected. Try again, or choose another way."
	default:
		return fault(err)
	}
	return h.renderSignIn(c, http.StatusForbidden, f, shown)
}

// noteIdentityProvider says for the timeline why nobody was signed in.
func noteIdentityProvider(c echo.Context, err error) {
	switch {
	case errors.Is(err, signin.ErrIdentityProvider):
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "provider", Description: "The provider did not sign the person in: " + firstWords(err)})
	case errors.Is(err, signin.ErrUnverified):
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "email_verified", Description: "The provider does not vouch for the address."})
	case errors.Is(err, signin.ErrNotFound), errors.Is(err, signin.ErrConflict):
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "account", Description: "There is no account and sign-up is closed, or the answer was used before."})
	default:
		noteSignIn(c, err)
	}
}

// firstWords is what went wrong without what the provider said.
func firstWords(err error) string {
	text := err.Error()
	return text[:min(len(text), 200)]
}
