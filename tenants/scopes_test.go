package tenants_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// Catalogue 84.
func TestParseScope(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 101)
	for name, c := range map[string]struct {
		scope tenants.Scope
		field string // empty: accepted
	}{
		"plain": {tenants.Scope{Name: "notes:write", Description: "Add notes", Tools: []string{"b", "a", "b"}}, ""}, "URL": {tenants.Scope{Name: "https://a.example/x", Description: "d"}, ""},
		"no name": {tenants.Scope{Description: "d"}, "name"}, "space": {tenants.Scope{Name: "a b", Description: "d"}, "name"}, "quote": {tenants.Scope{Name: `a"`, Description: "d"}, "name"},
		"backslash": {tenants.Scope{Name: `a\`, Description: "d"}, "name"}, "control": {tenants.Scope{Name: "a\x00", Description: "d"}, "name"}, "umlaut": {tenants.Scope{Name: "ä", Description: "d"}, "name"},
		"long name": {tenants.Scope{Name: long, Description: "d"}, "name"}, "offline_access": {tenants.Scope{Name: "offline_access", Description: "d"}, "name"},
		"no description": {tenants.Scope{Name: "a", Description: " \n"}, "description"}, "long description": {tenants.Scope{Name: "a", Description: strings.Repeat("ä", 301)}, "description"},
		"turned text": {tenants.Scope{Name: "a", Description: "read\u202e"}, "description"}, "empty tool": {tenants.Scope{Name: "a", Description: "d", Tools: []string{" "}}, "tools"},
		"long tool":  {tenants.Scope{Name: "a", Description: "d", Tools: []string{strings.Repeat("t", 129)}}, "tools"},
		"many tools": {tenants.Scope{Name: "a", Description: "d", Tools: make([]string, 501)}, "tools"},
	} {
		got, err := tenants.ParseScope(c.scope)
		var field tenants.FieldError
		if errors.As(err, &field); field.Field != c.field {
			t.Errorf("%s: %v, want %q", name, err, c.field)
		}
		if name == "plain" && !slices.Equal(got.Tools, []string{"a", "b"}) {
			t.Errorf("tools %q", got.Tools)
		}
	}
}
