package tenants_test

import (
	"errors"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{"Acme": "Acme", "  Acme\t Tools ": "Acme Tools", strings.Repeat("é", 100): strings.Repeat("é", 100)} {
		if got, err := tenants.ParseName(raw); err != nil || got != want {
			t.Errorf("%q: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{"", " \t", "a\x00b", "a\u202eb", "a\u200bb", "\xff", strings.Repeat("é", 101)} {
		var field tenants.FieldError
		if _, err := tenants.ParseName(raw); !errors.As(err, &field) || field.Field != "name" {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://tools.acme.example/mcp":    "Acme Tools",
		"https://mcp.acme.com":              "Acme",
		"https://acme-labs.io/v1/mcp":       "Acme Labs",
		"https://api.mcp.io":                "api.mcp.io",
		"http://localhost:3000/mcp":         "Local server",
		"http://[::1]:3000/mcp":             "Local server",
		"https://203.0.113.7/mcp":           "203.0.113.7",
		"https://xn--bcher-kva.example/mcp": "Xn  Bcher Kva",
	} {
		want = strings.Join(strings.Fields(want), " ")
		got := tenants.NameOf(address)
		if _, err := tenants.ParseName(got); got != want || err != nil {
			t.Errorf("%s: %q (%v), want %q", address, got, err, want)
		}
	}
}
