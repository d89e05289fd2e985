package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

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
	server, secretID, rule := detail.Servers[0].ID, detail.Secrets[0].ID, tenants.ClientRule{Host: true, Value: "client.example"}
	if err := service.SetClientRule(t.Context(), tenants.SystemActor, victim.OrganizationID, victim.ID, rule); err != nil {
		t.Fatal(err)
	}
	before := dump(t, db)
	for name, organization := range map[string]id.ID{"their organization": victim.OrganizationID, "own organization": org} {
		attempts := map[string]func(context.Context) error{
			"find": func(ctx context.Context) error {
				_, err := service.Find(ctx, actor, organization, victim.ID)
				return err
			},
			"create secret": func(ctx context.Context) error {
				_, _, err := service.CreateSecret(ctx, actor, organization, victim.ID, server)
				return err
			},
			"revoke secret": func(ctx context.Context) error {
				return service.RevokeSecret(ctx, actor, organization, victim.ID, secretID)
			},
			"suspend": func(ctx context.Context) error { return service.Suspend(ctx, actor, organization, victim.ID) },
			"resume":  func(ctx context.Context) error { return service.Resume(ctx, actor, organization, victim.ID) },
			"set policy": func(ctx context.Context) error {
				return service.SetDocumentPolicy(ctx, actor, organization, victim.ID, tenants.DocumentsOff)
			},
			"set sign-in": func(ctx context.Context) error {
				return service.SetSignInMethods(ctx, actor, organization, victim.ID, []string{tenants.SignInPassword})
			},
			"set rule": func(ctx context.Context) error {
				return service.SetClientRule(ctx, actor, organization, victim.ID, rule)
			},
			"add server": func(ctx context.Context) error {
				_, _, err := service.AddServer(ctx, actor, organization, victim.ID, "x", "https://x.example/mcp")
				return err
			},
			"rename server": func(ctx context.Context) error {
				return service.RenameServer(ctx, actor, organization, victim.ID, server, "x")
			},
			"remove server": func(ctx context.Context) error {
				return service.RemoveServer(ctx, actor, organization, victim.ID, server)
			},
			"set scope": func(ctx context.Context) error {
				return service.SetScope(ctx, actor, organization, victim.ID, tenants.Scope{Name: "x", Description: "x", Default: true})
			},
			"delete scope": func(ctx context.Context) error {
				return service.DeleteScope(ctx, actor, organization, victim.ID, "mcp:tools")
			},
			"delete rule": func(ctx context.Context) error {
				return service.DeleteClientRule(ctx, actor, organization, victim.ID, rule)
			},
		}
		for verb, attempt := range attempts {
			if err := attempt(t.Context()); !errors.Is(err, tenants.ErrNotFound) {
				t.Errorf("%s in %s: %v", verb, name, err)
			}
		}
	}
	// The statements by themselves, without the service's check of the membership.
	_, err = store.FindProject(t.Context(), org, victim.ID)
	_, err2 := store.CreateRegistrationSecret(t.Context(), actor, org, victim.ID, server, tenants.NewSecret{ID: id.New(), Hash: []byte("h"), LastFour: "abcd"})
	err3 := store.RevokeRegistrationSecret(t.Context(), actor, org, victim.ID, secretID)
	err4 := store.SetSuspended(t.Context(), actor, org, victim.ID, true)
	err13 := store.SetSignInMethods(t.Context(), actor, org, victim.ID, []string{tenants.SignInPassword})
	err5 := store.SetDocumentPolicy(t.Context(), actor, org, victim.ID, tenants.DocumentsOff)
	err6 := store.SetClientRule(t.Context(), actor, org, victim.ID, rule)
	err7 := store.DeleteClientRule(t.Context(), actor, org, victim.ID, rule)
	err8 := store.SetScope(t.Context(), actor, org, victim.ID, tenants.Scope{Name: "x", Description: "x", Default: true})
	err10 := store.AddServer(t.Context(), actor, org, victim.ID, tenants.MCPServer{ID: id.New(), Name: "x", Resource: "https://x.example/mcp"}, tenants.NewSecret{ID: id.New(), Hash: []byte("h"), LastFour: "abcd"}, tenants.Limit{Max: tenants.Unlimited})
	err11 := store.RenameServer(t.Context(), actor, org, victim.ID, server, "x")
	err12 := store.RemoveServer(t.Context(), actor, org, victim.ID, server)
	err9 := store.DeleteScope(t.Context(), actor, org, victim.ID, "mcp:tools")
	for i, err := range []error{err, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13} {
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
		UNION ALL SELECT a::text FROM audit_log a UNION ALL SELECT i::text FROM project_issuers i UNION ALL SELECT c::text FROM client_rules c ORDER BY 1`)
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
	if err := service.RevokeSecret(t.Context(), tenants.SystemActor, org, project.ID, id.New()); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown secret: %v", err)
	}
	if _, _, err := service.CreateSecret(t.Context(), tenants.SystemActor, org, project.ID, id.New()); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown server: %v", err)
	}
}

// The limit holds among transactions that do not see each other yet: while the audit log cannot be written, none of them commits.
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
	create := func() error {
		_, _, err := service.CreateSecret(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, detail.Servers[0].ID)
		return err
	}
	for range tenants.MaxLiveSecrets - 2 {
		if err := create(); err != nil {
			t.Fatal(err)
		}
	}
	super := connect(t, db.SuperuserURL)
	blocker, err := super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), `LOCK TABLE audit_log IN EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	const calls = 4
	answers := make(chan error, calls)
	for range calls {
		go func() { answers <- create() }()
	}
	for waiting := 0; waiting < calls; {
		if err := super.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for range calls {
		switch err := <-answers; {
		case errors.Is(err, tenants.ErrLimit):
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	detail, err = store.FindProject(t.Context(), project.OrganizationID, project.ID)
	if err != nil || len(detail.Secrets) != tenants.MaxLiveSecrets || refused != calls-1 {
		t.Errorf("%d living secrets, %d refused, %v", len(detail.Secrets), refused, err)
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
		"policy": func(ctx context.Context) error {
			return service.SetDocumentPolicy(ctx, tenants.SystemActor, org, project.ID, tenants.DocumentsApproval)
		},
		"sign-in": func(ctx context.Context) error {
			return service.SetSignInMethods(ctx, tenants.SystemActor, org, project.ID, []string{tenants.SignInPasskey, tenants.SignInPassword})
		},
		"rule": func(ctx context.Context) error {
			return service.SetClientRule(ctx, tenants.SystemActor, org, project.ID, tenants.ClientRule{Host: true, Value: "client.example"})
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

// The role is the service's rule, whichever door asks.
func TestRolesOfTheService(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service := tenantsOf(t, store)
	project := newTestProject(t, db, "Kappa")
	org := project.OrganizationID
	detail, err := store.FindProject(t.Context(), org, project.ID)
	if err != nil {
		t.Fatal(err)
	}
	member, _, err := store.EnsureMember(t.Context(), "member@example.com", "hash", "Own")
	if err != nil {
		t.Fatal(err)
	}
	super, actor := connect(t, db.SuperuserURL), tenants.MemberActor(member)
	changes := map[string]func(tenants.Actor) error{
		"create": func(a tenants.Actor) error {
			_, _, _, err := service.Create(t.Context(), a, org, "Another", "https://h.example/mcp")
			return err
		},
		"create secret": func(a tenants.Actor) error {
			_, _, err := service.CreateSecret(t.Context(), a, org, project.ID, detail.Servers[0].ID)
			return err
		},
		"revoke secret": func(a tenants.Actor) error {
			return service.RevokeSecret(t.Context(), a, org, project.ID, detail.Secrets[0].ID)
		},
		"suspend": func(a tenants.Actor) error { return service.Suspend(t.Context(), a, org, project.ID) },
		"resume":  func(a tenants.Actor) error { return service.Resume(t.Context(), a, org, project.ID) },
		"set policy": func(a tenants.Actor) error {
			return service.SetDocumentPolicy(t.Context(), a, org, project.ID, tenants.DocumentsOff)
		},
		"set sign-in": func(a tenants.Actor) error {
			return service.SetSignInMethods(t.Context(), a, org, project.ID, []string{tenants.SignInPassword})
		},
		"set rule": func(a tenants.Actor) error {
			return service.SetClientRule(t.Context(), a, org, project.ID, tenants.ClientRule{Host: true, Value: "client.example"})
		},
		"delete rule": func(a tenants.Actor) error {
			return service.DeleteClientRule(t.Context(), a, org, project.ID, tenants.ClientRule{Host: true, Value: "client.example"})
		},
	}
	for role, want := range map[tenants.Role]error{
		tenants.RoleViewer: tenants.ErrForbidden, tenants.RoleDeveloper: nil, tenants.RoleAdmin: nil, tenants.RoleOwner: nil,
	} {
		if _, err := super.Exec(t.Context(), `INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, $3)
			ON CONFLICT (organization_id, member_id) DO UPDATE SET role = excluded.role`, org.String(), member.String(), string(role)); err != nil {
			t.Fatal(err)
		}
		for verb, change := range changes {
			if err := change(actor); !errors.Is(err, want) {
				t.Errorf("%s by a %s: %v", verb, role, err)
			}
		}
		if _, err := service.Find(t.Context(), actor, org, project.ID); err != nil {
			t.Errorf("find by a %s: %v", role, err)
		}
	}
	// catalogue 219: a removed member is out with the next request.
	if _, err := super.Exec(t.Context(), `DELETE FROM organization_members WHERE organization_id = $1 AND member_id = $2`, org.String(), member.String()); err != nil {
		t.Fatal(err)
	}
	for verb, change := range changes {
		if err := change(actor); !errors.Is(err, tenants.ErrNotFound) {
			t.Errorf("%s by a removed member: %v", verb, err)
		}
		if err := change("client:abc"); !errors.Is(err, tenants.ErrForbidden) {
			t.Errorf("%s by a client: %v", verb, err)
		}
	}
}
