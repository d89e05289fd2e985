package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/tenants"
)

// Each change of a scope is one audit row, a repetition none; a project keeps a default scope and has a bounded number of them.
func TestScopesAreChanged(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	service := tenantsOf(t, openTenants(t, db))
	project := newTestProject(t, db, "Lambda")
	super := connect(t, db.SuperuserURL)
	set := func(scope tenants.Scope) error {
		return service.SetScope(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, scope)
	}
	remove := func(name string) error {
		return service.DeleteScope(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, name)
	}
	write := tenants.Scope{Name: "notes:write", Description: " Add\nnotes ", Tools: []string{"write_note", " delete_note", "write_note"}}
	for range 2 {
		if err := set(write); err != nil {
			t.Fatal(err)
		}
	}
	write.Tools = []string{"write_note"}
	if err := errors.Join(set(write), set(tenants.Scope{Name: "gone", Description: "x", Tools: []string{"a"}}), remove("gone"), remove("gone")); err != nil {
		t.Fatal(err)
	}
	found, err := service.Find(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tenants.Scope{
		{Name: "mcp:tools", Description: "Use the tools of Lambda", Default: true}, {Name: "notes:write", Description: "Add notes", Tools: []string{"write_note"}},
	}, found.Scopes); diff != "" {
		t.Error(diff)
	}
	if got := column(t, super, `SELECT action || ' ' || target FROM audit_log WHERE action LIKE 'scope.%' ORDER BY id`); !slices.Equal(got, []string{
		"scope.changed scope:notes:write", "scope.changed scope:notes:write", "scope.changed scope:gone", "scope.deleted scope:gone",
	}) {
		t.Errorf("audit %q", got)
	}
	var field tenants.FieldError
	if err := remove("mcp:tools"); !errors.As(err, &field) || field.Field != "default" {
		t.Errorf("without the last default: %v", err)
	}
	if err := set(tenants.Scope{Name: "mcp:tools", Description: "x"}); !errors.As(err, &field) || field.Field != "default" {
		t.Errorf("the last default made optional: %v", err)
	}
	if _, err := super.Exec(t.Context(), `INSERT INTO scopes (project_id, name, description, position)
		SELECT $1::text::uuid, 's' || n, 'x', n FROM generate_series(3, $2) n`, project.ID.String(), tenants.MaxScopes); err != nil {
		t.Fatal(err)
	}
	if err := set(tenants.Scope{Name: "one:more", Description: "x"}); !errors.Is(err, tenants.ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
	if err := set(tenants.Scope{Name: fmt.Sprint("s", 3), Description: "changed"}); err != nil {
		t.Errorf("a change at the limit: %v", err)
	}
}
