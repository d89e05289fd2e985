package tenants_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mcpauth/mcpauth/tenants"
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
