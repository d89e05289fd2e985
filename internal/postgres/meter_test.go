package postgres_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
)

var pagesRead = regexp.MustCompile(`shared(?: hit=(\d+))?(?: read=(\d+))?`)

// Whether somebody is a newcomer is asked before each consent: it reads a handful of pages, however many people and months were counted.
func TestNewcomerReadsNoWholeMeter(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	project, other := newTestProject(t, db, "Alpha"), newTestProject(t, db, "Beta")
	super := connect(t, db.SuperuserURL)
	for _, id := range []id.ID{project.ID, other.ID} {
		if _, err := super.Exec(t.Context(), `INSERT INTO connected_users (project_id, month, user_id)
			SELECT $1, m::date, gen_random_uuid() FROM generate_series(date '2026-01-01', date '2026-06-01', interval '1 month') m, generate_series(1, 5000)`, id.String()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := super.Exec(t.Context(), `UPDATE projects SET environment = 'production'`); err != nil {
		t.Fatal(err)
	}
	// VACUUM as the hourly one leaves it, so that what is measured is the plan and not dead rows.
	if _, err := super.Exec(t.Context(), `VACUUM ANALYZE connected_users`); err != nil {
		t.Fatal(err)
	}
	var plan []string
	conn, err := connect(t, db.AppURL).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	inTenant(t, conn.Conn(), project.ID, func(tx pgx.Tx) {
		rows, err := tx.Query(t.Context(), `EXPLAIN (ANALYZE, BUFFERS) `+postgres.FirstConnectionSQL, project.ID.String(), id.New().String())
		if err != nil {
			t.Fatal(err)
		}
		if plan, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	})
	const most = 20
	read := 0
	for _, line := range plan {
		if found := pagesRead.FindStringSubmatch(line); found != nil { // the first line with pages is the sum of all below
			hit, _ := strconv.Atoi(found[1])
			missed, _ := strconv.Atoi(found[2])
			read = hit + missed
			break
		}
	}
	if read == 0 || read > most {
		t.Errorf("got %d pages read, want 1 to %d:\n%s", read, most, strings.Join(plan, "\n"))
	}
}
