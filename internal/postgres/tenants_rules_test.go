package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/tenants"
)

// A change of the rules leaves one audit row, a repetition none; the number of rules has a limit that changes do not meet.
func TestClientRulesAreAuditedAndLimited(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	service := tenantsOf(t, openTenants(t, db))
	project := newTestProject(t, db, "Lambda")
	host, client := tenants.ClientRule{Host: true, Value: "Client.Example"}, tenants.ClientRule{Value: "https://client.example/app.json", Allow: true}
	set := func(rule tenants.ClientRule) error {
		return service.SetClientRule(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, rule)
	}
	for range 2 {
		if err := errors.Join(set(host), set(client), service.SetDocumentPolicy(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, tenants.DocumentsApproval)); err != nil {
			t.Fatal(err)
		}
	}
	host.Allow = true
	host.Value = "client.example"
	if err := set(host); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := service.DeleteClientRule(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, client); err != nil {
			t.Fatal(err)
		}
	}
	super := connect(t, db.SuperuserURL)
	if got := column(t, super, `SELECT action || ' ' || target FROM audit_log WHERE action LIKE 'client_rule.%' OR action = 'project.document_policy_changed' ORDER BY id`); !slices.Equal(got, []string{
		"client_rule.blocked host:client.example", "client_rule.allowed client:https://client.example/app.json",
		"project.document_policy_changed project:" + project.ID.String(), "client_rule.allowed host:client.example",
		"client_rule.deleted client:https://client.example/app.json",
	}) {
		t.Errorf("audit %q", got)
	}
	var field tenants.FieldError
	if err := service.SetDocumentPolicy(t.Context(), tenants.SystemActor, project.OrganizationID, project.ID, "ajar"); !errors.As(err, &field) {
		t.Errorf("policy: %v", err)
	}
	if _, err := super.Exec(t.Context(), `INSERT INTO client_rules (project_id, subject, value, decision)
		SELECT $1::text::uuid, 'host', 'h' || n, 'block' FROM generate_series(2, $2) n`, project.ID.String(), tenants.MaxClientRules); err != nil {
		t.Fatal(err)
	}
	if err := set(tenants.ClientRule{Host: true, Value: "one.more"}); !errors.Is(err, tenants.ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
	if err := set(tenants.ClientRule{Host: true, Value: fmt.Sprint("h", 2), Allow: true}); err != nil {
		t.Errorf("a change at the limit: %v", err)
	}
}
