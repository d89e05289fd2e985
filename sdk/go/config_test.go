package mcpauth

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestParseSecret(t *testing.T) {
	t.Parallel()
	random := strings.Repeat("r", 43)
	encode := func(address string) string { return base64.RawURLEncoding.EncodeToString([]byte(address)) }
	tests := []struct {
		name, secret, address, problem string
	}{
		{"https", "mcpauth_rs_" + encode("https://demo.mcpauth.example") + "." + random, "https://demo.mcpauth.example", ""},
		{"path form", "mcpauth_rs_" + encode("http://localhost:8080/t/demo") + "." + random, "http://localhost:8080/t/demo", ""},
		{"localhost name", "mcpauth_rs_" + encode("http://demo.localhost:8080") + "." + random, "http://demo.localhost:8080", ""},
		{"loopback address", "mcpauth_rs_" + encode("http://[::1]:8080") + "." + random, "http://[::1]:8080", ""},
		{"white space around it", " mcpauth_rs_" + encode("https://a.example") + "." + random + "\n", "https://a.example", ""},
		{"empty", "", "", "MCPAUTH_SECRET"},
		{"another credential", "mcpauth_ak_" + random, "", "begin with"},
		{"cut off", "mcpauth_rs_" + encode("https://a.example") + "." + random[:42], "", "incomplete"},
		{"too long", "mcpauth_rs_" + encode("https://a.example") + "." + random + "r", "", "incomplete"},
		{"no random part", "mcpauth_rs_" + encode("https://a.example"), "", "incomplete"},
		{"foreign characters", "mcpauth_rs_" + encode("https://a.example") + "." + random[:42] + "+", "", "characters"},
		{"line break inside", "mcpauth_rs_" + encode("https://a.example") + "." + random[:42] + "\n" + "r", "", "incomplete"},
		{"line break in the address", "mcpauth_rs_\n" + encode("https://a.example") + "." + random, "", "characters"},
		{"address not base64url", "mcpauth_rs_***." + random, "", "no address"},
		{"plain http elsewhere", "mcpauth_rs_" + encode("http://a.example") + "." + random, "", "https://"},
		{"look-alike localhost", "mcpauth_rs_" + encode("http://localhost.evil.example") + "." + random, "", "https://"},
		{"look-alike loopback", "mcpauth_rs_" + encode("http://127.0.0.1.evil.example") + "." + random, "", "https://"},
		{"another scheme", "mcpauth_rs_" + encode("file:///etc/passwd") + "." + random, "", "scheme, host"},
		{"user name", "mcpauth_rs_" + encode("https://a@b.example") + "." + random, "", "scheme, host"},
		{"query", "mcpauth_rs_" + encode("https://a.example?x") + "." + random, "", "scheme, host"},
		{"fragment", "mcpauth_rs_" + encode("https://a.example#x") + "." + random, "", "scheme, host"},
		{"slash at the end", "mcpauth_rs_" + encode("https://a.example/") + "." + random, "", "slash"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseSecret(test.secret)
			if test.problem == "" {
				if err != nil || got.address != test.address || got.value != strings.TrimSpace(test.secret) {
					t.Fatalf("address %q, %v", got.address, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Fatalf("error %v, want one about %q", err, test.problem)
			}
			if strings.Contains(err.Error(), "rrr") {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

func TestNewReportsAllProblems(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		Address:        "http://a.example",
		RequiredScopes: []string{"two words"},
		ToolScopes:     map[string][]string{"add": {`quo"te`, "offline_access"}},
		ImpliedScopes:  map[string][]string{"a": {""}},
		Resource:       "mcp",
		CacheTTL:       6 * time.Second,
		ClockTolerance: 2 * time.Minute,
		MaxBodyBytes:   -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"RegistrationSecret", "Address", "RequiredScopes", `ToolScopes["add"]`, "offline_access", `ImpliedScopes["a"]`,
		"Resource", "CacheTTL", "ClockTolerance", "MaxBodyBytes",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not mentioned in: %v", want, err)
		}
	}
}

func TestAddressReplacesTheOneInTheSecret(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.set("introspection_endpoint", "https://unreachable.example/api/oauth/introspect")
	p.secret = makeSecret("https://unreachable.example")
	guard, _ := newTestGuard(t, p, Config{Address: p.issuer() + "/"})
	if got := call(guard.Protect(echo), "POST", "/mcp", "good", "{}").Code; got != 200 {
		t.Errorf("status %d, want 200", got)
	}
}

func TestLocalhostNamesNeedNoResolver(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	address := strings.Replace(p.issuer(), "127.0.0.1", "demo.localhost", 1)
	p.secret = makeSecret(address)
	p.set("introspection_endpoint", address+"/api/oauth/introspect")
	guard, _ := newTestGuard(t, p, Config{})
	if got := call(guard.Protect(echo), "POST", "/mcp", "good", "{}").Code; got != 200 {
		t.Errorf("status %d, want 200", got)
	}
}
