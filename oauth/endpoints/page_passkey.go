package endpoints

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

const (
	purposeCeremony = "passkey-ceremony"
	// cookieLater says that the person does not want to be offered a passkey for now.
	cookieLater = "mcpauth_later"
	laterFor    = 90 * 24 * time.Hour
)

// ceremonyBinding ties a challenge to the browser, and to what it is for: signing in, or the account that gets a passkey.
func ceremonyBinding(issuer *oauth.Issuer, browser string, account id.ID) []byte {
	return secret.Join(issuer.ID[:], []byte(issuer.URL), secret.Hash(browser), account[:])
}

func (h *Handler) recordCeremony(issuer *oauth.Issuer, browser string, account id.ID, ceremony signin.Ceremony) templates.PasskeyForm {
	sealed := h.signin.Keys.Seal(purposeCeremony, ceremony.State, ceremonyBinding(issuer, browser, account))
	return templates.PasskeyForm{Options: string(ceremony.Options), Ceremony: secret.Encode(sealed)}
}

// ceremonyOf reads what recordCeremony gave to the page. It fails with ErrPasskey for what belongs elsewhere.
func (h *Handler) ceremonyOf(issuer *oauth.Issuer, browser string, account id.ID, form url.Values) ([]byte, error) {
	raw, err := secret.Decode(form.Get("ceremony"))
	if err == nil {
		raw, err = h.signin.Keys.Open(purposeCeremony, raw, ceremonyBinding(issuer, browser, account))
	}
	if err != nil || browser == "" || len(form.Get("credential")) > signin.PasskeyAnswerMax {
		return nil, signin.ErrPasskey
	}
	return raw, nil
}

// withScript lets a page run the one script of ours that it needs.
func withScript(c echo.Context) {
	c.Response().Header().Set("Content-Security-Policy", web.PolicyFlowScript)
}

// passkeyWay is the button of the sign-in page, with a challenge that nothing is written for.
func (h *Handler) passkeyWay(c echo.Context, f *flow) (templates.SignInWay, error) {
	ceremony, err := signin.BeginPasskeySignIn(f.issuer.URL, f.issuer.Name)
	if err != nil {
		return templates.SignInWay{}, err
	}
	withScript(c)
	form := h.recordCeremony(f.issuer, f.browser, id.ID{}, ceremony)
	form.Action, form.Label = f.issuer.URL+pathPasskey, "Sign in with a passkey"
	return templates.SignInWay{ID: "passkey", Passkey: &form}, nil
}

// passkeyPage takes the answer of a passkey (catalogue 126).
func (h *Handler) passkeyPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if !f.issuer.OffersSignIn(tenants.SignInPasskey) {
		return h.switchedOff(c, f)
	}
	state, err := h.ceremonyOf(f.issuer, f.browser, id.ID{}, form)
	if err != nil {
		return h.passkeyFailed(c, f, err)
	}
	account, err := signin.FinishPasskeySignIn(c.Request().Context(), h.identities(f.issuer.ID), f.issuer.URL, f.issuer.Name, state, form.Get("credential"))
	if err != nil {
		return h.passkeyFailed(c, f, err)
	}
	return h.enter(c, f, account, signin.Way{Method: tenants.SignInPasskey}) // the device asked for a second factor of its own: user verification is required
}

func (h *Handler) passkeyFailed(c echo.Context, f *flow, err error) error {
	if !errors.Is(err, signin.ErrPasskey) {
		return h.renderSignInError(c, f, url.Values{}, err)
	}
	failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "credential", Description: "The answer is not that of a passkey of this project: " + firstWords(err)})
	return h.renderSignIn(c, http.StatusUnauthorized, f, signInForm{alert: "This passkey was not accepted. Try again, or sign in in another way."})
}

// offerPasskey asks a person who has none whether they want one, and reports whether it did.
func (h *Handler) offerPasskey(c echo.Context, f *flow, session signin.Session) (bool, error) {
	if !f.issuer.OffersSignIn(tenants.SignInPasskey) || session.Account.Reviewer || cookiesOf(f.issuer).Get(c, cookieLater) != "" {
		return false, nil
	}
	elsewhere, err := h.signsInElsewhere(c, f.issuer, session.Account.ID)
	if err != nil || elsewhere {
		return false, err
	}
	known, err := h.identities(f.issuer.ID).ListPasskeys(c.Request().Context(), session.Account.ID, hostOf(f.issuer))
	if err != nil {
		return false, fault(err)
	}
	if len(known) > 0 {
		return false, nil
	}
	return true, h.renderOffer(c, http.StatusOK, f, session, "")
}

func (h *Handler) renderOffer(c echo.Context, status int, f *flow, session signin.Session, alert string) error {
	ceremony, err := signin.BeginPasskey(c.Request().Context(), h.identities(f.issuer.ID), f.issuer.URL, f.issuer.Name, session.Account)
	if err != nil {
		return fault(err)
	}
	page, err := h.page(f, alert)
	if err != nil {
		return err
	}
	withScript(c)
	form := h.recordCeremony(f.issuer, f.browser, session.Account.ID, ceremony)
	form.Action, form.Label, form.New = f.issuer.URL+pathNewPasskey, "Create a passkey", true
	return web.Render(c, status, templates.OfferPasskey(templates.OfferPasskeyPage{FlowPage: page, Form: form}))
}

// newPasskeyPage saves the passkey of a person who was offered one, or goes on without.
func (h *Handler) newPasskeyPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	quiet(c)
	session, ok, err := h.sessionOf(c, f.issuer)
	if err != nil {
		return err
	}
	if !ok || !h.oauth.AcceptsSession(f.request, session.ID, session.AuthTime) {
		return h.renderSignIn(c, http.StatusOK, f, signInForm{alert: "You are no longer signed in. Sign in to go on."})
	}
	if form.Get("credential") == "" {
		cookiesOf(f.issuer).Set(c, cookieLater, "yes", laterFor)
		return h.goOn(c, f, session)
	}
	if !f.issuer.OffersSignIn(tenants.SignInPasskey) { // since the page was shown: nothing is saved, and nobody has to know
		return h.goOn(c, f, session)
	}
	if h.now().Sub(session.AuthTime) > recently {
		return notOffered()
	}
	err = h.savePasskey(c, f.issuer, f.browser, session, form)
	switch {
	case errors.Is(err, signin.ErrElsewhere), errors.Is(err, signin.ErrNotOffered): // since the page was shown, as above
		return h.goOn(c, f, session)
	case err != nil && !errors.Is(err, signin.ErrPasskey) && !errors.Is(err, signin.ErrTooMany):
		return fault(err)
	case err != nil:
		return h.renderOffer(c, http.StatusUnprocessableEntity, f, session, "The passkey was not saved. Try again, or go on without.")
	}
	return h.goOn(c, f, session)
}

// savePasskey ties a new passkey to the account. What is wrong with it is ErrPasskey, and logged.
func (h *Handler) savePasskey(c echo.Context, issuer *oauth.Issuer, browser string, session signin.Session, form url.Values) error {
	state, err := h.ceremonyOf(issuer, browser, session.Account.ID, form)
	if err == nil {
		err = signin.FinishPasskey(c.Request().Context(), h.identities(issuer.ID), issuer.URL, issuer.Name, session.Account, state, form.Get("credential"), agent(c))
	}
	if err != nil {
		h.log.WarnContext(c.Request().Context(), "a passkey was not saved", "error", err, "request_id", web.RequestID(c))
	}
	return err
}

// hostOf is the relying party id of an issuer (WebAuthn section 5.1.3).
func hostOf(issuer *oauth.Issuer) string {
	u, err := url.Parse(issuer.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// passkeysPage adds a passkey to a person's account, or removes one.
func (h *Handler) passkeysPage(c echo.Context) error {
	return h.accountForm(c, true, func(session signin.Session, form url.Values) error {
		issuer := issuerOf(c)
		if form.Get("remove") != "" {
			id, err := base64.RawURLEncoding.DecodeString(form.Get("remove"))
			if err != nil {
				return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "remove", Description: "Expected a passkey to remove."}
			}
			if err := h.identities(issuer.ID).RemovePasskey(c.Request().Context(), session.Account.ID, hostOf(issuer), id); err != nil {
				return fault(err)
			}
			return c.Redirect(http.StatusSeeOther, issuer.URL+pathAccount+"?done=no-passkey")
		}
		if !issuer.OffersSignIn(tenants.SignInPasskey) {
			return notOffered()
		}
		err := h.savePasskey(c, issuer, cookiesOf(issuer).Get(c, cookiePreSession), session, form)
		switch {
		case errors.Is(err, signin.ErrElsewhere):
			return elsewhere()
		case errors.Is(err, signin.ErrNotOffered):
			return notOffered()
		case errors.Is(err, signin.ErrTooMany):
			return h.renderAccount(c, http.StatusUnprocessableEntity, session, templates.AccountPage{Alert: "You have as many passkeys as an account can have. Remove one first."})
		case errors.Is(err, signin.ErrPasskey):
			return h.renderAccount(c, http.StatusUnprocessableEntity, session, templates.AccountPage{Alert: "The passkey was not saved. Try again."})
		case err != nil:
			return fault(err)
		}
		return c.Redirect(http.StatusSeeOther, issuer.URL+pathAccount+"?done=passkey")
	})
}

// showFactors adds passkeys and the second step to a person's page.
func (h *Handler) showFactors(c echo.Context, session signin.Session, page *templates.AccountPage) error {
	issuer, ctx := issuerOf(c), c.Request().Context()
	identities := h.identities(issuer.ID)
	second, err := identities.FindSecondFactor(ctx, session.Account.ID)
	if err != nil {
		return fault(err)
	}
	if page.TwoStep, page.RecoveryCodes = second.Enabled, second.RecoveryCodes; second.Enabled || issuer.OffersSignIn(tenants.SignInTOTP) && !session.Account.Reviewer {
		page.TwoStepAction = issuer.URL + pathTwoStep
	}
	if !issuer.OffersSignIn(tenants.SignInPasskey) {
		return nil
	}
	known, err := identities.ListPasskeys(ctx, session.Account.ID, hostOf(issuer))
	if err != nil {
		return fault(err)
	}
	for _, k := range known {
		page.Passkeys = append(page.Passkeys, templates.PasskeyLine{ID: base64.RawURLEncoding.EncodeToString(k.ID), Agent: k.Agent, Since: k.CreatedAt, LastUsed: k.LastUsedAt})
	}
	page.PasskeysAction = issuer.URL + pathPasskeys
	if page.ExternalLogin != "" || session.Account.Reviewer {
		return nil
	}
	ceremony, err := signin.BeginPasskey(ctx, identities, issuer.URL, issuer.Name, session.Account)
	if err != nil {
		return fault(err)
	}
	withScript(c)
	form := h.recordCeremony(issuer, browserOf(c, issuer), session.Account.ID, ceremony)
	form.Action, form.Label, form.New, form.Second = page.PasskeysAction, "Add a passkey", true, true
	page.NewPasskey = &form
	return nil
}

// purposeSecondFactor names the sealing key of a sign-in between its two steps.
const purposeSecondFactor = "second-step"

// halfway is a person who took the first step of a sign-in.
type halfway struct {
	Account id.ID      `json:"a"`
	Epoch   int        `json:"e"`
	Way     signin.Way `json:"w"`
	At      time.Time  `json:"t"`
}

func secondFactorBinding(f *flow) []byte {
	return secret.Join(f.issuer.ID[:], []byte(f.issuer.URL), f.request.FlowID[:], secret.Hash(f.browser))
}

// asksSecondFactor seals who took the first step when the account wants a second one; "" when it does not.
func (h *Handler) asksSecondFactor(c echo.Context, f *flow, account signin.Account, way signin.Way) (string, error) {
	second, err := h.identities(f.issuer.ID).FindSecondFactor(c.Request().Context(), account.ID)
	if err != nil {
		return "", fault(err)
	}
	if !second.Enabled {
		return "", nil
	}
	plain, err := json.Marshal(halfway{Account: account.ID, Epoch: account.Epoch, Way: way, At: h.now()})
	return secret.Encode(h.signin.Keys.Seal(purposeSecondFactor, plain, secondFactorBinding(f))), err
}

// halfway reads who took the first step, in this browser and flow, a short time ago.
func (h *Handler) halfway(f *flow, pending string) (half halfway, err error) {
	raw, err := secret.Decode(pending)
	if err == nil {
		raw, err = h.signin.Keys.Open(purposeSecondFactor, raw, secondFactorBinding(f))
	}
	if err == nil {
		err = json.Unmarshal(raw, &half)
	}
	if err == nil && h.now().Sub(half.At) > signin.SecondFactorLifetime {
		err = signin.ErrNotFound
	}
	return half, err
}
