package oauth

import (
	"context"
	"net/url"

	"mcpauth.example/internal/id"
)

// ReasonRevokedByClient is why a grant ended when its client asked for it.
const ReasonRevokedByClient = "client"

// Revoke ends the grant of a token that a client presents (RFC 7009). Any token of a grant ends all of it; an unknown token, or one of
// another client, changes nothing and is answered alike (sections 2.1, 2.2).
func (s *Server) Revoke(ctx context.Context, issuer *Issuer, authorization string, form url.Values) *Error {
	if refused := once(form); refused != nil {
		return refused
	}
	if form.Get("token") == "" {
		return newError(InvalidRequest, "The parameter token is missing.").at("token", "")
	}
	client, refused := s.authenticateClient(ctx, issuer, authorization, form)
	if refused != nil {
		return refused
	}
	grant, ok := s.grantOf(issuer, form.Get("token"))
	if !ok {
		return nil
	}
	TraceOf(ctx).GrantID = grant
	if err := s.grants.RevokeGrant(ctx, issuer.ID, grant, client.ID, ReasonRevokedByClient); err != nil {
		return Fault(err)
	}
	return nil
}

// grantOf reads any kind of token; the hint is not needed to tell them apart.
func (s *Server) grantOf(issuer *Issuer, token string) (id.ID, bool) {
	if ref, ok := s.readReference(issuer, kindRefresh, token); ok {
		return ref.grant, true
	}
	claims, ok := s.verifyAccessToken(issuer, token)
	if !ok {
		return id.ID{}, false
	}
	id, err := id.Parse(claims.GrantID)
	return id, err == nil
}
