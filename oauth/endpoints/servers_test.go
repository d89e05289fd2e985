package endpoints_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// A17, A18, A27, P5, P6, catalogue 85: a project with two MCP servers. Each has its own secret, tokens and default; removing one ends what
// was granted for it and nothing else.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	add := func(name, url string) (tenants.MCPServer, string, error) {
		return w.projects.AddServer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, name, url)
	}
	second, guard, err := add("Notes", "HTTPS://Notes.Example.com:443/mcp/")
	if err != nil || second.Resource != "https://notes.example.com/mcp" {
		t.Fatalf("%+v, %v", second, err)
	}
	var field tenants.FieldError
	if _, _, err := add("Again", "https://notes.example.com/mcp"); !errors.As(err, &field) || field.Field != "server_url" {
		t.Errorf("the same address: %v", err)
	}
	for range 2 {
		if err := w.projects.RenameServer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, second.ID, "My notes"); err != nil {
			t.Fatal(err)
		}
	}
	w.forget()
	client := tn.client()
	_, first := tn.connected(newBrowser(t, w.door), client)
	notes := *tn
	notes.server = second
	approved, held := notes.connected(newBrowser(t, w.door), client, "resource", "https://NOTES.example.com/mcp/")
	if jwtPart(first.access, 1)["aud"] != tn.server.Resource || jwtPart(held.access, 1)["aud"] != second.Resource {
		t.Fatalf("audiences %v and %v", jwtPart(first.access, 1)["aud"], jwtPart(held.access, 1)["aud"])
	}
	if tn.active(held.access) || tn.introspect(guard, held.access).json()["active"] != true || tn.introspect(guard, first.access).json()["active"] != false {
		t.Error("a secret answers for another server's tokens, or not for its own")
	}
	refused := tn.token(approved.refreshForm(held.refresh, "resource", tn.server.Resource))
	if refused.isError(http.StatusBadRequest, string(oauth.InvalidTarget)); !strings.Contains(refused.text("error_description"), second.Resource) {
		t.Errorf("%s", refused.body)
	}
	if err := w.projects.RemoveServer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	w.forget()
	tn.token(approved.refreshForm(held.refresh, "resource", "")).isError(http.StatusBadRequest, string(oauth.InvalidGrant))
	tn.introspect(guard, held.access).isError(http.StatusUnauthorized, string(oauth.InvalidToken))
	if !tn.active(first.access) {
		t.Error("the other server's token ended as well")
	}
	if revoked := value[string](w, `SELECT grant_id::text FROM revocations WHERE mcp_server_id = $1::text::uuid`, second.ID.String()); revoked != grantOf(held.access) {
		t.Errorf("guards are told of %s", revoked)
	}
	if err := w.projects.RemoveServer(t.Context(), tenants.SystemActor, w.org, tn.project.ID, second.ID); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("removed again: %v", err)
	}
	if got := value[[]string](w, `SELECT array_agg(action ORDER BY id) FROM audit_log WHERE action LIKE 'mcp_server.%'`); !slices.Equal(got,
		[]string{"mcp_server.added", "mcp_server.renamed", "mcp_server.removed"}) {
		t.Errorf("audit %q", got)
	}
	w.exec(`INSERT INTO mcp_servers (project_id, id, name, resource) SELECT $1::text::uuid, gen_random_uuid(), 'x', 'https://x.example/' || n FROM generate_series(2, $2) n`,
		tn.project.ID.String(), tenants.MaxServers)
	if _, _, err := add("One more", "https://more.example/mcp"); !errors.Is(err, tenants.ErrLimit) {
		t.Errorf("over the limit: %v", err)
	}
}
