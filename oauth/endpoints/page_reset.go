package endpoints

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// resetPage asks for an address, and sends a code there that sets a new password. It tells nothing about the address (catalogue 105).
func (h *Handler) resetPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if !f.issuer.OffersSignIn(tenants.SignInPassword) {
		return h.switchedOff(c, f)
	}
	quiet(c)
	if !form.Has("email") {
		return h.renderReset(c, http.StatusOK, f, signInForm{email: f.request.LoginHint})
	}
	if err := h.limits.Mail(c.Request().Context(), f.issuer.ID.String(), web.Source(c)); err != nil {
		return err
	}
	asked := signin.EmailCode{Email: form.Get("email"), Browser: f.browser}
	challenge, err := h.signin.BeginReset(c.Request().Context(), h.accounts(f.issuer.ID), asked, func(_ id.ID, code string, known bool) (mail.Message, error) {
		return signInMail(c.Request().Context(), f.issuer, "set a new password at "+f.issuer.Name, code, "", known)
	})
	noteSignIn(c, err)
	var field signin.FieldError
	switch {
	case errors.As(err, &field):
		return h.renderReset(c, http.StatusUnprocessableEntity, f, signInForm{email: form.Get("email"), emailError: field.Message})
	case errors.Is(err, signin.ErrTooMany):
		return h.renderReset(c, http.StatusTooManyRequests, f, signInForm{email: form.Get("email"), alert: tooManyMails})
	case err != nil:
		return fault(err)
	}
	f.request.LoginHint = strings.TrimSpace(form.Get("email"))
	return h.renderNewPassword(c, http.StatusOK, f, challenge.String(), "", "")
}

// newPasswordPage takes the code and the new password (catalogue 130).
func (h *Handler) newPasswordPage(c echo.Context) error {
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
	if !f.issuer.OffersSignIn(tenants.SignInPassword) {
		return h.switchedOff(c, f)
	}
	id, err := id.Parse(form.Get("challenge"))
	account := signin.Account{}
	if err != nil {
		err = signin.ErrNotFound
	} else {
		account, err = h.signin.FinishReset(c.Request().Context(), h.accounts(f.issuer.ID), id, form.Get("code"), f.browser, form.Get("password"))
	}
	noteSignIn(c, err)
	if problem, ok := codeProblem(err); ok {
		return h.renderNewPassword(c, http.StatusUnprocessableEntity, f, form.Get("challenge"), problem, "")
	}
	var field signin.FieldError
	switch {
	case errors.As(err, &field):
		return h.renderNewPassword(c, http.StatusUnprocessableEntity, f, form.Get("challenge"), "", field.Message)
	case errors.Is(err, signin.ErrElsewhere):
		return h.refused(c, f, err)
	case err != nil:
		return h.renderSignInError(c, f, form, err)
	}
	return h.begin(c, f, account, signin.Way{Method: tenants.SignInPassword})
}

func (h *Handler) renderReset(c echo.Context, status int, f *flow, shown signInForm) error {
	page, err := h.page(f, shown.alert)
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.Reset(templates.ResetPage{FlowPage: page, Action: f.issuer.URL + pathReset,
		SignInAction: f.issuer.URL + pathSignIn, Email: templates.Field{Value: shown.email, Error: shown.emailError}}))
}

func (h *Handler) renderNewPassword(c echo.Context, status int, f *flow, challenge, codeError, passwordError string) error {
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.NewPassword(templates.NewPasswordPage{FlowPage: page, Action: f.issuer.URL + pathResetCode, Email: f.request.LoginHint,
		Challenge: challenge, Code: templates.Field{Error: codeError}, Password: templates.Field{Error: passwordError}, PasswordMin: signin.MinPassword,
		Restart: f.issuer.URL + pathReset}))
}
