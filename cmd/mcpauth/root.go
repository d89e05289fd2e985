package main

import (
	"net/http"
	"time"

	"github.com/mcpauth/mcpauth/dashboard"
)

// newRoot is what the root host serves: the site and the dashboard.
func newRoot(a *app) http.Handler {
	return dashboard.New(dashboard.Config{
		SignIn: a.signin, Accounts: a.store.Members(), Memberships: a.store, Projects: a.projects, Keys: a.settings.keys, BaseURL: a.settings.baseURL,
		TrustedProxies: a.settings.trustedProxies, Limits: a.limits, Log: a.log, Now: time.Now,
	})
}
