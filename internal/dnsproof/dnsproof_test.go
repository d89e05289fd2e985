package dnsproof_test

import (
	"errors"
	"strings"
	"testing"

	"mcpauth.example/internal/dnsproof"
	"mcpauth.example/internal/dnsproof/dnstest"
	"mcpauth.example/tenants"
)

// Only both records, for this token and this target, are a proof (catalogue 264).
func TestProve(t *testing.T) {
	t.Parallel()
	const domain, target, token = "auth.example.com", "acme.mcpauth.example", "token"
	proof := tenants.DomainValue + token
	for name, c := range map[string]struct {
		txt, cname []string
		says       string // empty: proved
	}{
		"both":           {[]string{"v=spf1 -all", proof}, []string{"ACME.mcpauth.example"}, ""},
		"long answers":   {append([]string{strings.Repeat("x", 250), strings.Repeat("y", 250), strings.Repeat("z", 250)}, proof), []string{target}, ""},
		"nothing":        {nil, nil, "has no TXT record"},
		"no CNAME":       {[]string{proof}, nil, "auth.example.com has no CNAME record"},
		"another token":  {[]string{proof + "x"}, []string{target}, `expected "mcpauth-domain-verification=token"`},
		"another tenant": {[]string{proof}, []string{"other.mcpauth.example"}, `is "other.mcpauth.example", expected "acme.mcpauth.example"`},
		"above a tenant": {[]string{proof}, []string{"mcpauth.example"}, `expected "acme.mcpauth.example"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := dnstest.New(t)
			server.Set("TXT", tenants.DomainRecord+domain, c.txt...)
			server.Set("CNAME", domain, c.cname...)
			problem, err := dnsproof.Prover{Servers: []string{server.Address}}.Prove(t.Context(), domain, target, token)
			if err != nil || (problem == "") != (c.says == "") || !strings.Contains(problem, c.says) {
				t.Errorf("%q, %v", problem, err)
			}
		})
	}
	server := dnstest.New(t)
	server.Fail(true)
	if problem, err := (dnsproof.Prover{Servers: []string{server.Address}}).Prove(t.Context(), domain, target, token); !errors.Is(err, dnsproof.ErrUnanswered) || problem != "" {
		t.Errorf("a failing name server: %q, %v", problem, err)
	}
	if problem, err := (dnsproof.Prover{}).Prove(t.Context(), domain, "", token); problem == "" || err != nil {
		t.Errorf("no target: %q, %v", problem, err)
	}
}

// Names that cannot have a CNAME, or below which strangers register (catalogue 264).
func TestApex(t *testing.T) {
	t.Parallel()
	for domain, apex := range map[string]bool{"example.com": true, "example.co.uk": true, "co.uk": true, "com": true, "github.io": true, "acme.github.io": true, "auth.example.com": false, "auth.example.co.uk": false} {
		if got := (dnsproof.Prover{}).Apex(domain); got != apex {
			t.Errorf("%s: %v", domain, got)
		}
	}
}
