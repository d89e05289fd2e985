package tenants_test

import (
	"errors"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// Catalogue 69: hosts are compared in ASCII, so that a rule cannot look like another.
func TestParseClientRule(t *testing.T) {
	t.Parallel()
	for raw, want := range map[tenants.ClientRule]string{
		{Host: true, Value: " App.Example.COM "}:               "app.example.com",
		{Host: true, Value: "xn--bcher-kva.example"}:           "xn--bcher-kva.example",
		{Host: true, Value: "localhost"}:                       "localhost",
		{Value: "https://App.example/Client.json"}:             "https://App.example/Client.json",
		{Value: "http://localhost:3000/client", Allow: true}:   "http://localhost:3000/client",
		{Value: "https://a.example/" + strings.Repeat("a", 9)}: "https://a.example/aaaaaaaaa",
	} {
		got, err := tenants.ParseClientRule(raw)
		if err != nil || got.Value != want || got.Host != raw.Host || got.Allow != raw.Allow {
			t.Errorf("%+v: %+v, %v", raw, got, err)
		}
	}
	for _, raw := range []tenants.ClientRule{
		{Host: true}, {Host: true, Value: "https://app.example"}, {Host: true, Value: "app.example/x"}, {Host: true, Value: "app.example:443"},
		{Host: true, Value: "bücher.example"}, {Host: true, Value: "a.b\u0435"}, {Host: true, Value: "a\u0435b"}, {Host: true, Value: "a b"}, {Host: true, Value: strings.Repeat("a", 254)},
		{}, {Value: "client"}, {Value: "https://"}, {Value: "javascript:alert(1)"}, {Value: "https://a.example/" + strings.Repeat("a", 2048)},
	} {
		var field tenants.FieldError
		if _, err := tenants.ParseClientRule(raw); !errors.As(err, &field) || field.Field != "value" {
			t.Errorf("%+v: %v", raw, err)
		}
	}
}
