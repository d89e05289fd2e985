package postgres_test

import (
	"database/sql"
	"testing"

	"github.com/pressly/goose/v3"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/migrations"
)

// earlierSchema is the version that the test below fills with rows: what an installation may hold before an update. It is raised when
// versions up to it have been released and what follows changes rows.
const earlierSchema = 10

// migrateTo gives the database the schema of an earlier version, without rows.
func migrateTo(t *testing.T, db *pgtest.Database, version int64) {
	t.Helper()
	super := connect(t, db.SuperuserURL)
	for _, statement := range []string{
		`DROP SCHEMA public CASCADE`,
		`CREATE SCHEMA public AUTHORIZATION ` + column(t, super, `SELECT quote_ident(pg_get_userbyid(datdba)) FROM pg_database WHERE datname = current_database()`)[0],
		`GRANT USAGE ON SCHEMA public TO PUBLIC`,
	} {
		if _, err := super.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	owner, err := sql.Open("pgx", db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Close() }()
	provider, err := goose.NewProvider(goose.DialectPostgres, owner, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// A database with rows of an earlier version is brought up to date, and the earlier version's way of adding rows still works there: nodes
// of both run side by side while an installation is updated.
func TestMigrateKeepsRows(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	super := connect(t, db.SuperuserURL)
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := super.Exec(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	migrateTo(t, db, earlierSchema)
	organization := id.New()
	exec(`INSERT INTO organizations (id, name) VALUES ($1::text::uuid, 'Acme')`, organization.String())
	add := func(slug string, keys ...string) {
		project := id.New().String()
		exec(`INSERT INTO projects (id, organization_id, slug, name) VALUES ($1::text::uuid, $2::text::uuid, $3, 'Tools')`, project, organization.String(), slug)
		for _, state := range keys {
			exec(`INSERT INTO signing_keys (project_id, id, algorithm, state, sealed) VALUES ($1::text::uuid, $2, 'ES256', $2, '')`, project, state)
		}
		exec(`INSERT INTO scopes (project_id, name, description, position) VALUES ($1::text::uuid, 'mcp:tools', 'Use the tools', 1)`, project)
		exec(`INSERT INTO audit_log (project_id, id, actor, action) VALUES ($1::text::uuid, gen_random_uuid(), 'system', 'project.created')`, project)
	}
	add("before", "current", "next", "previous")
	if err := postgres.Migrate(t.Context(), db.OwnerURL, db.AppURL); err != nil {
		t.Fatal(err)
	}
	add("after", "current", "next")
	for _, query := range []string{
		`SELECT slug FROM projects WHERE signing_algorithm = 'ES256' ORDER BY created_at`,
		`SELECT p.slug FROM signing_keys k JOIN projects p ON p.id = k.project_id WHERE k.state = 'next' AND k.activated_at IS NULL ORDER BY p.created_at`,
		`SELECT p.slug FROM signing_keys k JOIN projects p ON p.id = k.project_id WHERE k.state = 'current' AND coalesce(k.activated_at, k.created_at) <= now() ORDER BY p.created_at`,
	} {
		if got := column(t, super, query); len(got) != 2 || got[0] != "before" || got[1] != "after" {
			t.Errorf("%s: %q", query, got)
		}
	}
}

// Of the invitations that are there, those stay that somebody sent who still belongs to the organization.
func TestMigrateEndsInvitationsOfNobody(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	migrateTo(t, db, 40)
	super := connect(t, db.SuperuserURL)
	for _, statement := range []string{
		`INSERT INTO organizations (id, name) SELECT md5(name)::uuid, name FROM unnest(ARRAY['Acme', 'Other']) name`,
		`INSERT INTO members (id, email) SELECT md5(name)::uuid, name || '@example.com' FROM unnest(ARRAY['ada', 'left', 'elsewhere']) name`,
		`INSERT INTO organization_members (organization_id, member_id, role) VALUES (md5('Acme')::uuid, md5('ada')::uuid, 'owner'), (md5('Other')::uuid, md5('elsewhere')::uuid, 'owner')`,
		`INSERT INTO organization_invitations (organization_id, id, email, role, invited_by, expires_at)
			SELECT md5('Acme')::uuid, gen_random_uuid(), name || '@guests.example', 'viewer', by, now() + interval '1 day'
			FROM (VALUES ('ada', 'member:' || md5('ada')::uuid), ('left', 'member:' || md5('left')::uuid), ('elsewhere', 'member:' || md5('elsewhere')::uuid),
				('system', 'system'), ('gone', 'member:' || gen_random_uuid())) AS sent (name, by)`,
	} {
		if _, err := super.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := postgres.Migrate(t.Context(), db.OwnerURL, db.AppURL); err != nil {
		t.Fatal(err)
	}
	if left := column(t, super, `SELECT email FROM organization_invitations`); len(left) != 1 || left[0] != "ada@guests.example" {
		t.Errorf("left: %q", left)
	}
}
