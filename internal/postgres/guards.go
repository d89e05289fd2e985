package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

// FindGuard implements oauth.GuardStore.
func (s *Store) FindGuard(ctx context.Context, project id.ID, secretHash []byte) (id.ID, error) {
	var server id.ID
	err := s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&server) }, `
		WITH found AS (
			SELECT id, mcp_server_id, last_used_at FROM registration_secrets WHERE project_id = $1 AND secret_hash = $2 AND revoked_at IS NULL
		), used AS (
			UPDATE registration_secrets SET last_used_at = now()
			WHERE project_id = $1 AND id = (SELECT id FROM found WHERE last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
		)
		SELECT mcp_server_id FROM found`, secretHash)
	return server, err
}

// IntrospectGrant implements oauth.GuardStore: secret, grant and person in one statement, so that the answer is one moment's truth.
func (s *Store) IntrospectGrant(ctx context.Context, project id.ID, secretHash []byte, grant id.ID) (oauth.Introspected, error) {
	var found oauth.Introspected
	scan := func(row pgx.Row) error {
		return row.Scan(&found.GuardServerID, &found.Living, &found.ServerID, &found.ClientID, &found.Username, &found.Now)
	}
	err := s.query(ctx, project, scan, `
		SELECT k.mcp_server_id,
			coalesce(g.revoked_at IS NULL AND g.code_redeemed_at IS NOT NULL AND g.expires_at > now() AND u.blocked_at IS NULL AND `+noReviewIsOver+`, false),
			g.mcp_server_id, coalesce(g.client_id, ''), coalesce(CASE WHEN u.email_verified_at IS NOT NULL THEN u.email END, ''), now()
		FROM registration_secrets k
		LEFT JOIN grants g ON g.project_id = k.project_id AND g.id = $3
		LEFT JOIN users u ON u.project_id = g.project_id AND u.id = g.user_id
		WHERE k.project_id = $1 AND k.secret_hash = $2 AND k.revoked_at IS NULL`, secretHash, grant)
	return found, err
}
