package postgres_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/tenants"
)

func TestSetIssuersRefusesAnothersAddress(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, b := newTestProject(t, db, "Eta"), newTestProject(t, db, "Theta")
	store := openTenants(t, db)
	if err := store.SetIssuers(t.Context(), a.ID, b.Issuer, nil); !errors.Is(err, tenants.ErrConflict) {
		t.Errorf("%v", err)
	}
	if err := store.SetIssuers(t.Context(), id.New(), "http://localhost:1/t/x", nil); !errors.Is(err, tenants.ErrNotFound) {
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
	type state struct{ Member, Organization, User id.ID }
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
	if _, err := store.CreateOrganization(t.Context(), tenants.SystemActor, "Third", id.New()); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("unknown owner: %v", err)
	}
}
