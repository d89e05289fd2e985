package postgres_test

import (
	"errors"
	"log/slog"
	"testing"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// TestPathFormServesOneOrganization: issuers that share an origin must not belong to strangers.
func TestPathFormServesOneOrganization(t *testing.T) {
	t.Parallel()
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.New(t).AppURL, MaxConnections: 4}, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	template, err := tenants.ParseIssuerTemplate("https://auth.example/t/{project}")
	if err != nil {
		t.Fatal(err)
	}
	projects := tenants.Projects{Store: store, Primary: template, OneOrganization: true}
	create := func(email string) error {
		_, organization, err := store.EnsureMember(t.Context(), email, "-", email)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = projects.Create(t.Context(), tenants.SystemActor, organization, "Tools", "https://tools.example/mcp")
		return err
	}
	if err := errors.Join(create("first@example.com"), create("first@example.com")); err != nil {
		t.Fatalf("the first organization: %v", err)
	}
	if err := create("second@example.com"); !errors.Is(err, tenants.ErrForbidden) {
		t.Errorf("a second organization: %v, want ErrForbidden", err)
	}
}
