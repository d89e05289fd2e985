package dashboard_test

import (
	"net/url"
	"testing"

	"github.com/mcpauth/mcpauth/tenants"
)

// projectArea is the projects of an organization.
var projectArea = area{
	seed: func(t *testing.T, w *world) {
		t.Helper()
		found, err := w.projects.Find(t.Context(), tenants.SystemActor, w.organization, w.project)
		if err != nil {
			t.Fatal(err)
		}
		w.params[":server"], w.params[":secret"] = found.Servers[0].ID.String(), found.Secrets[0].ID.String()
	},
	forms: map[string]func(*world) url.Values{
		"GET /dashboard/:organization/projects":                                   nil,
		"POST /dashboard/:organization/projects":                                  form("name", "Second", "server_url", "https://second.example.com/mcp"),
		"GET /dashboard/:organization/projects/new":                               nil,
		"GET /dashboard/:organization/projects/:project":                          nil,
		"POST /dashboard/:organization/projects/:project/servers/:server/secrets": form(),
		"POST /dashboard/:organization/projects/:project/secrets/:secret/revoke":  form(),
	},
}
