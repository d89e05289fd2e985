package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
)

// redeemSQL decides and writes in one UPDATE. Whoever comes second, also at the same moment, waits for the row and then sees it
// redeemed: an otherwise valid second redemption revokes the grant.
var redeemSQL = `
	WITH used AS (
		UPDATE grants SET
			code_redeemed_at = coalesce(code_redeemed_at, now()),
			generation = CASE WHEN code_redeemed_at IS NULL THEN 1 ELSE generation END,
			rotated_at = CASE WHEN code_redeemed_at IS NULL THEN now() ELSE rotated_at END,
			access_expires_at = CASE WHEN code_redeemed_at IS NULL THEN now() + $8::interval ELSE access_expires_at END,
			idle_expires_at = CASE WHEN code_redeemed_at IS NULL THEN now() + $9::interval ELSE idle_expires_at END,
			revoked_at = CASE WHEN code_redeemed_at IS NOT NULL THEN now() END,
			revoked_reason = CASE WHEN code_redeemed_at IS NOT NULL THEN 'code_replayed' END
		WHERE project_id = $1 AND id = $2 AND random_hash = $3 AND issuer = $4 AND client_id = $5 AND code_challenge = $6
			AND ($7 = '' OR redirect_uri = $7) AND ($10 = '' OR resource = $10) AND (client_auth_method = 'none' OR $12::boolean)
			AND revoked_at IS NULL AND (code_redeemed_at IS NOT NULL OR code_expires_at > now()) AND ` + personMayUse + `
		RETURNING ` + grantColumns + ` AS now, access_expires_at, revoked_at IS NOT NULL AS replayed
	), replay AS (SELECT ` + endedColumns + ` FROM used WHERE replayed),
	published AS (` + publishEnded("$1", "replay") + `), audited AS (
		INSERT INTO audit_log (project_id, id, actor, action, target)
		SELECT $1, $11, 'client:' || client_id, CASE WHEN replayed THEN 'grant.code_replayed' ELSE 'grant.code_redeemed' END, 'grant:' || id FROM used
	), counted AS (` + countConnected("used WHERE NOT replayed") + `)
	SELECT ` + grantFields + `, replayed FROM used`

// personMayUse is the condition of every statement that hands out tokens: a blocked person gets none (catalogue 163, 186).
const personMayUse = `EXISTS (SELECT FROM users u WHERE u.project_id = grants.project_id AND u.id = grants.user_id AND u.blocked_at IS NULL)`

// RedeemCode implements oauth.GrantStore.
func (s *Store) RedeemCode(ctx context.Context, project secret.ID, r oauth.CodeRedemption) (oauth.GrantState, oauth.RedemptionOutcome, error) {
	var row grantRow
	var replayed bool
	scan := func(result pgx.Row) error { return result.Scan(append(row.fields(), &replayed)...) }
	err := s.hot(ctx, project, scan, redeemSQL, r.GrantID, r.RandomHash, r.IssuerURL, r.ClientID, r.Challenge, r.RedirectURI,
		r.AccessTokenTTL, r.RefreshIdleTTL, r.Resource, secret.NewID(), r.Confidential)
	switch {
	case isNotFound(err):
		return s.whyNotRedeemed(ctx, project, r)
	case err != nil:
		return oauth.GrantState{}, oauth.Refused, err
	case replayed:
		return row.state(), oauth.Replayed, nil
	default:
		return row.state(), oauth.Redeemed, nil
	}
}

// whyNotRedeemed tells a client that is right in everything else that it named another resource; the code stays good (catalogue 174).
func (s *Store) whyNotRedeemed(ctx context.Context, project secret.ID, r oauth.CodeRedemption) (oauth.GrantState, oauth.RedemptionOutcome, error) {
	if r.Resource == "" {
		return oauth.GrantState{}, oauth.Refused, nil
	}
	var resource string
	err := s.hot(ctx, project, func(row pgx.Row) error { return row.Scan(&resource) }, `
		SELECT resource FROM grants WHERE project_id = $1 AND id = $2 AND random_hash = $3 AND issuer = $4 AND client_id = $5
			AND code_challenge = $6 AND ($7 = '' OR redirect_uri = $7) AND resource <> $8 AND (client_auth_method = 'none' OR $9::boolean)
			AND revoked_at IS NULL AND code_redeemed_at IS NULL AND code_expires_at > now()`,
		r.GrantID, r.RandomHash, r.IssuerURL, r.ClientID, r.Challenge, r.RedirectURI, r.Resource, r.Confidential)
	if isNotFound(err) {
		return oauth.GrantState{}, oauth.Refused, nil
	}
	return oauth.GrantState{Resource: resource}, oauth.OtherResource, err
}
