package main

import (
	"net/http"
	"time"

	"github.com/mcpauth/mcpauth/dashboard"
	"github.com/mcpauth/mcpauth/tenants"
)

// dashboardAnswerMax is how much of an answer the dashboard reads of an MCP server that a member names, in bytes.
const dashboardAnswerMax = 256 << 10

// newRoot is what the root host serves: the site and the dashboard.
func newRoot(a *app) http.Handler {
	return dashboard.New(dashboard.Config{
		SignIn: a.signin, Accounts: a.store.Members(), Memberships: a.store, Projects: a.projects, Organizations: tenants.Organizations{Store: a.store}, Keys: a.settings.keys, Outgoing: a.outgoing.HTTP(dashboardAnswerMax), Reviews: a.settings.reviews, BaseURL: a.settings.baseURL,
		TrustedProxies: a.settings.trustedProxies, Limits: a.limits, Log: a.log, Now: time.Now,
	})
}
