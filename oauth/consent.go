package oauth

import (
	"context"
	"slices"

	"mcpauth.example/internal/id"
)

// Remember notes in the request what the person allowed this client on this MCP server before: a step-up asks for the new scopes only
// and must not lose the others (P20). What it notes counts for the page that is shown next, and for the same session only.
func (s *Server) Remember(ctx context.Context, issuer *Issuer, r *Request, resource Resource, user id.ID) error {
	r.Remembered = nil
	scopes, err := s.grants.FindConsent(ctx, issuer.ID, user, r.ClientID, RedirectHost(r.Redirect), resource.URL)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return Fault(err)
	}
	for _, scope := range issuer.Describe(scopes) {
		r.Remembered = append(r.Remembered, scope.Name)
	}
	return nil
}

// Shown are the scopes that a person decides about: what the request asks for, and what was allowed before.
func (i *Issuer) Shown(r *Request) []Scope { return i.Describe(slices.Concat(r.Scopes, r.Remembered)) }

// shown are the same by name, with offline_access if the request asks for it.
func (i *Issuer) shown(r *Request) []string {
	var names []string
	for _, scope := range i.Shown(r) {
		names = append(names, scope.Name)
	}
	if slices.Contains(r.Scopes, ScopeOfflineAccess) {
		names = append(names, ScopeOfflineAccess)
	}
	return names
}
