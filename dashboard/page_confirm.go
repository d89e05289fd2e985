package dashboard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

const (
	// purposeWaiting names the sealing key of a form that waits for a proof.
	purposeWaiting = "form-that-waits"
	// waitingLifetime is how long such a form waits: longer than a code that was sent for it.
	waitingLifetime = signin.CodeLifetime + 5*time.Minute
	// maxWaiting bounds the form of this page in bytes: the one that waits, sealed and encoded, and the rest.
	maxWaiting = 2 * maxForm
)

// errNotWaiting is a proof for a form that waited too long, or in another session.
var errNotWaiting = errors.New("no form waits for this proof")

// waiting is what a member asked for before they were asked who they are. The page carries it sealed, with the secrets that were typed,
// for this session: a session ends with the proof, so it is sent once.
type waiting struct {
	Method, Target string
	Form           string // encoded as it came
	Act            string // after "you asked to"
	Back           string // the page that it was sent from
	Until          time.Time
}

// proveAgain asks who the member is before something dangerous (catalogue 228). What was sent goes along in the page, so that nothing
// typed is lost.
func (d *dashboard) proveAgain(v *request, p page) error {
	w := waiting{Method: v.Request().Method, Target: v.Request().URL.RequestURI(), Act: p.proof.act, Back: cameFrom(v.Request()), Until: d.Now().Add(waitingLifetime)}
	if w.Method != http.MethodGet {
		form, err := v.form()
		if err != nil {
			return err
		}
		w.Form = form.Encode()
	}
	return d.waitForProof(v, w)
}

// waitForProof shows the page that asks who the member is, with what is done then.
func (d *dashboard) waitForProof(v *request, w waiting) error {
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false) // a form has many &
	if err := encoder.Encode(w); err != nil {
		return err
	}
	sealed := secret.Encode(d.Keys.Seal(purposeWaiting, raw.Bytes(), v.sitting()))
	return d.renderConfirm(v, http.StatusForbidden, confirmation{sealed: sealed, waiting: w})
}

// cameFrom is the page of this site on which a form was sent.
func cameFrom(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return pathDashboard
	}
	return web.LocalPath(u.RequestURI(), pathDashboard)
}

// waitingForm opens what waits in this session.
func (d *dashboard) waitingForm(v *request, form url.Values) (c confirmation, err error) {
	c = confirmation{sealed: form.Get("waiting"), challenge: form.Get("challenge")}
	raw, err := secret.Decode(c.sealed)
	if err == nil {
		raw, err = d.Keys.Open(purposeWaiting, raw, v.sitting())
	}
	if err != nil || json.Unmarshal(raw, &c.waiting) != nil || !d.Now().Before(c.waiting.Until) {
		return c, errNotWaiting
	}
	return c, nil
}

// confirmation is the page that asks: what waits, and what came of the last try.
type confirmation struct {
	sealed, challenge string
	waiting           waiting
	problems          map[string]string
	alert             string
}

func (d *dashboard) renderConfirm(v *request, status int, c confirmation) error {
	hash, err := d.passwordHash(v)
	if err != nil {
		return err
	}
	view := templates.ConfirmPage{Shell: d.layout(v, "Confirm that it is you", ""), Action: pathConfirm, Act: c.waiting.Act, Waiting: c.sealed, HasPassword: hash != "",
		Challenge: c.challenge, Password: templates.Field{Error: c.problems["password"]}, Code: templates.Field{Error: c.problems["code"]}, Alert: c.alert, BackHref: c.waiting.Back, NoAddress: v.session.Account.Email == ""}
	if view.NoAddress && d.GitHub != nil {
		view.GitHubHref = pathGitHub
	}
	known, err := d.Ways.ListPasskeys(v.ctx(), v.session.Account.ID, d.host())
	if err != nil {
		return err
	}
	if len(known) > 0 {
		ceremony, err := signin.BeginPasskeySignIn(d.BaseURL, service)
		if err != nil {
			return err
		}
		form := d.recordCeremony(v, v.session.ID, ceremony)
		form.Action, form.Label = pathConfirm, "Confirm with a passkey"
		view.Passkey = &form
	}
	return web.Render(v, status, templates.ConfirmIdentity(view))
}

// confirmIdentity takes the proof, begins a new session with it, and goes on with what waited.
func (d *dashboard) confirmIdentity(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	c, err := d.waitingForm(v, form)
	if err != nil {
		return err
	}
	var account signin.Account
	switch form.Get("how") {
	case "send":
		if v.session.Account.Email == "" {
			return tenants.ErrForbidden
		}
		return d.sendConfirmCode(v, c)
	case "code":
		account, err = d.confirmByCode(v, form)
	case "passkey":
		account, err = d.confirmByPasskey(v, form)
	default:
		account, err = d.confirmByPassword(v, form)
	}
	problems, isField := fieldErrors(err)
	switch {
	case isField:
		c.problems = problems
	case errors.Is(err, signin.ErrWrongPassword):
		c.problems = map[string]string{"password": "This is not your password."}
	case errors.Is(err, signin.ErrCode), errors.Is(err, signin.ErrNotFound):
		c.problems = map[string]string{"code": "This code is wrong, used or older than ten minutes."}
	case errors.Is(err, signin.ErrPasskey), err == nil && account.ID != v.session.Account.ID:
		c.alert = "This passkey was not accepted. Try again, or confirm in another way."
	case err != nil:
		return err
	default:
		err := d.beginAs(v, signin.NewSession{Account: account, Replaces: v.session.ID})
		if errors.Is(err, signin.ErrReplaced) {
			return errNotWaiting
		}
		if err != nil {
			return err
		}
		return d.goOn(v, c.waiting)
	}
	return d.renderConfirm(v, http.StatusUnprocessableEntity, c)
}

// goOn does in the new session what waited, as if it were sent now: every check of its page comes again.
func (d *dashboard) goOn(v *request, w waiting) error {
	if w.Method == http.MethodGet {
		return seeOther(v, web.LocalPath(w.Target, pathDashboard))
	}
	u, err := url.ParseRequestURI(w.Target)
	if err != nil {
		return err
	}
	r := v.Request().Clone(v.ctx())
	r.Method, r.URL, r.RequestURI = w.Method, u, w.Target
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(w.Form)), int64(len(w.Form))
	r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationForm)
	v.SetRequest(r)
	v.Echo().Router().Find(r.Method, cmp.Or(u.RawPath, u.Path), v.Context)
	return v.Handler()(v.Context)
}

func (d *dashboard) confirmByPassword(v *request, form url.Values) (signin.Account, error) {
	if err := d.Limits.SignIn(v.ctx(), realm, v.session.Account.Email, web.Source(v)); err != nil {
		return signin.Account{}, err
	}
	return d.SignIn.SignIn(v.ctx(), d.Accounts, v.session.Account.Email, form.Get("password"))
}

func (d *dashboard) confirmByPasskey(v *request, form url.Values) (signin.Account, error) {
	state, err := d.ceremonyOf(v, v.session.ID, form)
	if err != nil {
		return signin.Account{}, err
	}
	return signin.FinishPasskeySignIn(v.ctx(), d.Ways, d.BaseURL, service, state, form.Get("credential"))
}

// here is what a code is bound to: this session in this browser. One that was sent to sign in confirms nothing, and the other way round.
func (d *dashboard) here(v *request) string { return d.browser(v) + " " + v.session.ID.String() }

func (d *dashboard) sendConfirmCode(v *request, c confirmation) error {
	if err := d.Limits.Mail(v.ctx(), realm, web.Source(v)); err != nil {
		return err
	}
	challenge, err := d.SignIn.BeginConfirm(v.ctx(), d.Accounts, signin.EmailCode{Email: v.session.Account.Email, Browser: d.here(v)},
		d.signInMail(v.ctx(), c.waiting.Act+" at "+service))
	if errors.Is(err, signin.ErrTooMany) {
		c.alert = tooManyMessages
		return d.renderConfirm(v, http.StatusTooManyRequests, c)
	}
	if err != nil {
		return err
	}
	c.challenge = challenge.String()
	return d.renderConfirm(v, http.StatusOK, c)
}

func (d *dashboard) confirmByCode(v *request, form url.Values) (signin.Account, error) {
	if err := d.Limits.Code(realm, web.Source(v)); err != nil {
		return signin.Account{}, err
	}
	challenge, err := id.Parse(form.Get("challenge"))
	if err != nil {
		return signin.Account{}, signin.ErrNotFound
	}
	return d.SignIn.FinishConfirm(v.ctx(), d.Accounts, challenge, form.Get("code"), d.here(v))
}
