package postgres_test

import (
	"log/slog"
	"slices"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// reviewersWithPeople are accounts of reviewers, one of which a person joined with a provider, one with a passkey, and one nobody, and an
// account of somebody. Each is signed in and has a connection with an access token.
var reviewersWithPeople = []string{
	`INSERT INTO organizations (id, name) VALUES (md5('acme')::uuid, 'Acme')`,
	`INSERT INTO projects (id, organization_id, slug, name) VALUES (md5('tools')::uuid, md5('acme')::uuid, 'tools', 'Tools')`,
	`INSERT INTO upstream_providers (project_id, id, kind, name, issuer, client_id, sealed_secret) VALUES (md5('tools')::uuid, md5('idp')::uuid, 'oidc', 'IdP', 'https://idp.example', 'client', '')`,
	`INSERT INTO users (project_id, id, email, email_verified_at, reviewer_address, reviewer_maker, reviewer_code, reviewer_until)
		SELECT md5('tools')::uuid, md5(name)::uuid, CASE WHEN NOT reviews THEN name || '@acme.example' END, CASE WHEN NOT reviews THEN now() END,
			CASE WHEN reviews THEN name || '@acme.example' END, CASE WHEN reviews THEN 'system' END, CASE WHEN reviews THEN 'sealed'::bytea END, CASE WHEN reviews THEN now() + interval '1 day' END
		FROM (VALUES ('joined', true), ('keyed', true), ('alone', true), ('somebody', false)) AS u (name, reviews)`,
	`INSERT INTO user_identities (project_id, provider_id, issuer, subject, account_id) SELECT md5('tools')::uuid, md5('idp')::uuid, 'https://idp.example', name, md5(name)::uuid
		FROM unnest(ARRAY['joined', 'somebody']) AS name`,
	`INSERT INTO user_passkeys (project_id, rp_id, credential_id, account_id, record) SELECT md5('tools')::uuid, 'tools.example', name::bytea, md5(name)::uuid, '{}'
		FROM unnest(ARRAY['keyed', 'somebody']) AS name`,
	`INSERT INTO user_second_factors (project_id, account_id, sealed_secret, last_step) SELECT project_id, id, 'sealed', 1 FROM users`,
	`INSERT INTO user_recovery_codes (project_id, account_id, code_hash) SELECT project_id, id, 'hash' FROM users`,
	`INSERT INTO user_sessions (project_id, id, token_hash, account_id, expires_at) SELECT project_id, id, id::text::bytea, id, now() + interval '1 day' FROM users`,
	`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES (md5('tools')::uuid, md5('server')::uuid, 'Tools', 'https://tools.example/mcp')`,
	`INSERT INTO clients (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, metadata)
		VALUES (md5('tools')::uuid, 'client', 'registered', 'App', '{}', '{}', 'none', 'native', '{}')`,
	`INSERT INTO grants (project_id, id, flow_id, issuer, user_id, client_id, mcp_server_id, resource, scopes, redirect_uri, code_challenge, random_hash, session_id, client_auth_method,
			auth_time, refreshable, code_expires_at, expires_at, access_expires_at)
		SELECT project_id, id, gen_random_uuid(), 'https://tools.example', id, 'client', md5('server')::uuid, 'https://tools.example/mcp', '{}', '', '', '',
			gen_random_uuid(), 'none', now(), true, now(), now() + interval '1 day', now() + interval '1 hour' FROM users`,
}

// Who had joined a reviewer's account gets one of their own at the next sign-in, and guards hear that what they had on the other is over.
// Reviewers whom nobody joined go on, as everybody does; no reviewer's account has a second step any more.
func TestMigrateReleasesWhoJoinedReviewers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	migrateTo(t, db, 52)
	super := connect(t, db.SuperuserURL)
	for _, statement := range reviewersWithPeople {
		if _, err := super.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := postgres.Migrate(t.Context(), db.OwnerURL, db.AppURL); err != nil {
		t.Fatal(err)
	}
	const name = `(SELECT n FROM unnest(ARRAY['joined', 'keyed', 'alone', 'somebody']) AS n WHERE md5(n)::uuid = `
	for query, want := range map[string][]string{
		`SELECT subject FROM user_identities`:                                                         {"somebody"},
		`SELECT ` + name + `account_id) FROM user_passkeys`:                                           {"somebody"},
		`SELECT ` + name + `account_id) FROM user_second_factors`:                                     {"somebody"},
		`SELECT ` + name + `account_id) FROM user_recovery_codes`:                                     {"somebody"},
		`SELECT ` + name + `account_id) FROM user_sessions WHERE ended_at IS NULL ORDER BY 1`:         {"alone", "somebody"},
		`SELECT ` + name + `id) FROM users WHERE epoch = 1 ORDER BY 1`:                                {"alone", "somebody"},
		`SELECT ` + name + `id) FROM grants WHERE revoked_at IS NULL ORDER BY 1`:                      {"alone", "somebody"},
		`SELECT ` + name + `grant_id) FROM revocations WHERE until > now() ORDER BY 1`:                {"joined", "keyed"},
		`SELECT relname::text FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity`:         {},
		`SELECT ` + name + `id) FROM users WHERE reviewer_code IS NOT NULL ORDER BY 1`:                {"alone", "joined", "keyed"},
		`SELECT revoked_reason FROM grants WHERE revoked_at IS NOT NULL GROUP BY 1 HAVING count(*)=2`: {"reviewer_ended"},
	} {
		if got := column(t, super, query); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), postgres.Config{URL: db.AppURL}, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	id := func(of string) id.ID {
		parsed, err := id.Parse(column(t, super, `SELECT md5($1)::uuid::text`, of)[0])
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	person := signin.Identity{Issuer: "https://idp.example", Subject: "joined", Email: "joined@acme.example", EmailVerified: true}
	got, err := store.Identities(id("tools")).SignInIdentity(t.Context(), id("idp"), person, true)
	if err != nil || got.Reviewer || got.ID == id("joined") || got.Email != person.Email {
		t.Errorf("who had joined: got %+v %v, want an account of their own with their address", got, err)
	}
}
