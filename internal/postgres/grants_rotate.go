package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

// rotateSQL decides and writes in one UPDATE by comparing the presented generation ($6) with the row's:
// equal or ahead (a failover lost the last update) advances; the predecessor within the grace is forgiven and gets the successor that
// exists; anything older, or later, revokes. Old and new values of one UPDATE cannot both be returned, so the outcome is computed from
// what the statement left: generation = $6 + 1 and rotated at this very moment means that this call advanced it.
var rotateSQL = `
	WITH seen AS (
		UPDATE grants SET
			generation = CASE WHEN $6 >= generation THEN $6 + 1 ELSE generation END,
			rotated_at = CASE WHEN $6 >= generation THEN now() ELSE rotated_at END,
			access_expires_at = CASE WHEN $6 >= generation - 1 THEN greatest(access_expires_at, now() + $8::interval) ELSE access_expires_at END,
			idle_expires_at = CASE WHEN $6 >= generation THEN now() + $9::interval ELSE idle_expires_at END,
			forgiven_reuses = forgiven_reuses + CASE WHEN $6 = generation - 1 AND $7::interval > interval '0' AND now() <= rotated_at + $7::interval THEN 1 ELSE 0 END,
			revoked_at = CASE WHEN $6 >= generation OR ($6 = generation - 1 AND $7::interval > interval '0' AND now() <= rotated_at + $7::interval) THEN NULL ELSE now() END,
			revoked_reason = CASE WHEN $6 >= generation OR ($6 = generation - 1 AND $7::interval > interval '0' AND now() <= rotated_at + $7::interval) THEN NULL ELSE 'refresh_token_reused' END
		WHERE project_id = $1 AND id = $2 AND random_hash = $3 AND issuer = $4 AND client_id = $5
			AND refreshable AND code_redeemed_at IS NOT NULL AND revoked_at IS NULL AND idle_expires_at > now() AND expires_at > now()
			AND ($10 = '' OR resource = $10) AND scopes @> $11::text[] AND (client_auth_method = 'none' OR $13::boolean) AND ` + personMayUse + `
		RETURNING ` + grantColumns + ` AS now, access_expires_at, revoked_at IS NOT NULL AS reused, NOT (generation = $6 + 1 AND rotated_at = now()) AS old
	), reuse AS (SELECT ` + endedColumns + ` FROM seen WHERE reused),
	published AS (` + publishEnded("$1", "reuse") + `), audited AS (
		INSERT INTO audit_log (project_id, id, actor, action, target, detail)
		SELECT $1, $12, 'client:' || client_id, CASE WHEN reused THEN 'grant.refresh_reused' ELSE 'grant.refresh_forgiven' END,
			'grant:' || id, jsonb_build_object('presented', $6::bigint, 'living', generation)
		FROM seen WHERE old
	), counted AS (` + countConnected("seen WHERE NOT reused") + `)
	SELECT ` + grantFields + `, reused, old FROM seen`

// RotateRefreshToken implements oauth.GrantStore.
func (s *Store) RotateRefreshToken(ctx context.Context, project id.ID, r oauth.Rotation) (oauth.GrantState, oauth.RotationOutcome, error) {
	var row grantRow
	var reused, old bool
	scan := func(result pgx.Row) error { return result.Scan(append(row.fields(), &reused, &old)...) }
	scopes := r.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	err := s.query(ctx, project, scan, rotateSQL, r.GrantID, r.RandomHash, r.IssuerURL, r.ClientID, int64(r.Generation), //nolint:gosec // bounded by the caller
		r.Grace, r.AccessTokenTTL, r.RefreshIdleTTL, r.Resource, scopes, id.New(), r.Confidential)
	switch {
	case isNotFound(err):
		return oauth.GrantState{}, oauth.RotationRefused, nil
	case err != nil:
		return oauth.GrantState{}, oauth.RotationRefused, err
	case reused:
		return row.state(), oauth.Reused, nil
	case old:
		return row.state(), oauth.Forgiven, nil
	default:
		return row.state(), oauth.Rotated, nil
	}
}
