package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// GuardStore answers the credential of an MCP server.
type GuardStore interface {
	// FindGuard returns the MCP server of a living registration secret, or ErrNotFound.
	FindGuard(ctx context.Context, issuer id.ID, secretHash []byte) (id.ID, error)
	// IntrospectGrant reads secret and grant in one step. ErrNotFound means that the secret is not one; an unknown grant is not living.
	IntrospectGrant(ctx context.Context, issuer id.ID, secretHash []byte, grant id.ID) (Introspected, error)
	// RecordCalls adds to the use of those grants that are for the secret's own MCP server; others are passed over. ErrNotFound means
	// that the secret is not one.
	RecordCalls(ctx context.Context, issuer id.ID, secretHash []byte, calls []Call) error
}

// Introspected is what the store knows of a token's grant at this moment.
type Introspected struct {
	GuardServerID id.ID // the MCP server that asks
	Living        bool  // the grant exists, is not revoked and not past its end
	ServerID      id.ID // the MCP server that the grant is for
	ClientID      string
	Username      string
	Now           time.Time
}

// Introspection is an answer of the introspection endpoint (RFC 7662 section 2.2). An inactive token has no other member.
type Introspection struct {
	Active   bool   `json:"active"`
	Issuer   string `json:"iss,omitempty"`
	Subject  string `json:"sub,omitempty"`
	Audience string `json:"aud,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	Username string `json:"username,omitempty"`
	// Organization of the customer's own, for which the access was given.
	Organization string `json:"org_id,omitempty"`
	Scope        string `json:"scope,omitempty"`
	TokenType    string `json:"token_type,omitempty"`
	Expires      int64  `json:"exp,omitempty"`
	IssuedAt     int64  `json:"iat,omitempty"`
	ID           string `json:"jti,omitempty"`
	GrantID      string `json:"sid,omitempty"`
}

// Introspect tells an MCP server whether an access token is good now (RFC 7662). It answers for tokens of that server only; every
// other token is inactive, whatever it is (catalogue 196, 200).
func (s *Server) Introspect(ctx context.Context, issuer *Issuer, registrationSecret string, form url.Values) (Introspection, *Error) {
	if refused := once(form); refused != nil {
		return Introspection{}, refused
	}
	claims, signed := s.verifyAccessToken(issuer, form.Get("token"))
	grantID, err := id.Parse(claims.GrantID)
	signed = signed && err == nil
	found, err := s.guards.IntrospectGrant(ctx, issuer.ID, secret.Hash(registrationSecret), grantID)
	switch {
	case isNotFound(err):
		return Introspection{}, unknownGuard()
	case err != nil:
		return Introspection{}, Fault(err)
	case form.Get("token") == "":
		return Introspection{}, newError(InvalidRequest, "The parameter token is missing.").at("token", "")
	}
	good := signed && !issuer.Suspended && found.Living && found.GuardServerID == found.ServerID && found.ClientID == claims.ClientID &&
		found.Now.Unix() < claims.Expires && issuer.answersAs(claims.Issuer)
	trace := TraceOf(ctx)
	trace.ServerID = found.GuardServerID
	if signed {
		trace.GrantID, trace.ClientID = grantID, claims.ClientID
	}
	if !good {
		resource, _ := issuer.ResourceByID(found.GuardServerID)
		trace.Refusal = whyInactive(signed, found, claims, resource.URL)
		return Introspection{}, nil
	}
	return Introspection{Active: true, Issuer: claims.Issuer, Subject: claims.Subject, Audience: claims.Audience, ClientID: claims.ClientID,
		Username: found.Username, Organization: claims.Organization, Scope: claims.Scope, TokenType: "Bearer", Expires: claims.Expires, IssuedAt: claims.IssuedAt,
		ID: claims.ID, GrantID: claims.GrantID}, nil
}

// whyInactive, at the MCP server that asked, is for the project's timeline; the MCP server is told nothing but that the token is not active (RFC 7662 section 2.2).
func whyInactive(signed bool, found Introspected, claims AccessClaims, asked string) *Error {
	refused := func(description string) *Error { return newError(InvalidToken, description).at("token", "") }
	switch {
	case !signed:
		return refused("The token was not signed by this project, or its key is gone.")
	case found.GuardServerID != found.ServerID:
		return refused("The token is for another MCP server.").at("aud", claims.Audience).expecting(asked)
	case found.Now.Unix() >= claims.Expires:
		return refused("The token has expired.").at("exp", "expired at "+moment(time.Unix(claims.Expires, 0))).expecting(unexpired)
	default:
		return refused("The connection was revoked or has ended.")
	}
}

func (i *Issuer) answersAs(url string) bool {
	return slices.Contains(i.URLs, url)
}

func unknownGuard() *Error {
	return newError(InvalidToken, "Unknown or revoked registration secret. Expected: Authorization: Bearer with a registration secret of this project.").at("Authorization", "")
}

// BearerToken reads Authorization: Bearer (RFC 6750 section 2.1); empty when there is none.
func BearerToken(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || len(token) > accessTokenMax {
		return ""
	}
	return strings.TrimSpace(token)
}
