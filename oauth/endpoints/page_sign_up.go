package endpoints

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// signUpPage shows the form and takes it. What it answers does not depend on whether the address has an account (catalogue 105).
func (h *Handler) signUpPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if !f.issuer.SignUpOpen || !f.issuer.OffersSignIn(tenants.SignInPassword) { // catalogue 137
		return h.closed(c, f)
	}
	if !form.Has("email") {
		quiet(c)
		return h.renderSignUp(c, http.StatusOK, f, signInForm{})
	}
	signUp := signin.SignUp{Email: form.Get("email"), Password: form.Get("password"), Browser: f.browser}
	render := func(code string, known bool) (mail.Message, error) {
		return codeMail(c.Request().Context(), f.issuer, code, known)
	}
	if err := h.limits.Mail(c.Request().Context(), f.issuer.ID.String(), web.Source(c)); err != nil {
		return err
	}
	challenge, err := h.signin.BeginSignUp(c.Request().Context(), h.accounts(f.issuer.ID), signUp, render)
	noteSignIn(c, err)
	var field signin.FieldError
	switch {
	case errors.As(err, &field):
		shown := signInForm{email: form.Get("email"), emailError: field.Message}
		if field.Field == "password" {
			shown.emailError, shown.passwordError = "", field.Message
		}
		return h.renderSignUp(c, http.StatusUnprocessableEntity, f, shown)
	case errors.Is(err, signin.ErrTooMany):
		shown := signInForm{email: form.Get("email"), alert: tooManyMails}
		return h.renderSignUp(c, http.StatusTooManyRequests, f, shown)
	case err != nil:
		return fault(err)
	}
	quiet(c)                                                   // the account is made when the code comes
	f.request.LoginHint = strings.TrimSpace(form.Get("email")) // travels sealed, to be shown beside the code
	return h.renderCode(c, http.StatusOK, f, challenge.String(), "")
}

// signUpCodePage takes the code. It works only in the browser that asked for it (catalogue 112).
func (h *Handler) signUpCodePage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if err := h.limits.Code(f.issuer.ID.String(), web.Source(c)); err != nil {
		return err
	}
	if !f.issuer.SignUpOpen || !f.issuer.OffersSignIn(tenants.SignInPassword) {
		return h.closed(c, f)
	}
	account, err := h.finishSignUp(c, f, form)
	noteSignIn(c, err)
	if problem, ok := codeProblem(err); ok {
		return h.renderCode(c, http.StatusUnprocessableEntity, f, form.Get("challenge"), problem)
	}
	if err != nil {
		return fault(err)
	}
	return h.begin(c, f, account, signin.Way{Method: tenants.SignInPassword})
}

func (h *Handler) finishSignUp(c echo.Context, f *flow, form url.Values) (signin.Account, error) {
	id, err := id.Parse(form.Get("challenge"))
	if err != nil {
		return signin.Account{}, signin.ErrNotFound
	}
	return h.signin.FinishSignUp(c.Request().Context(), h.accounts(f.issuer.ID), id, form.Get("code"), f.browser)
}

func (h *Handler) renderSignUp(c echo.Context, status int, f *flow, shown signInForm) error {
	page, err := h.page(f, shown.alert)
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.SignUp(templates.SignUpPage{FlowPage: page, Action: f.issuer.URL + pathSignUp,
		SignInAction: f.issuer.URL + pathSignIn, Email: templates.Field{Value: shown.email, Error: shown.emailError},
		Password: templates.Field{Error: shown.passwordError}, PasswordMin: signin.MinPassword}))
}

func (h *Handler) renderCode(c echo.Context, status int, f *flow, challenge, problem string) error {
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.Code(templates.CodePage{FlowPage: page, Action: f.issuer.URL + pathSignUpCode, Email: f.request.LoginHint,
		Challenge: challenge, Code: templates.Field{Error: problem}, Restart: f.issuer.URL + pathSignUp}))
}

// codeMail renders the message of a sign-up in the project's name.
func codeMail(ctx context.Context, issuer *oauth.Issuer, code string, known bool) (mail.Message, error) {
	brand := brandOf(issuer)
	message := mail.Message{FromName: issuer.Name, Subject: "Your code for " + issuer.Name}
	view := templates.CodeMail{Brand: brand, Code: code, Minutes: int(signin.CodeLifetime / time.Minute),
		Requested: "create your account at " + issuer.Name}
	body, text := templates.CodeMailHTML(view), templates.CodeMailText(view)
	if known {
		message.Subject = "You already have an account at " + issuer.Name
		view := templates.KnownAddressMail{Brand: brand}
		body, text = templates.KnownAddressMailHTML(view), templates.KnownAddressMailText(view)
	}
	return filled(ctx, message, body, text)
}
