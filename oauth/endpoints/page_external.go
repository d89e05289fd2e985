package endpoints

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// ownPage sends a person to the customer's own site, with the signed name of this flow and nothing else.
func (h *Handler) ownPage(c echo.Context) error {
	form, err := web.Form(c)
	if err != nil {
		return err
	}
	f, err := h.resume(c, form)
	if err != nil {
		return h.renderAuthorizeError(c, err)
	}
	quiet(c)
	provider, err := h.offered(c, f.issuer, tenants.SignInExternal, form.Get("provider"))
	if err != nil {
		return h.refused(c, f, err)
	}
	return h.leaveForSite(c, f, provider)
}

// siteAgain leads to the customer's site for a sign-in that is young enough to choose an organization with, and back to the consent page.
func (h *Handler) siteAgain(c echo.Context, f *flow) error {
	for _, p := range f.issuer.Providers {
		if p.Kind != signin.ProviderOwn {
			continue
		}
		provider, err := h.offered(c, f.issuer, tenants.SignInExternal, p.ID.String())
		if err != nil {
			return h.refused(c, f, err)
		}
		return h.leaveForSite(c, f, provider)
	}
	return h.switchedOff(c, f)
}

func (h *Handler) leaveForSite(c echo.Context, f *flow, provider signin.Provider) error {
	page, err := h.page(f, "")
	if err != nil {
		return err
	}
	out := providerTrip{Request: page.Request, Provider: provider.ID, ProviderRequest: signin.ProviderRequest{State: f.request.FlowID.String()}, Visit: id.New(), At: h.now()}
	if err := h.recordProviderTrip(c, f, out); err != nil {
		return err
	}
	target, err := url.Parse(provider.Issuer)
	if err != nil {
		return err
	}
	query := target.Query()
	query.Set("request", h.signin.ExternalRequest(f.issuer.ID, signin.ExternalLoginRequest{Provider: provider.ID, Flow: f.request.FlowID, ID: out.Visit}, h.now()))
	query.Set("iss", f.issuer.URL)
	target.RawQuery = query.Encode()
	return web.RenderLeaving(c, templates.Leave(templates.LeavePage{Brand: brandOf(f.issuer), ClientName: provider.Name, Location: target.String(), ToSignIn: true}))
}

// ownAnswer is the request with which the site's backend says who the person is.
type ownAnswer struct {
	Request string `json:"request"`
	signin.ExternalLogin
}

// externalLogin takes it, once for each request, and says where to send the browser.
func (h *Handler) externalLogin(c echo.Context) error {
	issuer := issuerOf(c)
	body, err := metadataBody(c)
	if err != nil {
		return err
	}
	var in ownAnswer
	if err := decodeStrict(body, &in, "request, subject, email, name and organizations"); err != nil {
		return err
	}
	if !strings.HasPrefix(ownSecret(c), tenants.ExternalLoginSecretPrefix) {
		return notTheSite()
	}
	expired := &oauth.Error{Code: oauth.InvalidRequest, Parameter: "request", Description: "Expected a request of this project, at most ten minutes old and not answered before."}
	visit, err := h.ownVisit(issuer, in.Request)
	if err != nil {
		return expired
	}
	if err := h.fromSite(c, issuer, visit.Provider); err != nil {
		return err
	}
	if !issuer.OffersSignIn(tenants.SignInExternal) {
		return notOffered()
	}
	path, use := pathExternalReturn, signin.ForFlow
	if in.Request == accountRequest {
		path, use = pathEnter, signin.ForAccount
	}
	back, err := signin.FinishExternalLogin(c.Request().Context(), h.identities(issuer.ID), visit, use, in.ExternalLogin)
	var field signin.FieldError
	switch {
	case errors.As(err, &field):
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: field.Field, Description: field.Message}
	case errors.Is(err, signin.ErrExternalRequest):
		return expired
	case err != nil:
		return fault(err)
	}
	return answer(c, http.StatusOK, map[string]string{
		"redirect_to": issuer.URL + path + "?" + url.Values{"state": {visit.Flow.String()}, "answer": {back}}.Encode(),
	})
}

// ownLeft takes what the site's backend says of a person who left one of their organizations, or all, any number of times. It works
// while the login is switched off as well: it opens nothing.
func (h *Handler) ownLeft(c echo.Context) error {
	issuer := issuerOf(c)
	body, err := metadataBody(c)
	if err != nil {
		return err
	}
	var in signin.SignOutRequest
	if err := decodeStrict(body, &in, "subject, and organization or all"); err != nil {
		return err
	}
	visit, err := h.ownVisit(issuer, accountRequest)
	if err != nil {
		return notTheSite()
	}
	if err := h.fromSite(c, issuer, visit.Provider); err != nil {
		return err
	}
	remain, err := signin.EndMembership(c.Request().Context(), h.identities(issuer.ID), visit.Provider, in)
	if field, ok := errors.AsType[signin.FieldError](err); ok {
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: field.Field, Description: field.Message}
	}
	if err != nil {
		return fault(err)
	}
	return answer(c, http.StatusOK, map[string]any{"subject": in.Subject, "organizations": json.RawMessage(signin.OrganizationsJSON(remain))})
}

// fromSite checks that a request comes from the backend of the customer's site.
func (h *Handler) fromSite(c echo.Context, issuer *oauth.Issuer, site id.ID) error {
	if !strings.HasPrefix(ownSecret(c), tenants.ExternalLoginSecretPrefix) {
		return notTheSite()
	}
	provider, err := h.identities(issuer.ID).FindProvider(c.Request().Context(), site)
	if err != nil && !errors.Is(err, signin.ErrNotFound) {
		return fault(err)
	}
	if err != nil || provider.Kind != signin.ProviderOwn || !secret.EqualString(provider.ClientSecret, ownSecret(c)) {
		return notTheSite()
	}
	return nil
}

func ownSecret(c echo.Context) string {
	return oauth.BearerToken(c.Request().Header.Get(echo.HeaderAuthorization))
}

func notTheSite() error {
	return &oauth.Error{Code: oauth.InvalidToken, Description: "Expected the secret of the own login of this project as a bearer token."}
}

// accountRequest stands in place of a request when the site wants a link to the person's connected apps.
const accountRequest = "account"

func (h *Handler) ownVisit(issuer *oauth.Issuer, request string) (signin.ExternalLoginRequest, error) {
	if request != accountRequest {
		return h.signin.ReadExternalRequest(issuer.ID, request, h.now())
	}
	for _, p := range issuer.Providers {
		if p.Kind == signin.ProviderOwn {
			id := id.New()
			return signin.ExternalLoginRequest{Provider: p.ID, Flow: id, ID: id}, nil
		}
	}
	return signin.ExternalLoginRequest{}, signin.ErrExternalRequest
}

// decodeStrict reads a JSON object that has known members only.
func decodeStrict(body []byte, into any, members string) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil || decoder.More() || !utf8.Valid(body) {
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "body", Description: "Expected a JSON object with " + members + "."}
	}
	return nil
}

// ownBackPage signs the person in whom the site spoke of, in the browser that left for it (catalogue 118, 125, 142).
func (h *Handler) ownBackPage(c echo.Context) error {
	f, back, query, err := h.readHop(c, false)
	if err != nil {
		return err
	}
	if query.Get("answer") == "" {
		return &oauth.Error{Code: oauth.InvalidRequest, Parameter: "answer", Description: "Expected the address that the answer to the own login named."}
	}
	provider, err := h.offered(c, f.issuer, tenants.SignInExternal, back.Provider.String())
	cookiesOf(f.issuer).Clear(c, cookieProvider+back.ProviderRequest.State)
	if err != nil {
		return h.refused(c, f, err)
	}
	answered := signin.ExternalAnswerHash(signin.ForFlow, query.Get("answer"))
	account, err := h.identities(f.issuer.ID).SignInExternal(c.Request().Context(), provider.ID, back.Visit, answered)
	if err != nil {
		return h.identityProviderFailed(c, f, provider.Name, err)
	}
	return h.arrived(c, f, back, account, signin.Way{Method: tenants.SignInExternal, Provider: provider.ID, Identity: account.Identity})
}
