package endpoints

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// sessionLifetime is how long a person stays signed in at an issuer.
const sessionLifetime = 7 * 24 * time.Hour

const tooManyMails = "Too many messages went to this address. Wait an hour, or use another one."

type signInForm struct {
	email, emailError, passwordError, alert string
}

// signInPage shows the form, also as "use another account", and takes it.
func (h *Handler) signInPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if !form.Has("email") {
		quiet(c)
		return h.renderSignIn(c, http.StatusOK, f, signInForm{})
	}
	if !f.issuer.OffersSignIn(tenants.SignInPassword) {
		return h.switchedOff(c, f)
	}
	if err := h.limits.SignIn(c.Request().Context(), f.issuer.ID.String(), form.Get("email"), web.Source(c)); err != nil {
		return h.renderSignInError(c, f, form, err)
	}
	account, err := h.signin.SignIn(c.Request().Context(), h.accounts(f.issuer.ID), form.Get("email"), form.Get("password"))
	if err != nil {
		return h.renderSignInError(c, f, form, err)
	}
	return h.begin(c, f, account, signin.Way{Method: tenants.SignInPassword})
}

func (h *Handler) renderSignInError(c echo.Context, f *flow, form url.Values, err error) error {
	noteSignIn(c, err)
	shown := signInForm{email: form.Get("email")}
	var field signin.FieldError
	var often *web.TooManyError
	switch {
	case errors.As(err, &often):
		often.SetRetryAfter(c.Response().Header())
		shown.alert = "Too many attempts. Wait a minute, then try again."
		return h.renderSignIn(c, http.StatusTooManyRequests, f, shown)
	case errors.As(err, &field):
		if shown.emailError = field.Message; field.Field == "password" {
			shown.emailError, shown.passwordError = "", field.Message
		}
		return h.renderSignIn(c, http.StatusUnprocessableEntity, f, shown)
	case errors.Is(err, signin.ErrTooMany):
		shown.alert = tooManyMails
		return h.renderSignIn(c, http.StatusTooManyRequests, f, shown)
	case errors.Is(err, signin.ErrBlocked): // told to whoever can read the account's mail
		shown.alert = "This account is blocked. Ask the people of " + f.issuer.Name + "."
		return h.renderSignIn(c, http.StatusForbidden, f, shown)
	case errors.Is(err, signin.ErrWrongPassword):
		shown.alert = "This e-mail address and password do not belong together."
		return h.renderSignIn(c, http.StatusUnauthorized, f, shown)
	default:
		return fault(err)
	}
}

// noteSignIn says for the timeline why a sign-in or sign-up did not succeed, without what was typed.
func noteSignIn(c echo.Context, err error) {
	var field signin.FieldError
	switch {
	case err == nil:
	case errors.As(err, &field):
		failed(c, &oauth.Error{Code: oauth.InvalidRequest, Parameter: field.Field, Description: field.Message})
	case errors.Is(err, signin.ErrWrongPassword):
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "password", Description: "The e-mail address and the password do not belong together."})
	case errors.Is(err, signin.ErrCode), errors.Is(err, signin.ErrNotFound), errors.Is(err, signin.ErrConflict):
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "code", Description: "The code is not the latest one, was used, or is older than ten minutes."})
	case errors.Is(err, signin.ErrBlocked):
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "account", Description: "The account is blocked."})
	case errors.Is(err, signin.ErrTooMany):
		failed(c, &oauth.Error{Code: oauth.TooManyRequests, Parameter: "email", Description: "Too many messages were asked for."})
	default:
		failed(c, err)
	}
}

func (h *Handler) renderSignIn(c echo.Context, status int, f *flow, shown signInForm) error {
	page, err := h.page(f, shown.alert)
	if err != nil {
		return err
	}
	view := templates.SignInPage{FlowPage: page, Action: f.issuer.URL + pathSignIn,
		Email: templates.Field{Value: shown.email, Error: shown.emailError}, Password: templates.Field{Error: shown.passwordError}}
	password := f.issuer.OffersSignIn(tenants.SignInPassword)
	if view.NoPassword = !password; password {
		view.ResetAction = f.issuer.URL + pathReset
	}
	if f.issuer.SignUpOpen && password {
		view.SignUpAction = f.issuer.URL + pathSignUp
	}
	if f.issuer.OffersSignIn(tenants.SignInPasskey) {
		way, err := h.passkeyWay(c, f)
		if err != nil {
			return err
		}
		view.Ways = append(view.Ways, way)
	}
	if f.issuer.OffersSignIn(tenants.SignInEmailCode) {
		view.Ways = append(view.Ways, templates.SignInWay{ID: "email-code", Label: "E-mail me a code", Action: f.issuer.URL + pathEmailCode, Email: true})
	}
	for _, p := range f.issuer.Providers {
		method, action := tenants.SignInProvider, pathProvider
		if p.Kind == signin.ProviderOwn {
			method, action = tenants.SignInExternal, pathOwn
		}
		if f.issuer.OffersSignIn(method) {
			view.Ways = append(view.Ways, templates.SignInWay{ID: "provider-" + p.ID.String(), Label: "Continue with " + p.Name, Action: f.issuer.URL + action,
				Fields: map[string]string{"provider": p.ID.String()}})
		}
	}
	return web.Render(c, status, templates.SignIn(view))
}

// begin goes on after the first step: to the second one, if the person set it up, and else into a session.
func (h *Handler) begin(c echo.Context, f *flow, account signin.Account, way signin.Way) error {
	pending, err := h.asksSecondFactor(c, f, account, way)
	if err != nil {
		return err
	}
	if pending != "" {
		return h.renderSecondFactor(c, http.StatusOK, f, pending, "", "")
	}
	return h.enter(c, f, account, way)
}

// enter starts a session of its own for everyone who has just proved who they are (catalogue 106), and goes on with the flow.
func (h *Handler) enter(c echo.Context, f *flow, account signin.Account, way signin.Way) error {
	session, err := h.startSession(c, f, account, way)
	if err != nil {
		return h.refused(c, f, err)
	}
	offered, err := h.offerPasskey(c, f, session)
	if err != nil || offered {
		return err
	}
	return h.goOn(c, f, session)
}

// goOn leads to where the person was going.
func (h *Handler) goOn(c echo.Context, f *flow, session signin.Session) error {
	if f.request.Account {
		return c.Redirect(http.StatusSeeOther, f.issuer.URL+f.request.Return)
	}
	return h.renderConsent(c, f, session)
}

func (h *Handler) startSession(c echo.Context, f *flow, account signin.Account, way signin.Way) (signin.Session, error) {
	token, session, err := h.signin.NewSession(c.Request().Context(), h.accounts(f.issuer.ID),
		signin.NewSession{Account: account, Way: way, Lifetime: sessionLifetime, Agent: agent(c)})
	if err != nil {
		return signin.Session{}, fault(err)
	}
	if err := h.endOld(c, f); err != nil {
		return signin.Session{}, err
	}
	cookiesOf(f.issuer).Set(c, cookieSession, token, sessionLifetime)
	f.request.Session = session.ID
	oauth.TraceOf(c.Request().Context()).UserID = account.ID
	return session, nil
}

// endOld ends the session that the browser had before, so that nobody else's stays behind (catalogue 136).
func (h *Handler) endOld(c echo.Context, f *flow) error {
	old, ok, err := h.sessionOf(c, f.issuer)
	if err != nil || !ok {
		return err
	}
	err = h.accounts(f.issuer.ID).EndSession(c.Request().Context(), old.ID)
	if errors.Is(err, signin.ErrNotFound) {
		return nil
	}
	return fault(err)
}
