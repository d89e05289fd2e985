package endpoints_test

import (
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

func (tn *tenant) setScope(scope tenants.Scope) {
	tn.w.t.Helper()
	if err := tn.w.projects.SetScope(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, scope); err != nil {
		tn.w.t.Fatal(err)
	}
	tn.w.forget()
}

// R5, R8, R9: guards learn from the project which scopes a tool needs, and metadata and guards name the same scopes.
func TestToolScopesOfTheGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	tn.setScope(tenants.Scope{Name: "notes:write", Description: "Add notes", Tools: []string{"write_note", "delete_note"}})
	tn.setScope(tenants.Scope{Name: "notes:delete", Description: "Delete notes", Tools: []string{"delete_note"}})
	configuration := func(of *tenant) string {
		return call(t, w.door, http.MethodGet, of.issuer+oauth.PathServer, bearer(of.guard), "").body
	}
	got := configuration(tn)
	if !strings.Contains(got, `"tool_scopes":{"delete_note":["notes:write","notes:delete"],"write_note":["notes:write"]}`) || !strings.Contains(got, `"scopes_supported":["mcp:tools","notes:write","notes:delete"]`) {
		t.Errorf("%s", got)
	}
	metadata := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathMetadata, nil, "").body
	if !strings.Contains(metadata, `"scopes_supported":["mcp:tools","notes:write","notes:delete","offline_access"]`) {
		t.Errorf("%s", metadata)
	}
	if other := configuration(w.other); strings.Contains(other, "tool_scopes") {
		t.Errorf("another project: %s", other)
	}
}

// A28, catalogue 84: a scope that was deleted is in no new token of a grant that has it, and the answer says so.
func TestDeletedScopeIsInNoNewToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	approved, held := tn.connected(newBrowser(t, w.door), tn.client(), "scope", "mcp:tools notes:write")
	if err := w.projects.DeleteScope(t.Context(), tenants.SystemActor, w.org, tn.project.ID, "notes:write"); err != nil {
		t.Fatal(err)
	}
	w.forget()
	got := tn.token(approved.refreshForm(held.refresh))
	if access := got.text("access_token"); got.text("scope") != "mcp:tools" || jwtPart(access, 1)["scope"] != "mcp:tools" {
		t.Errorf("%s", got.body)
	}
}
