package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
)

// people of one project, as they were kept when a provider was named by its row. Names stand for ids: each is the UUID of its hash.
var people = []string{
	`INSERT INTO organizations (id, name) VALUES (md5('acme')::uuid, 'Acme')`,
	`INSERT INTO projects (id, organization_id, slug, name) VALUES (md5('tools')::uuid, md5('acme')::uuid, 'tools', 'Tools'), (md5('other')::uuid, md5('acme')::uuid, 'other', 'Other')`,
	`INSERT INTO upstream_providers (project_id, id, kind, name, issuer, client_id, sealed_secret)
		SELECT md5(project)::uuid, md5(name)::uuid, kind, name, issuer, 'client', ''
		FROM (VALUES ('tools', 'idp', 'oidc', 'https://idp.example'), ('tools', 'idp again', 'oidc', 'https://idp.example'), ('tools', 'google', 'google', 'https://accounts.google.com'),
			('tools', 'hub', 'github', 'https://github.com'), ('tools', 'ms', 'microsoft', 'https://login.microsoftonline.com/common/v2.0'),
			('tools', 'site', 'own', 'https://acme.example/login'), ('other', 'elsewhere', 'oidc', 'https://idp.example')) AS p (project, name, kind, issuer)`,
	`INSERT INTO users (project_id, id, email, organizations)
		SELECT md5('tools')::uuid, md5(name)::uuid, name || '@acme.example', organizations::jsonb
		FROM (VALUES ('ada', '[]'), ('twice', '[]'), ('grace', '[{"id": "navy", "name": "Navy"}]'), ('shared', '[{"id": "north", "name": "North"}]'), ('reviewer', '[]'), ('taken', '[]')) AS u (name, organizations)`,
	`INSERT INTO users (project_id, id, email) VALUES (md5('other')::uuid, md5('ada elsewhere')::uuid, 'ada@acme.example')`,
	`INSERT INTO user_identities (project_id, provider_id, subject, account_id, last_used_at)
		SELECT md5(project)::uuid, md5(provider)::uuid, subject, md5(account)::uuid, now() - days * interval '1 day'
		FROM (VALUES ('tools', 'idp', 'ada', 'ada', 3), ('tools', 'google', '7', 'ada', 2), ('tools', 'hub', '7', 'ada', 1), ('tools', 'ms', 'tenant:ada', 'ada', 1),
			('tools', 'idp', 'twice', 'twice', 9), ('tools', 'idp again', 'twice', 'shared', 1),
			('tools', 'site', 'grace', 'grace', 1), ('tools', 'site', 'first', 'shared', 2), ('tools', 'site', 'second', 'shared', 1),
			('other', 'elsewhere', 'ada', 'ada elsewhere', 1)) AS i (project, provider, subject, account, days)`,
	`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES (md5('tools')::uuid, md5('server')::uuid, 'Tools', 'https://tools.example/mcp')`,
	`INSERT INTO clients (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, metadata)
		VALUES (md5('tools')::uuid, 'client', 'registered', 'App', '{}', '{}', 'none', 'native', '{}')`,
	`INSERT INTO grants (project_id, id, flow_id, issuer, user_id, client_id, mcp_server_id, resource, scopes, redirect_uri, code_challenge, random_hash, session_id, client_auth_method,
			organization, auth_time, refreshable, code_expires_at, expires_at)
		SELECT md5('tools')::uuid, md5(name)::uuid, gen_random_uuid(), 'https://tools.example', md5(person)::uuid, 'client', md5('server')::uuid, 'https://tools.example/mcp', '{}', '', '', '',
			gen_random_uuid(), 'none', organization, now(), true, now(), now() + interval '1 day'
		FROM (VALUES ('for navy', 'grace', 'navy'), ('for none', 'grace', NULL), ('for north', 'shared', 'north')) AS g (name, person, organization)`,
	`UPDATE users SET reviewer_code = 'sealed', reviewer_until = now() + interval '1 day' WHERE email IN ('reviewer@acme.example', 'taken@acme.example')`,
	`INSERT INTO audit_log (project_id, id, actor, action, target, at)
		SELECT md5('tools')::uuid, gen_random_uuid(), 'member:7', action, 'user:' || md5(name)::uuid, now() - days * interval '1 day'
		FROM (VALUES ('reviewer', 'user.created', 5), ('reviewer', 'user.reviewer_set', 5), ('taken', 'user.created', 9), ('taken', 'user.reviewer_set', 1)) AS a (name, action, days)`,
}

// People who are there when identities get issuers are who they were: each has the issuer of their provider's row, Microsoft's waits for
// its next ID token, and of one subject at one issuer that came through two rows the latest counts. Organizations go to the one person of
// an account, or to nobody. A reviewer's account that was made as one is kept; a code on an account of somebody is not.
func TestMigrateBindsPeopleToIssuers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	migrateTo(t, db, 30)
	super := connect(t, db.SuperuserURL)
	for _, statement := range people {
		if _, err := super.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := postgres.Migrate(t.Context(), db.OwnerURL, db.AppURL); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		`SELECT p.name || ' ' || i.subject || ' ' || coalesce(i.issuer, 'unknown') FROM user_identities i JOIN upstream_providers p ON p.project_id = i.project_id AND p.id = i.provider_id ORDER BY 1`: {
			"elsewhere ada https://idp.example", "google 7 https://accounts.google.com", "hub 7 github:https://github.com", "idp ada https://idp.example", "idp again twice https://idp.example",
			"idp twice unknown", "ms tenant:ada unknown", "site first own", "site grace own", "site second own",
		},
		`SELECT subject || ' ' || organizations::text FROM user_identities WHERE issuer = 'own' ORDER BY 1`: {
			"first []", `grace [{"id": "navy", "name": "Navy"}]`, "second []",
		},
		`SELECT n.name || ' ' || coalesce(i.subject, 'nobody') FROM grants g JOIN unnest(ARRAY['for navy', 'for none', 'for north']) AS n (name) ON md5(n.name)::uuid = g.id
			LEFT JOIN user_identities i ON i.project_id = g.project_id AND i.id = g.identity_id ORDER BY 1`: {"for navy grace", "for none nobody", "for north nobody"},
		`SELECT concat_ws(' ', reviewer_address, reviewer_maker, coalesce(email, 'no address'), CASE WHEN reviewer_made_at = created_at THEN 'made' END) FROM users WHERE reviewer_code IS NOT NULL`: {
			"reviewer@acme.example member:7 no address made",
		},
		`SELECT email FROM users WHERE id = md5('taken')::uuid AND reviewer_until IS NULL`: {"taken@acme.example"},
	} {
		if got := column(t, super, query); !slices.Equal(got, want) {
			t.Errorf("%.80s…\n got %s\nwant %s", query, strings.Join(got, "; "), strings.Join(want, "; "))
		}
	}
	if left := column(t, super, `SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity`); len(left) != 0 {
		t.Errorf("row-level security is not forced any more on %q", left)
	}
}
