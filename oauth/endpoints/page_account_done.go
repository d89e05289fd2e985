package endpoints

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
)

// accountDone is what a form of the account came to. A page of its own says it, this once, so that loading the page again repeats nothing.
type accountDone struct {
	Title, Text string
	// Codes are the recovery codes of a second step that was just turned on.
	Codes []string
	// Left says that nobody is signed in any more.
	Left bool
}

// finish leads to the page that says what a form came to.
func (h *Handler) finish(c echo.Context, session id.ID, done accountDone) error {
	issuer := issuerOf(c)
	if err := h.once(issuer).Keep(c, issuer.URL+pathDone, doneBinding(issuer, session), done); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, issuer.URL+pathDone)
}

// donePage says what a form came to. Whoever comes again, or without having sent one, is led to the account.
func (h *Handler) donePage(c echo.Context) error {
	issuer := issuerOf(c)
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	session, _, err := h.sessionOf(c, issuer)
	if err != nil {
		return err
	}
	var done accountDone
	switch {
	case !h.once(issuer).Take(c, issuer.URL+pathDone, doneBinding(issuer, session.ID), &done):
		return c.Redirect(http.StatusSeeOther, issuer.URL+pathAccount)
	case len(done.Codes) > 0:
		return web.Render(c, http.StatusOK, templates.RecoveryCodes(templates.RecoveryCodesPage{Brand: brandOf(issuer), Codes: done.Codes, AccountHref: issuer.URL + pathAccount}))
	case done.Left:
		return web.Render(c, http.StatusOK, templates.Message(templates.MessagePage{Brand: brandOf(issuer), Title: done.Title, Text: done.Text,
			LinkText: "Sign in again", LinkURL: issuer.URL + pathAccount}))
	default:
		return h.say(c, http.StatusOK, done.Title, done.Text)
	}
}

func (h *Handler) once(issuer *oauth.Issuer) web.Once {
	return web.Once{Cookies: cookiesOf(issuer), Keys: h.signin.Keys, Now: h.now}
}

// doneBinding is who may see it: this session at this project, or nobody's after signing out.
func doneBinding(issuer *oauth.Issuer, session id.ID) []byte {
	return secret.Join(issuer.ID[:], session[:])
}
