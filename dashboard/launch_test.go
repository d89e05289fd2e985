package dashboard_test

import (
	"bytes"
	"image"
	"image/png"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// A copy has the settings of its model, and nothing that is a credential or a person's; a copy onto a project replaces them, ends what its
// new rules block, and is found in the log.
func TestCopyToProduction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, actor := t.Context(), tenants.SystemActor
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		w.projects.SetScope(ctx, actor, w.organization, w.project, tenants.Scope{Name: "notes:write", Description: "Add notes", Tools: []string{"add_note"}}),
		w.projects.SetSignInMethods(ctx, actor, w.organization, w.project, []string{tenants.SignInProvider, tenants.SignInPasskey}),
		w.projects.SetDocumentPolicy(ctx, actor, w.organization, w.project, tenants.DocumentsOff),
		w.projects.SetClientRule(ctx, actor, w.organization, w.project, tenants.ClientRule{Host: true, Value: "blocked.example"}),
		w.projects.SetBrandDraft(ctx, actor, w.organization, w.project, tenants.Brand{Accent: "#5b1a55", Radius: 4, Title: "Welcome"}, picture.Bytes()),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.projects.PublishBrand(ctx, actor, w.organization, w.project))
	type settings struct {
		Project tenants.ProjectSettings
		Scopes  []tenants.Scope
		Rules   []tenants.ClientRule
		Brand   tenants.Brand
	}
	read := func(project id.ID) (s settings) {
		t.Helper()
		s.Project = must(w.projects.Settings(ctx, actor, w.organization, project))
		s.Scopes = must(w.projects.Find(ctx, actor, w.organization, project)).Scopes
		s.Rules = must(w.projects.ClientRules(ctx, actor, w.organization, project))
		for _, b := range must(w.projects.Brands(ctx, actor, w.organization, project)) {
			if b.Version == s.Project.BrandVersion {
				s.Brand = b
			}
		}
		s.Project.Name, s.Project.BrandVersion, s.Brand.Version, s.Brand.By = "", 0, 0, ""
		return s
	}
	want := read(w.project)
	want.Project.SignInMethods = []string{tenants.SignInPasskey, tenants.SignInEmailCode}
	if len(want.Rules) != 1 || want.Brand.LogoHash == "" || !slices.ContainsFunc(want.Scopes, func(s tenants.Scope) bool { return slices.Equal(s.Tools, []string{"add_note"}) }) {
		t.Fatalf("the model is poor: %+v", want)
	}

	b := w.as(t, "developer")
	b.post(t, w.of(t, "/launch/production"), "server_url", "http://live.example.com/mcp?x").want(t, http.StatusUnprocessableEntity)
	b.make(t, w.of(t, "/launch/production"), "server_url", "https://live.example.com/mcp", "name", "Live")
	var live, second tenants.Project
	for _, p := range must(w.projects.List(ctx, actor, w.organization)) {
		switch p.Name {
		case "Live":
			live = p.Project
		case "Second":
			second = p.Project
		}
	}
	if !live.Production || second.Production {
		t.Errorf("production: the copy %v, another %v", live.Production, second.Production)
	}
	if diff := cmp.Diff(want, read(live.ID)); diff != "" {
		t.Errorf("the copy differs:\n%s", diff)
	}
	for _, table := range []string{"clients", "users", "upstream_providers", "grants"} {
		if n := w.rows(t, `SELECT FROM `+table+` WHERE project_id = $1`, live.ID.String()); n != 0 {
			t.Errorf("%d of %s were copied", n, table)
		}
	}

	// Onto another one, in which somebody uses what the model blocks.
	w.inSecond(t).documentGrant(t, "https://blocked.example/app.json")
	b.post(t, w.of(t, "/launch/copy"), "to", w.project.String()).want(t, http.StatusUnprocessableEntity)
	b.post(t, w.of(t, "/launch/copy"), "to", id.New().String()).want(t, http.StatusNotFound)
	b.post(t, w.of(t, "/launch/copy"), "to", second.ID.String()).want(t, http.StatusSeeOther)
	if diff := cmp.Diff(want, read(second.ID)); diff != "" {
		t.Errorf("the other project differs:\n%s", diff)
	}
	if n := w.rows(t, `SELECT FROM grants WHERE project_id = $1 AND revoked_reason = 'client_blocked'`, second.ID.String()); n != 1 {
		t.Errorf("%d grants of a client that is blocked now have ended", n)
	}
	if n := w.rows(t, `SELECT FROM audit_log WHERE action = 'project.settings_copied' AND detail->>'from' = $1`, w.project.String()); n != 1 {
		t.Errorf("%d rows of the log tell it", n)
	}
	foreign := must(w.projects.List(ctx, actor, w.foreign))[0]
	b.post(t, w.of(t, "/launch/copy"), "to", foreign.ID.String()).want(t, http.StatusNotFound)
}

// inSecond is the world with its second project, in which nothing has happened yet.
func (w *world) inSecond(t *testing.T) *world {
	t.Helper()
	second := w.on(w.site)
	second.params = maps.Clone(w.params)
	second.params[":project"] = w.params["second project"]
	second.project = must(id.Parse(w.params["second project"]))
	return second
}

// documentGrant makes a person who allowed a client with a document.
func (w *world) documentGrant(t *testing.T, client string) {
	t.Helper()
	w.exec(t, `INSERT INTO clients (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, metadata)
		VALUES ($1, $2, 'document', 'x', '{https://client.example/cb}', '{authorization_code}', 'none', 'web', '{}')`, w.project.String(), client)
	w.grant(t, "heddy@people.example", client)
}

// The checklist follows what is there.
func TestLaunchChecklist(t *testing.T) {
	t.Parallel()
	w := newWorld(t).inSecond(t)
	b := w.as(t, "developer")
	state := func(key string) string {
		t.Helper()
		found, _ := b.get(t, w.of(t, "/launch")).want(t, http.StatusOK).doc.Find(`[data-point="` + key + `"]`).Attr("data-state")
		return found
	}
	for _, key := range []string{"guard", "connected", "called"} {
		if got := state(key); got != "open" {
			t.Errorf("%s of a new project: %q", key, got)
		}
	}
	w.documentGrant(t, "https://client.example/app.json")
	w.exec(t, `UPDATE registration_secrets SET last_used_at = now()`)
	w.exec(t, `INSERT INTO grant_usage (project_id, grant_id, tool, calls, last_used_at) SELECT project_id, id, 'add', 1, now() FROM grants ON CONFLICT DO NOTHING`)
	for _, key := range []string{"guard", "connected", "called"} {
		if got := state(key); got != "done" {
			t.Errorf("%s after a connection: %q", key, got)
		}
	}
	if got := state("running"); got != "done" {
		t.Errorf("running: %q", got)
	}
	w.exec(t, `UPDATE projects SET status = 'suspended' WHERE id = $1`, w.project.String())
	if got := state("running"); got != "open" {
		t.Errorf("suspended: %q", got)
	}
}

// Nobody changes anything in an organization that the operator suspended, and every page of it says so (catalogue 274).
func TestSuspendedOrganizationChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator := tenants.Operator{Store: w.store}
	if err := operator.Suspend(t.Context(), w.organization, "phishing"); err != nil {
		t.Fatal(err)
	}
	b := w.as(t, "owner")
	page := b.get(t, w.of(t, "")).want(t, http.StatusOK)
	if page.doc.Find("main [role=alert]").Length() == 0 {
		t.Error("the overview does not say so")
	}
	b.post(t, w.of(t, "/settings"), "name", "Other").want(t, http.StatusForbidden)
	if n := w.rows(t, `SELECT FROM projects WHERE name = 'Other' AND organization_id = $1`, w.organization.String()); n != 0 {
		t.Error("it was renamed all the same")
	}
	before := w.everything(t)
	for what, path := range map[string]string{"a project": projectsPath(w.organization), "a production project": w.of(t, "/launch/production"), "an invitation": w.team("/invitations")} {
		got := b.post(t, path, "name", "New", "server_url", "https://new.example.com/mcp", "email", "new@example.com", "role", "viewer").want(t, http.StatusForbidden)
		if !strings.Contains(got.doc.Find("main").Text(), "suspended") {
			t.Errorf("%s: %s", what, got.doc.Find("main").Text())
		}
	}
	if after := w.everything(t); after != before {
		t.Errorf("something was written:\n%s", difference(before, after))
	}
	if err := operator.Resume(t.Context(), w.organization); err != nil {
		t.Fatal(err)
	}
	b.post(t, w.of(t, "/settings"), "name", "Other").want(t, http.StatusSeeOther)
}

// Whoever is invited to an organization that the operator suspended is told that they did nothing wrong, and joins once it goes on.
func TestSuspendedOrganizationAdmitsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator := tenants.Operator{Store: w.store}
	w.as(t, "admin").post(t, w.team("/invitations"), "email", "grace@example.com", "role", "developer").want(t, http.StatusSeeOther)
	grace, member, _ := w.member(t, "grace@example.com")
	action, _ := grace.get(t, "/dashboard/invitations").want(t, http.StatusOK).doc.Find("main form").Attr("action")
	if err := operator.Suspend(t.Context(), w.organization, "phishing"); err != nil {
		t.Fatal(err)
	}
	list := grace.get(t, "/dashboard/invitations").want(t, http.StatusOK)
	if list.doc.Find("main form").Length() != 0 || !strings.Contains(list.doc.Find("li[data-invitation]").Text(), "nobody can join it at the moment") {
		t.Errorf("the list: %s", list.doc.Find("main").Text())
	}
	refused := grace.post(t, action).want(t, http.StatusForbidden)
	if text := refused.doc.Find("main").Text(); !strings.Contains(text, "not because of you") || strings.Contains(text, "audit log") {
		t.Errorf("the invited person is told: %s", text)
	}
	joined := `SELECT FROM organization_members WHERE organization_id = $1 AND member_id = $2`
	if n := w.rows(t, joined, w.organization.String(), member.String()); n != 0 {
		t.Error("joined a suspended organization")
	}
	if err := operator.Resume(t.Context(), w.organization); err != nil {
		t.Fatal(err)
	}
	grace.post(t, action).wantRedirect(t, projectsPath(w.organization))
}
