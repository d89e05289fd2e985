package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/oauth"
)

// Every table is one or the other; a new one must be named here.
var (
	controlTables = []string{
		"billing_accounts", "billing_events", "billing_invoices", "billing_months", "billing_notices", "billing_reports", "deleted_projects", "deployment", "member_answers", "member_challenges", "member_identities", "member_passkeys", "member_sessions", "members", "organization_audit_log", "organization_invitations", "organization_members",
		"organizations", "project_domains", "project_issuers", "projects", "rate_limits", "released_domains", "used_slugs",
	}
	tenantTables = []string{
		"activity", "audit_log", "brand_logos", "brands", "client_assertions", "client_rules", "clients", "connected_users", "consents", "daily_counts", "grant_usage", "grants", "initial_access_tokens", "mcp_servers", "own_logins",
		"registration_secrets", "revocations", "scopes", "signing_keys", "tool_groups",
		"upstream_answers", "upstream_providers", "user_challenges", "user_identities", "user_passkeys", "user_recovery_codes", "user_second_factors", "user_sessions", "users",
	}
)

// foreignTable is what libraries make for themselves.
func foreignTable(name string) bool {
	return strings.HasPrefix(name, "river_") || name == "goose_db_version"
}

func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// column runs a query of one text column.
func column(t *testing.T, pool *pgxpool.Pool, query string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

func TestSchemaEveryTableIsControlOrTenant(t *testing.T) {
	t.Parallel()
	pool := connect(t, pgtest.New(t).SuperuserURL)
	found := column(t, pool, `SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`)
	found = slices.DeleteFunc(found, foreignTable)
	named := slices.Sorted(slices.Values(slices.Concat(controlTables, tenantTables)))
	if !slices.Equal(found, named) {
		t.Errorf("tables of the schema:\n%v\nnamed in this test:\n%v", found, named)
	}
	withProject := column(t, pool, `SELECT table_name::text FROM information_schema.columns
		WHERE table_schema = 'public' AND column_name = 'project_id' AND table_name NOT IN ('project_domains', 'project_issuers', 'released_domains') ORDER BY 1`)
	if !slices.Equal(withProject, tenantTables) {
		t.Errorf("tables with project_id: %v, tenant tables: %v", withProject, tenantTables)
	}
}

func TestSchemaTenantKeysBeginWithProject(t *testing.T) {
	t.Parallel()
	pool := connect(t, pgtest.New(t).SuperuserURL)
	// Primary, unique and foreign keys. A foreign key to projects itself is on project_id alone.
	bad := column(t, pool, `SELECT c.conrelid::regclass || ' ' || c.conname FROM pg_constraint c
		JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
		WHERE c.contype IN ('p', 'u', 'f') AND c.conrelid::regclass::text = ANY($1) AND a.attname <> 'project_id'`, tenantTables)
	bad = append(bad, column(t, pool, `SELECT c.conrelid::regclass || ' ' || c.conname FROM pg_constraint c
		JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = c.confkey[1]
		WHERE c.contype = 'f' AND c.conrelid::regclass::text = ANY($1)
			AND a.attname <> CASE WHEN c.confrelid = 'projects'::regclass THEN 'id' ELSE 'project_id' END`, tenantTables)...)
	bad = append(bad, column(t, pool, `SELECT i.indexrelid::regclass::text FROM pg_index i
		LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid::regclass::text = ANY($1) AND a.attname IS DISTINCT FROM 'project_id'`, tenantTables)...)
	for _, name := range bad {
		t.Errorf("%s does not begin with the project", name)
	}
	without := column(t, pool, `SELECT t FROM unnest($1::text[]) t
		WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t::regclass AND contype = 'p')`, tenantTables)
	if len(without) > 0 {
		t.Errorf("without primary key: %v", without)
	}
}

// Without such an index deleting a row, or changing its key, reads the whole table that points to it.
func TestSchemaForeignKeysHaveAFullIndex(t *testing.T) {
	t.Parallel()
	pool := connect(t, pgtest.New(t).SuperuserURL)
	bare := column(t, pool, `SELECT c.conrelid::regclass || ' ' || c.conname FROM pg_constraint c
		WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_index i
			WHERE i.indrelid = c.conrelid AND i.indpred IS NULL AND i.indisvalid
				AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)
		ORDER BY 1`)
	for _, name := range slices.DeleteFunc(bare, foreignTable) {
		t.Errorf("%s: no index begins with the columns of the foreign key", name)
	}
}

// A key that is emptied with the row that it points to writes any number of rows in one statement, which nothing can do in steps.
func TestSchemaForeignKeysEmptyNothing(t *testing.T) {
	t.Parallel()
	pool := connect(t, pgtest.New(t).SuperuserURL)
	for _, name := range column(t, pool, `SELECT conrelid::regclass || ' ' || conname FROM pg_constraint
		WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confdeltype IN ('n', 'd') ORDER BY 1`) {
		t.Errorf("%s: sets columns when a row is deleted", name)
	}
}

func TestSchemaRowLevelSecurityIsForced(t *testing.T) {
	t.Parallel()
	pool := connect(t, pgtest.New(t).SuperuserURL)
	const rule = `(project_id = (NULLIF(current_setting('app.project_id'::text, true), ''::text))::uuid)`
	guarded := column(t, pool, `SELECT c.relname::text FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
		WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
			AND pg_get_expr(p.polqual, p.polrelid) = $1 AND pg_get_expr(p.polwithcheck, p.polrelid) = $1
			AND (SELECT count(*) FROM pg_policy q WHERE q.polrelid = c.oid) = 1
		ORDER BY 1`, rule)
	if !slices.Equal(guarded, tenantTables) {
		t.Errorf("tables behind exactly the one policy: %v, tenant tables: %v", guarded, tenantTables)
	}
}

func TestSchemaHasNothingThatActsByItself(t *testing.T) {
	t.Parallel()
	pool := connect(t, pgtest.New(t).SuperuserURL)
	found := column(t, pool, `SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text NOT LIKE 'river\_%'
		UNION ALL SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = 'public'
		UNION ALL SELECT 'view ' || viewname FROM pg_views WHERE schemaname = 'public'
		UNION ALL SELECT 'security definer ' || proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace`)
	if len(found) > 0 {
		t.Errorf("unexpected: %v", found)
	}
}

// catalogue 269 and section 2.6: the application role could step around row-level security in none of these ways.
func TestSchemaApplicationRoleIsHarmless(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	app := connect(t, db.AppURL)
	var super, bypass, createRole, createDB, replication bool
	err := app.QueryRow(t.Context(), `SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles
		WHERE rolname = current_user`).Scan(&super, &bypass, &createRole, &createDB, &replication)
	if err != nil || super || bypass || createRole || createDB || replication {
		t.Errorf("superuser %t, bypassrls %t, createrole %t, createdb %t, replication %t, error %v",
			super, bypass, createRole, createDB, replication, err)
	}
	owned := column(t, app, `SELECT relname::text FROM pg_class WHERE relowner = current_user::regrole
		UNION ALL SELECT proname::text FROM pg_proc WHERE proowner = current_user::regrole
		UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspowner = current_user::regrole AND nspname NOT LIKE 'pg\_%'`)
	if len(owned) > 0 {
		t.Errorf("the application role owns %v", owned)
	}
	memberOf := column(t, app, `SELECT r.rolname::text FROM pg_roles r
		WHERE pg_has_role(current_user, r.oid, 'MEMBER') AND (r.rolsuper OR r.rolbypassrls OR r.oid = (SELECT relowner FROM pg_class WHERE oid = 'users'::regclass))`)
	if len(memberOf) > 0 {
		t.Errorf("the application role may become %v", memberOf)
	}
	for _, statement := range []string{
		`ALTER TABLE users DISABLE ROW LEVEL SECURITY`, `DROP POLICY project ON users`, `CREATE TABLE public.mine (id int)`,
		`TRUNCATE users`, `DELETE FROM audit_log`, `UPDATE organization_audit_log SET actor = ''`, `DELETE FROM used_slugs`,
	} {
		if _, err := app.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: expected to be refused, got %v", statement, err)
		}
	}
}

// catalogue 269: raw SQL without WHERE, with and without the setting, also on a connection that had it before.
func TestRowLevelSecurityIsAWallOfItsOwn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := newTestProject(t, db, "Alpha"), newTestProject(t, db, "Beta")
	pool := connect(t, db.AppURL)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	seen := func(query interface {
		QueryRow(context.Context, string, ...any) pgx.Row
	}, table string,
	) (rows, projects int) {
		t.Helper()
		sql := `SELECT count(*), count(DISTINCT project_id) FROM ` + pgx.Identifier{table}.Sanitize()
		if err := query.QueryRow(t.Context(), sql).Scan(&rows, &projects); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		return rows, projects
	}
	filled := []string{"mcp_servers", "registration_secrets", "scopes", "signing_keys", "audit_log"}
	for _, round := range []string{"before the setting was ever made", "after it was made in another transaction"} {
		for _, table := range tenantTables {
			if rows, _ := seen(conn, table); rows != 0 {
				t.Errorf("%s: %s shows %d rows", round, table, rows)
			}
		}
		for _, project := range []id.ID{a.ID, b.ID} {
			inTenant(t, conn.Conn(), project, func(tx pgx.Tx) {
				for _, table := range filled {
					if rows, projects := seen(tx, table); rows == 0 || projects != 1 {
						t.Errorf("%s shows %d rows of %d projects", table, rows, projects)
					}
				}
			})
		}
	}
	inTenant(t, conn.Conn(), a.ID, func(tx pgx.Tx) {
		if tag, err := tx.Exec(t.Context(), `UPDATE scopes SET description = 'taken'`); err != nil || tag.RowsAffected() != 1 {
			t.Errorf("an update without WHERE changed %d rows (%v), expected the project's one", tag.RowsAffected(), err)
		}
		if tag, err := tx.Exec(t.Context(), `DELETE FROM mcp_servers WHERE project_id = $1`, b.ID.String()); err != nil || tag.RowsAffected() != 0 {
			t.Errorf("deleted %d rows of another project (%v)", tag.RowsAffected(), err)
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO scopes (project_id, name, description, position) VALUES ($1, 'x', 'x', 1)`, b.ID.String())
		if err == nil || !strings.Contains(err.Error(), "row-level security") {
			t.Errorf("inserting for another project: %v", err)
		}
	})
}

// inTenant runs fn in a transaction with the setting, and rolls back.
func inTenant(t *testing.T, conn *pgx.Conn, project id.ID, fn func(pgx.Tx)) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `SELECT set_config('app.project_id', $1, true)`, project.String()); err != nil {
		t.Fatal(err)
	}
	fn(tx)
}

// Section 2.6: a setting that outlives its transaction would be the next borrower's tenant. Every way in is tried on the same connections.
func TestSettingEndsWithItsTransaction(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	project := newTestProject(t, db, "Lambda")
	store := openTenants(t, db, 2)
	for name, run := range map[string]func() error{
		"gorm transaction": func() error {
			_, err := store.FindProject(t.Context(), project.OrganizationID, project.ID)
			return err
		},
		"batch of the list": func() error {
			_, err := store.ListProjects(t.Context(), project.OrganizationID)
			return err
		},
		"hot verb that finds nothing": func() error {
			if _, err := store.FindGuard(t.Context(), project.ID, []byte("unknown")); !errors.Is(err, oauth.ErrNotFound) {
				return err
			}
			return nil
		},
	} {
		if err := run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if ofGorm, ofPool, err := store.LeftSettings(t.Context()); err != nil || ofGorm != "" || ofPool != "" {
			t.Errorf("%s leaves %q to gorm and %q to the pool, %v", name, ofGorm, ofPool, err)
		}
	}
}
