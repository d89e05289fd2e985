package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
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

// personMayUse is the condition of every statement that hands out tokens: a blocked person gets none (catalogue 163, 186), nor a reviewer
// whose day has passed.
const personMayUse = `EXISTS (SELECT FROM users u WHERE u.project_id = grants.project_id AND u.id = grants.user_id AND u.blocked_at IS NULL AND ` + noReviewIsOver + `)`

// RedeemCode implements oauth.GrantStore.
func (s *Store) RedeemCode(ctx context.Context, project id.ID, r oauth.CodeRedemption) (oauth.GrantState, oauth.RedemptionOutcome, error) {
	var row grantRow
	var replayed bool
	scan := func(result pgx.Row) error { return result.Scan(append(row.fields(), &replayed)...) }
	err := s.query(ctx, project, scan, redeemSQL, r.GrantID, r.RandomHash, r.IssuerURL, r.ClientID, r.Challenge, r.RedirectURI,
		r.AccessTokenTTL, r.RefreshIdleTTL, r.Resource, id.New(), r.Confidential)
	switch {
	case isNotFound(err):
		return oauth.GrantState{}, oauth.Refused, nil
	case err != nil:
		return oauth.GrantState{}, oauth.Refused, err
	case replayed:
		return row.state(), oauth.Replayed, nil
	default:
		return row.state(), oauth.Redeemed, nil
	}
}

// FindGrant implements oauth.GrantStore.
func (s *Store) FindGrant(ctx context.Context, project, grant id.ID, randomHash []byte) (found oauth.StoredGrant, err error) {
	var redeemed, idle, revoked *time.Time
	var generation int64
	scan := func(row pgx.Row) error {
		return row.Scan(&found.UserID, &found.ServerID, &found.IssuerURL, &found.ClientID, &found.AuthMethod, &found.Challenge, &found.RedirectTo,
			&found.Resource, &found.Scopes, &found.Refreshable, &found.PersonBlocked, &found.ReviewOver, &generation, &found.RevokedReason,
			&found.ApprovedAt, &found.CodeExpiresAt, &redeemed, &idle, &found.ExpiresAt, &revoked, &found.Now)
	}
	err = s.query(ctx, project, scan, `
		SELECT g.user_id, g.mcp_server_id, g.issuer, g.client_id, g.client_auth_method, g.code_challenge, g.redirect_uri, g.resource, g.scopes,
			g.refreshable, EXISTS (SELECT FROM users u WHERE u.project_id = g.project_id AND u.id = g.user_id AND u.blocked_at IS NOT NULL),
			EXISTS (SELECT FROM users u WHERE u.project_id = g.project_id AND u.id = g.user_id AND NOT `+noReviewIsOver+`), g.generation, coalesce(g.revoked_reason, ''),
			g.created_at, g.code_expires_at, g.code_redeemed_at, g.idle_expires_at, g.expires_at, g.revoked_at, now()
		FROM grants g WHERE g.project_id = $1 AND g.id = $2 AND g.random_hash = $3`, grant, randomHash)
	found.Generation = uint64(generation) //nolint:gosec // generations count up from 0
	found.RedeemedAt, found.IdleExpiresAt, found.RevokedAt = or(redeemed), or(idle), or(revoked)
	return found, err
}
