package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
)

// revocationsChannel carries the id of a project in which a grant ended.
const revocationsChannel = "mcpauth_revocations"

// revocationMargin is added to the end of the last access token: guards forgive clocks that are a little off.
const revocationMargin = `interval '60 seconds'`

// endedColumns is what a statement that ends grants returns for publishEnded.
const endedColumns = `id, mcp_server_id, access_expires_at`

// publishEnded is the part of every statement that ends grants which tells guards of them: ended is the name of the part before it,
// which returns endedColumns and names no other grant. A grant without an access token that could still be used needs no row.
func publishEnded(project, ended string) string {
	return `INSERT INTO revocations (project_id, grant_id, mcp_server_id, until)
		SELECT ` + project + `, id, mcp_server_id, access_expires_at + ` + revocationMargin + ` FROM ` + ended + `
		WHERE access_expires_at > now() - ` + revocationMargin + `
		ON CONFLICT (project_id, grant_id) DO NOTHING
		RETURNING pg_notify('` + revocationsChannel + `', project_id::text)`
}

// endGrants ends the living grants that a condition on the table grants selects, and tells guards in the same transaction.
func endGrants(tx *gorm.DB, project id.ID, reason, condition string, args ...any) error {
	return tx.Exec(`WITH ended AS (
			UPDATE grants SET revoked_at = now(), revoked_reason = ? WHERE project_id = ? AND revoked_at IS NULL AND `+condition+`
			RETURNING `+endedColumns+`
		) `+publishEnded("?", "ended"), append(append([]any{reason, project}, args...), project)...).Error
}

// sweepRevocations forgets, in one project, what no unexpired token belongs to.
func (s *Store) sweepRevocations(ctx context.Context, project id.ID) (swept int, err error) {
	err = s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&swept) }, `
		WITH gone AS (
			DELETE FROM revocations WHERE project_id = $1 AND grant_id IN (
				SELECT grant_id FROM revocations WHERE project_id = $1 AND until < now() ORDER BY until LIMIT $2)
			RETURNING 1
		)
		SELECT count(*) FROM gone`, sweepMost)
	return swept, err
}
