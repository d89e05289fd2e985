package dashboard

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// purposeCeremony names the sealing key of a challenge for a passkey.
const purposeCeremony = "dashboard-passkey"

// recordCeremony seals a challenge for this browser, and for what it is for: signing in, or the account that gets a passkey (catalogue 126).
func (d *dashboard) recordCeremony(v *request, account id.ID, ceremony signin.Ceremony) templates.PasskeyForm {
	sealed := d.Keys.Seal(purposeCeremony, ceremony.State, secret.Join(secret.Hash(d.browser(v)), account[:]))
	return templates.PasskeyForm{Options: string(ceremony.Options), Ceremony: secret.Encode(sealed)}
}

func (d *dashboard) ceremonyOf(v *request, account id.ID, form url.Values) ([]byte, error) {
	browser := d.cookies.Get(v, cookieBrowser)
	raw, err := secret.Decode(form.Get("ceremony"))
	if err == nil {
		raw, err = d.Keys.Open(purposeCeremony, raw, secret.Join(secret.Hash(browser), account[:]))
	}
	if err != nil || browser == "" || len(form.Get("credential")) > signin.PasskeyAnswerMax {
		return nil, signin.ErrPasskey
	}
	return raw, nil
}

// passkeyWay is the button of the sign-in page, with a challenge that nothing is written for.
func (d *dashboard) passkeyWay(v *request) (*templates.PasskeyForm, error) {
	ceremony, err := signin.BeginPasskeySignIn(d.BaseURL, service)
	if err != nil {
		return nil, err
	}
	form := d.recordCeremony(v, id.ID{}, ceremony)
	form.Action, form.Label = pathSignInPasskey, "Sign in with a passkey"
	return &form, nil
}

// signInWithPasskey takes the answer of a passkey.
func (d *dashboard) signInWithPasskey(v *request) error {
	form, err := web.Form(v)
	if err != nil {
		return err
	}
	state, err := d.ceremonyOf(v, id.ID{}, form)
	var account signin.Account
	if err == nil {
		account, err = signin.FinishPasskeySignIn(v.ctx(), d.Ways, d.BaseURL, service, state, form.Get("credential"))
	}
	if errors.Is(err, signin.ErrPasskey) || errors.Is(err, signin.ErrBlocked) {
		return d.renderSignIn(v, http.StatusUnprocessableEntity, form, nil, "This passkey was not accepted. Try again, or sign in in another way.")
	}
	if err != nil {
		return err
	}
	if err := d.begin(v, account); err != nil {
		return err
	}
	return seeOther(v, web.LocalPath(form.Get("next"), pathDashboard))
}

// showPasskeys adds the member's passkeys and the form for another one to their page.
func (d *dashboard) showPasskeys(v *request, view *templates.MemberAccountPage) error {
	known, err := d.Ways.ListPasskeys(v.ctx(), v.session.Account.ID, d.host())
	if err != nil {
		return err
	}
	for _, k := range known {
		view.Passkeys = append(view.Passkeys, templates.PasskeyLine{ID: base64.RawURLEncoding.EncodeToString(k.ID), Agent: k.Agent, Since: k.CreatedAt, LastUsed: k.LastUsedAt})
	}
	ceremony, err := signin.BeginPasskey(v.ctx(), d.Ways, d.BaseURL, service, v.session.Account)
	if err != nil {
		return err
	}
	form := d.recordCeremony(v, v.session.Account.ID, ceremony)
	form.Action, form.Label, form.New = pathPasskeys, "Add a passkey", true
	view.NewPasskey = &form
	return nil
}

// host is the relying party id of the dashboard (WebAuthn section 5.1.3).
func (d *dashboard) host() string {
	u, err := url.Parse(d.BaseURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// changePasskeys adds a passkey or removes one.
func (d *dashboard) changePasskeys(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if remove := form.Get("remove"); remove != "" {
		id, err := base64.RawURLEncoding.DecodeString(remove)
		if err != nil {
			return tenants.ErrNotFound
		}
		if err := d.Ways.RemovePasskey(v.ctx(), v.session.Account.ID, d.host(), id); err != nil {
			return err
		}
		return d.done(v, pathAccount, "The passkey no longer signs you in.")
	}
	state, err := d.ceremonyOf(v, v.session.Account.ID, form)
	if err == nil {
		err = signin.FinishPasskey(v.ctx(), d.Ways, d.BaseURL, service, v.session.Account, state, form.Get("credential"), v.Request().UserAgent())
	}
	switch {
	case errors.Is(err, signin.ErrTooMany):
		return d.renderAccount(v, http.StatusUnprocessableEntity, accountProblems{passkey: "You have as many passkeys as an account can have. Remove one first."})
	case errors.Is(err, signin.ErrPasskey):
		return d.renderAccount(v, http.StatusUnprocessableEntity, accountProblems{passkey: "The passkey was not saved. Try again."})
	case err != nil:
		return err
	}
	return d.done(v, pathAccount, "The passkey signs you in from now on.")
}
