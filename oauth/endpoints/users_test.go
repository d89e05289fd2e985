package endpoints_test

import (
	"errors"
	"net/http"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// What a project's people do with a user bites at once: sessions, tokens, refresh tokens and every way to sign in (catalogue 123, 133,
// 155, 163, 186).
func TestUsersOfAProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, ctx, actor := w.demo, t.Context(), tenants.SystemActor
	b := newBrowser(t, w.door)
	made, held := tn.connected(b, tn.client())
	user := tn.addUser(tn.user)
	found, err := w.projects.Users(ctx, actor, w.org, tn.project.ID, tenants.UserQuery{Search: " ADA@"})
	if err != nil || len(found) != 1 || found[0].ID != user || found[0].Connections != 1 || found[0].LastSignIn.IsZero() || found[0].Blocked {
		t.Fatalf("%+v %v", found, err)
	}
	grants, err := w.store.ListUserGrants(ctx, w.org, tn.project.ID, user)
	if err != nil || len(grants) != 1 || grants[0].ClientID != made.clientID || grants[0].Resource != tn.server.Resource {
		t.Fatalf("%+v %v", grants, err)
	}
	for name, run := range map[string]func(org, project id.ID) error{ // 258
		"block":    func(org, project id.ID) error { return w.projects.BlockUser(ctx, actor, org, project, user) },
		"unblock":  func(org, project id.ID) error { return w.projects.UnblockUser(ctx, actor, org, project, user) },
		"delete":   func(org, project id.ID) error { return w.projects.DeleteUser(ctx, actor, org, project, user) },
		"sign out": func(org, project id.ID) error { return w.projects.EndUserSessions(ctx, actor, org, project, user) },
		"disconnect": func(org, project id.ID) error {
			return w.projects.EndUserGrants(ctx, actor, org, project, user, id.ID{})
		},
		"find": func(org, project id.ID) error {
			_, err := w.store.FindUser(ctx, org, project, user)
			return err
		},
	} {
		before := w.rows()
		if err := run(w.org, w.other.project.ID); !errors.Is(err, tenants.ErrNotFound) {
			t.Errorf("%s: a user of another project: %v", name, err)
		}
		if err := run(id.New(), tn.project.ID); !errors.Is(err, tenants.ErrNotFound) {
			t.Errorf("%s: a project of another organization: %v", name, err)
		}
		w.unchanged(before)
	}
	if err := w.projects.EndUserGrants(ctx, actor, w.org, tn.project.ID, user, grants[0].ID); err != nil {
		t.Fatal(err)
	}
	if tn.active(held.access) || tn.token(made.refreshForm(held.refresh)).StatusCode != http.StatusBadRequest || value[int](w, `SELECT count(*) FROM consents`) != 0 {
		t.Error("a revoked grant lives on")
	}
	made, held = tn.connected(b, tn.client())
	if err := w.projects.EndUserSessions(ctx, actor, w.org, tn.project.ID, user); err != nil {
		t.Fatal(err)
	}
	if b.get(tn.authorizeURL(tn.request(made.clientID))).has("button[value=allow]") || !tn.active(held.access) {
		t.Error("signing out does not end the session, or ends the connection")
	}
	if err := w.projects.BlockUser(ctx, actor, w.org, tn.project.ID, user); err != nil {
		t.Fatal(err)
	}
	if tn.active(held.access) || tn.token(made.refreshForm(held.refresh)).StatusCode != http.StatusBadRequest {
		t.Error("a blocked user's tokens work")
	}
	if got := tn.signIn(b, b.get(tn.authorizeURL(tn.request(made.clientID)))); got.has("button[value=allow]") {
		t.Error("a blocked user signs in")
	}
	if err := w.projects.UnblockUser(ctx, actor, w.org, tn.project.ID, user); err != nil {
		t.Fatal(err)
	}
	if tn.active(held.access) {
		t.Error("unblocking brings tokens back")
	}
	made, held = tn.connected(b, tn.client())
	if err := w.projects.DeleteUser(ctx, actor, w.org, tn.project.ID, user); err != nil {
		t.Fatal(err)
	}
	if tn.active(held.access) || tn.token(made.refreshForm(held.refresh)).StatusCode != http.StatusBadRequest || value[int](w, `SELECT count(*) FROM users WHERE email = $1`, tn.user) != 0 {
		t.Error("a deleted user is still there")
	}
	if actions := value[string](w, `SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log WHERE actor = 'system' AND action LIKE 'user.%' AND action <> 'user.created'`); actions != "user.grants_revoked user.signed_out user.blocked user.unblocked user.deleted" {
		t.Errorf("audit: %s", actions)
	}
}

// Pages of users follow each other without gaps.
func TestUsersByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	for range tenants.UsersPage + 5 {
		tn.addUser("u" + randomText(12) + "@demo.example")
	}
	first, err := w.projects.Users(t.Context(), tenants.SystemActor, w.org, tn.project.ID, tenants.UserQuery{})
	if err != nil || len(first) != tenants.UsersPage {
		t.Fatalf("%d %v", len(first), err)
	}
	rest, err := w.projects.Users(t.Context(), tenants.SystemActor, w.org, tn.project.ID, tenants.UserQuery{Before: first[len(first)-1].ID})
	if err != nil || len(rest) != 6 || rest[5].Email != tn.user {
		t.Errorf("%d %v", len(rest), err)
	}
}
