package endpoints

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
)

// authorize begins a flow. It writes nothing: what it found good travels sealed in the page.
func (h *Handler) authorize(c echo.Context) error {
	issuer := issuerOf(c)
	request, client, err := h.oauth.Authorize(c.Request().Context(), issuer, c.Request().URL.RawQuery)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	f := &flow{issuer: issuer, request: request, client: client, browser: browserOf(c, issuer)}
	f.resource, _ = issuer.ResourceByID(request.ServerID) // Authorize has just found it among this issuer's
	session, ok, err := h.sessionOf(c, issuer)
	if err != nil {
		return err
	}
	if !ok || !h.oauth.AcceptsSession(request, session.ID, session.AuthTime) {
		return h.renderSignIn(c, http.StatusOK, f, signInForm{email: request.LoginHint})
	}
	return h.renderConsent(c, f, session)
}

// renderAuthorizeError takes what may travel back to the client there. From a client that nobody verified an https redirect needs the
// person's click: otherwise anyone could register to make this server an open redirector (catalogue 93).
func (h *Handler) renderAuthorizeError(c echo.Context, err error) error {
	var redirect *oauth.RedirectError
	if !errors.As(err, &redirect) {
		return err
	}
	failed(c, redirect.Err)
	location := redirect.To.Failure(redirect.Err)
	if redirect.To.Trusted {
		c.Response().Header().Set("Cache-Control", "no-store")
		return c.Redirect(http.StatusSeeOther, location)
	}
	return web.Render(c, http.StatusBadRequest, templates.Message(templates.MessagePage{
		Brand: brandOf(issuerOf(c)), Title: "The app asked for something that does not work",
		Text:     redirect.To.ClientName + " sent a request that cannot be answered.",
		Expected: redirect.Err.Description, LinkText: "Back to " + redirect.To.ClientName, LinkURL: location,
		Code: string(redirect.Err.Code), RequestID: web.RequestID(c),
	}))
}

// renderErrorPage explains to a person what a program would get as JSON.
func (h *Handler) renderErrorPage(c echo.Context, status int, shown *oauth.Error) {
	page := templates.MessagePage{Title: "This page cannot be shown", Text: shown.Description, Code: string(shown.Code), RequestID: web.RequestID(c),
		Steps: []string{"Go back to the app and connect again."}}
	if issuer := issuerOf(c); issuer != nil {
		page.Brand = brandOf(issuer)
	}
	switch {
	case shown.Code == oauth.InvalidClient: // P8
		page.Title, page.Steps = "This app is not known here", []string{
			"Remove the connection in the app.", "Add it again: the app then introduces itself anew."}
		status = http.StatusBadRequest
	case status == http.StatusTooManyRequests:
		page.Title, page.Text, page.Steps = "Too many attempts", "This was tried too often in a short time.", []string{"Wait a minute and try again."}
	case status == http.StatusServiceUnavailable:
		page.Title, page.Steps = "A short break", []string{"Wait a moment and load the page again."}
	case status >= http.StatusInternalServerError:
		page.Title, page.Steps = "Something went wrong", []string{"Try again. If it stays, tell us the number below."}
	case status == http.StatusNotFound:
		page.Title, page.Text = "There is nothing here", "This address does not lead to a page."
	case status == http.StatusMethodNotAllowed:
		page.Title, page.Text = "This page opens from an app", "It continues a connection that an app started."
	}
	if err := web.Render(c, status, templates.Message(page)); err != nil {
		h.log.ErrorContext(c.Request().Context(), "error page", "error", err)
	}
}

// found turns the absence of a session into false.
func found(session signin.Session, err error) (signin.Session, bool, error) {
	if errors.Is(err, signin.ErrNotFound) {
		return signin.Session{}, false, nil
	}
	return session, err == nil, fault(err)
}

// fault makes an outage that a sign-in verb met one that the surface shows as 503.
func fault(err error) error {
	if errors.Is(err, signin.ErrUnavailable) || errors.Is(err, signin.ErrBusy) {
		return oauth.Fault(errors.Join(oauth.ErrUnavailable, err))
	}
	return err
}

// destination says where a redirect leads, for people.
func destination(redirect string) templates.Destination {
	_, kind, _ := oauth.CheckRedirectURI(redirect)
	return templates.Destination{Host: strings.ToLower(oauth.RedirectHost(redirect)), Kind: string(kind)}
}
