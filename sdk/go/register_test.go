package mcpauth

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	resourceAt = "/.well-known/oauth-protected-resource"
	issuerAt   = "/.well-known/oauth-authorization-server"
)

func registered(t *testing.T, p *project, path string) *http.ServeMux {
	t.Helper()
	guard, _ := newTestGuard(t, p, Config{})
	mux := http.NewServeMux()
	guard.Register(mux, path, echo)
	return mux
}

func TestResourceMetadata(t *testing.T) { // R1, R2, R3, R4, R6, P26
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{})
	routers := map[string]http.Handler{"Register": registered(t, p, "/mcp"), "MetadataHandler": guard.MetadataHandler()}
	for name, router := range routers {
		for _, path := range []string{resourceAt, resourceAt + "/", resourceAt + "/mcp", resourceAt + "/mcp/"} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				answer := call(router, "GET", path, "", "", "Origin", "https://app.example")
				if answer.Code != http.StatusOK {
					t.Fatalf("status %d: %s", answer.Code, answer.Body)
				}
				want := map[string]any{
					"resource":                 resource,
					"authorization_servers":    []any{p.issuer()},
					"scopes_supported":         []any{"mcp:tools", "notes:write"},
					"bearer_methods_supported": []any{"header"},
					"resource_name":            "Demo & tools",
				}
				if diff := cmp.Diff(want, decode[map[string]any](t, answer)); diff != "" {
					t.Errorf("document (-want +got):\n%s", diff)
				}
				if got := answer.Header().Get("Access-Control-Allow-Origin"); got != "*" {
					t.Errorf("Access-Control-Allow-Origin %q", got)
				}
				if got := answer.Header().Get("Content-Type"); got != "application/json" {
					t.Errorf("Content-Type %q", got)
				}
			})
		}
	}
}

func TestIssuerMetadataIsACopy(t *testing.T) { // P27
	t.Parallel()
	p := newProject(t)
	mux := registered(t, p, "/mcp")
	for _, path := range []string{issuerAt, issuerAt + "/mcp"} {
		answer := call(mux, "GET", path, "", "")
		want := map[string]any{"issuer": p.issuer(), "token_endpoint": p.issuer() + "/api/oauth/token", "x": 1.0}
		if diff := cmp.Diff(want, decode[map[string]any](t, answer)); answer.Code != 200 || diff != "" {
			t.Errorf("%s: status %d (-want +got):\n%s", path, answer.Code, diff)
		}
	}
	if got := p.count(metadataAt); got != 1 {
		t.Errorf("asked %d times, want 1", got)
	}
}

func TestIssuerMetadataOfAnotherIssuer(t *testing.T) { // RFC 8414 section 3.3
	t.Parallel()
	p := newProject(t)
	p.breaks(metadataAt, content("application/json", `{"issuer":"`+p.issuer()+`/"}`))
	assertUnavailable(t, call(registered(t, p, "/mcp"), "GET", issuerAt, "", ""))
}

func TestMetadataWhileUnknown(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.breaks(settingsAt, status(500))
	mux := registered(t, p, "/mcp")
	for _, path := range []string{resourceAt, resourceAt + "/mcp", issuerAt, issuerAt + "/mcp"} {
		assertUnavailable(t, call(mux, "GET", path, "", ""))
	}
}

func TestMetadataAddresses(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{})
	mux := registered(t, p, "/mcp")
	tests := []struct {
		handler      http.Handler
		method, path string
		status       int
	}{
		{mux, "GET", resourceAt + "/other", 404},
		{mux, "GET", resourceAt + "x", 404},
		{mux, "GET", issuerAt + "/other", 404},
		{mux, "GET", "/.well-known/openid-configuration", 404}, // P17
		{mux, "HEAD", resourceAt + "/mcp", 200},
		{mux, "OPTIONS", resourceAt + "/mcp", 204}, // P1
		{mux, "OPTIONS", issuerAt, 204},
		{mux, "POST", resourceAt + "/mcp", 405},
		{mux, "POST", "/mcp", 401},
		{mux, "GET", "/mcp", 401},
		{mux, "DELETE", "/mcp", 401},
		{mux, "OPTIONS", "/mcp", 204},
		{guard.MetadataHandler(), "PUT", resourceAt, 405},
		{guard.MetadataHandler(), "GET", "/", 404},
		{guard.MetadataHandler(), "GET", resourceAt + "x", 404},
	}
	for _, test := range tests {
		if got := call(test.handler, test.method, test.path, "", "").Code; got != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, got, test.status)
		}
	}
}

// Behind a proxy that takes a prefix away, the server is mounted elsewhere than its URL says.
func TestMountedElsewhere(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.set("resource", "https://api.example/tools/mcp?v=1")
	mux := registered(t, p, "/mcp")
	for _, path := range []string{"", "/mcp", "/tools/mcp"} {
		answer := call(mux, "GET", resourceAt+path, "", "")
		if got := decode[map[string]any](t, answer)["resource"]; got != "https://api.example/tools/mcp?v=1" {
			t.Errorf("%s: resource %v", path, got)
		}
	}
	challenge := challengeOf(t, call(mux, "POST", "/mcp", "", "{}").Header())
	if got, want := challenge["resource_metadata"], "https://api.example/.well-known/oauth-protected-resource/tools/mcp?v=1"; got != want {
		t.Errorf("resource_metadata %q, want %q", got, want)
	}
}

func TestMetadataLocation(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string][2]string{
		"https://a.example":          {"", "https://a.example/.well-known/oauth-protected-resource"},
		"https://a.example/":         {"", "https://a.example/.well-known/oauth-protected-resource"},
		"https://a.example/mcp":      {"/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"},
		"https://A.example:8443/x/":  {"/x/", "https://A.example:8443/.well-known/oauth-protected-resource/x/"},
		"https://a.example?q=/x":     {"", "https://a.example/.well-known/oauth-protected-resource?q=/x"},
		"http://[::1]:8090/mcp?a=b/": {"/mcp", "http://[::1]:8090/.well-known/oauth-protected-resource/mcp?a=b/"},
	} {
		path, location := metadataLocation(resource)
		if got := [2]string{path, location}; got != want {
			t.Errorf("%s: %q, want %q", resource, got, want)
		}
	}
}

func TestRegisterRefusesBadPaths(t *testing.T) {
	t.Parallel()
	guard, _ := newTestGuard(t, newProject(t), Config{})
	for _, path := range []string{"", "mcp", "POST /mcp"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("path %q was accepted", path)
				}
			}()
			guard.Register(http.NewServeMux(), path, echo)
		}()
	}
}

func TestRegisterBesideOtherRoutes(t *testing.T) {
	t.Parallel()
	first, second := newProject(t), newProject(t)
	second.set("resource", "http://localhost:8090/second")
	mux := http.NewServeMux()
	one, _ := newTestGuard(t, first, Config{})
	two, _ := newTestGuard(t, second, Config{})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	one.Register(mux, "/mcp", echo)
	two.Register(mux, "/second", echo)
	for path, want := range map[string]string{
		"": resource, "/mcp": resource, "/second": "http://localhost:8090/second",
	} {
		if got := decode[map[string]any](t, call(mux, "GET", resourceAt+path, "", ""))["resource"]; got != want {
			t.Errorf("%s: resource %v, want %s", path, got, want)
		}
	}
	if got := call(mux, "GET", "/about", "", "").Body.String(); got != "page" {
		t.Errorf("the application's own page became %q", got)
	}
	// A token for the first server must not work at the second (R7).
	second.put("foreign", map[string]any{"iss": first.issuer(), "aud": resource})
	if got := call(mux, "POST", "/second", "foreign", "{}").Code; got != 401 {
		t.Errorf("status %d, want 401", got)
	}
}

func TestMetadataRoutesDoNotClashWithMethodPatterns(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/", http.NotFound)
	guard.Register(mux, "/mcp", echo)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	answer, err := server.Client().Get(server.URL + resourceAt + "/mcp")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", answer.StatusCode)
	}
}
