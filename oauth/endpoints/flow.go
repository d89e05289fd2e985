package endpoints

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
)

// Pages of a flow, below the issuer URL. They are posted to only, the link of a message aside: a
// request travels in the form, not in the address.
const (
	pathSignIn     = "/oauth/sign-in"
	pathEmailCode  = "/oauth/sign-in/email"
	pathSignInCode = "/oauth/sign-in/code"
	pathSignInLink = "/oauth/sign-in/link"
	pathProvider   = "/oauth/sign-in/upstream"
	// The two addresses of the way back from another provider; the first is registered there.
	pathProviderReturn = "/oauth/sign-in/upstream/callback"
	pathProviderDone   = "/oauth/sign-in/upstream/done"
	pathPasskey        = "/oauth/sign-in/passkey"
	pathSecond         = "/oauth/sign-in/second"
	pathNewPasskey     = "/oauth/passkey"
	pathOwn            = "/oauth/sign-in/own"
	pathExternalLogin  = "/api/oauth/login"
	pathOwnLeft        = "/api/oauth/login/left"
	pathExternalReturn = "/oauth/sign-in/own/callback"
	pathReset          = "/oauth/reset"
	pathResetCode      = "/oauth/reset/code"
	pathBrand          = "/oauth/brand/"
	pathSignUp         = "/oauth/sign-up"
	pathSignUpCode     = "/oauth/sign-up/code"
	pathConsent        = "/oauth/consent"
	pathAccount        = "/account"
	pathDisconnect     = "/account/disconnect"
	pathSessions       = "/account/sessions"
	pathPassword       = "/account/password"
	pathDelete         = "/account/delete"
	pathAllow          = "/account/allow"
	pathEnter          = "/account/enter"
	pathPasskeys       = "/account/passkeys"
	pathTwoStep        = "/account/two-step"
	pathDone           = "/account/done"
)

// Cookie names, before prefix and suffix.
const (
	cookieSession    = "mcpauth_session"
	cookiePreSession = "mcpauth_browser"
)

// cookiesOf are the cookies of one issuer URL: the host's own, and in path form named for the project as well.
func cookiesOf(issuer *oauth.Issuer) web.Cookies {
	u, err := url.Parse(issuer.URL)
	if err != nil {
		return web.Cookies{Secure: true}
	}
	return web.Cookies{Secure: u.Scheme == "https", Suffix: u.Path[strings.LastIndexByte(u.Path, '/')+1:], Path: u.Path}
}

// flow is one authorization in one browser: the request, whom it is for, and who sits there.
type flow struct {
	issuer   *oauth.Issuer
	request  *oauth.Request
	client   oauth.Client
	resource oauth.Resource
	browser  string // value of the pre-session cookie
}

// resume reads the flow that a form belongs to. The browser must be the one that began it.
func (h *Handler) resume(c echo.Context, form url.Values) (*flow, error) {
	for _, values := range form {
		if len(values) > 1 { // no page of ours does that, and two readers might take different ones
			return nil, &oauth.Error{Code: oauth.InvalidRequest, Description: "A field is given more than once."}
		}
	}
	issuer := issuerOf(c)
	f := &flow{issuer: issuer, browser: cookiesOf(issuer).Get(c, cookiePreSession)}
	var err error
	if f.request, err = h.oauth.Unseal(issuer, form.Get("request"), f.browser); err != nil {
		return nil, err
	}
	f.client, f.resource, err = h.oauth.Resume(c.Request().Context(), issuer, f.request)
	return f, err
}

// browserOf returns the pre-session value of this browser and gives it one at first. It never changes during a flow, so parallel tabs
// finish independently (P21).
func browserOf(c echo.Context, issuer *oauth.Issuer) string {
	cookies := cookiesOf(issuer)
	if value := cookies.Get(c, cookiePreSession); len(value) == 43 {
		return value
	}
	value := secret.Token("")
	cookies.Set(c, cookiePreSession, value, 0)
	return value
}

// sessionOf is the living session of this browser at this issuer; false when there is none.
func (h *Handler) sessionOf(c echo.Context, issuer *oauth.Issuer) (signin.Session, bool, error) {
	token := cookiesOf(issuer).Get(c, cookieSession)
	if token == "" {
		return signin.Session{}, false, nil
	}
	session, err := h.signin.Session(c.Request().Context(), h.accounts(issuer.ID), token)
	return found(session, err)
}

// page is the frame that every page of the flow shows.
func (h *Handler) page(f *flow, alert string) (templates.FlowPage, error) {
	sealed, err := h.oauth.Seal(f.issuer, f.request, f.browser)
	return templates.FlowPage{Brand: brandOf(f.issuer), ClientName: f.client.Name, ServerName: f.resource.Name,
		Request: sealed, Alert: alert}, err
}

// brandOf is what the pages and messages of an issuer show of the project.
func brandOf(issuer *oauth.Issuer) templates.Brand {
	b := issuer.Brand
	shown := templates.Brand{Unbadged: issuer.Unbadged, Name: issuer.Name, Title: b.Title, Text: b.Text, SupportURL: b.SupportURL, TermsURL: b.TermsURL, PrivacyURL: b.PrivacyURL,
		ButtonBackground: b.MailBackground, ButtonText: b.MailText}
	if name := b.StylesheetName(); name != "" {
		shown.StylesheetURL = issuer.URL + pathBrand + name
	}
	if name := b.LogoName(); name != "" {
		shown.LogoURL = issuer.URL + pathBrand + name
	}
	return shown
}
