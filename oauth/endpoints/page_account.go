package endpoints

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// recently is how fresh a sign-in has to be for what cannot be undone (catalogue 129).
const recently = 10 * time.Minute

// notices say what a form did, by the word in the address that it leads to.
var notices = map[string]string{
	"disconnected": "The app is disconnected. It has to ask you again.",
	"signed-out":   "That browser is signed out.",
	"passkey":      "The passkey is saved. Next time you can sign in with it.",
	"no-passkey":   "The passkey does not work here any more. Delete it on your device as well.",
	"no-two-step":  "Signing in takes one step again.",
	"password":     "Your new password counts from now on. Every other browser is signed out.",
}

// accountPage shows a person their apps and where they are signed in, or asks them to sign in first.
func (h *Handler) accountPage(c echo.Context) error {
	issuer := issuerOf(c)
	session, ok, err := h.sessionOf(c, issuer)
	if err != nil {
		return err
	}
	if !ok {
		return h.askWho(c, false, pathAccount, "")
	}
	return h.renderAccount(c, http.StatusOK, session, templates.AccountPage{Notice: notices[c.QueryParam("done")]})
}

// askWho begins a sign-in that leads to one of the person's own pages.
func (h *Handler) askWho(c echo.Context, fresh bool, page, alert string) error {
	return h.renderSignIn(c, http.StatusOK, h.accountFlow(c, fresh, page), signInForm{alert: alert})
}

// disconnectPage takes access back from one app, or from all (catalogue 155).
func (h *Handler) disconnectPage(c echo.Context) error {
	return h.accountForm(c, false, func(session signin.Session, form url.Values) error {
		client, resource := form.Get("client"), form.Get("server")
		if form.Get("all") == "yes" {
			client, resource = "", ""
		} else if client == "" || resource == "" {
			return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "client", Description: "Expected an app to disconnect."}
		}
		if err := h.oauth.Disconnect(c.Request().Context(), issuerOf(c), session.Account.ID, client, resource); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, issuerOf(c).URL+pathAccount+"?done=disconnected")
	})
}

// sessionsPage signs out: this browser, another one, or all of them. The server forgets the session, not only the browser (catalogue 133).
func (h *Handler) sessionsPage(c echo.Context) error {
	return h.accountForm(c, false, func(session signin.Session, form url.Values) error {
		issuer, ended := issuerOf(c), id.ID{}
		if form.Get("all") != "yes" {
			var err error
			if ended, err = id.Parse(form.Get("session")); err != nil {
				return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "session", Description: "Expected a browser to sign out."}
			}
		}
		if later, err := h.endSessions(c, session, ended); errors.Is(err, signin.ErrNotFound) {
			return h.askWho(c, false, pathAccount, "You are no longer signed in. Sign in to go on.")
		} else if err != nil {
			return fault(err)
		} else if later > 0 {
			return h.askWho(c, true, pathAccount, "That browser signed in after this one. Sign in again to sign it out, then try once more.")
		}
		if !ended.IsZero() && ended != session.ID {
			return c.Redirect(http.StatusSeeOther, issuer.URL+pathAccount+"?done=signed-out")
		}
		return h.leaveAccount(c, "You are signed out", "Apps that you connected stay connected.")
	})
}

// endSessions ends one session or all. One that is old itself ends no later one: otherwise, in the wrong hands, it would keep its person
// out. All of them it may end, for it ends with them.
func (h *Handler) endSessions(c echo.Context, session signin.Session, id id.ID) (later int, err error) {
	people := h.accounts(issuerOf(c).ID)
	if id.IsZero() || h.now().Sub(session.AuthTime) <= recently {
		return 0, people.EndSessions(c.Request().Context(), session.Account.ID, id)
	}
	return people.EndEarlierSessions(c.Request().Context(), session.Account.ID, session.ID, id)
}

// leaveAccount leads to the last page of a session that is over.
func (h *Handler) leaveAccount(c echo.Context, title, text string) error {
	issuer := issuerOf(c)
	cookiesOf(issuer).Clear(c, cookieSession)
	c.Response().Header().Set("Clear-Site-Data", `"cache"`) // the back button shows nothing (catalogue 133)
	return h.finish(c, id.ID{}, accountDone{Title: title, Text: text, Left: true})
}

// passwordPage sets a new password.
func (h *Handler) passwordPage(c echo.Context) error {
	return h.accountForm(c, true, func(session signin.Session, form url.Values) error {
		if !issuerOf(c).OffersSignIn(tenants.SignInPassword) || session.Account.Email == "" { // a password goes by the address
			return notOffered()
		}
		err := h.signin.SetPassword(c.Request().Context(), h.accounts(issuerOf(c).ID), session, form.Get("password"))
		var field signin.FieldError
		switch {
		case errors.As(err, &field):
			return h.renderAccount(c, http.StatusUnprocessableEntity, session, templates.AccountPage{Password: templates.Field{Error: field.Message}})
		case errors.Is(err, signin.ErrElsewhere):
			return elsewhere()
		case errors.Is(err, signin.ErrNotFound): // another browser was faster and ended this session
			return h.askWho(c, false, pathAccount, "You are no longer signed in. Sign in to go on.")
		case err != nil:
			return fault(err)
		}
		return c.Redirect(http.StatusSeeOther, issuerOf(c).URL+pathAccount+"?done=password")
	})
}

// deletePage deletes the account with everything that belongs to it, once what it is called was typed.
func (h *Handler) deletePage(c echo.Context) error {
	return h.accountForm(c, true, func(session signin.Session, form url.Values) error {
		if session.Account.Reviewer {
			return sharedAccount()
		}
		if !strings.EqualFold(strings.TrimSpace(form.Get("email")), session.Account.Called()) {
			return h.renderAccount(c, http.StatusUnprocessableEntity, session, templates.AccountPage{
				Confirm: templates.Field{Value: form.Get("email"), Error: "Enter exactly: " + session.Account.Called()}})
		}
		if err := h.accounts(issuerOf(c).ID).DeleteAccount(c.Request().Context(), session.Account.ID); err != nil {
			return fault(err)
		}
		return h.leaveAccount(c, "Your account is deleted", "Every app that you connected has lost its access.")
	})
}

// sharedAccount is the answer to a reviewer who would take the account from the others.
func sharedAccount() error {
	return &oauth.Error{Code: oauth.AccessDenied, Parameter: "account", Description: "This account is for everybody who reviews the app. Whoever made it ends it."}
}

// accountForm checks what every form of the page must bring: a session, the token of that session, and a recent sign-in where asked.
func (h *Handler) accountForm(c echo.Context, recent bool, do func(signin.Session, url.Values) error) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	for name, values := range form {
		if len(values) > 1 {
			return &oauth.Error{Code: oauth.InvalidRequest, Parameter: name, Description: "A field is given more than once."}
		}
	}
	session, ok, err := h.sessionOf(c, issuerOf(c))
	switch {
	case err != nil:
		return err
	case !ok:
		return h.askWho(c, false, pathAccount, "You are no longer signed in. Sign in to go on.")
	case !h.oauth.ValidAccountToken(issuerOf(c), session.ID, form.Get("token")):
		return &oauth.Error{Code: oauth.AccessDenied, Parameter: "token", Description: "The form belongs to another sign-in than the one in this browser now."}
	case recent && h.now().Sub(session.AuthTime) > recently:
		return h.askWho(c, true, pathAccount, "Sign in again to do this, then try once more.")
	}
	return do(session, form)
}

func (h *Handler) renderAccount(c echo.Context, status int, session signin.Session, page templates.AccountPage) error {
	issuer, ctx := issuerOf(c), c.Request().Context()
	connections, err := h.oauth.Connections(ctx, issuer, session.Account.ID)
	if err != nil {
		return err
	}
	sessions, err := h.accounts(issuer.ID).ListSessions(ctx, session.Account.ID)
	if err != nil {
		return fault(err)
	}
	page.Brand, page.Email, page.Token = brandOf(issuer), session.Account.Called(), h.oauth.AccountToken(issuer, session.ID)
	page.DisconnectAction, page.SessionsAction = issuer.URL+pathDisconnect, issuer.URL+pathSessions
	if !session.Account.Reviewer {
		page.DeleteAction = issuer.URL + pathDelete
	}
	page.NoAddress = session.Account.Email == ""
	none, err := h.signsInElsewhere(c, issuer, session.Account.ID)
	if err != nil {
		return err
	}
	if issuer.OffersSignIn(tenants.SignInPassword) && !page.NoAddress && !none {
		page.PasswordAction, page.PasswordMin = issuer.URL+pathPassword, signin.MinPassword
	}
	if none {
		page.ExternalLogin = ownName(issuer)
	}
	if err := h.showFactors(c, session, &page); err != nil {
		return err
	}
	for _, found := range connections {
		page.Connections = append(page.Connections, connectionLine(issuer, found))
	}
	for _, s := range sessions {
		page.Sessions = append(page.Sessions, templates.SessionLine{ID: s.ID.String(), Agent: s.Agent, Since: s.CreatedAt, Current: s.ID == session.ID})
	}
	return web.Render(c, status, templates.Account(page))
}

func connectionLine(issuer *oauth.Issuer, found oauth.Connection) templates.ConnectionLine {
	line := templates.ConnectionLine{ClientID: found.ClientID, Name: found.Name, Host: found.Host, Resource: found.Resource, Since: found.Since,
		LastUsed: found.LastUsed, Tools: found.Tools}
	if resource, ok := issuer.ResourceByID(found.ServerID); ok {
		line.Server = resource.Name
	}
	for _, scope := range issuer.Describe(found.Scopes) {
		text := scope.Description
		if text == "" {
			text = scope.Name
		}
		line.Scopes = append(line.Scopes, text)
	}
	return line
}
