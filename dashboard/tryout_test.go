package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/internal/tryout"
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
	owner := must(secret.ParseID(w.memberID(t, "owner@example.com")))
	developer := must(secret.ParseID(w.memberID(t, "developer@example.com")))
	other := must(secret.ParseID(w.params["second project"]))
	seal := func(purpose string, member, project secret.ID) string {
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
