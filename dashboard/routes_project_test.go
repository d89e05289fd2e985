package dashboard_test

import (
	"net/url"
	"testing"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// below is the path of what belongs to a project.
const below = "/dashboard/:organization/projects/:project"

// projectArea is an organization's projects, and a project's overview, MCP servers, scopes, keys and settings.
var projectArea = area{
	seed: func(t *testing.T, w *world) {
		t.Helper()
		found := must(w.projects.Find(t.Context(), tenants.SystemActor, w.organization, w.project))
		w.params[":server"], w.params[":secret"], w.params[":scope"] = found.Servers[0].ID.String(), found.Secrets[0].ID.String(), found.Scopes[0].Name
		second, _, _, err := w.projects.Create(t.Context(), tenants.SystemActor, w.organization, "Second", "https://second.example.com/mcp")
		if err != nil {
			t.Fatal(err)
		}
		w.params["second project"] = second.ID.String()
		if err := w.projects.AddDomain(t.Context(), tenants.SystemActor, w.organization, w.project, "auth.example.com"); err != nil {
			t.Fatal(err)
		}
		w.params[":domain"], w.params["alias"] = "auth.example.com", found.Aliases[0]
		provider := tenants.Provider{Kind: "github", ClientID: "client", ClientSecret: "secret of github", Enabled: true}
		w.params[":provider"] = must(w.projects.SetProvider(t.Context(), tenants.SystemActor, w.organization, w.project, provider)).String()
	},
	forms: map[string]func(*world) url.Values{
		"GET /dashboard/:organization/projects":       nil,
		"POST /dashboard/:organization/projects":      form("server_url", "https://second.example.com/mcp"),
		"GET /dashboard/:organization/projects/new":   nil,
		"GET /dashboard/:organization/projects/check": nil,

		"GET " + below:                                          nil,
		"GET " + below + "/servers":                             nil,
		"POST " + below + "/servers":                            form("server_url", "https://third.example.com/mcp"),
		"GET " + below + "/servers/new":                         nil,
		"GET " + below + "/servers/:server":                     nil,
		"POST " + below + "/servers/:server/name":               form("name", "Renamed"),
		"POST " + below + "/servers/:server/remove":             form("confirm", "Acme"),
		"POST " + below + "/servers/:server/end":                form("confirm", "Acme"),
		"GET " + below + "/servers/:server/setup":               nil,
		"GET " + below + "/servers/:server/setup/panel":         nil,
		"POST " + below + "/servers/:server/secrets":            form(),
		"GET " + below + "/scopes":                              nil,
		"POST " + below + "/scopes":                             form("name", "notes:write", "description", "Add notes", "tools", "add_note"),
		"GET " + below + "/scopes/new":                          nil,
		"POST " + below + "/scopes/selectable":                  form("selectable", "yes"),
		"GET " + below + "/scopes/of/:scope":                    nil,
		"POST " + below + "/scopes/of/:scope":                   form("description", "Use the tools", "default", "yes"),
		"POST " + below + "/scopes/of/:scope/up":                form(),
		"POST " + below + "/scopes/of/:scope/delete":            form(),
		"GET " + below + "/sign-in":                             nil,
		"POST " + below + "/sign-in":                            form("method", "email_code"),
		"POST " + below + "/sign-in/sign-up":                    form("open", "no"),
		"POST " + below + "/sign-in/own-rules":                  form("beside", "yes", "hours", "12"),
		"POST " + below + "/sign-in/providers":                  form("kind", "google", "client_id", "id", "client_secret", "of google"),
		"GET " + below + "/sign-in/providers/new":               nil,
		"GET " + below + "/sign-in/providers/:provider":         nil,
		"POST " + below + "/sign-in/providers/:provider":        form("client_id", "other"),
		"POST " + below + "/sign-in/providers/:provider/remove": form(),
		"GET " + below + "/sign-in/own":                         nil,
		"POST " + below + "/sign-in/own":                        form("name", "Acme", "url", "https://acme.example/login"),
		"GET " + below + "/sign-in/own/simulator":               nil,
		"POST " + below + "/sign-in/own/simulator":              form(),
		"POST " + below + "/sign-in/own/simulator/answer":       form("request", "x", "iss", "https://elsewhere.example"),
		"GET " + below + "/domains":                             nil,
		"POST " + below + "/domains":                            form("domain", "login.example.com"),
		"POST " + below + "/domains/primary": func(w *world) url.Values {
			return url.Values{"url": {w.params["alias"]}}
		},
		"POST " + below + "/domains/of/:domain/check":  form(),
		"POST " + below + "/domains/of/:domain/remove": form("confirm", "auth.example.com"),
		"GET " + below + "/test":                       nil,
		"POST " + below + "/test/run": func(w *world) url.Values {
			return url.Values{"server": {w.params[":server"]}, "profile": {"claude-code"}}
		},
		"POST " + below + "/test/begin": func(w *world) url.Values {
			return url.Values{"server": {w.params[":server"]}, "profile": {"claude-code"}}
		},
		"GET " + below + "/test/callback":       nil,
		"GET " + below + "/launch":              nil,
		"POST " + below + "/launch/environment": form("environment", "production"),
		"POST " + below + "/launch/production":  form("server_url", "https://production.example.com/mcp"),
		"POST " + below + "/launch/copy": func(w *world) url.Values {
			return url.Values{"to": {w.params["second project"]}}
		},
		"GET " + below + "/keys":                     nil,
		"POST " + below + "/keys/rotate":             form("algorithm", "ES256"),
		"POST " + below + "/keys/replace":            form("confirm", "Acme"),
		"POST " + below + "/secrets/:secret/revoke":  form(),
		"GET " + below + "/settings":                 nil,
		"POST " + below + "/settings":                form("name", "Acme Labs"),
		"GET " + below + "/settings/tokens":          nil,
		"POST " + below + "/settings/tokens":         form("access_token", "30", "refresh_idle", "10", "refresh", "100", "grace", "30"),
		"GET " + below + "/settings/danger":          nil,
		"POST " + below + "/settings/danger/suspend": form(),
		"POST " + below + "/settings/danger/resume":  form(),
		"POST " + below + "/settings/danger/delete":  form("confirm", "Acme"),
	},
}

// peopleArea is a project's clients, users, connections and activity.
var peopleArea = area{
	seed: func(t *testing.T, w *world) {
		t.Helper()
		client, _, err := w.projects.CreateClient(t.Context(), tenants.SystemActor, w.organization, w.project, tenants.NewClient{Name: "Claude Code", RedirectURIs: []string{"http://localhost/callback"}})
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := w.projects.CreateInitialAccessToken(t.Context(), tenants.SystemActor, w.organization, w.project, "build", 0)
		if err != nil {
			t.Fatal(err)
		}
		w.params[":client"], w.params[":token"] = secret.Encode([]byte(client)), token.ID.String()
		user, grant, attempt := w.grant(t, "ada@people.example", client)
		if _, err := w.projects.SetReviewer(t.Context(), tenants.SystemActor, w.organization, w.project, "review@people.example", time.Hour); err != nil {
			t.Fatal(err)
		}
		w.params[":reviewer"] = must(w.projects.Reviewers(t.Context(), tenants.SystemActor, w.organization, w.project))[0].ID.String()
		w.params[":user"], w.params[":grant"], w.params[":attempt"] = user.String(), grant.String(), attempt.String()
	},
	forms: map[string]func(*world) url.Values{
		"GET " + below + "/activity":                             nil,
		"GET " + below + "/activity/tail":                        nil,
		"GET " + below + "/activity/:attempt":                    nil,
		"GET " + below + "/clients":                              nil,
		"POST " + below + "/clients":                             form("name", "Cursor", "redirect_uris", "cursor://anysphere.cursor-mcp/oauth/callback"),
		"GET " + below + "/clients/new":                          nil,
		"GET " + below + "/clients/access":                       nil,
		"POST " + below + "/clients/access/registration":         form("policy", "closed"),
		"POST " + below + "/clients/access/documents":            form("policy", "approval"),
		"POST " + below + "/clients/access/rules":                form("subject", "host", "value", "claude.ai", "decision", "allow"),
		"POST " + below + "/clients/access/rules/remove":         form("subject", "host", "value", "claude.ai"),
		"POST " + below + "/clients/access/tokens":               form("name", "partner", "days", "30"),
		"POST " + below + "/clients/access/tokens/:token/revoke": form(),
		"GET " + below + "/clients/of/:client":                   nil,
		"POST " + below + "/clients/of/:client/block":            form(),
		"POST " + below + "/clients/of/:client/unblock":          form(),
		"POST " + below + "/clients/of/:client/delete":           form(),
		"POST " + below + "/clients/of/:client/end":              form(),
		"GET " + below + "/users":                                nil,
		"POST " + below + "/users/reviewer":                      form("email", "reviewer@acme.example", "days", "30"),
		"POST " + below + "/users/reviewer/:reviewer/end":        form(),
		"GET " + below + "/users/:user":                          nil,
		"POST " + below + "/users/:user/block":                   form(),
		"POST " + below + "/users/:user/unblock":                 form(),
		"POST " + below + "/users/:user/sign-out":                form(),
		"POST " + below + "/users/:user/disconnect":              form(),
		"POST " + below + "/users/:user/delete":                  form("confirm", "ada@people.example"),
		"GET " + below + "/connections":                          nil,
		"POST " + below + "/connections/:grant/end":              form(),
	},
}
