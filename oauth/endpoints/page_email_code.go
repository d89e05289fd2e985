package endpoints

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// emailCodePage sends a code and a link. Its answer does not depend on whether the address has an account (catalogue 105).
func (h *Handler) emailCodePage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if !f.issuer.OffersSignIn(tenants.SignInEmailCode) {
		return h.switchedOff(c, f)
	}
	quiet(c) // the person signs in when the code comes
	f.request.LoginHint = strings.TrimSpace(form.Get("email"))
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	asked := signin.EmailCode{Email: form.Get("email"), Browser: f.browser, Detail: page.Request, AllowNew: f.issuer.SignUpOpen}
	if err := h.limits.Mail(c.Request().Context(), f.issuer.ID.String(), web.Source(c)); err != nil {
		return err
	}
	challenge, err := h.signin.BeginSignIn(c.Request().Context(), h.accounts(f.issuer.ID), asked, func(id id.ID, code string, known bool) (mail.Message, error) {
		return signInMail(c.Request().Context(), f.issuer, "sign in at "+f.issuer.Name, code, linkOf(f.issuer, id, code), known)
	})
	if err != nil {
		noteSignIn(c, err)
		return h.renderSignInError(c, f, form, err)
	}
	return h.renderSignInCode(c, http.StatusOK, f, challenge.String(), "")
}

// signInCodePage takes the code, typed or from the link. It works only in the browser that asked for it, once (catalogue 110, 112).
func (h *Handler) signInCodePage(c echo.Context) error {
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
	if !f.issuer.OffersSignIn(tenants.SignInEmailCode) {
		return h.switchedOff(c, f)
	}
	id, err := id.Parse(form.Get("challenge"))
	account := signin.Account{}
	switch {
	case err != nil:
		err = signin.ErrNotFound
	case signin.IsReviewerCode(form.Get("code")):
		account, err = h.signin.FinishReview(c.Request().Context(), h.identities(f.issuer.ID), id, form.Get("code"), f.browser)
	default:
		account, err = h.signin.FinishSignIn(c.Request().Context(), h.accounts(f.issuer.ID), id, form.Get("code"), f.browser, f.issuer.SignUpOpen)
	}
	noteSignIn(c, err)
	if problem, ok := codeProblem(err); ok {
		return h.renderSignInCode(c, http.StatusUnprocessableEntity, f, form.Get("challenge"), problem)
	}
	if err != nil {
		return h.renderSignInError(c, f, form, err)
	}
	return h.begin(c, f, account, signin.Way{Method: tenants.SignInEmailCode})
}

// codeProblem is what a person is told of a code that was not taken; false for another error or none.
func codeProblem(err error) (string, bool) {
	var field signin.FieldError
	switch {
	case errors.As(err, &field) && field.Field == "code":
		return field.Message, true
	case errors.Is(err, signin.ErrCode), errors.Is(err, signin.ErrNotFound), errors.Is(err, signin.ErrConflict):
		return "This code is wrong, used or older than ten minutes. Check the latest message, or start again.", true
	}
	return "", false
}

func (h *Handler) renderSignInCode(c echo.Context, status int, f *flow, challenge, problem string) error {
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.Code(templates.CodePage{FlowPage: page, Action: f.issuer.URL + pathSignInCode, Email: f.request.LoginHint,
		Challenge: challenge, Code: templates.Field{Error: problem}, Restart: f.issuer.URL + pathSignIn}))
}

var digits = regexp.MustCompile(`^[0-9]{6}$`)

// signInLinkPage is what the link in a message opens. Opening it changes nothing, since programs open links as well (catalogue 111); in
// another browser than the one that asked it shows the code, for the person to type there (catalogue 112).
func (h *Handler) signInLinkPage(c echo.Context) error {
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	id, badID := id.Parse(query.Get("challenge"))
	if err != nil || badID != nil || len(query) != 2 || len(query["challenge"]) != 1 || len(query["code"]) != 1 || !digits.MatchString(query.Get("code")) {
		return &oauth.Error{Code: oauth.InvalidRequest, Description: "This link is not complete. Open it again from the message, or type the code."}
	}
	issuer := issuerOf(c)
	page := templates.LinkPage{FlowPage: templates.FlowPage{Brand: brandOf(issuer)}, Code: query.Get("code")}
	c.Response().Header().Set("Cache-Control", "no-store")
	on := issuer.OffersSignIn(tenants.SignInEmailCode)
	f, err := h.linkFlow(c, id)
	switch {
	case errors.Is(err, signin.ErrNotFound) && on:
		return web.Render(c, http.StatusOK, templates.Link(page))
	case errors.Is(err, signin.ErrNotFound):
		return h.switchedOff(c, h.accountFlow(c, false, pathAccount))
	case err != nil:
		return h.renderAuthorizeError(c, err)
	case !on:
		return h.switchedOff(c, f)
	}
	if page.FlowPage, err = h.page(f, ""); err != nil {
		return err
	}
	page.Action, page.Challenge = issuer.URL+pathSignInCode, id.String()
	return web.Render(c, http.StatusOK, templates.Link(page))
}

// linkFlow finds the flow that a link belongs to; ErrNotFound in another browser than the one that asked for the message.
func (h *Handler) linkFlow(c echo.Context, challenge id.ID) (*flow, error) {
	issuer := issuerOf(c)
	browser := cookiesOf(issuer).Get(c, cookiePreSession)
	if browser == "" {
		return nil, signin.ErrNotFound
	}
	sealed, err := h.signin.Pending(c.Request().Context(), h.accounts(issuer.ID), challenge, browser)
	if err != nil {
		return nil, fault(err)
	}
	return h.resume(c, url.Values{"request": {sealed}})
}

// linkOf stands on the issuer's own stored address, whatever the request said of the host (catalogue 114).
func linkOf(issuer *oauth.Issuer, challenge id.ID, code string) string {
	return issuer.URL + pathSignInLink + "?" + url.Values{"challenge": {challenge.String()}, "code": {code}}.Encode()
}

// signInMail renders a message with a code in the project's name; link may be empty.
func signInMail(ctx context.Context, issuer *oauth.Issuer, purpose, code, link string, known bool) (mail.Message, error) {
	brand := brandOf(issuer)
	message := mail.Message{FromName: issuer.Name, Subject: "Your code for " + issuer.Name}
	view := templates.CodeMail{Brand: brand, Code: code, Minutes: int(signin.CodeLifetime / time.Minute), Requested: purpose, Link: link}
	body, text := templates.CodeMailHTML(view), templates.CodeMailText(view)
	if !known {
		message.Subject = "No account at " + issuer.Name
		view := templates.NoAccountMail{Brand: brand}
		body, text = templates.NoAccountMailHTML(view), templates.NoAccountMailText(view)
	}
	return filled(ctx, message, body, text)
}

func filled(ctx context.Context, message mail.Message, body templ.Component, text string) (mail.Message, error) {
	var html strings.Builder
	err := body.Render(ctx, &html)
	message.HTML, message.Text = html.String(), text
	return message, err
}
