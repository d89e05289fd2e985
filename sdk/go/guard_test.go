package mcpauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

const metadataURL = "http://localhost:8090/.well-known/oauth-protected-resource/mcp"

// challengeOf parses the one challenge of an answer as a client does.
func challengeOf(t *testing.T, header http.Header) map[string]string {
	t.Helper()
	challenges, err := oauthex.ParseWWWAuthenticate(header.Values("WWW-Authenticate"))
	if err != nil {
		t.Fatalf("challenge %q: %v", header.Values("WWW-Authenticate"), err)
	}
	if len(challenges) != 1 || challenges[0].Scheme != "bearer" {
		t.Fatalf("challenges %v, want one of scheme Bearer", challenges)
	}
	return challenges[0].Params
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.put("other-issuer", map[string]any{"iss": "https://evil.example"})
	p.put("no-issuer", map[string]any{"iss": nil})
	p.put("other-audience", map[string]any{"aud": "http://localhost:8090/other"})
	p.put("slash-audience", map[string]any{"aud": resource + "/"})
	p.put("other-list", map[string]any{"aud": []string{"http://localhost:8090", resource + "/x"}})
	p.put("no-audience", map[string]any{"aud": nil})
	p.put("expired", map[string]any{"exp": time.Now().Add(-time.Second).Unix()})
	p.put("no-expiry", map[string]any{"exp": nil})
	p.put("dpop", map[string]any{"token_type": "DPoP"})
	p.put("bound", map[string]any{"cnf": map[string]any{"jkt": "x"}})
	p.put("no-scope", map[string]any{"scope": ""})
	p.put("near-scope", map[string]any{"scope": "mcp:tools:read MCP:TOOLS"})
	guard, _ := newTestGuard(t, p, Config{RequiredScopes: []string{"mcp:tools"}})
	handler := guard.Protect(echo)

	tests := []struct {
		name    string
		token   string
		headers []string
		target  string
		status  int
		code    string
	}{
		{name: "no credentials: no error (R13)", status: 401},
		{name: "another scheme is no credentials", headers: []string{"Authorization", "Basic Zm9vOmJhcg=="}, status: 401},
		{name: "empty header is no credentials", headers: []string{"Authorization", ""}, status: 401},
		{name: "token in the query (R11)", target: "/mcp?access_token=good", status: 401},
		{name: "scheme alone is no credentials (R13)", headers: []string{"Authorization", "Bearer"}, status: 401},
		{name: "two tokens in one header", headers: []string{"Authorization", "Bearer good good"}, status: 400, code: "invalid_request"},
		{name: "two headers", token: "good", headers: []string{"Authorization", "Bearer good"}, status: 400, code: "invalid_request"},
		{name: "unknown token", token: "unknown", status: 401, code: "invalid_token"},
		{name: "not token syntax", token: "go\"od", status: 401, code: "invalid_token"},
		{name: "oversized token (catalogue 197)", token: strings.Repeat("a", maxTokenBytes+1), status: 401, code: "invalid_token"},
		{name: "issuer of another project (R7)", token: "other-issuer", status: 401, code: "invalid_token"},
		{name: "no issuer", token: "no-issuer", status: 401, code: "invalid_token"},
		{name: "another audience (R7, catalogue 207)", token: "other-audience", status: 401, code: "invalid_token"},
		{name: "audience but for a slash", token: "slash-audience", status: 401, code: "invalid_token"},
		{name: "list of other audiences", token: "other-list", status: 401, code: "invalid_token"},
		{name: "no audience", token: "no-audience", status: 401, code: "invalid_token"},
		{name: "expired (catalogue 212)", token: "expired", status: 401, code: "invalid_token"},
		{name: "no expiry", token: "no-expiry", status: 401, code: "invalid_token"},
		{name: "DPoP token as bearer (catalogue 192)", token: "dpop", status: 401, code: "invalid_token"},
		{name: "bound token as bearer (catalogue 192)", token: "bound", status: 401, code: "invalid_token"},
		{name: "no scope (R8)", token: "no-scope", status: 403, code: "insufficient_scope"},
		{name: "scopes that only look alike (R8)", token: "near-scope", status: 403, code: "insufficient_scope"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			target := test.target
			if target == "" {
				target = "/mcp"
			}
			answer := call(handler, "POST", target, test.token, "{}", test.headers...)
			if answer.Code != test.status {
				t.Fatalf("status %d, want %d: %s", answer.Code, test.status, answer.Body)
			}
			got := challengeOf(t, answer.Header())
			if (got["error_description"] == "") != (test.code == "") {
				t.Errorf("error_description %q for error %q", got["error_description"], test.code)
			}
			delete(got, "error_description")
			want := map[string]string{"scope": "mcp:tools", "resource_metadata": metadataURL}
			if test.code != "" {
				want["error"] = test.code
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("challenge (-want +got):\n%s", diff)
			}
			body := decode[map[string]string](t, answer)
			if body["error"] == "" || body["error_description"] == "" {
				t.Errorf("body %v has no error", body)
			}
			if got := strings.HasPrefix(body["error_description"], "Unauthorized: "); got != (test.status == 401) {
				t.Errorf("body: got %q with status %d, want \"Unauthorized: \" in front at 401 only", body["error_description"], test.status)
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "Content-Type": "application/json", "Access-Control-Allow-Origin": "*",
			} {
				if got := answer.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if !strings.Contains(answer.Header().Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
				t.Error("WWW-Authenticate is not exposed (R12)")
			}
		})
	}
}

func TestAdmits(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.put("list", map[string]any{"aud": []string{"https://elsewhere.example", resource}})
	p.put("alias", map[string]any{"iss": "http://demo.localhost:8080"})
	p.put("machine", map[string]any{"sub": nil, "username": nil, "sid": nil})
	guard, _ := newTestGuard(t, p, Config{})
	handler := guard.Protect(echo)
	identity := Identity{
		Subject: "user-1", Username: "ada@example.com", ClientID: "client-1", Issuer: p.issuer(),
		GrantID: "grant-1", TokenID: "jti-1", Scopes: []string{"mcp:tools"},
	}
	alias, machine := identity, identity
	alias.Issuer = "http://demo.localhost:8080"
	machine.Subject, machine.Username, machine.GrantID = "", "", ""
	for token, want := range map[string]Identity{"good": identity, "list": identity, "alias": alias, "machine": machine} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
				answer := call(handler, "POST", "/mcp", "", `{"a":1}`, "Authorization", scheme+token)
				if answer.Code != http.StatusOK {
					t.Fatalf("%q: status %d: %s", scheme, answer.Code, answer.Body)
				}
				got := decode[echoed](t, answer)
				// The token itself must not reach the handler (R10).
				if diff := cmp.Diff(echoed{Known: true, Identity: want, Body: `{"a":1}`}, got); diff != "" {
					t.Errorf("%q (-want +got):\n%s", scheme, diff)
				}
			}
		})
	}
}

func TestUnprotectedRequestHasNoIdentity(t *testing.T) {
	t.Parallel()
	if _, ok := IdentityFrom(nil); ok {
		t.Error("an identity came out of nothing")
	}
}

func TestImpliedScopes(t *testing.T) { // R9
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{
		RequiredScopes: []string{"notes:read"},
		ImpliedScopes:  map[string][]string{"notes:admin": {"notes:write"}, "notes:write": {"notes:read", "notes:admin"}},
	})
	handler := guard.Protect(echo)
	for scope, want := range map[string]int{
		"notes:admin": 200, "notes:write": 200, "notes:read": 200, "notes": 403, "mcp:tools": 403,
	} {
		token := strings.ReplaceAll(scope, ":", "-")
		p.put(token, map[string]any{"scope": scope})
		if got := call(handler, "POST", "/mcp", token, "{}").Code; got != want {
			t.Errorf("scope %s: status %d, want %d", scope, got, want)
		}
	}
}

func TestClockTolerance(t *testing.T) { // catalogue 212
	t.Parallel()
	p := newProject(t)
	strict, _ := newTestGuard(t, p, Config{})
	tolerant, clock := newTestGuard(t, p, Config{ClockTolerance: time.Minute})
	p.put("late", map[string]any{"exp": clock.now().Add(-30 * time.Second).Unix()})
	if got := call(strict.Protect(echo), "POST", "/mcp", "late", "{}").Code; got != 401 {
		t.Errorf("without tolerance: status %d, want 401", got)
	}
	if got := call(tolerant.Protect(echo), "POST", "/mcp", "late", "{}").Code; got != 200 {
		t.Errorf("with tolerance: status %d, want 200", got)
	}
	clock.advance(31 * time.Second)
	if got := call(tolerant.Protect(echo), "POST", "/mcp", "late", "{}").Code; got != 401 {
		t.Errorf("past the tolerance: status %d, want 401", got)
	}
}

func TestPreflight(t *testing.T) { // R12
	t.Parallel()
	p := newProject(t)
	p.breaks(settingsAt, status(500))
	guard, _ := newTestGuard(t, p, Config{})
	answer := call(guard.Protect(echo), "OPTIONS", "/mcp", "", "", "Origin", "https://app.example",
		"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization, x-custom,bad\"name")
	if answer.Code != http.StatusNoContent {
		t.Fatalf("status %d, want 204", answer.Code)
	}
	allowed := answer.Header().Get("Access-Control-Allow-Headers")
	for _, name := range []string{"Authorization", "Content-Type", "MCP-Protocol-Version", "Mcp-Session-Id", "x-custom"} {
		if !strings.Contains(allowed, name) {
			t.Errorf("%s is not among the allowed headers %q", name, allowed)
		}
	}
	if strings.Contains(allowed, "bad") || strings.Contains(allowed, ", authorization") {
		t.Errorf("allowed headers %q", allowed)
	}
	if got := p.count(settingsAt); got != 0 {
		t.Errorf("a preflight made %d requests", got)
	}
}

func TestAllowedOrigins(t *testing.T) { // R12
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{AllowedOrigins: []string{"https://app.example"}})
	handler := guard.Protect(echo)
	for origin, want := range map[string]int{
		"": 200, "https://app.example": 200, "https://app.example.evil.example": 403, "http://app.example": 403, "null": 403,
	} {
		var headers []string
		if origin != "" {
			headers = []string{"Origin", origin}
		}
		answer := call(handler, "POST", "/mcp", "good", "{}", headers...)
		if answer.Code != want {
			t.Errorf("origin %q: status %d, want %d", origin, answer.Code, want)
		}
		allowed := answer.Header().Get("Access-Control-Allow-Origin")
		if (allowed == origin && origin != "") != (want == 200 && origin != "") || allowed == "*" {
			t.Errorf("origin %q: allowed %q", origin, allowed)
		}
	}
}
