package oauth

import (
	"context"
	"slices"
	"strconv"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// GrantRefreshToken is the grant type of RFC 6749 section 6.
const GrantRefreshToken = "refresh_token"

// Rotation is the one statement that refreshes, every check in its condition.
type Rotation struct {
	GrantID        id.ID
	RandomHash     []byte
	IssuerURL      string
	ClientID       string
	Confidential   bool   // the client authenticated itself; one that had to at approval has to now
	Generation     uint64 // the presented one
	Resource       string // empty: the request names none
	Scopes         []string
	Grace          time.Duration
	AccessTokenTTL time.Duration
	RefreshIdleTTL time.Duration
}

// RotationOutcome says how a refresh ended.
type RotationOutcome string

// The outcomes of a refresh. RotationRefused changed nothing.
const (
	Rotated         RotationOutcome = "rotated"
	Forgiven        RotationOutcome = "forgiven" // the predecessor within the grace: the same successor again
	Reused          RotationOutcome = "reused"   // older, or later: the grant is revoked now
	RotationRefused RotationOutcome = "refused"
)

// redeemRefreshToken rotates a refresh token (RFC 6749 section 6, RFC 9700 section 4.14). The successor is derived from the row, so a
// client that lost the answer, or two processes that share one token, get the same one within the grace (P10).
func redeemRefreshToken(ctx context.Context, s *Server, r tokenRequest) (issued, *Error) {
	if r.form.Get("refresh_token") == "" {
		return issued{}, newError(InvalidRequest, "The parameter refresh_token is missing.").at("refresh_token", "")
	}
	refused := newError(InvalidGrant, "The refresh token is unknown, expired or revoked, or was issued to another client.").at("refresh_token", "")
	ref, ok := s.readReference(r.issuer, kindRefresh, r.form.Get("refresh_token"))
	if !ok || ref.generation == 0 || ref.generation > 1<<62 {
		return issued{}, refused.because(difference{"refresh_token", "", "", "The refresh token is none that this project issued"})
	}
	trace := TraceOf(ctx)
	trace.GrantID = ref.grant
	rotation := Rotation{
		GrantID: ref.grant, RandomHash: secret.Hash(string(ref.random)), IssuerURL: r.issuer.URL, ClientID: r.client.ID, Confidential: r.client.AuthMethod != AuthMethodNone,
		Generation: ref.generation, Resource: r.resource, Scopes: r.scopes, Grace: r.issuer.RefreshGrace,
		AccessTokenTTL: r.issuer.AccessTokenTTL, RefreshIdleTTL: r.issuer.RefreshIdleTTL,
	}
	grant, outcome, err := s.grants.RotateRefreshToken(ctx, r.issuer.ID, rotation)
	trace.grant(grant)
	if outcome == Forgiven {
		trace.Forgiven, trace.Presented, trace.Living = true, ref.generation, grant.Generation
	}
	switch {
	case err != nil:
		return issued{}, Fault(err)
	case outcome == Reused:
		return issued{}, newError(InvalidGrant, "The refresh token was used before. The connection is revoked.").
			at("refresh_token", numbered(ref.generation)).expecting(numbered(grant.Generation))
	case outcome != Rotated && outcome != Forgiven:
		return issued{}, s.whyRefused(ctx, r, ref, refused, func(g StoredGrant) []difference { return g.refreshDifferences(rotation) })
	}
	result := issued{grant: grant, random: ref.random, scopes: grant.Scopes, generation: grant.Generation}
	if len(r.scopes) > 0 { // narrowed for this access token only (RFC 6749 section 6)
		result.scopes = slices.DeleteFunc(slices.Clone(grant.Scopes), func(name string) bool { return !slices.Contains(r.scopes, name) })
	}
	return result, nil
}

// numbered names a refresh token by its place in the lineage, which is no secret.
func numbered(generation uint64) string { return "number " + strconv.FormatUint(generation, 10) }
