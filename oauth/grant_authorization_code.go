package oauth

import (
	"context"
	"time"

	"mcpauth.example/internal/secret"
)

const grantAuthorizationCode = "authorization_code"

// CodeRedemption is the one statement that exchanges a code, every check in its condition.
type CodeRedemption struct {
	GrantID        secret.ID
	RandomHash     []byte
	IssuerURL      string
	ClientID       string
	Confidential   bool   // the client authenticated itself; one that had to at approval has to now
	Challenge      string // derived from the verifier
	RedirectURI    string // empty: the request names none
	Resource       string // empty: the request names none
	AccessTokenTTL time.Duration
	RefreshIdleTTL time.Duration
}

// RedemptionOutcome says how an exchange ended.
type RedemptionOutcome string

// The outcomes of an exchange. A reason other than Redeemed and Replayed changed nothing.
const (
	Redeemed      RedemptionOutcome = "redeemed"
	Replayed      RedemptionOutcome = "replayed" // otherwise valid and used before: the grant is revoked now
	OtherResource RedemptionOutcome = "other_resource"
	Refused       RedemptionOutcome = "refused"
)

// GrantStore keeps grants. Each verb is one atomic step.
type GrantStore interface {
	ConnectionStore
	// ApproveGrant inserts the grant of an approval and returns its id. The same approval again returns the same id while its code is
	// unused; ErrNotFound when it does not match, or when session, user, client, MCP server or project may not approve any more.
	ApproveGrant(ctx context.Context, issuer secret.ID, approval Approval) (secret.ID, error)
	// FindConsent returns the scopes that a user allowed a client for a resource; ErrNotFound: none.
	FindConsent(ctx context.Context, issuer, user secret.ID, clientID, redirectHost, resource string) ([]string, error)
	// RedeemCode exchanges a code.
	RedeemCode(ctx context.Context, issuer secret.ID, redemption CodeRedemption) (GrantState, RedemptionOutcome, error)
	// RotateRefreshToken advances a grant's generation or forgives or punishes an old one.
	RotateRefreshToken(ctx context.Context, issuer secret.ID, rotation Rotation) (GrantState, RotationOutcome, error)
	// RevokeGrant revokes a living grant of a client; it is not an error when there is none.
	RevokeGrant(ctx context.Context, issuer secret.ID, grant secret.ID, clientID, reason string) error
}

// redeemCode exchanges an authorization code (RFC 6749 section 4.1.3). A valid second redemption revokes what the first one gave; one
// with a wrong verifier or client changes nothing, so that whoever saw a code cannot end the connection (catalogue 156, 157).
func redeemCode(ctx context.Context, s *Server, r tokenRequest) (issued, *Error) {
	for _, name := range []string{"code", "code_verifier"} {
		if r.form.Get(name) == "" {
			return issued{}, newError(InvalidRequest, "The parameter "+name+" is missing.").at(name, "")
		}
	}
	refused := newError(InvalidGrant, "The code is unknown, expired or used, or was issued to another client, redirect_uri or code_challenge.").at("code", "")
	ref, ok := s.readReference(r.issuer, kindCode, r.form.Get("code"))
	if !ok || ref.generation != 0 {
		return issued{}, refused
	}
	challenge, ok := challengeOf(r.form.Get("code_verifier"))
	if !ok {
		return issued{}, newError(InvalidGrant, "Expected a code_verifier of 43 to 128 unreserved characters.").at("code_verifier", "")
	}
	TraceOf(ctx).GrantID = ref.grant
	grant, outcome, err := s.grants.RedeemCode(ctx, r.issuer.ID, CodeRedemption{
		GrantID: ref.grant, RandomHash: secret.Hash(string(ref.random)), IssuerURL: r.issuer.URL, ClientID: r.client.ID, Confidential: r.client.AuthMethod != AuthMethodNone,
		Challenge: challenge, RedirectURI: r.form.Get("redirect_uri"), Resource: r.resource,
		AccessTokenTTL: r.issuer.AccessTokenTTL, RefreshIdleTTL: r.issuer.RefreshIdleTTL,
	})
	TraceOf(ctx).grant(grant)
	switch {
	case err != nil:
		return issued{}, Fault(err)
	case outcome == OtherResource:
		return issued{}, newError(InvalidTarget, "The code was issued for another resource. Expected: "+grant.Resource).at("resource", r.resource)
	case outcome == Replayed:
		return issued{}, newError(InvalidGrant, "The code was used before. What it had given is revoked.").at("code", "")
	case outcome != Redeemed:
		return issued{}, refused
	}
	result := issued{grant: grant, random: ref.random, scopes: grant.Scopes}
	if grant.Refreshable {
		result.generation = grant.Generation
	}
	return result, nil
}
