package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

// mailSignInCode sends a code. What it answers does not depend on whether the address has an account (catalogue 105).
func (d *dashboard) mailSignInCode(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	_, err = signin.ParseEmail(form.Get("email"))
	var challenge id.ID
	if err == nil {
		err = d.Limits.Mail(v.ctx(), realm, web.Source(v))
	}
	if err == nil {
		challenge, err = d.SignIn.BeginSignIn(v.ctx(), d.Accounts, signin.EmailCode{Email: form.Get("email"), Browser: d.browser(v)}, d.signInMail(v.ctx(), "sign in at "+service))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderSignIn(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, signin.ErrTooMany) {
		return d.renderSignIn(v, http.StatusTooManyRequests, form, nil, tooManyMessages)
	}
	if err != nil {
		return err
	}
	d.cookies.Set(v, cookieSignUp, secret.Encode([]byte(challenge.String()+" "+form.Get("email"))), signin.CodeLifetime)
	return seeOther(v, pathSignInCode+nextOf(form.Get("next")))
}

func nextOf(next string) string {
	if next = web.LocalPath(next, ""); next == "" {
		return ""
	}
	return "?" + url.Values{"next": {next}}.Encode()
}

func (d *dashboard) showSignInCode(v *request) error {
	challenge, email := d.pendingSignUp(v)
	if challenge == "" {
		return seeOther(v, pathSignIn)
	}
	return d.renderSignInCode(v, http.StatusOK, challenge, email, "")
}

func (d *dashboard) renderSignInCode(v *request, status int, challenge, email, problem string) error {
	return web.Render(v, status, templates.MemberCode(templates.MemberCodePage{
		Action: pathSignInCode + nextOf(v.QueryParam("next")), Email: email, Challenge: challenge, RestartHref: pathSignIn, Code: templates.Field{Error: problem},
	}))
}

// signInWithCode takes the code, which works in the browser that asked for it only (catalogue 112).
func (d *dashboard) signInWithCode(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := d.Limits.Code(realm, web.Source(v)); err != nil {
		return err
	}
	challenge, err := id.Parse(form.Get("challenge"))
	var account signin.Account
	if err != nil {
		err = signin.ErrNotFound
	} else {
		account, err = d.SignIn.FinishSignIn(v.ctx(), d.Accounts, challenge, form.Get("code"), d.cookies.Get(v, cookieBrowser), false)
	}
	if err != nil {
		message := "This code is wrong, used or older than ten minutes. Check the latest message, or start again."
		if problems, ok := fieldErrors(err); ok {
			message = problems["code"]
		} else if !errors.Is(err, signin.ErrCode) && !errors.Is(err, signin.ErrNotFound) && !errors.Is(err, signin.ErrBlocked) {
			return err
		}
		_, email := d.pendingSignUp(v)
		return d.renderSignInCode(v, http.StatusUnprocessableEntity, form.Get("challenge"), email, message)
	}
	if err := d.begin(v, account); err != nil {
		return err
	}
	d.cookies.Clear(v, cookieSignUp)
	return seeOther(v, web.LocalPath(v.QueryParam("next"), pathDashboard))
}

// signInMail renders the message with the code, or the one for an address without an account.
func (d *dashboard) signInMail(ctx context.Context, purpose string) func(challenge id.ID, code string, known bool) (mail.Message, error) {
	return func(_ id.ID, code string, known bool) (mail.Message, error) {
		brand := templates.Brand{Name: service}
		view := templates.CodeMail{Brand: brand, Code: code, Minutes: int(signin.CodeLifetime / time.Minute), Requested: purpose}
		message := mail.Message{FromName: service, Subject: "Your code for " + service, Text: templates.CodeMailText(view)}
		body := templates.CodeMailHTML(view)
		if !known {
			view := templates.NoAccountMail{Brand: brand}
			message.Subject, message.Text = "There is no account for this address at "+service, templates.NoAccountMailText(view)
			body = templates.NoAccountMailHTML(view)
		}
		var html strings.Builder
		err := body.Render(ctx, &html)
		message.HTML = html.String()
		return message, err
	}
}
