package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

// again begins the names of the fields of the page that asks a member to confirm; all others belong to the form that waits.
const again = "again_"

// notKept are fields that no page shows again.
var notKept = []string{"password", "client_secret"}

// proveAgain asks who the member is before something dangerous (catalogue 228). What was sent goes along in the page, so that nothing
// typed is lost.
func (d *dashboard) proveAgain(v *visit) error {
	form := url.Values{}
	if v.Request().Method != http.MethodGet {
		sent, err := v.form()
		if err != nil {
			return err
		}
		form = sent
	}
	form.Set(again+"to", v.Request().URL.RequestURI())
	form.Set(again+"method", v.Request().Method)
	return d.renderConfirm(v, http.StatusForbidden, form, "", nil, "")
}

func (d *dashboard) renderConfirm(v *visit, status int, form url.Values, challenge string, problems map[string]string, alert string) error {
	_, hash, err := d.Accounts.FindByEmail(v.ctx(), v.session.Account.Email)
	if err != nil {
		return err
	}
	view := templates.ConfirmPage{Shell: d.shell(v, "Confirm that it is you", ""), Action: pathConfirm, To: form.Get(again + "to"), Method: form.Get(again + "method"), HasPassword: hash != "",
		Challenge: challenge, Password: templates.Field{Error: problems["password"]}, Code: templates.Field{Error: problems["code"]}, Alert: alert, BackHref: pathDashboard}
	for name, values := range form {
		for _, value := range values {
			if !strings.HasPrefix(name, again) && !slices.Contains(notKept, name) {
				view.Kept = append(view.Kept, templates.Choice{Value: name, Label: value})
			}
		}
	}
	return web.Render(v, status, templates.ConfirmIdentity(view))
}

// confirmIdentity takes the proof, begins a new session with it, and lets the browser send again what waited: with 307 it repeats this
// very form, of which the page that waited reads its own fields.
func (d *dashboard) confirmIdentity(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	var account signin.Account
	switch form.Get(again + "how") {
	case "send":
		return d.sendConfirmCode(v, form)
	case "code":
		account, err = d.confirmByCode(v, form)
	default:
		if err = d.Limits.SignIn(v.ctx(), realm, v.session.Account.Email, web.Source(v)); err == nil {
			account, err = d.SignIn.SignIn(v.ctx(), d.Accounts, v.session.Account.Email, form.Get(again+"password"))
		}
	}
	switch problems, isField := fieldErrors(err); {
	case isField:
		return d.renderConfirm(v, http.StatusUnprocessableEntity, form, form.Get(again+"challenge"), problems, "")
	case errors.Is(err, signin.ErrWrongPassword):
		return d.renderConfirm(v, http.StatusUnprocessableEntity, form, "", map[string]string{"password": "This is not your password."}, "")
	case errors.Is(err, signin.ErrCode), errors.Is(err, signin.ErrNotFound):
		return d.renderConfirm(v, http.StatusUnprocessableEntity, form, form.Get(again+"challenge"), map[string]string{"code": "This code is wrong, used or older than ten minutes."}, "")
	case err != nil:
		return err
	case account.ID != v.session.Account.ID:
		return errCrossOrigin
	}
	if err := d.begin(v, account); err != nil {
		return err
	}
	to := web.LocalPath(form.Get(again+"to"), pathDashboard)
	if form.Get(again+"method") == http.MethodGet || !strings.HasPrefix(to, pathDashboard+"/") {
		return seeOther(v, to)
	}
	return v.Redirect(http.StatusTemporaryRedirect, to)
}

func (d *dashboard) sendConfirmCode(v *visit, form url.Values) error {
	if err := d.Limits.Mail(v.ctx(), realm, web.Source(v)); err != nil {
		return err
	}
	challenge, err := d.SignIn.BeginSignIn(v.ctx(), d.Accounts, signin.EmailCode{Email: v.session.Account.Email, Browser: d.browser(v)}, d.signInMail(v.ctx(), "confirm that it is you at "+service))
	if errors.Is(err, signin.ErrTooMany) {
		return d.renderConfirm(v, http.StatusTooManyRequests, form, "", nil, tooManyMessages)
	}
	if err != nil {
		return err
	}
	return d.renderConfirm(v, http.StatusOK, form, challenge.String(), nil, "")
}

func (d *dashboard) confirmByCode(v *visit, form url.Values) (signin.Account, error) {
	if err := d.Limits.Code(realm, web.Source(v)); err != nil {
		return signin.Account{}, err
	}
	challenge, err := secret.ParseID(form.Get(again + "challenge"))
	if err != nil {
		return signin.Account{}, signin.ErrNotFound
	}
	return d.SignIn.FinishSignIn(v.ctx(), d.Accounts, challenge, form.Get(again+"code"), d.cookies.Get(v, cookieBrowser), false)
}
