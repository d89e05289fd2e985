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
	"mcpauth.example/tenants"
)

// tooManyMessages is said of an address that was sent enough.
const tooManyMessages = "Too many messages went to this address. Wait an hour, or use another one."

// service is the name under which the service writes to its own members.
const service = "mcpauth"

func (d *dashboard) showSignUp(v *request) error {
	return d.renderSignUp(v, http.StatusOK, nil, nil, "")
}

// signUp sends a code. What it answers does not depend on whether the address has an account (catalogue 105).
func (d *dashboard) signUp(v *request) error {
	form, err := web.Form(v)
	if err != nil {
		return err
	}
	organization, nameErr := tenants.ParseName(form.Get("name"))
	_, emailErr := signin.ParseEmail(form.Get("email"))
	err = errors.Join(nameErr, emailErr)
	if form.Get("password") != "" {
		err = errors.Join(err, signin.CheckPassword(form.Get("password")))
	}
	var challenge id.ID
	if err == nil {
		err = d.Limits.Mail(v.ctx(), realm, web.Source(v))
	}
	if err == nil {
		challenge, err = d.SignIn.BeginSignUp(v.ctx(), d.Accounts, signin.SignUp{
			Email: form.Get("email"), Password: form.Get("password"), NoPassword: true, Detail: organization, Browser: d.browser(v),
		}, d.signUpMail(v.ctx()))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderSignUp(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, signin.ErrTooMany) {
		return d.renderSignUp(v, http.StatusTooManyRequests, form, nil, tooManyMessages)
	}
	if err != nil {
		return err
	}
	d.cookies.Set(v, cookieSignUp, secret.Encode([]byte(challenge.String()+" "+form.Get("email"))), signin.CodeLifetime)
	return seeOther(v, pathSignUpCode)
}

func (d *dashboard) renderSignUp(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	view := templates.MemberSignUpPage{
		Action: pathSignUp, SignInHref: pathSignIn, Alert: alert, PasswordMin: signin.MinPassword,
		Organization: field(form, "name", problems["name"]+problems["detail"]),
		Email:        field(form, "email", problems["email"]), Password: templates.Field{Error: problems["password"]},
	}
	if d.GitHub != nil {
		view.GitHubHref = pathGitHub
	}
	return web.Render(v, status, templates.MemberSignUp(view))
}

func (d *dashboard) showCode(v *request) error {
	challenge, email := d.pendingSignUp(v)
	if challenge == "" {
		return seeOther(v, pathSignUp)
	}
	return d.renderCode(v, http.StatusOK, challenge, email, "")
}

// finishSignUp takes the code, which works in the browser that asked for it only (catalogue 112).
func (d *dashboard) finishSignUp(v *request) error {
	form, err := web.Form(v)
	if err != nil {
		return err
	}
	account, err := d.redeemCode(v, form)
	if err != nil {
		message := "This code is wrong, used or older than ten minutes. Check the latest message, or start again."
		if problems, ok := fieldErrors(err); ok {
			message = problems["code"]
		} else if !errors.Is(err, signin.ErrCode) && !errors.Is(err, signin.ErrNotFound) && !errors.Is(err, signin.ErrConflict) {
			return err
		}
		_, email := d.pendingSignUp(v)
		return d.renderCode(v, http.StatusUnprocessableEntity, form.Get("challenge"), email, message)
	}
	if err := d.begin(v, account); err != nil {
		return err
	}
	d.cookies.Clear(v, cookieSignUp)
	return seeOther(v, pathDashboard)
}

func (d *dashboard) redeemCode(v *request, form url.Values) (signin.Account, error) {
	if err := d.Limits.Code(realm, web.Source(v)); err != nil {
		return signin.Account{}, err
	}
	challenge, err := id.Parse(form.Get("challenge"))
	if err != nil {
		return signin.Account{}, signin.ErrNotFound
	}
	return d.SignIn.FinishSignUp(v.ctx(), d.Accounts, challenge, form.Get("code"), d.cookies.Get(v, cookieBrowser))
}

func (d *dashboard) renderCode(v *request, status int, challenge, email, problem string) error {
	return web.Render(v, status, templates.MemberCode(templates.MemberCodePage{
		Action: pathSignUpCode, Email: email, Challenge: challenge, RestartHref: pathSignUp, Code: templates.Field{Error: problem},
	}))
}

// browser is the opaque value of this browser, given at its first sign-up. It stays the same, so that two tabs finish independently.
func (d *dashboard) browser(v *request) string {
	if value := d.cookies.Get(v, cookieBrowser); len(value) == len(secret.Token("")) {
		return value
	}
	value := secret.Token("")
	d.cookies.Set(v, cookieBrowser, value, 0)
	return value
}

// pendingSignUp is what the browser remembers of the code on its way. It is shown, and trusted for nothing.
func (d *dashboard) pendingSignUp(v *request) (challenge, email string) {
	text, err := secret.Decode(d.cookies.Get(v, cookieSignUp))
	challenge, email, _ = strings.Cut(string(text), " ")
	if _, invalid := id.Parse(challenge); err != nil || invalid != nil {
		return "", ""
	}
	return challenge, email
}

// signUpMail renders the message with the code, or the one for somebody who has an account already.
func (d *dashboard) signUpMail(ctx context.Context) func(code string, known bool) (mail.Message, error) {
	return func(code string, known bool) (mail.Message, error) {
		brand := templates.Brand{Name: service}
		view := templates.CodeMail{
			Brand: brand, Code: code, Minutes: int(signin.CodeLifetime / time.Minute), Requested: "create your account at " + service,
		}
		message := mail.Message{FromName: service, Subject: "Your code for " + service, Text: templates.CodeMailText(view)}
		body := templates.CodeMailHTML(view)
		if known {
			view := templates.KnownAddressMail{Brand: brand, SignInURL: d.BaseURL + pathSignIn}
			message.Subject, message.Text = "You already have an account at "+service, templates.KnownAddressMailText(view)
			body = templates.KnownAddressMailHTML(view)
		}
		var html strings.Builder
		err := body.Render(ctx, &html)
		message.HTML = html.String()
		return message, err
	}
}
