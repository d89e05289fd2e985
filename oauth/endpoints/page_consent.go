package endpoints

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// consentPage takes the decision. It counts only for the session, the flow and the scopes that the page showed.
func (h *Handler) consentPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	if f.request.Account {
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "request", Description: "This page belongs to no connection."}
	}
	session, ok, err := h.sessionOf(c, f.issuer)
	if err != nil {
		return err
	}
	if !ok || !h.oauth.AcceptsSession(f.request, session.ID, session.AuthTime) {
		failed(c, &oauth.Error{Code: oauth.AccessDenied, Parameter: "session", Description: "The person is no longer signed in as who the page was shown to."})
		return h.renderSignIn(c, http.StatusOK, f, signInForm{alert: "You are no longer signed in. Sign in to decide."})
	}
	if !h.oauth.ValidApproval(f.issuer, f.request, session.ID, form.Get("approval")) {
		return &oauth.Error{Code: oauth.AccessDenied, Description: "The decision belongs to another sign-in than the one in this browser now."}
	}
	oauth.TraceOf(c.Request().Context()).UserID = session.Account.ID
	switch form.Get("decision") {
	case "allow":
		if waits, err := h.waits(c, f, session); waits || err != nil {
			return err
		}
		choice, err := h.identities(f.issuer.ID).Organizations(c.Request().Context(), session.ID)
		if err != nil {
			return fault(err)
		}
		if choice.Again { // since the page was shown
			quiet(c)
			return h.siteAgain(c, f)
		}
		location, err := h.oauth.Approve(c.Request().Context(), f.issuer, f.request, f.client, session.ID, session.Account.ID, decisionOf(form))
		if err != nil {
			return err
		}
		return h.renderLeave(c, f, location, false)
	case "deny":
		became(c, tenants.StepDeny)
		return h.renderLeave(c, f, h.oauth.Redirection(f.issuer, f.client, f.request).Denied(), true)
	default:
		return &oauth.Error{Code: oauth.InvalidRequest, Description: "Expected a decision: allow or deny."}
	}
}

// selected begins the name of a scope's field on a page where people choose among scopes.
const selected = "scope:"

func decisionOf(form url.Values) oauth.Decision {
	d := oauth.Decision{Organization: form.Get("organization")}
	if form.Has("selectable") {
		d.Scopes = []string{}
	}
	for name := range form {
		if scope, ok := strings.CutPrefix(name, selected); ok && d.Scopes != nil {
			d.Scopes = append(d.Scopes, scope)
		}
	}
	return d
}

// waits tells somebody who may not connect for the first time this month so, and the app as well.
func (h *Handler) waits(c echo.Context, f *flow, session signin.Session) (bool, error) {
	if h.admit == nil {
		return false, nil
	}
	err := h.admit(c.Request().Context(), f.issuer.ID, session.Account.ID)
	if !errors.Is(err, tenants.ErrLimit) {
		return false, err
	}
	full := &oauth.Error{Code: oauth.TemporarilyUnavailable, Description: "New people cannot connect here at the moment. People who were connected before can.", Parameter: "limit"}
	failed(c, full)
	return true, web.Render(c, http.StatusForbidden, templates.Message(templates.MessagePage{
		Brand: brandOf(f.issuer), Title: "New people have to wait", Text: f.issuer.Name + " has as many people this month as it can take. Whoever was connected before goes on as always.",
		Steps:    []string{"Tell whoever runs " + f.issuer.Name + "; they can let you in at once.", "Or come back on the first of next month."},
		LinkText: "Back to " + f.client.Name, LinkURL: h.oauth.Redirection(f.issuer, f.client, f.request).Failure(full), Code: string(full.Code), RequestID: web.RequestID(c),
	}))
}

func (h *Handler) renderConsent(c echo.Context, f *flow, session signin.Session) error {
	if waits, err := h.waits(c, f, session); waits || err != nil {
		return err
	}
	choice, err := h.identities(f.issuer.ID).Organizations(c.Request().Context(), session.ID)
	if err != nil {
		return fault(err)
	}
	if choice.Again {
		return h.siteAgain(c, f)
	}
	if err := h.oauth.Remember(c.Request().Context(), f.issuer, f.request, f.resource, session.Account.ID); err != nil {
		return err
	}
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	view := templates.ConsentPage{FlowPage: page, Action: f.issuer.URL + pathConsent, SwitchAction: f.issuer.URL + pathSignIn,
		Approval: h.oauth.ApprovalToken(f.issuer, f.request, session.ID), AccountEmail: session.Account.Called(), Resource: f.resource.URL,
		Destination: destination(f.request.Redirect), ClientHost: f.client.DocumentHost(), ClientURI: f.client.URI, AccountHref: f.issuer.URL + pathAccount, KeepsAccess: oauth.Refreshable(f.client, f.request)}
	for _, o := range choice.Organizations {
		view.Organizations = append(view.Organizations, templates.OrganizationLine{ID: o.ID, Name: o.Name})
	}
	if h.reviews && !f.issuer.Reviewed {
		view.Unreviewed = f.issuer.Organization
	}
	view.NameWarning = nameWarning(f.client, f.request.Redirect, f.issuer.Name)
	view.Selectable = f.issuer.ScopesSelectable && len(f.issuer.Shown(f.request)) > 1
	for _, scope := range f.issuer.Shown(f.request) {
		view.Scopes = append(view.Scopes, templates.ScopeLine{Name: scope.Name, Description: scope.Description, New: !slices.Contains(f.request.Remembered, scope.Name)})
	}
	return web.Render(c, http.StatusOK, templates.Consent(view))
}

// renderLeave takes the person back on a page of ours: form-action and the browser's own rules would block a redirect from a form post
// to another origin or to an app.
func (h *Handler) renderLeave(c echo.Context, f *flow, location string, denied bool) error {
	return web.RenderLeaving(c, templates.Leave(templates.LeavePage{Brand: brandOf(f.issuer),
		ClientName: f.client.Name, Location: location, Denied: denied}))
}
