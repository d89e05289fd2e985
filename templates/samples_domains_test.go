package templates_test

import (
	"time"

	. "mcpauth.example/templates"
)

// domainSamples are the addresses of a project.
func domainSamples() []sample {
	page := DomainsPage{Shell: shell("Domains", "Acme Tools"), Offered: true, AddAction: "/add", PrimaryAction: "/primary", Domain: Field{Value: "https://example.com", Error: "Enter the host name alone, without https:// and without a path."},
		Addresses: []AddressLine{{URL: "https://acme.mcpauth.example", Primary: true}},
		Domains: []DomainLine{
			{Name: "auth.acme.example", Record: "_mcpauth.auth.acme.example", Value: "mcpauth-domain-verification=Zk3x0nq9Q2mVvJc1bT5u7w", Target: "acme.mcpauth.example", Verified: true, CheckedAt: now.Add(-time.Hour), Connections: "312", CheckAction: "/check", RemoveAction: "/remove"},
			{Name: "login.acme.example", Record: "_mcpauth.login.acme.example", Value: "mcpauth-domain-verification=Zk3x0nq9Q2mVvJc1bT5u7w", Target: "acme.mcpauth.example", CheckAction: "/check", RemoveAction: "/remove",
				Problem: "_mcpauth.login.acme.example has no TXT record yet. New records can take an hour to be seen."},
			{Name: "old.acme.example", Record: "_mcpauth.old.acme.example", Value: "mcpauth-domain-verification=Zk3x0nq9Q2mVvJc1bT5u7w", Target: "acme.mcpauth.example", Verified: true, Failing: true, Until: now.Add(50 * time.Hour), CheckedAt: now, Connections: "2",
				Problem: `The CNAME record of old.acme.example is "elsewhere.example", expected "acme.mcpauth.example".`, CheckAction: "/check", RemoveAction: "/remove", RemoveError: "Type old.acme.example to confirm."},
		}}
	none := DomainsPage{Shell: shell("Domains", "Acme Tools"), Addresses: []AddressLine{{URL: "http://localhost:8080/t/acme", Primary: true}}}
	return []sample{{"domains", dashboard, Domains(page)}, {"domains-none", dashboard, Domains(none)}}
}
