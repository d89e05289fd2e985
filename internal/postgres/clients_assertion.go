package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
)

// UseAssertion implements oauth.AssertionStore: of any number that come with the same assertion, one inserts.
func (s *Store) UseAssertion(ctx context.Context, project id.ID, jtiHash []byte, expires time.Time) error {
	var used bool
	return s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&used) }, `
		INSERT INTO client_assertions (project_id, jti_hash, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (project_id, jti_hash) DO NOTHING RETURNING true`, jtiHash, expires)
}

// sweepAssertions forgets, in one project, assertions that would be refused as expired.
func (s *Store) sweepAssertions(ctx context.Context, project id.ID) (swept int, err error) {
	err = s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&swept) }, `
		WITH gone AS (
			DELETE FROM client_assertions WHERE project_id = $1 AND jti_hash IN (
				SELECT jti_hash FROM client_assertions WHERE project_id = $1 AND expires_at < now() - interval '10 minutes' ORDER BY expires_at LIMIT $2)
			RETURNING 1
		)
		SELECT count(*) FROM gone`, sweepMost)
	return swept, err
}
