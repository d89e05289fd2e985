package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

// sessionLifetime is how long a member stays signed in.
const sessionLifetime = 7 * 24 * time.Hour

func (d *dashboard) showSignIn(v *request) error {
	form := url.Values{"next": {v.QueryParam("next")}}
	return d.renderSignIn(v, http.StatusOK, form, nil, "")
}

func (d *dashboard) signIn(v *request) error {
	form, err := web.Form(v)
	if err != nil {
		return err
	}
	if err := d.Limits.SignIn(v.ctx(), realm, form.Get("email"), web.Source(v)); err != nil {
		return err
	}
	account, err := d.SignIn.SignIn(v.ctx(), d.Accounts, form.Get("email"), form.Get("password"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderSignIn(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, signin.ErrWrongPassword) {
		return d.renderSignIn(v, http.StatusUnprocessableEntity, form, nil, "This e-mail address and password do not belong together.")
	}
	if err != nil {
		return err
	}
	if err := d.begin(v, account); err != nil {
		return err
	}
	return seeOther(v, web.LocalPath(form.Get("next"), pathDashboard))
}

func (d *dashboard) renderSignIn(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	passkey, err := d.passkeyWay(v)
	if err != nil {
		return err
	}
	next := web.LocalPath(form.Get("next"), "")
	view := templates.MemberSignInPage{
		Action: pathSignIn, CodeAction: pathSignInMail, SignUpHref: pathSignUp, Alert: alert, Next: next, Passkey: passkey,
		Email: field(form, "email", problems["email"]), Password: templates.Field{Error: problems["password"]},
	}
	if d.GitHub != nil {
		view.GitHubHref = pathGitHub + nextOf(next)
	}
	return web.Render(v, status, templates.MemberSignIn(view))
}

// begin gives whoever has just proved who they are a session of its own (catalogue 106), and ends the one that was there.
func (d *dashboard) begin(v *request, account signin.Account) error {
	if err := d.endSession(v); err != nil {
		return err
	}
	return d.beginAs(v, signin.NewSession{Account: account})
}

// beginAs begins the session in this browser.
func (d *dashboard) beginAs(v *request, asked signin.NewSession) error {
	asked.Lifetime, asked.Agent = sessionLifetime, v.Request().UserAgent()
	token, _, err := d.SignIn.NewSession(v.ctx(), d.Accounts, asked)
	if err != nil {
		return err
	}
	d.cookies.Set(v, cookieSession, token, sessionLifetime)
	v.Set(cookieSession, token)
	return nil
}

// signOut ends the session on the server, not only in the browser (catalogue 133).
func (d *dashboard) signOut(v *request) error {
	if err := d.endSession(v); err != nil {
		return err
	}
	d.cookies.Clear(v, cookieSession)
	return seeOther(v, pathSignIn)
}

// endSession is content when there is none.
func (d *dashboard) endSession(v *request) error {
	session, err := d.sessionOf(v)
	if err == nil {
		err = d.Accounts.EndSession(v.ctx(), session.ID)
	}
	if errors.Is(err, signin.ErrNotFound) {
		return nil
	}
	return err
}
