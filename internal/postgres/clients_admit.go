package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
)

// AdmitRegistration implements oauth.ClientStore. The use of either credential is noted.
func (s *Store) AdmitRegistration(ctx context.Context, project id.ID, tokenHash []byte) error {
	var id id.ID
	return s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&id) }, `
		WITH token AS (
			UPDATE initial_access_tokens SET last_used_at = now()
			WHERE project_id = $1 AND token_hash = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
			RETURNING id
		), guard AS (
			UPDATE registration_secrets SET last_used_at = now() WHERE project_id = $1 AND secret_hash = $2 AND revoked_at IS NULL RETURNING id
		)
		SELECT id FROM token UNION ALL SELECT id FROM guard`, tokenHash)
}
