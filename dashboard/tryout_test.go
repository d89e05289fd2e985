package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/tryout"
	"mcpauth.example/tenants"
)

// The answer to an authorization that is tried goes no further without its beginning, of this member and this project (catalogue 258).
func TestTryoutIsBoundToWhoBegan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := 0
	peer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer peer.Close()
	address := peer.URL
	plan := must(json.Marshal(tryout.Plan{Profile: "claude-code", ClientID: "c", Issuer: address, TokenEndpoint: address + "/token", Resource: address + "/mcp", State: "state", Verifier: "verifier"}))
	owner := must(id.Parse(w.memberID(t, "owner@example.com")))
	developer := must(id.Parse(w.memberID(t, "developer@example.com")))
	other := must(id.Parse(w.params["second project"]))
	seal := func(purpose string, member, project id.ID) string {
		return secret.Encode(w.keys.Seal(purpose, plan, secret.Join(member[:], project[:])))
	}
	back := w.of(t, "/test/callback") + "?" + url.Values{"code": {"x"}, "state": {"state"}, "iss": {address}}.Encode()
	for name, cookie := range map[string]string{
		"none": "", "garbage": "x", "another member": seal("dashboard-test", owner, w.project), "another project": seal("dashboard-test", developer, other),
		"another purpose": seal("dashboard-cursor", developer, w.project),
	} {
		b := w.as(t, "developer")
		b.cookie(t, "mcpauth_test", cookie)
		if page := b.get(t, back).want(t, http.StatusBadRequest); !strings.Contains(page.text, "No test waits") {
			t.Errorf("%s: %s", name, page.text)
		}
	}
	if asked != 0 {
		t.Errorf("%d requests were sent", asked)
	}
	b := w.as(t, "developer")
	b.cookie(t, "mcpauth_test", seal("dashboard-test", developer, w.project))
	if b.get(t, back).want(t, http.StatusOK); asked == 0 {
		t.Error("the good one is refused too")
	}
	b.get(t, back).want(t, http.StatusBadRequest) // once
}

// What another host answers is shown to nobody, though the MCP server leads there (catalogue 234); what the server itself answers is.
func TestTryoutShowsNoStrangersAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inside := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("X-Inside", "inner-header")
		_, _ = rw.Write([]byte("inner-secret"))
	}))
	defer inside.Close()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "oauth-protected-resource") {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(`{"resource":"own-answer","authorization_servers":["` + inside.URL + `"]}`))
			return
		}
		rw.Header().Set("WWW-Authenticate", "Bearer")
		rw.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/mcp"
	added, _, err := w.projects.AddServer(t.Context(), tenants.SystemActor, w.organization, w.project, "Inside", address)
	if err != nil {
		t.Fatal(err)
	}
	page := w.as(t, "developer").post(t, w.of(t, "/test/run"), "server", added.ID.String(), "profile", "codex").want(t, http.StatusOK)
	if !strings.Contains(page.text, "own-answer") || !strings.Contains(page.text, "is not shown") {
		t.Error("the server's own answers are not shown, or the other host was not asked")
	}
	for _, secret := range []string{"inner-header", `&#34;inner-secret`, "inner-secret</pre>"} {
		if strings.Contains(page.text, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}
