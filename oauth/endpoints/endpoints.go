// Package endpoints is the door of an issuer: the HTTP handlers of the protocol, and the sign-in, sign-up and consent pages.
//
// A handler parses, calls oauth or signin, and renders. The package must not import another door or internal/postgres; no business
// rule and no SQL lives here.
package endpoints

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// Issuers finds the issuer at an address: an issuer URL without its scheme, lower case, without default port. It returns
// oauth.ErrNotFound for an address that nobody has.
type Issuers interface {
	Resolve(ctx context.Context, address string) (*oauth.Issuer, error)
}

// Config is what the door needs. Every field but TrustedProxies, Limits and Activity is required.
type Config struct {
	OAuth   *oauth.Server
	SignIn  *signin.Service
	Issuers Issuers
	// Accounts of the people of one issuer.
	Accounts func(issuer id.ID) signin.Accounts
	// Identities of these people at other providers, and IdentityProviders that speaks to them.
	Identities        func(issuer id.ID) signin.Identities
	IdentityProviders *signin.IdentityProviders
	// PathPrefix is "/t/" when issuers are told apart by path, empty when by host.
	PathPrefix string
	// BaseURL decides on Strict-Transport-Security.
	BaseURL        string
	TrustedProxies []netip.Prefix
	// Limits of strangers; nil for none.
	Limits *web.Limits
	// Admit decides whether somebody who signed in may connect for the first time, or returns a tenants.LimitError; nil: everybody may.
	Admit func(ctx context.Context, issuer, user id.ID) error
	// Reviews tells people on the consent page when nobody has checked who runs the project.
	Reviews bool
	// Activity keeps the connection timeline; nil: nobody does.
	Activity Activity
	Now      func() time.Time
	Log      *slog.Logger
}

// Handler answers requests to issuers.
type Handler struct {
	oauth      *oauth.Server
	signin     *signin.Service
	issuers    Issuers
	accounts   func(id.ID) signin.Accounts
	identities func(id.ID) signin.Identities
	providers  *signin.IdentityProviders
	pathPrefix string
	limits     *web.Limits
	admit      func(ctx context.Context, issuer, user id.ID) error
	reviews    bool
	activity   Activity
	strangers  *web.Limits // of what they may add to the timeline
	now        func() time.Time
	log        *slog.Logger
	echo       *echo.Echo
}

// New returns the door.
func New(c Config) *Handler {
	h := &Handler{oauth: c.OAuth, signin: c.SignIn, issuers: c.Issuers, accounts: c.Accounts, identities: c.Identities, providers: c.IdentityProviders, pathPrefix: c.PathPrefix, limits: c.Limits,
		admit: c.Admit, reviews: c.Reviews, activity: c.Activity, strangers: web.NewLimits(nil, c.Now), now: c.Now, log: c.Log}
	h.echo = web.New(c.Log, web.TrustedProxies(c.TrustedProxies...))
	h.echo.HTTPErrorHandler = h.renderError
	h.echo.Use(web.SecurityHeaders(web.PolicyFlow, web.HSTS(c.BaseURL), web.OpenableByClients), web.FormOrigin(pathSignInLink, pathEnter), h.crossOrigin, requireIssuer)
	for _, r := range Routes(h) {
		h.echo.Add(r.Method, r.Path, r.Handler, r.Middleware...)
	}
	return h
}

// Route is one row of the endpoint table.
type Route struct {
	Method, Path string
	// Spec is what defines the endpoint.
	Spec       string
	Handler    echo.HandlerFunc
	Middleware []echo.MiddlewareFunc
}

// Routes lists every endpoint of an issuer, in the order of the README's table.
func Routes(h *Handler) []Route {
	size := web.MaxBody(oauth.TokenFormMax)
	form := []echo.MiddlewareFunc{h.limited("page", perSourcePage), size}
	token := []echo.MiddlewareFunc{h.limited("token", perSourceToken), size}
	step := func(step tenants.Step, middleware ...echo.MiddlewareFunc) []echo.MiddlewareFunc {
		return slices.Concat([]echo.MiddlewareFunc{h.recorded(step)}, middleware)
	}
	guard := []echo.MiddlewareFunc{h.limited("guard", perSourceGuard), size}
	authorize := []echo.MiddlewareFunc{h.limited("authorize", perSourceAuthorize)}
	registration := []echo.MiddlewareFunc{h.limited("register", perSourceRegister, perProjectRegister), web.MaxBody(oauth.RegistrationMax)}
	management := []echo.MiddlewareFunc{h.limited("manage", perSourceRegister), web.MaxBody(oauth.RegistrationMax)}
	routes := []Route{
		{http.MethodGet, oauth.PathMetadata, "RFC 8414", h.metadata, step(tenants.StepMetadata)},
		{http.MethodGet, oauth.PathJWKS, "RFC 7517", h.jwks, nil},
		{http.MethodPost, oauth.PathRegister, "RFC 7591", h.register, step(tenants.StepRegistration, registration...)},
		{http.MethodGet, oauth.PathClient, "RFC 7592", h.registration, management},
		{http.MethodPut, oauth.PathClient, "RFC 7592", h.replaceRegistration, management},
		{http.MethodDelete, oauth.PathClient, "RFC 7592", h.deleteRegistration, management},
		{http.MethodGet, oauth.PathAuthorize, "OAuth 2.1, RFC 7636, RFC 8707, RFC 9207", h.authorize, step(tenants.StepAuthorize, authorize...)},
		{http.MethodPost, oauth.PathToken, "OAuth 2.1, RFC 9068", h.token, step(tenants.StepToken, token...)},
		{http.MethodPost, oauth.PathIntrospect, "RFC 7662", h.introspect, step(tenants.StepCall, guard...)},
		{http.MethodPost, oauth.PathRevoke, "RFC 7009", h.revoke, step(tenants.StepRevoke, token...)},
		{http.MethodGet, oauth.PathServer, "mcpauth guard configuration", h.guardConfiguration, guard},
		{http.MethodGet, oauth.PathRevocations, "mcpauth revocation feed", h.revocations, guard},
		{http.MethodPost, oauth.PathCalls, "mcpauth reports of use", h.recordCalls, guard},
		{http.MethodPost, pathSignIn, "page", h.signInPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathEmailCode, "page", h.emailCodePage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathSignInCode, "page", h.signInCodePage, step(tenants.StepSignIn, form...)},
		{http.MethodGet, pathSignInLink, "page", h.signInLinkPage, authorize},
		{http.MethodPost, pathPasskey, "WebAuthn level 3", h.passkeyPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathSecond, "RFC 6238", h.secondFactorPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathNewPasskey, "WebAuthn level 3", h.newPasskeyPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathProvider, "page", h.identityProviderPage, step(tenants.StepSignIn, form...)},
		{http.MethodGet, pathProviderReturn, "OpenID Connect Core, RFC 9207", h.identityProviderReturnPage, step(tenants.StepSignIn, authorize...)},
		{http.MethodGet, pathProviderDone, "page", h.identityProviderDonePage, authorize},
		{http.MethodPost, pathOwn, "page", h.ownPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathExternalLogin, "mcpauth own login", h.externalLogin, guard},
		{http.MethodPost, pathOwnLeft, "mcpauth own login", h.ownLeft, guard},
		{http.MethodGet, pathExternalReturn, "page", h.ownBackPage, step(tenants.StepSignIn, authorize...)},
		{http.MethodPost, pathReset, "page", h.resetPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathResetCode, "page", h.newPasswordPage, step(tenants.StepSignIn, form...)},
		{http.MethodPost, pathSignUp, "page", h.signUpPage, step(tenants.StepSignUp, form...)},
		{http.MethodPost, pathSignUpCode, "page", h.signUpCodePage, step(tenants.StepSignUp, form...)},
		{http.MethodPost, pathConsent, "page", h.consentPage, step(tenants.StepConsent, form...)},
		{http.MethodGet, pathBrand + ":file", "page", h.brandFile, nil},
		{http.MethodGet, pathAccount, "page", h.accountPage, authorize},
		{http.MethodGet, pathAllow, "page", h.allowMorePage, authorize},
		{http.MethodPost, pathAllow, "page", h.allowedMorePage, form},
		{http.MethodGet, pathEnter, "page", h.enterPage, authorize},
		{http.MethodPost, pathEnter, "page", h.enteredPage, form},
		{http.MethodPost, pathDisconnect, "page", h.disconnectPage, form},
		{http.MethodPost, pathSessions, "page", h.sessionsPage, form},
		{http.MethodPost, pathPassword, "page", h.passwordPage, form},
		{http.MethodPost, pathPasskeys, "page", h.passkeysPage, form},
		{http.MethodPost, pathTwoStep, "page", h.twoStepPage, form},
		{http.MethodPost, pathDelete, "page", h.deletePage, form},
		{http.MethodGet, pathDone, "page", h.donePage, authorize},
	}
	for _, r := range routes[:2] { // documents are also asked for with HEAD, and by some clients with a trailing slash (P2)
		routes = append(routes,
			Route{http.MethodHead, r.Path, r.Spec, r.Handler, r.Middleware},
			Route{http.MethodGet, r.Path + "/", r.Spec, r.Handler, r.Middleware})
	}
	return routes
}
