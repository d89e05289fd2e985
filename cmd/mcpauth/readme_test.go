package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/templates/docs"
)

// endpointTests names, for every path, the file whose tests prove the endpoint.
var endpointTests = map[string]string{
	oauth.PathMetadata:                 "oauth/endpoints/surface_test.go",
	oauth.PathJWKS:                     "oauth/endpoints/surface_test.go",
	oauth.PathRegister:                 "oauth/registration_test.go",
	oauth.PathClient:                   "oauth/endpoints/registration_management_test.go",
	oauth.PathAuthorize:                "oauth/endpoints/authorize_test.go",
	oauth.PathToken:                    "oauth/endpoints/token_code_test.go",
	oauth.PathIntrospect:               "oauth/endpoints/introspection_test.go",
	oauth.PathRevoke:                   "oauth/endpoints/introspection_test.go",
	oauth.PathServer:                   "oauth/endpoints/surface_test.go",
	oauth.PathRevocations:              "oauth/endpoints/revocation_feed_test.go",
	oauth.PathCalls:                    "oauth/endpoints/revocation_feed_test.go",
	"/oauth/sign-in":                   "oauth/endpoints/people_test.go",
	"/oauth/sign-up":                   "oauth/endpoints/people_test.go",
	"/oauth/sign-up/code":              "oauth/endpoints/people_test.go",
	"/oauth/sign-in/email":             "oauth/endpoints/email_code_test.go",
	"/oauth/sign-in/code":              "oauth/endpoints/email_code_test.go",
	"/oauth/sign-in/link":              "oauth/endpoints/email_code_test.go",
	"/oauth/sign-in/passkey":           "oauth/endpoints/passkey_test.go",
	"/oauth/sign-in/second":            "oauth/endpoints/two_step_test.go",
	"/oauth/passkey":                   "oauth/endpoints/passkey_test.go",
	"/account/passkeys":                "oauth/endpoints/passkey_test.go",
	"/account/allow":                   "oauth/endpoints/allow_more_test.go",
	"/account/enter":                   "oauth/endpoints/external_test.go",
	"/account/two-step":                "oauth/endpoints/two_step_test.go",
	"/oauth/sign-in/upstream":          "oauth/endpoints/provider_test.go",
	"/oauth/sign-in/upstream/callback": "oauth/endpoints/provider_test.go",
	"/oauth/sign-in/upstream/done":     "oauth/endpoints/provider_test.go",
	"/oauth/reset":                     "oauth/endpoints/reset_test.go",
	"/oauth/reset/code":                "oauth/endpoints/reset_test.go",
	"/oauth/sign-in/own":               "oauth/endpoints/external_test.go",
	"/oauth/sign-in/own/callback":      "oauth/endpoints/external_test.go",
	"/api/oauth/login":                 "oauth/endpoints/external_test.go",
	"/api/oauth/login/left":            "oauth/endpoints/organizations_test.go",
	"/oauth/brand/:file":               "oauth/endpoints/brand_test.go",
	"/oauth/consent":                   "oauth/endpoints/consent_test.go",
	"/account":                         "oauth/endpoints/account_test.go",
	"/account/disconnect":              "oauth/endpoints/account_test.go",
	"/account/sessions":                "oauth/endpoints/account_test.go",
	"/account/password":                "oauth/endpoints/account_test.go",
	"/account/delete":                  "oauth/endpoints/account_test.go",
	"/account/done":                    "oauth/endpoints/account_test.go",
}

// TestReadmeTables keeps the README's tables true: `go test ./cmd/mcpauth -run TestReadmeTables -args update` writes them.
func TestReadmeTables(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var settings strings.Builder
	if err := writeSettings(&settings); err != nil {
		t.Fatal(err)
	}
	want := replaceTable(t, string(readme), "endpoints", endpointTable(t, root))
	want = replaceTable(t, want, "settings", settings.String())
	if len(os.Args) > 0 && os.Args[len(os.Args)-1] == "update" {
		if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page, ok := docs.Markdown("settings", docs.Example); !ok || !strings.HasSuffix(page, "\n\n"+settings.String()) {
		t.Error("templates/docs/pages/settings.md: its table is another than `mcpauth settings` prints")
	}
	if want != string(readme) {
		t.Error("README.md's tables are out of date; write them with: go test ./cmd/mcpauth -run TestReadmeTables -args update")
	}
}

func endpointTable(t *testing.T, root string) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| endpoint | specification | test |\n|---|---|---|\n")
	seen := map[string]bool{}
	for _, route := range endpoints.Routes(nil) {
		path := strings.TrimSuffix(route.Path, "/")
		if seen[path] {
			continue
		}
		seen[path] = true
		file, ok := endpointTests[path]
		if !ok {
			t.Errorf("%s has no test named in endpointTests", path)
		}
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Errorf("the test of %s is missing: %v", path, err)
		}
		fmt.Fprintf(&table, "| `%s %s` | %s | [%s](%s) |\n", route.Method, path, route.Spec, filepath.Base(file), file)
	}
	return table.String()
}

func replaceTable(t *testing.T, text, name, table string) string {
	t.Helper()
	begin, end := "<!-- "+name+": generated, see cmd/mcpauth/readme_test.go -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no markers for the table of %s", name)
	}
	return before + begin + table + end + after
}
