package tenants_test

import (
	"regexp"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// schemaSlug is the rule of the projects table.
var schemaSlug = regexp.MustCompile(`^[a-z][a-z0-9-]{1,38}[a-z0-9]$`)

func TestNewSlug(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Acme Tools":                    "acme-tools",
		"  --Acme!!  (production) 2 ":   "acme-production-2",
		"3M tools":                      "m-tools",
		"demo":                          "demo",
		"Ünïcode":                       "n-code",
		"xn--bcher-kva":                 "xn-bcher-kva",
		strings.Repeat("a", 60):         strings.Repeat("a", 40),
		strings.Repeat("a", 39) + " bc": strings.Repeat("a", 39),
	} {
		if got := tenants.NewSlug(name); got != want {
			t.Errorf("%q: %q, expected %q", name, got, want)
		}
	}
	// catalogue 273: what is reserved, too short or empty gets random letters behind it.
	for name, prefix := range map[string]string{
		"www": "www-", "API": "api-", "Admin": "admin-", "login": "login-", "mail": "mail-", "autodiscover": "autodiscover-",
		"docs": "docs-", "status": "status-", "app": "app-", "MTA STS": "mta-sts-", "ab": "ab-", "日本語": "project-", "": "project-", "42": "project-",
		"_acme-challenge": "acme-challenge",
	} {
		got := tenants.NewSlug(name)
		if !strings.HasPrefix(got, prefix) || !schemaSlug.MatchString(got) || !tenants.ValidSlug(got) {
			t.Errorf("%q: %q, expected %s and letters", name, got, prefix)
		}
	}
	if first, second := tenants.NewSlug("www"), tenants.NewSlug("www"); first == second {
		t.Error("the letters are not random")
	}
}

func TestValidSlug(t *testing.T) {
	t.Parallel()
	for _, slug := range []string{"www", "admin", "autoconfig", "ab", "-abc", "abc-", "a--b", "1abc", "Abc", "a_b", "a.b", "xn--abc", strings.Repeat("a", 41), ""} {
		if tenants.ValidSlug(slug) {
			t.Errorf("%q is accepted", slug)
		}
	}
}

func FuzzNewSlug(f *testing.F) {
	for _, name := range []string{"Acme Tools", "www", "日本語", "", "a-", "İ", strings.Repeat("x-", 40), "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if slug := tenants.NewSlug(name); !schemaSlug.MatchString(slug) || !tenants.ValidSlug(slug) {
			t.Errorf("%q gave %q", name, slug)
		}
	})
}
