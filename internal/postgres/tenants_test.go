package postgres_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// openTenants opens the store of a test's database with a keyring of its own, on eight connections unless told otherwise.
func openTenants(t *testing.T, db *pgtest.Database, connections ...int32) *postgres.Store {
	t.Helper()
	connections = append(connections, 8)
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), postgres.Config{URL: db.AppURL, MaxConnections: connections[0]}, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// tenantsOf is the service on a store, with one form as primary and the other as alias.
func tenantsOf(t *testing.T, store *postgres.Store) tenants.Projects {
	t.Helper()
	parse := func(text string) tenants.IssuerTemplate {
		template, err := tenants.ParseIssuerTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		return template
	}
	return tenants.Projects{
		Store: store, Primary: parse("http://localhost:8080/t/{project}"),
		Aliases: []tenants.IssuerTemplate{parse("http://{project}.localhost:8080")},
	}
}

// newTestProject makes an organization of its own with one project.
func newTestProject(t *testing.T, db *pgtest.Database, name string) tenants.Project {
	t.Helper()
	store := openTenants(t, db)
	_, org, err := store.EnsureMember(t.Context(), strings.ToLower(name)+"@example.com", "hash", name)
	if err != nil {
		t.Fatal(err)
	}
	project, _, _, err := tenantsOf(t, store).Create(t.Context(), tenants.SystemActor, org, name, "https://tools.example.com/mcp")
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestCreateProjectMakesEverythingAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	member, org, err := store.EnsureMember(t.Context(), "ada@example.com", "hash", "Acme")
	if err != nil {
		t.Fatal(err)
	}
	service, actor := tenantsOf(t, store), tenants.MemberActor(member)
	project, server, shown, err := service.Create(t.Context(), actor, org, "  Acme  Tools ", "HTTPS://Tools.Example.com:443/mcp/")
	if err != nil {
		t.Fatal(err)
	}
	if project.Slug != "acme-tools" || project.Issuer != "http://localhost:8080/t/acme-tools" || project.CreatedAt.IsZero() ||
		!slices.Equal(project.Aliases, []string{"http://acme-tools.localhost:8080"}) || server.Resource != "https://tools.example.com/mcp" {
		t.Errorf("project %+v with server %+v", project, server)
	}
	if address, err := tenants.ParseRegistrationSecret(shown); err != nil || address != project.Issuer {
		t.Errorf("the secret carries %q, %v", address, err)
	}
	found, err := service.Find(t.Context(), actor, org, project.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(project, found.Project); diff != "" {
		t.Errorf("found another project: %s", diff)
	}
	if diff := cmp.Diff([]tenants.Scope{{Name: "mcp:tools", Description: "Use the tools of Acme Tools", Default: true}}, found.Scopes); diff != "" {
		t.Error(diff)
	}
	if len(found.Secrets) != 1 || found.Secrets[0].LastFour != shown[len(shown)-4:] || !found.Secrets[0].LastUsedAt.IsZero() ||
		found.Secrets[0].MCPServerID != server.ID {
		t.Errorf("secrets %+v", found.Secrets)
	}
	list, err := service.List(t.Context(), actor, org)
	if err != nil || len(list) != 1 || list[0].ID != project.ID || list[0].ServerURL != server.Resource || list[0].Issuer != project.Issuer {
		t.Errorf("list %+v, %v", list, err)
	}
	issuer, err := postgres.NewIssuers(store, time.Now, slog.New(slog.DiscardHandler)).Resolve(t.Context(), tenants.Address(project.Aliases[0]))
	if err != nil {
		t.Fatal(err)
	}
	states := []oauth.KeyState{}
	for _, key := range issuer.Keys {
		states = append(states, key.State)
	}
	slices.Sort(states)
	if !slices.Equal(states, []oauth.KeyState{oauth.KeyCurrent, oauth.KeyNext}) {
		t.Errorf("signing keys %v", states)
	}
	if id, err := store.FindGuard(t.Context(), project.ID, secret.Hash(shown)); err != nil || id != server.ID {
		t.Errorf("the secret opens %v, %v", id, err)
	}
	super := connect(t, db.SuperuserURL)
	audits := column(t, super, `SELECT action || ' ' || actor || ' ' || target FROM organization_audit_log WHERE action <> 'organization.created'
		UNION ALL SELECT action || ' ' || actor || ' ' || target FROM audit_log`)
	want := "project.created " + string(actor) + " project:" + project.ID.String()
	if !slices.Equal(audits, []string{want, want}) {
		t.Errorf("audit %v", audits)
	}
	if leaks := column(t, super, `SELECT 'row' FROM registration_secrets r WHERE position($1 in r::text) > 0`, shown[len(shown)-20:]); len(leaks) > 0 {
		t.Error("the database holds the secret itself")
	}
}

func TestCreateProjectSlugIsNeverGivenTwice(t *testing.T) {
	t.Parallel() // catalogue 271
	db := pgtest.New(t)
	first := newTestProject(t, db, "Gamma")
	super := connect(t, db.SuperuserURL)
	if _, err := super.Exec(t.Context(), `DELETE FROM projects WHERE id = $1`, first.ID.String()); err != nil {
		t.Fatal(err)
	}
	second := newTestProject(t, db, "Gamma")
	if second.Slug == first.Slug || !strings.HasPrefix(second.Slug, "gamma-") {
		t.Errorf("slug %q after %q", second.Slug, first.Slug)
	}
}

func TestCreateProjectConcurrently(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	_, org, err := store.EnsureMember(t.Context(), "ada@example.com", "hash", "Acme")
	if err != nil {
		t.Fatal(err)
	}
	service := tenantsOf(t, store)
	var wait sync.WaitGroup
	slugs := make([]string, 8)
	for i := range slugs {
		wait.Go(func() {
			project, _, _, err := service.Create(t.Context(), tenants.SystemActor, org, "Same name", "https://h.example/mcp")
			if err != nil {
				t.Error(err)
			}
			slugs[i] = project.Slug
		})
	}
	wait.Wait()
	slices.Sort(slugs)
	if len(slices.Compact(slugs)) != 8 {
		t.Errorf("slugs %v", slugs)
	}
}
