package main

import (
	"net/http"
	"time"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// dashboardAnswerMax is how much of an answer the dashboard reads of an MCP server that a member names, in bytes.
const dashboardAnswerMax = 256 << 10

// newRoot is what the root host serves: the site and the dashboard.
func newRoot(a *app) http.Handler {
	var gitHub *signin.Provider
	if a.settings.gitHub.ClientID != "" {
		provider := a.settings.gitHub
		provider.Kind, provider.Issuer = signin.ProviderGitHub, "https://github.com"
		gitHub = &provider
	}
	return dashboard.New(dashboard.Config{
		Ways: a.store.MemberWays(), Identities: a.store.Identities, GitHub: gitHub, IdentityProviders: signin.NewIdentityProviders(a.outgoing.HTTP(signin.ProviderAnswerMax), time.Now),
		SignIn: a.signin, Accounts: a.store.Members(), Memberships: a.store, Projects: a.projects, Organizations: tenants.Organizations{Store: a.store, Plans: plansOf(a.billing)}, Usage: a.store, Billing: a.billing, Keys: a.settings.keys, Outgoing: a.outgoing.HTTP(dashboardAnswerMax), Reviews: a.settings.reviews, BaseURL: a.settings.baseURL,
		TrustedProxies: a.settings.trustedProxies, Limits: a.limits, Log: a.log, Now: time.Now,
	})
}
