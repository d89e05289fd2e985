package tenants_test

import (
	"errors"
	"testing"

	"mcpauth.example/tenants"
)

// A10: addresses of issuers are https, but on this computer.
func TestIssuerTemplate(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct {
		url    string
		inPath bool
	}{
		"https://{project}.mcpauth.example":    {"https://acme.mcpauth.example", false},
		"http://localhost:8080/t/{project}":    {"http://localhost:8080/t/acme", true},
		"http://{project}.localhost:8080":      {"http://acme.localhost:8080", false},
		"https://auth.example/{project}":       {"https://auth.example/acme", true},
		"https://{project}.auth.example/oauth": {"https://acme.auth.example/oauth", false},
	} {
		template, err := tenants.ParseIssuerTemplate(text)
		if err != nil || template.URL("acme") != c.url || template.InPath() != c.inPath || template.String() != text || template.IsZero() {
			t.Errorf("%s: %q, %v", text, template.URL("acme"), err)
		}
	}
	for _, text := range []string{
		"", "https://mcpauth.example", "https://{project}.{project}.example", "{project}.mcpauth.example", "http://{project}.mcpauth.example",
		"https://{project}.mcpauth.example/", "https://x{project}.mcpauth.example", "https://{project}x.example", "https://{project}",
		"http://localhost:8080/t/{project}/", "http://localhost:8080/t/{project}/x", "http://localhost:8080/t/x{project}", "https://a.example/?p={project}",
		"https://{project}.MCPauth.example", "https://{project}.mcpauth.example:443", "https://u@{project}.example", "ftp://{project}.example",
		"https://a.example/#/{project}", "https://a.example/go/{project}", "https://a.example/sdk/{project}", "https://a.example/dashboard/x/{project}",
	} {
		if template, err := tenants.ParseIssuerTemplate(text); !errors.Is(err, tenants.ErrIssuerTemplate) {
			t.Errorf("%s was accepted: %q, %v", text, template.URL("acme"), err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://acme.mcpauth.example":       "acme.mcpauth.example",
		"https://ACME.mcpauth.example:443":   "acme.mcpauth.example",
		"https://acme.mcpauth.example/":      "acme.mcpauth.example",
		"http://localhost:8080/t/Demo":       "localhost:8080/t/Demo",
		"http://localhost:80/t/demo":         "localhost/t/demo",
		"http://localhost:443":               "localhost:443",
		"https://h.example:80":               "h.example:80",
		"http://[::1]:8080/t/demo":           "[::1]:8080/t/demo",
		"localhost:8080/t/demo":              "",
		"ftp://h.example":                    "",
		"https://user@acme.mcpauth.example/": "",
		"":                                   "",
	} {
		if got := tenants.Address(url); got != want {
			t.Errorf("%s: %q, expected %q", url, got, want)
		}
	}
}
