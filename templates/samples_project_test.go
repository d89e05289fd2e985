package templates_test

import (
	"time"

	. "mcpauth.example/templates"
	"mcpauth.example/templates/ui"
)

const long = "A very long name that somebody chose for a thing, to find out what the pages do with it when there is no room"

func ticks(done int, failed bool) (ticks []Tick) {
	for i, label := range []string{"Metadata fetched", "Client identified", "Authorization requested", "Signed in", "Consent given", "Token issued", "First guarded call"} {
		ticks = append(ticks, Tick{ID: label, Label: label, Text: "What happens here in a few words.", Done: i < done, Current: i == done, Failed: failed && i == done, At: now})
	}
	return ticks
}

func setUp(secret string) SetUpPage {
	page := SetUpPage{
		Shell: shell("MCP servers", "Acme Tools"), Name: "Acme Tools", ServerURL: "https://tools.acme.example/mcp", Issuer: issuer, Secret: secret, ServerHref: "/dashboard/servers/1", DocsHref: "/docs",
		Snippets: []Snippet{
			{Label: "Express", Language: "ts", Install: "npm install https://mcpauth.example/sdk/mcpauth-0.1.0.tgz", Code: "import express from \"express\";\nimport { mcpAuth } from \"mcpAuth\";\n\nconst app = express();\napp.use(\"/mcp\", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));\n"},
			{Label: "Go", Language: "go", Code: "guard, err := mcpauth.New(mcpauth.Config{})\n"},
		},
		Prompt: "Guard the MCP server in this repository with mcpauth.\n",
		Clients: []ClientGuide{
			{Label: "Claude Code", Code: "claude mcp add --transport http acme https://tools.acme.example/mcp\n", Text: "Then type /mcp in a session and choose the server."},
			{Label: "Cursor", Code: "{}\n", Text: "In .cursor/mcp.json, or with the link.", Link: "cursor://anysphere.cursor-deeplink/mcp/install?name=acme&config=e30", LinkText: "Open in Cursor"},
		},
		Panel: Panel{Href: "/dashboard/panel", ActivityHref: "/dashboard/activity", Ticks: ticks(0, false), Now: now},
	}
	if secret != "" {
		page.EnvFile = "MCPAUTH_SECRET=" + secret + "\n"
	}
	return page
}

func attempts() []AttemptView {
	return []AttemptView{
		{
			Href: "/dashboard/activity/1", Client: "Cursor", ClientHref: "/dashboard/clients/1", Version: "2.4.1", State: "Failed", Tone: "bad", Why: "The redirect_uri is not that of the authorization request", Started: now.Add(-time.Minute), Last: now.Add(-30 * time.Second), Open: true,
			Steps: []StepView{
				{Label: "Metadata fetched", Outcome: "ok", Tone: "ok", At: now.Add(-time.Minute), Probable: true, Source: "203.0.113.0/24", Agent: "Cursor/2.4.1", Curl: "curl -i https://acme.mcpauth.example/.well-known/oauth-authorization-server\n"},
				{Label: "Authorization requested", Outcome: "ok", Tone: "ok", At: now.Add(-50 * time.Second), After: "+10s"},
				{Label: "The redirect_uri is not that of the authorization request", Stage: "Code for token", Outcome: "refused", Tone: "bad", At: now.Add(-30 * time.Second), After: "+20s", Code: "invalid_grant", Parameter: "redirect_uri", Got: "http://localhost:43110/cb",
					Expected: "http://localhost:43110/callback", Advice: "Send the same redirect URI as in the authorization request.", RequestID: "kq3Yb1Zt0e9wVx7R"},
			},
		},
		{Href: "/dashboard/activity/2", Client: "Claude Code", Version: "3.1", State: "Working", Tone: "ok", Started: now.Add(-time.Hour), Last: now.Add(-time.Hour), Open: true,
			Steps: []StepView{
				{Label: "The e-mail address and the password do not belong together", Stage: "Sign-in", Outcome: "tried again", Tone: "idle", At: now.Add(-time.Hour), Code: "access_denied", Parameter: "password"},
				{Label: "Signed in", Outcome: "ok", Tone: "ok", At: now.Add(-time.Hour), After: "+9s", Tries: "at try 2"}, {Label: "First guarded call", Outcome: "ok", Tone: "ok", At: now.Add(-time.Hour), Tool: "add_note"}}},
		{Client: "Test from the dashboard", State: "Denied", Tone: "idle", Why: "The person chose Deny", Test: true, Started: now.Add(-2 * time.Hour), Last: now.Add(-2 * time.Hour)},
		{Client: long, State: "Stopped", Why: "Nothing came after: metadata fetched", Tone: "warn", Started: now.Add(-26 * time.Hour), Last: now.Add(-26 * time.Hour), Advice: "The client read the metadata and went no further.",
			Steps: []StepView{{Label: "Metadata fetched", Outcome: "ok", Tone: "ok", At: now.Add(-26 * time.Hour)}}},
	}
}

func bars(title, tone string, full bool) ui.BarsProps {
	props := ui.BarsProps{Title: title, Unit: "steps", Tone: tone, Hook: "chart"}
	for i := range 30 {
		day := ui.DayCount{Day: now.AddDate(0, 0, i-29)}
		if full {
			day.Count = (i*i*7 + 13) % 97
		}
		props.Days = append(props.Days, day)
		props.Total += day.Count
	}
	return props
}

// projectSamples are a project's overview, activity, MCP servers, scopes and keys.
func projectSamples() []sample {
	const secret = "mcpauth_rs_aHR0cHM6Ly9hY21lLm1jcGF1dGguZXhhbXBsZQ.kq3Yb1Zt0e9wVx7RrLmPz4sUa8HdNfJcGoTi2Bv5EyQ"
	failing := setUp("")
	failing.Panel.Client, failing.Panel.Version, failing.Panel.At, failing.Panel.Ticks = "Cursor", "2.4.1", now.Add(-time.Minute), ticks(5, true)
	failing.Panel.Failure = &StepFailure{Reason: "The redirect_uri is not that of the authorization request", Stage: "Code for token", Parameter: "redirect_uri", Got: "http://localhost:43110/cb", Expected: "http://localhost:43110/callback", Code: "invalid_grant", Advice: "Send the same redirect URI as in the authorization request."}
	connected := setUp("")
	connected.Panel.Client, connected.Panel.At, connected.Panel.Ticks, connected.Panel.Done = "Claude Code", now, ticks(7, false), true
	stopped := setUp("")
	stopped.Panel.Client, stopped.Panel.Ticks, stopped.Panel.Advice = "Claude", ticks(6, false), "The client has a token and no call reached your MCP server's guard with it."
	check := NewServerPage{Shell: shell("MCP servers", "Acme Tools"), Action: "/dashboard/servers", CancelHref: "/dashboard/servers", CheckHref: "/dashboard/check", ServerURL: Field{Value: "tools", Error: "Enter a complete address that begins with https://, such as https://tools.example.com/mcp."}}
	return append(overviewSamples(),
		sample{"setup-fresh", dashboard, SetUp(setUp(secret))},
		sample{"setup-failing", dashboard, SetUp(failing)},
		sample{"setup-connected", dashboard, SetUp(connected)},
		sample{"setup-stopped", dashboard, SetUp(stopped)},
		sample{"servers", dashboard, Servers(ServersPage{Shell: shell("MCP servers", "Acme Tools"), ScopesHref: "/dashboard/scopes", NewHref: "/dashboard/servers/new", Servers: []ServerLine{
			{Name: "Acme Tools", URL: "https://tools.acme.example/mcp", Href: "/dashboard/servers/1", Secrets: 2, SecretUsed: now.Add(-time.Minute), Connections: "1,000+"},
			{Name: long, URL: "https://tools.acme.example/" + long[:40], Href: "/dashboard/servers/2", SetUpHref: "/dashboard/servers/2/setup", Secrets: 1, Connections: "0"},
		}})},
		sample{"servers-empty", dashboard, Servers(ServersPage{Shell: shell("MCP servers", "Acme Tools"), ScopesHref: "/dashboard/scopes", NewHref: "/dashboard/servers/new"})},
		sample{"server-new-error", dashboard, NewServer(check)},
		sample{"server", dashboard, Server(ServerPage{Shell: shell("MCP servers", "Acme Tools"), Name: "Acme Tools", URL: "https://tools.acme.example/mcp", ListHref: "/dashboard/servers", SetUpHref: "/dashboard/setup", KeysHref: "/dashboard/keys",
			ConnectionsHref: "/dashboard/connections", Connections: "214", CreatedAt: now.Add(-90 * 24 * time.Hour), SecretUsed: now, RenameAction: "/dashboard/name", RemoveAction: "/dashboard/remove", EndAction: "/dashboard/end",
			Rename: Field{Value: "Acme Tools"}, RemoveError: "Expected exactly: Acme Tools", Tools: []ToolLine{{Tool: "add_note", Calls: 4021, Failed: 3, LastUsed: now}, {Tool: "", Calls: 120, Refused: 4}}})},
		sample{"server-viewer", dashboard, Server(ServerPage{Shell: shell("MCP servers", "Acme Tools"), Name: "Acme Tools", URL: "https://tools.acme.example/mcp", ListHref: "/dashboard/servers", SetUpHref: "/dashboard/setup", KeysHref: "/dashboard/keys", Connections: "0", CreatedAt: now})},
		sample{"scopes", dashboard, Scopes(ScopesPage{Shell: shell("MCP servers", "Acme Tools"), ServersHref: "/dashboard/servers", NewHref: "/dashboard/scopes/new", SelectableAction: "/dashboard/selectable", MayChange: true, Remarks: []string{"The tool add_note stands in several groups, so it needs all of notes:write, mcp:tools."},
			Scopes: []ScopeRow{{Name: "mcp:tools", Description: "Use the tools of this server", Default: true, EditHref: "/dashboard/scopes/1", UpAction: "/dashboard/up"}, {Name: "notes:write", Description: "Add notes in your name", Tools: []string{"add_note", "delete_note"}, EditHref: "/dashboard/scopes/2", UpAction: "/dashboard/up"}}})},
		sample{"scope-error", dashboard, Scope(ScopePage{Shell: shell("MCP servers", "Acme Tools"), New: true, Action: "/dashboard/scopes", CancelHref: "/dashboard/scopes", Name: Field{Value: "notes write", Error: "Use 1 to 100 letters, digits and punctuation without spaces."}, Unassigned: []string{"add_note"}, DefaultError: "Keep at least one default scope."})},
		sample{"keys", dashboard, Keys(keysPage(secret))},
		sample{"keys-viewer", dashboard, Keys(KeysPage{Shell: shell("Keys and secrets", "Acme Tools"), Keys: keysPage("").Keys, Servers: []ServerRow{{Name: "Acme Tools", URL: "https://tools.acme.example/mcp"}}})},
	)
}

func keysPage(secret string) KeysPage {
	return KeysPage{
		Shell: shell("Keys and secrets", "Acme Tools"), Algorithm: "ES256", RotateAction: "/dashboard/rotate", ReplaceAction: "/dashboard/replace", Name: "Acme Tools", Secret: secret, EnvFile: "MCPAUTH_SECRET=" + secret + "\n", SecretServer: "Acme Tools",
		Keys: []KeyLine{
			{ID: "Zt0e9wVx7RrLmPz4", Algorithm: "ES256", State: "Next", Tone: "idle", Note: "Published, so that servers know it before it signs.", CreatedAt: now},
			{ID: "kq3Yb1Zt0e9wVx7R", Algorithm: "ES256", State: "Signs", Tone: "ok", Note: "Every token issued now.", CreatedAt: now.Add(-30 * 24 * time.Hour)},
			{ID: "sUa8HdNfJcGoTi2B", Algorithm: "RS256", State: "Retired", Tone: "warn", Note: "Tokens that it signed are good until 23 Nov 2026, 16:04 UTC.", CreatedAt: now.Add(-120 * 24 * time.Hour)},
		},
		Servers: []ServerRow{{Name: "Acme Tools", URL: "https://tools.acme.example/mcp", CreateAction: "/dashboard/secrets", Secrets: []SecretRow{
			{ID: "s1", LastFour: "x7Qd", CreatedAt: now.Add(-40 * 24 * time.Hour), LastUsedAt: now.Add(-5 * time.Minute), RevokeAction: "/dashboard/s1/revoke"},
			{ID: "s2", LastFour: "m2Pz", CreatedAt: now.Add(-3 * time.Hour), RevokeAction: "/dashboard/s2/revoke"},
		}}},
	}
}

func overviewSamples() []sample {
	overview := OverviewPage{
		Shell: shell("Overview", "Acme Tools"), Name: "Acme Tools", Issuer: issuer, MetadataURL: issuer + "/.well-known/oauth-authorization-server", Aliases: []string{"https://auth.acme.example"},
		Users: "9,214", Connections: "21,408", Charts: []ui.BarsProps{bars("Connections made", "", true), bars("Failed steps", "bad", true)}, Latest: attempts(),
		ActivityHref: "/dashboard/activity", ConnectionsHref: "/dashboard/connections", UsersHref: "/dashboard/users",
		Attention: []AttentionLine{{Tone: "bad", Text: "3 of the latest attempts failed: The redirect_uri is not that of the authorization request.", Href: "/dashboard/activity", Link: "See why"}},
	}
	empty := OverviewPage{Shell: shell("Overview", "Acme Tools"), Name: "Acme Tools", Issuer: issuer, Users: "0", Connections: "0", Charts: []ui.BarsProps{bars("Connections made", "", false), bars("Failed steps", "bad", false)},
		SetUpHref: "/dashboard/setup", Suspended: true, Attention: []AttentionLine{{Tone: "warn", Text: "This project is suspended: nobody can connect to its MCP servers until it is resumed."}, {Tone: "info", Text: "Acme Tools never asked mcpauth about anything. Either it has no guard yet, or it checks tokens by other means.", Href: "/dashboard/setup", Link: "Set it up"}}}
	activity := ActivityPage{Shell: shell("Activity", "Acme Tools"), AllHref: "/dashboard/activity?show=all", FailedHref: "/dashboard/activity", LiveHref: "/dashboard/activity?live=yes", Attempts: attempts(), Next: "/dashboard/activity?after=x"}
	live := activity
	live.Live, live.TailHref, live.ShowAll, live.ClientID, live.Client, live.ClearHref = true, "/dashboard/tail", true, "client", "Cursor", "/dashboard/activity"
	return []sample{
		{"overview", dashboard, Overview(overview)},
		{"overview-empty", dashboard, Overview(empty)},
		{"activity", dashboard, Activity(activity)},
		{"activity-live", dashboard, Activity(live)},
		{"activity-empty", dashboard, Activity(ActivityPage{Shell: shell("Activity", "Acme Tools"), AllHref: "/dashboard/activity?show=all", FailedHref: "/dashboard/activity", LiveHref: "/dashboard/activity?live=yes"})},
		{"attempt", dashboard, Attempt(AttemptPage{Shell: shell("Activity", "Acme Tools"), Attempt: attempts()[0], ListHref: "/dashboard/activity", ShareHref: "https://mcpauth.example/dashboard/activity/1"})},
	}
}
