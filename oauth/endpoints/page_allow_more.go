package endpoints

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// allowMorePage is the step-up link that the error of a tool can carry, for apps that do not ask for more by themselves (P20):
// /account/allow?client=…&server=…&scope=….
func (h *Handler) allowMorePage(c echo.Context) error {
	issuer := issuerOf(c)
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil || len(c.Request().URL.RawQuery) > oauth.AuthorizeQueryMax || !plainQuery(query) {
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "scope", Description: "Expected client, server and scope, each once."}
	}
	session, ok, err := h.sessionOf(c, issuer)
	if err != nil {
		return err
	}
	if !ok {
		return h.askWho(c, false, allowMorePath(query), "")
	}
	return h.withExtension(c, session, query, func(e oauth.Extension) error { return h.renderAllowMore(c, session, query, e) })
}

// allowMorePath is the link again, of a link or of the page's form.
func allowMorePath(form url.Values) string {
	return pathAllow + "?" + url.Values{"client": {form.Get("client")}, "server": {form.Get("server")}, "scope": {form.Get("scope")}}.Encode()
}

// withExtension explains what a link that leads nowhere is about, and leads to the customer's site where the consent page would.
func (h *Handler) withExtension(c echo.Context, session signin.Session, form url.Values, do func(oauth.Extension) error) error {
	issuer := issuerOf(c)
	e, err := h.oauth.Extension(c.Request().Context(), issuer, session.Account.ID, session.ID, form.Get("client"), form.Get("server"), form.Get("scope"))
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		return h.say(c, http.StatusNotFound, "This app is not connected", "You have not connected it as "+session.Account.Called()+". Connect it from the app, then open the link again.")
	case err != nil:
		return err
	case e.Again:
		return h.siteAgain(c, h.accountFlow(c, false, allowMorePath(form)))
	case len(e.Added) == 0:
		return h.say(c, http.StatusOK, "This is allowed already", "Go back to the app and try again. If it still does not work, disconnect the app and connect it anew.")
	}
	return do(e)
}

func (h *Handler) say(c echo.Context, status int, title, text string) error {
	issuer := issuerOf(c)
	return web.Render(c, status, templates.Message(templates.MessagePage{Brand: brandOf(issuer), Title: title, Text: text,
		LinkText: "Connected apps", LinkURL: issuer.URL + pathAccount}))
}

func (h *Handler) renderAllowMore(c echo.Context, session signin.Session, form url.Values, e oauth.Extension) error {
	issuer := issuerOf(c)
	view := templates.AllowMorePage{Brand: brandOf(issuer), Action: issuer.URL + pathAllow, Token: h.oauth.AccountToken(issuer, session.ID), Email: session.Account.Called(),
		ClientID: e.Connection.ClientID, ClientName: e.Connection.Name, Host: e.Connection.Host, Resource: e.Connection.Resource, Scope: form.Get("scope"),
		NameWarning: nameWarning(oauth.Client{ID: e.Connection.ClientID, Name: e.Connection.Name, Document: e.Connection.Host != ""}, "", issuer.Name)}
	if resource, ok := issuer.ResourceByID(e.Connection.ServerID); ok {
		view.Server = resource.Name
	}
	for _, scope := range e.Added {
		view.Added = append(view.Added, templates.ScopeLine{Name: scope.Name, Description: scope.Description, New: true})
	}
	for _, scope := range issuer.Describe(e.Connection.Scopes) {
		view.Known = append(view.Known, templates.ScopeLine{Name: scope.Name, Description: scope.Description})
	}
	return web.Render(c, http.StatusOK, templates.AllowMore(view))
}

// allowedMorePage takes the decision of the session that the page was shown to.
func (h *Handler) allowedMorePage(c echo.Context) error {
	return h.accountForm(c, false, func(session signin.Session, form url.Values) error {
		switch form.Get("decision") {
		case "deny":
			return h.finish(c, session.ID, accountDone{Title: "Nothing was changed", Text: "The app can do what it could do before."})
		case "allow":
		default:
			return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "decision", Description: "Expected a decision: allow or deny."}
		}
		return h.withExtension(c, session, form, func(e oauth.Extension) error {
			err := h.oauth.Extend(c.Request().Context(), issuerOf(c), session.Account.ID, session.ID, e)
			if errors.Is(err, oauth.ErrNotFound) {
				return h.say(c, http.StatusNotFound, "This app is not connected", "It lost its access meanwhile. Connect it from the app again.")
			}
			if err != nil {
				return err
			}
			return h.finish(c, session.ID, accountDone{Title: "The app may do more now", Text: "Go back to the app and try again. It knows of this as soon as it renews its access; to be quicker, connect it anew."})
		})
	})
}

// enterPage is where a link of the customer's own settings leads: to the person's connected apps. A link signs nobody in; one click
// does (catalogue 111, 134).
func (h *Handler) enterPage(c echo.Context) error {
	issuer := issuerOf(c)
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil || len(c.Request().URL.RawQuery) > oauth.AuthorizeQueryMax || !plainQuery(query) {
		return strangeLink()
	}
	provider, flow, err := ownOf(issuer, query)
	if err != nil {
		return h.refused(c, h.accountFlow(c, false, pathAccount), err)
	}
	login, err := h.identities(issuer.ID).FindExternalLogin(c.Request().Context(), provider, flow, signin.ExternalAnswerHash(signin.ForAccount, query.Get("answer")))
	switch {
	case errors.Is(err, signin.ErrNotFound):
		return strangeLink()
	case err != nil:
		return fault(err)
	}
	return web.Render(c, http.StatusOK, templates.Enter(templates.EnterPage{Brand: brandOf(issuer), Action: issuer.URL + pathEnter,
		State: query.Get("state"), Answer: query.Get("answer"), Email: login.Email}))
}

func strangeLink() error {
	return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "answer", Description: "This link was used before, or is older than ten minutes. Open it again where you found it."}
}

func ownOf(issuer *oauth.Issuer, form url.Values) (provider, flow id.ID, err error) {
	flow, err = id.Parse(form.Get("state"))
	if err != nil || form.Get("answer") == "" {
		return provider, flow, strangeLink()
	}
	for _, p := range issuer.Providers {
		if p.Kind == signin.ProviderOwn && issuer.OffersSignIn(tenants.SignInExternal) {
			return p.ID, flow, nil
		}
	}
	return provider, flow, signin.ErrNotOffered
}

// enteredPage signs the person in, once for each link.
func (h *Handler) enteredPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	if !plainQuery(form) {
		return strangeLink()
	}
	issuer := issuerOf(c)
	f := h.accountFlow(c, false, pathAccount)
	provider, id, err := ownOf(issuer, form)
	if err != nil {
		return h.refused(c, f, err)
	}
	account, err := h.identities(issuer.ID).SignInExternal(c.Request().Context(), provider, id, signin.ExternalAnswerHash(signin.ForAccount, form.Get("answer")))
	if errors.Is(err, signin.ErrNotFound) {
		return strangeLink()
	}
	if err != nil {
		return h.identityProviderFailed(c, f, issuer.Name, err)
	}
	return h.begin(c, f, account, signin.Way{Method: tenants.SignInExternal, Provider: provider, Identity: account.Identity})
}
