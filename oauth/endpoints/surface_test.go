package endpoints_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/tenants"
)

// A2, A3, A4, P2, P17, P18, catalogue 1, 2, 11: the documents are where clients look, without redirect, and nowhere else.
func TestDiscoveryLocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const host, subdomain, secure = "http://localhost:8080", "http://demo.localhost:8080", "https://demo.mcpauth.example"
	for location, issuer := range map[string]string{
		host + "/.well-known/oauth-authorization-server/t/demo":  host + "/t/demo",
		host + "/.well-known/oauth-authorization-server/t/demo/": host + "/t/demo", // P2
		host + "/t/demo/.well-known/oauth-authorization-server":  host + "/t/demo",
		host + "/t/demo/.well-known/oauth-authorization-server/": host + "/t/demo",
		subdomain + "/.well-known/oauth-authorization-server":    subdomain,
		subdomain + "/.well-known/oauth-authorization-server/":   subdomain,
		secure + "/.well-known/oauth-authorization-server":       secure,
		// the OpenID document is complete or absent (P17)
		host + "/.well-known/openid-configuration/t/demo": "", host + "/t/demo/.well-known/openid-configuration": "", subdomain + "/.well-known/openid-configuration": "",
		// never another tenant's (2)
		host + "/.well-known/oauth-authorization-server": "", host + "/.well-known/oauth-authorization-server/t": "", host + "/.well-known/oauth-authorization-server/t/": "",
		host + "/.well-known/oauth-authorization-server/demo": "", host + "/.well-known/oauth-authorization-server/t/nobody": "", host + "/.well-known/oauth-authorization-server/x/demo": "",
		host + "/.well-known/oauth-authorization-server/t/demo/x": "", host + "/.well-known/oauth-authorization-server/t/Demo": "", host + "/t/demo/x/.well-known/oauth-authorization-server": "",
		subdomain + "/.well-known/oauth-authorization-server/t/demo": "", subdomain + "/t/demo/.well-known/oauth-authorization-server": "", subdomain + "/.well-known/oauth-authorization-server/other": "",
		host + "/t/demo/../other/.well-known/oauth-authorization-server": "", host + "/t/demo%2f.well-known/oauth-authorization-server": "", host + "/t//demo/.well-known/oauth-authorization-server": "",
		host + "//t/demo/.well-known/oauth-authorization-server": "", host + "/t/demo": "", host + "/t/demo/": "", host + "/t/": "", host + "/.well-known/": "",
		host + "/t/demo%00/.well-known/oauth-authorization-server": "", host + "/t/%ff/.well-known/oauth-authorization-server": "", host + "/t/" + strings.Repeat("a", 20000) + "/oauth/authorize": "",
		host + "/.well-known/oauth-authorization-server/t/demo%00": "", host + "/t/d%C3%A9mo/.well-known/oauth-authorization-server": "", host + "/t/demo%20/oauth/authorize": "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			got := call(t, w.door, method, location, http.Header{"Mcp-Protocol-Version": {"2025-11-25"}}, "")
			if issuer == "" {
				if got.StatusCode != http.StatusNotFound && (method == http.MethodGet || got.StatusCode != http.StatusMethodNotAllowed) || got.Header.Get("Location") != "" {
					t.Errorf("%s %s: %d", method, location, got.StatusCode)
				}
				continue
			}
			if strings.HasSuffix(location, "/") && method == http.MethodHead {
				continue // a courtesy for GET only
			}
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Cache-Control") != "public, max-age=300" ||
				method == http.MethodGet && got.text("issuer") != issuer {
				t.Errorf("%s %s: %d %v %s", method, location, got.StatusCode, got.Header, got.body)
			}
		}
	}
}

// Catalogue 3, 4, 5, 7, 8: hosts are taken literally, forwarded ones not at all.
func TestHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/.well-known/oauth-authorization-server"
	base := call(t, w.door, http.MethodGet, "http://demo.localhost:8080"+path, nil, "")
	for name := range map[string]bool{"X-Forwarded-Host": true, "X-Forwarded-Proto": true, "X-Forwarded-Port": true, "X-Forwarded-Prefix": true, "Forwarded": true, "X-Original-Host": true,
		"X-Host": true, "X-Forwarded-Server": true, "X-Original-Url": true, "X-Rewrite-Url": true, "X-Http-Method-Override": true, "Origin": true, "Referer": true, "Cookie": true} {
		for _, sent := range []string{"evil.example.com", "https", "host=evil.example.com;proto=https", "/t/other", "DELETE"} {
			got := call(t, w.door, http.MethodGet, "http://demo.localhost:8080"+path, http.Header{name: {sent}}, "")
			if got.body != base.body || got.StatusCode != http.StatusOK || len(got.Cookies()) != 0 {
				t.Errorf("%s: %s changes the answer: %d %s", name, sent, got.StatusCode, got.body)
			}
		}
	}
	for host, issuer := range map[string]string{
		"demo.localhost:8080": "http://demo.localhost:8080", "DEMO.localhost:8080": "http://demo.localhost:8080", "demo.localhost.:8080": "http://demo.localhost:8080",
		"demo.mcpauth.example": "https://demo.mcpauth.example", "Demo.MCPauth.example.": "https://demo.mcpauth.example", "demo.mcpauth.example:443": "https://demo.mcpauth.example",
		"demo.localhost": "", "demo.localhost:8081": "", "evil.example.com": "", "demo.localhost:8080.evil.example.com": "", "xdemo.localhost:8080": "", "nobody.localhost:8080": "",
		"demo.mcpauth.example:8443": "", "xn--dmo-bma.mcpauth.example": "", "dеmo.mcpauth.example": "", "demo.localhost:8080@evil.example.com": "", "demo\x00.localhost:8080": "", "demo.localhost:8080\xff": "",
		"demo..localhost:8080": "", "..": "", ":8080": "", "[::1]:8080": "", "localhost:8080": "",
	} {
		got := call(t, w.door, http.MethodGet, "http://"+host+path, nil, "")
		if issuer == "" && (got.StatusCode != http.StatusNotFound || strings.Contains(got.body, "evil") || strings.Contains(got.Header.Get("Location"), "evil")) ||
			issuer != "" && (got.StatusCode != http.StatusOK || got.text("issuer") != issuer) {
			t.Errorf("host %q: %d %s", host, got.StatusCode, got.body)
		}
	}
}

// Catalogue 7, 274: unknown and suspended are the same answer; a suspended project's tokens are inactive.
func TestSuspendedProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a, held := tn.connected(newBrowser(t, w.door), tn.client())
	if !tn.active(held.access) {
		t.Fatal("inactive before")
	}
	w.exec(`UPDATE projects SET status = 'suspended' WHERE id = $1::text::uuid`, tn.project.ID.String())
	w.forget()
	unknown := tn.at("http://localhost:8080/t/nobody")
	for _, route := range endpoints.Routes(&endpoints.Handler{}) {
		for _, method := range []string{route.Method, http.MethodDelete, http.MethodOptions} {
			if method == http.MethodPost && route.Path == oauth.PathIntrospect || method == http.MethodGet && route.Path == oauth.PathRevocations {
				continue
			}
			header := bearer(tn.guard)
			got := call(t, w.door, method, tn.issuer+route.Path, header, a.refreshForm(held.refresh).Encode())
			want := call(t, w.door, method, unknown.issuer+route.Path, header, a.refreshForm(held.refresh).Encode())
			for _, answered := range []*answer{got, want} {
				answered.Header.Del("X-Request-Id")
			}
			if got.StatusCode != want.StatusCode || normal(got.body) != normal(want.body) || !equalHeaders(got.Header, want.Header) || (method != http.MethodOptions && got.StatusCode != http.StatusNotFound) {
				t.Errorf("%s %s: %d %v %s\nunknown: %d %v %s", method, route.Path, got.StatusCode, got.Header, got.body, want.StatusCode, want.Header, want.body)
			}
		}
	}
	if tn.active(held.access) {
		t.Error("the token of a suspended project is active")
	}
	if got := tn.revocations(tn.guard, ""); !got.Suspended {
		t.Errorf("the feed tells %+v", got)
	}
	w.exec(`UPDATE projects SET status = 'active' WHERE id = $1::text::uuid`, tn.project.ID.String())
	w.forget()
	if !tn.active(held.access) {
		t.Error("the project does not come back")
	}
	tn.token(a.refreshForm(held.refresh)).tokens()
}

func equalHeaders(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name, values := range a {
		if !slices.Equal(values, b[name]) {
			return false
		}
	}
	return true
}

// P1, catalogue 9: programs in browsers may call the protocol from anywhere, without cookies; pages are for nobody else's script.
func TestCORS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const origin = "https://app.example.com"
	for _, route := range endpoints.Routes(&endpoints.Handler{}) {
		protocol := strings.HasPrefix(route.Path, "/api/") || strings.HasPrefix(route.Path, "/.well-known/")
		target := w.demo.issuer + route.Path
		preflight := call(t, w.door, http.MethodOptions, target, http.Header{"Origin": {origin}, "Access-Control-Request-Method": {route.Method},
			"Access-Control-Request-Headers": {"authorization,content-type,mcp-protocol-version,x-anything"}}, "")
		plain := call(t, w.door, route.Method, target, http.Header{"Origin": {origin}, "Sec-Fetch-Site": {"cross-site"}}, "")
		for _, got := range []*answer{preflight, plain} {
			if got.Header.Get("Access-Control-Allow-Credentials") != "" || (got.Header.Get("Access-Control-Allow-Origin") == "*") != protocol ||
				strings.Contains(got.Header.Get("Access-Control-Allow-Origin"), "app.example.com") {
				t.Errorf("%s %s: %v", route.Method, route.Path, got.Header)
			}
		}
		if !protocol {
			continue
		}
		allowed := preflight.Header.Get("Access-Control-Allow-Headers")
		if preflight.StatusCode != http.StatusNoContent || preflight.body != "" || !strings.Contains(preflight.Header.Get("Access-Control-Allow-Methods"), "POST") ||
			!strings.Contains(allowed, "mcp-protocol-version") || !strings.Contains(allowed, "x-anything") {
			t.Errorf("%s: %d %v", route.Path, preflight.StatusCode, preflight.Header)
		}
		if !strings.Contains(plain.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") {
			t.Errorf("%s: %v", route.Path, plain.Header)
		}
	}
	bare := call(t, w.door, http.MethodOptions, w.demo.issuer+oauth.PathToken, http.Header{"Origin": {origin}}, "")
	if !strings.Contains(bare.Header.Get("Access-Control-Allow-Headers"), "MCP-Protocol-Version") {
		t.Errorf("%v", bare.Header)
	}
}

// Catalogue 10, 282, 89, 140: every route refuses other methods and sets the headers, on errors too.
func TestMethodsAndHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	byPath := map[string][]string{}
	for _, route := range endpoints.Routes(&endpoints.Handler{}) {
		byPath[route.Path] = append(byPath[route.Path], route.Method)
	}
	w.demo.publish(tenants.Brand{Accent: "#123456", Radius: -1}, nil)
	styles := newBrowser(t, w.door).get(w.demo.issuer+"/account").document().Find(`link[href*="/oauth/brand/"]`).AttrOr("href", "")
	byPath[strings.TrimPrefix(styles, w.demo.issuer)] = byPath["/oauth/brand/:file"]
	delete(byPath, "/oauth/brand/:file")
	byPath["/nothing/here"], byPath["/api/nothing"], byPath["/.well-known/nothing"] = nil, nil, nil
	before := w.rows()
	for path, methods := range byPath {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "FOO"} {
			got := call(t, w.door, method, w.demo.issuer+path, http.Header{"Sec-Fetch-Site": {"same-origin"}}, "")
			switch known := slices.Contains(methods, method); {
			case known && (got.StatusCode == http.StatusNotFound || got.StatusCode == http.StatusMethodNotAllowed || got.StatusCode >= 500),
				!known && methods == nil && got.StatusCode != http.StatusNotFound,
				!known && methods != nil && got.StatusCode != http.StatusMethodNotAllowed:
				t.Errorf("%s %s: %d", method, path, got.StatusCode)
			}
			if got.StatusCode == http.StatusMethodNotAllowed && !strings.Contains(got.Header.Get("Allow"), methods[0]) {
				t.Errorf("%s %s: Allow %q", method, path, got.Header.Get("Allow"))
			}
			checkHeaders(t, method+" "+path, got)
		}
	}
	w.unchanged(before)
	checkHeaders(t, "unknown project", call(t, w.door, http.MethodGet, "http://nobody.localhost:8080/oauth/authorize", nil, ""))
	checkHeaders(t, "unknown project's API", call(t, w.door, http.MethodPost, "http://nobody.localhost:8080/api/oauth/token", nil, ""))
}

func checkHeaders(t *testing.T, name string, got *answer) {
	t.Helper()
	h := got.Header
	if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
		strings.Contains(h.Get("Content-Security-Policy"), "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || !slices.Contains([]string{"same-origin", "no-referrer"}, h.Get("Referrer-Policy")) ||
		h.Get("Cross-Origin-Opener-Policy") != "unsafe-none" || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Request-Id") == "" ||
		!strings.HasPrefix(h.Get("Strict-Transport-Security"), "max-age=31536000; includeSubDomains") || h.Get("Server") != "" || h.Get("Cache-Control") == "" {
		t.Errorf("%s: %d %v", name, got.StatusCode, h)
	}
	if got.StatusCode == http.StatusTemporaryRedirect || got.StatusCode == http.StatusPermanentRedirect || strings.Contains(got.body, "goroutine") || strings.Contains(got.body, "SQLSTATE") {
		t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
	}
}

// What a guard is told about itself (contract of the SDKs), R6.
func TestGuardConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	got := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathServer, bearer(tn.guard), "")
	want := map[string]string{
		"issuer": tn.issuer, "resource": tn.server.Resource, "resource_name": tn.server.Name, "introspection_endpoint": tn.issuer + "/api/oauth/introspect",
		"jwks_uri": tn.issuer + "/api/oauth/jwks", "revocation_feed": tn.issuer + "/api/oauth/revocations", "calls_endpoint": tn.issuer + "/api/oauth/server/calls",
		"authorization_server_metadata": "http://localhost:8080/.well-known/oauth-authorization-server/t/demo",
	}
	for member, text := range want {
		if got.text(member) != text {
			t.Errorf("%s: %q", member, got.text(member))
		}
	}
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" || strings.Contains(got.body, "offline_access") || strings.Contains(got.body, tn.guard) ||
		!strings.Contains(got.body, `"scopes_supported":["mcp:tools","notes:write"],"default_scopes":["mcp:tools"]`) ||
		!strings.Contains(got.body, `"issuers":["http://localhost:8080/t/demo","http`) || len(got.json()) != 11 {
		t.Errorf("%s", got.body)
	}
	if !value[bool](w, `SELECT last_used_at > now() - interval '1 minute' FROM registration_secrets WHERE project_id = $1::text::uuid`, tn.project.ID.String()) {
		t.Error("the use of the secret is not noted")
	}
}

// P9, A33, catalogue 32, 36: registering again is the same client, also at once; only JSON registers.
func TestRegistrationEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	body := `{"client_name":"Claude Code (demo2)","redirect_uris":["http://localhost:62234/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"mcp:read"}`
	first := call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body)
	if first.StatusCode != http.StatusCreated || first.Header.Get("Cache-Control") != "no-store" || strings.HasPrefix(first.text("client_id"), "https://") || len(first.text("client_id")) < 22 ||
		!strings.Contains(first.body, `"redirect_uris":["http://localhost:62234/callback"]`) || strings.Contains(first.body, "client_secret") {
		t.Fatalf("%d %v %s", first.StatusCode, first.Header, first.body)
	}
	for _, port := range []string{"1", "62235"} {
		if id := tn.register(strings.ReplaceAll(body, "62234", port)); id != first.text("client_id") {
			t.Errorf("port %s is another client", port)
		}
	}
	if id := tn.host().register(body); id != first.text("client_id") {
		t.Error("another client at the other issuer URL")
	}
	if id := w.other.register(body); id == first.text("client_id") {
		t.Error("the same client in another project")
	}
	w.exec(`UPDATE clients SET renewed_at = now() - interval '2 days'`)
	if id := tn.register(body); id != first.text("client_id") || !value[bool](w, `SELECT renewed_at > now() - interval '1 hour' FROM clients WHERE id = $1`, id) {
		t.Error("a repeat does not renew")
	}
	fresh := strings.Replace(body, "demo2", "demo3", 1)
	ids := map[string]bool{}
	for _, got := range atOnceJSON(t, []*endpoints.Handler{w.door}, tn.issuer+oauth.PathRegister, fresh) {
		ids[got.text("client_id")] = true
	}
	if n := value[int](w, `SELECT count(*) FROM clients WHERE name LIKE '%demo3%'`); n != 1 || len(ids) != 1 {
		t.Errorf("%d rows, %d ids", n, len(ids))
	}
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'client.registered'`); n != 3 {
		t.Errorf("%d audit rows", n)
	}
	before := w.rows()
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "text/json"} {
		header := http.Header{}
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
		call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, header, body).isError(415, "invalid_request")
	}
	call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}}, `{"redirect_uris":["`+tn.issuer+`/x"]}`).isError(400, "invalid_redirect_uri")
	call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}}, `{"redirect_uris":["https://demo.mcpauth.example:443/cb"]}`).isError(400, "invalid_redirect_uri")
	w.unchanged(before)
}
