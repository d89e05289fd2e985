package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/mcpauth/mcpauth/internal/postgres"
	"github.com/mcpauth/mcpauth/internal/postgres/pgtest"
	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/oauth"
	"github.com/mcpauth/mcpauth/tenants"
)

// openTenants opens the store of a test's database with a keyring of its own.
func openTenants(t *testing.T, db *pgtest.Database) *postgres.Store {
	t.Helper()
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), postgres.Config{URL: db.AppURL, MaxConnections: 8}, keys, slog.New(slog.DiscardHandler))
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

// catalogue 216: another organization's project is not there, for reading and for changing, in the service and in each statement.
func TestForeignOrganizationIsNotFound(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service := tenantsOf(t, store)
	victim := newTestProject(t, db, "Victim")
	member, org, err := store.EnsureMember(t.Context(), "eve@example.com", "hash", "Eve")
	if err != nil {
		t.Fatal(err)
	}
	actor := tenants.MemberActor(member)
	detail, err := store.FindProject(t.Context(), victim.OrganizationID, victim.ID)
	if err != nil {
		t.Fatal(err)
	}
	server, id := detail.Servers[0].ID, detail.Secrets[0].ID
	before := dump(t, db)
	for name, organization := range map[string]secret.ID{"their organization": victim.OrganizationID, "own organization": org} {
		attempts := map[string]func(context.Context) error{
			"find": func(ctx context.Context) error {
				_, err := service.Find(ctx, actor, organization, victim.ID)
				return err
			},
			"create secret": func(ctx context.Context) error {
				_, _, err := service.CreateSecret(ctx, actor, organization, victim.ID, server)
				return err
			},
			"revoke secret": func(ctx context.Context) error { return service.RevokeSecret(ctx, actor, organization, victim.ID, id) },
			"suspend":       func(ctx context.Context) error { return service.Suspend(ctx, actor, organization, victim.ID) },
			"resume":        func(ctx context.Context) error { return service.Resume(ctx, actor, organization, victim.ID) },
		}
		for verb, attempt := range attempts {
			if err := attempt(t.Context()); !errors.Is(err, tenants.ErrNotFound) {
				t.Errorf("%s in %s: %v", verb, name, err)
			}
		}
	}
	// The statements by themselves, without the service's check of the membership.
	_, err = store.FindProject(t.Context(), org, victim.ID)
	_, err2 := store.CreateRegistrationSecret(t.Context(), actor, org, victim.ID, server, tenants.NewSecret{ID: secret.NewID(), Hash: []byte("h"), LastFour: "abcd"})
	err3 := store.RevokeRegistrationSecret(t.Context(), actor, org, victim.ID, id)
	err4 := store.SetSuspended(t.Context(), actor, org, victim.ID, true)
	for i, err := range []error{err, err2, err3, err4} {
		if !errors.Is(err, tenants.ErrNotFound) {
			t.Errorf("statement %d: %v", i, err)
		}
	}
	if _, err := service.List(t.Context(), actor, victim.OrganizationID); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("list of theirs: %v", err)
	}
	if list, err := service.List(t.Context(), actor, org); err != nil || len(list) != 0 {
		t.Errorf("own list: %v, %v", list, err)
	}
	if diff := cmp.Diff(before, dump(t, db)); diff != "" {
		t.Errorf("something changed: %s", diff)
	}
}

// dump is everything that an attempt on a project could change.
func dump(t *testing.T, db *pgtest.Database) []string {
	t.Helper()
	return column(t, connect(t, db.SuperuserURL), `SELECT p::text FROM projects p UNION ALL SELECT r::text FROM registration_secrets r
		UNION ALL SELECT a::text FROM audit_log a UNION ALL SELECT i::text FROM project_issuers i ORDER BY 1`)
}

func TestRegistrationSecretsRotate(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service := tenantsOf(t, store)
	project := newTestProject(t, db, "Delta")
	org := project.OrganizationID
	detail, err := store.FindProject(t.Context(), org, project.ID)
	if err != nil {
		t.Fatal(err)
	}
	server, first := detail.Servers[0].ID, detail.Secrets[0].ID
	created, shown, err := service.CreateSecret(t.Context(), tenants.SystemActor, org, project.ID, server)
	if err != nil || created.LastFour != shown[len(shown)-4:] || created.CreatedAt.IsZero() {
		t.Fatalf("%+v, %v", created, err)
	}
	for range 2 { // a second revocation is no error and no second audit row
		if err := service.RevokeSecret(t.Context(), tenants.SystemActor, org, project.ID, first); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.FindGuard(t.Context(), project.ID, secret.Hash(shown)); err != nil {
		t.Errorf("the new secret: %v", err)
	}
	detail, err = store.FindProject(t.Context(), org, project.ID)
	if err != nil || len(detail.Secrets) != 1 || detail.Secrets[0].ID != created.ID {
		t.Errorf("%+v, %v", detail.Secrets, err)
	}
	super := connect(t, db.SuperuserURL)
	if got := column(t, super, `SELECT action FROM audit_log WHERE target LIKE 'registration_secret:%' ORDER BY id`); !slices.Equal(got,
		[]string{"registration_secret.created", "registration_secret.revoked"}) {
		t.Errorf("audit %v", got)
	}
	if err := service.RevokeSecret(t.Context(), tenants.SystemActor, org, project.ID, secret.NewID()); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown secret: %v", err)
	}
	if _, _, err := service.CreateSecret(t.Context(), tenants.SystemActor, org, project.ID, secret.NewID()); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown server: %v", err)
	}
}

func TestRegistrationSecretLimitHoldsConcurrently(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service := tenantsOf(t, store)
	project := newTestProject(t, db, "Epsilon")
	detail, err := store.FindProject(t.Context(), project.OrganizationID, project.ID)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 2 * tenants.MaxLiveSecrets {
		wait.Go(func() {
			_, _, err := service.CreateSecret(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, detail.Servers[0].ID)
			if err != nil && !errors.Is(err, tenants.ErrLimit) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	detail, err = store.FindProject(t.Context(), project.OrganizationID, project.ID)
	if err != nil || len(detail.Secrets) != tenants.MaxLiveSecrets {
		t.Errorf("%d living secrets, %v", len(detail.Secrets), err)
	}
}

func TestChangesAreAnnounced(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service := tenantsOf(t, store)
	project := newTestProject(t, db, "Zeta")
	org := project.OrganizationID
	listener, err := pgx.Connect(t.Context(), db.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close(context.WithoutCancel(t.Context())) }()
	if _, err := listener.Exec(t.Context(), "LISTEN mcpauth_projects"); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context) error{
		"suspend": func(ctx context.Context) error { return service.Suspend(ctx, tenants.SystemActor, org, project.ID) },
		"resume": func(ctx context.Context) error {
			return errors.Join(service.Suspend(ctx, tenants.SystemActor, org, project.ID), service.Resume(ctx, tenants.SystemActor, org, project.ID))
		},
		"issuers": func(ctx context.Context) error {
			return store.SetIssuers(ctx, project.ID, "http://localhost:9090/t/zeta", []string{"http://zeta.localhost:9090"})
		},
		"scopes": func(ctx context.Context) error {
			return store.EnsureScopes(ctx, project.ID, []tenants.Scope{{Name: "notes:write", Description: "Add notes in your name"}})
		},
		"server": func(ctx context.Context) error {
			_, err := store.EnsureServer(ctx, project.ID, "Notes", "http://localhost:8090/mcp")
			return err
		},
	} {
		if err := run(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		notification, err := listener.WaitForNotification(ctx)
		cancel()
		if err != nil || notification.Payload != project.ID.String() {
			t.Errorf("%s: %+v, %v", name, notification, err)
		}
	}
	found, err := store.FindProject(t.Context(), org, project.ID)
	if err != nil || found.Issuer != "http://localhost:9090/t/zeta" || !slices.Equal(found.Aliases, []string{"http://zeta.localhost:9090"}) {
		t.Errorf("%+v, %v", found.Project, err)
	}
}

func TestSetIssuersRefusesAnothersAddress(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := newTestProject(t, db, "Eta"), newTestProject(t, db, "Theta")
	store := openTenants(t, db)
	if err := store.SetIssuers(t.Context(), a.ID, b.Issuer, nil); !errors.Is(err, tenants.ErrConflict) {
		t.Errorf("%v", err)
	}
	if err := store.SetIssuers(t.Context(), secret.NewID(), "http://localhost:1/t/x", nil); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown project: %v", err)
	}
	found, err := store.FindProject(t.Context(), a.OrganizationID, a.ID)
	if err != nil || found.Issuer != a.Issuer {
		t.Errorf("rolled back to %q, %v", found.Issuer, err)
	}
}

func TestSeedingTwiceIsSeedingOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	project := newTestProject(t, db, "Iota")
	type state struct{ Member, Organization, User secret.ID }
	var states []state
	for range 2 {
		var s state
		var err error
		if s.Member, s.Organization, err = store.EnsureMember(t.Context(), "ada@example.com", "hash", "Acme"); err != nil {
			t.Fatal(err)
		}
		if s.User, err = store.EnsureUser(t.Context(), project.ID, "user@example.com", "hash"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.EnsureServer(t.Context(), project.ID, "Tools", "https://tools.example.com/mcp"); err != nil {
			t.Fatal(err)
		}
		states = append(states, s)
	}
	if diff := cmp.Diff(states[0], states[1]); diff != "" {
		t.Error(diff)
	}
	memberships, err := store.Memberships(t.Context(), states[0].Member)
	if err != nil || len(memberships) != 1 || memberships[0].Role != tenants.RoleOwner || memberships[0].Organization.ID != states[0].Organization {
		t.Errorf("%+v, %v", memberships, err)
	}
	if got := column(t, connect(t, db.SuperuserURL), `SELECT action FROM audit_log WHERE action = 'user.created'`); len(got) != 1 {
		t.Errorf("audit %v", got)
	}
	second, err := store.CreateOrganization(t.Context(), tenants.SystemActor, "Second", states[0].Member)
	if err != nil {
		t.Fatal(err)
	}
	if memberships, _ = store.Memberships(t.Context(), states[0].Member); len(memberships) != 2 || memberships[1].Organization != second {
		t.Errorf("%+v", memberships)
	}
	if _, err := store.CreateOrganization(t.Context(), tenants.SystemActor, "Third", secret.NewID()); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown owner: %v", err)
	}
}
