package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
)

// Restored makes a database that came back from a backup safe to serve: what was revoked, rotated or redeemed after the backup was made
// is not known any more. Every code and refresh token stops working (their MACs hold the epoch), every grant ends and guards are told,
// and guards whose place in the feed is of the lost database get all of it anew. Everybody is signed out, since nobody knows any more who
// was, who was blocked, and who left the customer's site. People sign in and connect again; clients, accounts, consents and settings stay. It
// returns how many grants ended. Nodes read the epoch when they start: all of them have to be stopped meanwhile.
func Restored(ctx context.Context, ownerURL string) (ended int64, err error) {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return 0, fmt.Errorf("owner database URL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE deployment SET incarnation = gen_random_uuid(), epoch = epoch + 1`); err != nil {
			return err
		}
		if err := signEverybodyOut(ctx, tx, memberStatements.signAllOut); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT id::text FROM projects ORDER BY id`)
		if err != nil {
			return err
		}
		projects, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, project := range projects {
			count, err := endAll(ctx, tx, project)
			if err != nil {
				return fmt.Errorf("project %s: %w", project, err)
			}
			ended += count
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("nothing was changed: %w", err)
	}
	return ended, nil
}

// signEverybodyOut ends every session of one kind of accounts. With the epoch raised, what was proven before begins none.
func signEverybodyOut(ctx context.Context, tx pgx.Tx, statements []string, project ...any) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement, project...); err != nil {
			return err
		}
	}
	return nil
}

// endAll ends what people of a project have.
func endAll(ctx context.Context, tx pgx.Tx, project string) (ended int64, err error) {
	if _, err := tx.Exec(ctx, setProjectSQL, project); err != nil {
		return 0, err
	}
	if err := signEverybodyOut(ctx, tx, userStatements.signAllOut, project); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `
		WITH ended AS (
			UPDATE grants SET revoked_at = now(), revoked_reason = 'restored' WHERE project_id = $1::text::uuid AND revoked_at IS NULL
			RETURNING `+endedColumns+`
		), published AS (`+publishEnded("$1::text::uuid", "ended")+`), audited AS (
			INSERT INTO audit_log (project_id, id, actor, action, detail)
			SELECT $1::text::uuid, $2::text::uuid, 'system', 'deployment.restored', jsonb_build_object('grants', (SELECT count(*) FROM ended))
		)
		SELECT count(*) FROM ended`, project, id.New().String()).Scan(&ended)
	return ended, err
}
