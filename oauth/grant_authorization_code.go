package oauth

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

const grantAuthorizationCode = "authorization_code"

// CodeRedemption is the one statement that exchanges a code, every check in its condition.
type CodeRedemption struct {
	GrantID        id.ID
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

// The outcomes of an exchange. Refused changed nothing.
const (
	Redeemed RedemptionOutcome = "redeemed"
	Replayed RedemptionOutcome = "replayed" // otherwise valid and used before: the grant is revoked now
	Refused  RedemptionOutcome = "refused"
)

// GrantStore keeps grants. Each verb is one atomic step.
type GrantStore interface {
	ConnectionStore
	// ApproveGrant inserts the grant of an approval and returns its id. The same approval again returns the same id while its code is
	// unused; ErrNotFound when it does not match, or when session, user, client, MCP server or project may not approve any more.
	ApproveGrant(ctx context.Context, issuer id.ID, approval Approval) (id.ID, error)
	// FindConsent returns the scopes that a user allowed a client for a resource; ErrNotFound: none.
	FindConsent(ctx context.Context, issuer, user id.ID, clientID, redirectHost, resource string) ([]string, error)
	// RedeemCode exchanges a code.
	RedeemCode(ctx context.Context, issuer id.ID, redemption CodeRedemption) (GrantState, RedemptionOutcome, error)
	// FindGrant reads, after a refusal, what a reference would have had to come with; ErrNotFound: it belongs to no grant.
	FindGrant(ctx context.Context, issuer, grant id.ID, randomHash []byte) (StoredGrant, error)
	// RotateRefreshToken advances a grant's generation or forgives or punishes an old one.
	RotateRefreshToken(ctx context.Context, issuer id.ID, rotation Rotation) (GrantState, RotationOutcome, error)
	// RevokeGrant revokes a living grant of a client; it is not an error when there is none.
	RevokeGrant(ctx context.Context, issuer id.ID, grant id.ID, clientID, reason string) error
}

// redeemCode exchanges an authorization code (RFC 6749 section 4.1.3). A valid second redemption revokes what the first one gave; one
// with a wrong verifier or client changes nothing, so that whoever saw a code cannot end the connection (catalogue 156, 157).
func redeemCode(ctx context.Context, s *Server, r tokenRequest) (issued, *Error) {
	refused := newError(InvalidGrant, "The code is unknown, expired or used, or was issued to another client, redirect_uri or code_challenge.").at("code", "")
	ref, authentic := s.readReference(r.issuer, kindCode, r.form.Get("code"))
	if authentic {
		TraceOf(ctx).GrantID = ref.grant
	}
	challenge, wrong := readVerifier(r.form)
	switch {
	case r.form.Get("code") == "":
		return issued{}, newError(InvalidRequest, "The parameter code is missing.").at("code", "")
	case r.form.Get("code_verifier") == "":
		return issued{}, wrong
	case !authentic || ref.generation != 0:
		return issued{}, refused.because(difference{"code", "", "", "The code is none that this project issued"})
	case wrong != nil:
		return issued{}, wrong
	}
	redemption := CodeRedemption{
		GrantID: ref.grant, RandomHash: secret.Hash(string(ref.random)), IssuerURL: r.issuer.URL, ClientID: r.client.ID, Confidential: r.client.AuthMethod != AuthMethodNone,
		Challenge: challenge, RedirectURI: r.form.Get("redirect_uri"), Resource: r.resource,
		AccessTokenTTL: r.issuer.AccessTokenTTL, RefreshIdleTTL: r.issuer.RefreshIdleTTL,
	}
	grant, outcome, err := s.grants.RedeemCode(ctx, r.issuer.ID, redemption)
	TraceOf(ctx).grant(grant)
	switch {
	case err != nil:
		return issued{}, Fault(err)
	case outcome == Replayed:
		return issued{}, newError(InvalidGrant, "The code was used before. What it had given is revoked.").at("code", "used").expecting("unused")
	case outcome != Redeemed:
		return issued{}, s.whyRefused(ctx, r, ref, refused, func(g StoredGrant) []difference { return g.codeDifferences(redemption) })
	}
	result := issued{grant: grant, random: ref.random, scopes: grant.Scopes}
	if grant.Refreshable {
		result.generation = grant.Generation
	}
	return result, nil
}

// readVerifier derives the challenge from a code_verifier, of which the timeline is told its length at most.
func readVerifier(form url.Values) (string, *Error) {
	verifier := form.Get("code_verifier")
	challenge, ok := challengeOf(verifier)
	switch {
	case verifier == "":
		return "", newError(InvalidRequest, "The parameter code_verifier is missing.").at("code_verifier", "").expecting(verifierSyntax)
	case !ok:
		return "", newError(InvalidGrant, "Expected a code_verifier of 43 to 128 unreserved characters.").
			at("code_verifier", strconv.Itoa(len(verifier))+" characters").expecting(verifierSyntax)
	}
	return challenge, nil
}
