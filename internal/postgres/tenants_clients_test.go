package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// What members decide about registration and clients holds at once and leaves one audit row; a repetition leaves none. Catalogue 36, 37.
func TestMembersManageClients(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service, project := tenantsOf(t, store), newTestProject(t, db, "Mu")
	ctx, actor, org, id := t.Context(), tenants.SystemActor, project.OrganizationID, project.ID
	token, shown, err := service.CreateInitialAccessToken(ctx, actor, org, id, " CI  runner ", time.Hour)
	if err != nil || token.Name != "CI runner" || !strings.HasPrefix(shown, "mcpauth_it_") || len(shown) != len("mcpauth_it_")+43 ||
		token.ExpiresAt.Sub(token.CreatedAt) != time.Hour {
		t.Fatalf("%+v %q %v", token, shown, err)
	}
	if err := store.AdmitRegistration(ctx, id, secret.Hash(shown)); err != nil {
		t.Error(err)
	}
	endless, _, err := service.CreateInitialAccessToken(ctx, actor, org, id, "endless", 0)
	if err != nil || !endless.ExpiresAt.IsZero() {
		t.Errorf("%+v %v", endless, err)
	}
	public, none, err := service.CreateClient(ctx, actor, org, id, tenants.NewClient{Name: "Public", RedirectURIs: []string{"http://127.0.0.1:4000/cb"}})
	if err != nil || none != "" {
		t.Fatal(none, err)
	}
	confidential, own, err := service.CreateClient(ctx, actor, org, id, tenants.NewClient{Name: "Hosted", RedirectURIs: []string{"https://app.example/cb"}, Confidential: true})
	if err != nil || !strings.HasPrefix(own, "mcpauth_cs_") {
		t.Fatal(own, err)
	}
	for clientID, method := range map[string]string{public: oauth.AuthMethodNone, confidential: oauth.AuthMethodBasic} {
		c, err := store.FindClient(ctx, id, clientID)
		if err != nil || c.AuthMethod != method || c.Blocked || (method != oauth.AuthMethodNone) != secret.Equal(c.SecretHash, secret.Hash(own)) || len(c.RegistrationTokenHash) != 0 {
			t.Errorf("%+v %v", c, err)
		}
	}
	for range 2 {
		if err := errors.Join(service.RevokeInitialAccessToken(ctx, actor, org, id, token.ID), service.BlockClient(ctx, actor, org, id, public),
			service.SetRegistrationPolicy(ctx, actor, org, id, tenants.RegistrationClosed)); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.AdmitRegistration(ctx, id, secret.Hash(shown)); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("a revoked token: %v", err)
	}
	if c, err := store.FindClient(ctx, id, public); err != nil || !c.Blocked {
		t.Errorf("%+v %v", c, err)
	}
	if err := errors.Join(service.UnblockClient(ctx, actor, org, id, public), service.UnblockClient(ctx, actor, org, id, public), service.DeleteClient(ctx, actor, org, id, public)); err != nil {
		t.Fatal(err)
	}
	if err := service.DeleteClient(ctx, actor, org, id, public); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if got := column(t, connect(t, db.SuperuserURL), `SELECT action FROM audit_log WHERE action LIKE '%client.%' OR action LIKE 'initial%' OR action LIKE '%policy%' ORDER BY id`); !slices.Equal(got, []string{
		"initial_access_token.created", "initial_access_token.created", "client.created", "client.created", "initial_access_token.revoked", "client.blocked",
		"project.registration_policy_changed", "client.unblocked", "client.deleted",
	}) {
		t.Errorf("audit %q", got)
	}
}

// Wrong input names its field, limits hold, and neither a viewer nor another organization changes anything.
func TestMembersManageClientsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	service, project, other := tenantsOf(t, store), newTestProject(t, db, "Nu"), newTestProject(t, db, "Xi")
	super := connect(t, db.SuperuserURL)
	ctx, org, projectID := t.Context(), project.OrganizationID, project.ID
	good := tenants.NewClient{Name: "App", RedirectURIs: []string{"https://app.example/cb"}}
	clientID, _, err := service.CreateClient(ctx, tenants.SystemActor, org, projectID, good)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := service.CreateInitialAccessToken(ctx, tenants.SystemActor, org, projectID, "CI", 0)
	if err != nil {
		t.Fatal(err)
	}
	verbs := func(ctx context.Context, actor tenants.Actor, org id.ID) map[string]error {
		_, _, tokenErr := service.CreateInitialAccessToken(ctx, actor, org, projectID, "CI", 0)
		_, _, clientErr := service.CreateClient(ctx, actor, org, projectID, good)
		return map[string]error{
			"token": tokenErr, "client": clientErr, "revoke": service.RevokeInitialAccessToken(ctx, actor, org, projectID, token.ID),
			"block": service.BlockClient(ctx, actor, org, projectID, clientID), "unblock": service.UnblockClient(ctx, actor, org, projectID, clientID),
			"delete": service.DeleteClient(ctx, actor, org, projectID, clientID), "policy": service.SetRegistrationPolicy(ctx, actor, org, projectID, tenants.RegistrationOff),
		}
	}
	before := column(t, super, `SELECT id::text FROM audit_log ORDER BY id`)
	for name, err := range verbs(ctx, tenants.SystemActor, other.OrganizationID) {
		if !errors.Is(err, tenants.ErrNotFound) {
			t.Errorf("%s by another organization: %v", name, err)
		}
	}
	viewer, _, err := store.EnsureMember(ctx, "viewer@example.com", "hash", "Own")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := super.Exec(ctx, `INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1::text::uuid, $2::text::uuid, 'viewer')`, org.String(), viewer.String()); err != nil {
		t.Fatal(err)
	}
	for name, err := range verbs(ctx, tenants.MemberActor(viewer), org) {
		if !errors.Is(err, tenants.ErrForbidden) {
			t.Errorf("%s by a viewer: %v", name, err)
		}
	}
	for uri, field := range map[string]string{"javascript:alert(1)": "redirect_uris", "https://app.example/#x": "redirect_uris", project.Issuer + "/cb": "redirect_uris", "": "redirect_uris"} {
		var wrong tenants.FieldError
		if _, _, err := service.CreateClient(ctx, tenants.SystemActor, org, projectID, tenants.NewClient{Name: "App", RedirectURIs: []string{uri}}); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", uri, err)
		}
	}
	var wrong tenants.FieldError
	if err := service.SetRegistrationPolicy(ctx, tenants.SystemActor, org, projectID, "ajar"); !errors.As(err, &wrong) || wrong.Field != "registration_policy" {
		t.Errorf("policy: %v", err)
	}
	if _, _, err := service.CreateInitialAccessToken(ctx, tenants.SystemActor, org, projectID, "CI", -time.Second); !errors.As(err, &wrong) || wrong.Field != "lifetime" {
		t.Errorf("lifetime: %v", err)
	}
	if after := column(t, super, `SELECT id::text FROM audit_log ORDER BY id`); !slices.Equal(before, after) {
		t.Error("a refused change was recorded")
	}
	for _, fill := range []string{
		`INSERT INTO initial_access_tokens (project_id, id, name, token_hash) SELECT $1::text::uuid, gen_random_uuid(), 'CI', sha256(n::text::bytea) FROM generate_series(2, $2) n`,
		`INSERT INTO clients (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, metadata)
			SELECT $1::text::uuid, 'c' || n, 'managed', 'App', '{}', '{}', 'none', 'web', '{}' FROM generate_series(2, $2) n`,
	} {
		most := tenants.MaxManagedClients
		if strings.Contains(fill, "initial_access_tokens") {
			most = tenants.MaxInitialAccessTokens
		}
		if _, err := super.Exec(ctx, fill, projectID.String(), most); err != nil {
			t.Fatal(err)
		}
	}
	full := verbs(ctx, tenants.SystemActor, org)
	if !errors.Is(full["token"], tenants.ErrLimit) || !errors.Is(full["client"], tenants.ErrLimit) {
		t.Errorf("over the limits: %v, %v", full["token"], full["client"])
	}
}
