package endpoints

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// purposeNewSecondFactor names the sealing key of an app's secret until the app has shown that it has it.
const purposeNewSecondFactor = "new-second-step"

// secondFactorPage takes the second step. It is of no use without the first one, in this browser and flow (catalogue 128).
func (h *Handler) secondFactorPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	half, err := h.halfway(f, form.Get("pending"))
	if err != nil {
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "pending", Description: "The second step came more than five minutes after the first one, or in another browser."})
		return h.renderSignIn(c, http.StatusForbidden, f, signInForm{alert: "That took too long, or began elsewhere. Sign in again."})
	}
	if !offers(f.issuer, half.Way) { // switched off since the first step
		return h.switchedOff(c, f)
	}
	err = signin.CheckSecondFactor(c.Request().Context(), h.identities(f.issuer.ID), half.Account, form.Get("code"), h.now())
	var field signin.FieldError
	switch {
	case errors.As(err, &field):
		noteSignIn(c, err)
		return h.renderSecondFactor(c, http.StatusUnprocessableEntity, f, form.Get("pending"), "", field.Message)
	case errors.Is(err, signin.ErrTooMany):
		failed(c, &oauth.Error{Code: oauth.TooManyRequests, Parameter: "code", Description: "Too many wrong codes in a row."})
		return h.renderSecondFactor(c, http.StatusTooManyRequests, f, form.Get("pending"), "Too many wrong codes. Wait fifteen minutes, then try again.", "")
	case errors.Is(err, signin.ErrNotFound):
		return h.renderSignIn(c, http.StatusForbidden, f, signInForm{alert: "Sign in again."})
	case err != nil:
		return fault(err)
	}
	return h.enter(c, f, signin.Account{ID: half.Account, Epoch: half.Epoch}, half.Way)
}

func (h *Handler) renderSecondFactor(c echo.Context, status int, f *flow, pending, alert, wrong string) error {
	page, err := h.page(f, alert)
	if err != nil {
		return err
	}
	return web.Render(c, status, templates.Second(templates.SecondFactorPage{FlowPage: page, Action: f.issuer.URL + pathSecond, Pending: pending,
		Code: templates.Field{Error: wrong}, Restart: f.issuer.URL + pathSignIn}))
}

// twoStepPage turns the second step on in two requests, so that nobody locks themself out, or off in one.
func (h *Handler) twoStepPage(c echo.Context) error {
	return h.accountForm(c, true, func(session signin.Session, form url.Values) error {
		issuer, ctx := issuerOf(c), c.Request().Context()
		if form.Get("off") == "yes" {
			if err := h.identities(issuer.ID).DisableTOTP(ctx, session.Account.ID); err != nil {
				return fault(err)
			}
			return c.Redirect(http.StatusSeeOther, issuer.URL+pathAccount+"?done=no-two-step")
		}
		if !issuer.OffersSignIn(tenants.SignInTOTP) || session.Account.Reviewer {
			return notOffered()
		}
		if !form.Has("key") {
			return h.renderTwoStep(c, http.StatusOK, session, signin.NewTOTPSecret(), "")
		}
		raw, err := secret.Decode(form.Get("key"))
		if err == nil {
			raw, err = h.signin.Keys.Open(purposeNewSecondFactor, raw, newSecondFactorBinding(issuer, session))
		}
		if err != nil {
			return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "key", Description: "Expected the key that the page showed to this sign-in."}
		}
		codes, err := signin.EnableTOTP(ctx, h.identities(issuer.ID), session.Account.ID, raw, form.Get("code"), h.now())
		var field signin.FieldError
		switch {
		case errors.As(err, &field):
			return h.renderTwoStep(c, http.StatusUnprocessableEntity, session, raw, field.Message)
		case errors.Is(err, signin.ErrConflict):
			return h.renderAccount(c, http.StatusUnprocessableEntity, session, templates.AccountPage{Alert: "The second step is on already. Turn it off to use another app."})
		case err != nil:
			return fault(err)
		}
		return h.finish(c, session.ID, accountDone{Codes: codes})
	})
}

func newSecondFactorBinding(issuer *oauth.Issuer, session signin.Session) []byte {
	return secret.Join(issuer.ID[:], session.ID[:], session.Account.ID[:])
}

func (h *Handler) renderTwoStep(c echo.Context, status int, session signin.Session, key []byte, wrong string) error {
	issuer := issuerOf(c)
	picture, err := signin.TOTPPicture(key, issuer.Name, session.Account.Called())
	if err != nil {
		return err
	}
	sealed := h.signin.Keys.Seal(purposeNewSecondFactor, key, newSecondFactorBinding(issuer, session))
	return web.Render(c, status, templates.TwoStep(templates.TwoStepPage{Brand: brandOf(issuer), Token: h.oauth.AccountToken(issuer, session.ID),
		Action: issuer.URL + pathTwoStep, Key: secret.Encode(sealed), KeyText: signin.TOTPText(key),
		Picture: "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture), Code: templates.Field{Error: wrong}, AccountHref: issuer.URL + pathAccount}))
}
