package templates_test

import (
	"time"

	. "mcpauth.example/templates"
)

func grants() []GrantLine {
	return []GrantLine{
		{ID: "g1", UserEmail: "ada@acme.example", UserHref: "/dashboard/users/1", ClientName: "Claude Code", ClientHref: "/dashboard/clients/1", ServerName: "Acme Tools", Scopes: []string{"mcp:tools", "notes:write"},
			CreatedAt: now.Add(-40 * 24 * time.Hour), LastUsed: now.Add(-time.Minute), EndAction: "/dashboard/g1/end"},
		{ID: "g2", UserEmail: "grace.hopper.with.a.long.address@research.department.acme.example", UserHref: "/dashboard/users/2", ClientName: long, ClientHref: "/dashboard/clients/2", ServerName: "Acme Tools", Organization: "Navy",
			Scopes: []string{"mcp:tools"}, CreatedAt: now.Add(-time.Hour), EndAction: "/dashboard/g2/end"},
	}
}

// peopleSamples are a project's clients, users and connections.
func peopleSamples() []sample {
	clients := ClientsPage{Shell: shell("Clients", "Acme Tools"), AccessHref: "/dashboard/access", NewHref: "/dashboard/clients/new", Next: "/dashboard/clients?after=x", Clients: []ClientLine{
		{ID: "https://claude.ai/oauth/claude-code-client-metadata", Name: "Claude Code", Href: "/dashboard/clients/1", Host: "claude.ai", State: "In use", Tone: "ok", Connections: "1,000+", LastApproved: now},
		{ID: "mcp_kq3Yb1Zt0e9wVx7RrLmPz4sUa8HdNf", Name: "Cursor", Href: "/dashboard/clients/2", Kind: "Nobody: it registered itself", State: "Not approved yet", Tone: "idle", Connections: "0"},
		{ID: "mcp_2", Name: long, Href: "/dashboard/clients/3", Kind: "Nobody: it was made by hand", State: "Blocked", Tone: "bad", Connections: "0", LastApproved: now.Add(-3 * time.Hour)},
	}}
	client := ClientPage{Shell: shell("Clients", "Acme Tools"), ID: "https://claude.ai/oauth/claude-code-client-metadata", Name: "Claude Code", Kind: "published its own document", Host: "claude.ai", URI: "https://claude.ai", State: "In use", Tone: "ok",
		AuthMethod: "none", RedirectURIs: []string{"http://localhost/callback", "http://127.0.0.1/callback"}, CreatedAt: now.Add(-60 * 24 * time.Hour), FirstUsed: now.Add(-60 * 24 * time.Hour), Connections: "2", ListHref: "/dashboard/clients",
		ConnectionsHref: "/dashboard/connections", ActivityHref: "/dashboard/activity", BlockAction: "/dashboard/block", DeleteAction: "/dashboard/delete", EndAction: "/dashboard/end", AllowAction: "/dashboard/rules", BlockHostAction: "/dashboard/rules", Grants: grants()}
	blocked := ClientPage{Shell: shell("Clients", "Acme Tools"), ID: "mcp_2", Name: "", Kind: "registered itself", State: "Blocked", Tone: "bad", AuthMethod: "client_secret_basic", CreatedAt: now, Connections: "0", ListHref: "/dashboard/clients",
		UnblockAction: "/dashboard/unblock", DeleteAction: "/dashboard/delete"}
	access := AccessPage{Shell: shell("Clients", "Acme Tools"), ClientsHref: "/dashboard/clients", Registration: "open", Documents: "approval", RegistrationAction: "/dashboard/r", DocumentAction: "/dashboard/d", TokenAction: "/dashboard/t", RuleAction: "/dashboard/rules",
		RuleValue: Field{Value: "https://", Error: "Enter a host name such as app.example.com."}, Token: "mcpauth_it_kq3Yb1Zt0e9wVx7RrLmPz4sUa8HdNfJcGoTi2Bv5EyQ",
		Tokens: []AccessToken{{ID: "t1", Name: "build server", CreatedAt: now, RevokeAction: "/dashboard/t1/revoke"}, {ID: "t2", Name: "partner", CreatedAt: now, ExpiresAt: now.Add(20 * 24 * time.Hour), RevokeAction: "/dashboard/t2/revoke"}},
		Rules:  []RuleLine{{Subject: "Host", Value: "claude.ai", Decision: "Allowed", Tone: "ok", RemoveAction: "/dashboard/remove", Fields: map[string]string{"subject": "host", "value": "claude.ai"}}}}
	user := UserPage{Shell: shell("Users", "Acme Tools"), ID: "019ab0c4-1c1b-7a55-8d5e-6f0f5a1b2c3d", Email: "ada@acme.example", Name: "Ada Lovelace", State: "Connected", Tone: "ok", ListHref: "/dashboard/users", CreatedAt: now.Add(-90 * 24 * time.Hour), LastSignIn: now,
		BlockAction: "/dashboard/block", SessionsAction: "/dashboard/sign-out", DisconnectAction: "/dashboard/disconnect", DeleteAction: "/dashboard/delete", DeleteError: "Expected exactly: ada@acme.example", Grants: grants()}
	users := UsersPage{Shell: shell("Users", "Acme Tools"), ReviewerAction: "/dashboard/reviewer", Next: "/dashboard/users?after=x", Users: []UserLine{
		{Email: "ada@acme.example", Name: "Ada Lovelace", Href: "/dashboard/users/1", State: "Connected", Tone: "ok", Connections: 3, CreatedAt: now.Add(-90 * 24 * time.Hour), LastSignIn: now},
		{Email: "grace.hopper.with.a.long.address@research.department.acme.example", Href: "/dashboard/users/2", State: "Blocked", Tone: "bad", CreatedAt: now},
		{Email: "reviewer@acme.example", Href: "/dashboard/users/3", State: "Reviewer", Tone: "warn", CreatedAt: now},
	}}
	users.Reviewers = []ReviewerLine{
		{ID: "3", Address: "reviewer@acme.example", Maker: "grace@acme.example", Href: "/dashboard/users/3", EndAction: "/dashboard/users/reviewer/3/end", MadeAt: now.Add(-24 * time.Hour), Until: now.Add(29 * 24 * time.Hour), Connections: 1},
		{Address: "store.review@acme.example", Maker: "a former member", Href: "/dashboard/users/4", MadeAt: now.Add(-90 * 24 * time.Hour), Until: now.Add(-60 * 24 * time.Hour), Ended: true},
	}
	reviewer := UsersPage{Shell: shell("Users", "Acme Tools"), ReviewerAction: "/dashboard/reviewer", Code: "4930274951", CodeFor: "reviewer@acme.example"}
	connections := ConnectionsPage{Shell: shell("Connections", "Acme Tools"), Grants: grants(), Servers: []Choice{{Value: "1", Label: "Acme Tools"}}, Client: "Claude Code", ClientID: "c", ClearHref: "/dashboard/connections", Next: "/dashboard/connections?after=x"}
	return []sample{
		{"clients", dashboard, Clients(clients)},
		{"clients-empty", dashboard, Clients(ClientsPage{Shell: shell("Clients", "Acme Tools"), AccessHref: "/dashboard/access"})},
		{"clients-none-match", dashboard, Clients(ClientsPage{Shell: shell("Clients", "Acme Tools"), AccessHref: "/dashboard/access", Query: "zzz"})},
		{"client", dashboard, Client(client)},
		{"client-blocked", dashboard, Client(blocked)},
		{"client-new-error", dashboard, NewClient(NewClientPage{Shell: shell("Clients", "Acme Tools"), Action: "/dashboard/clients", CancelHref: "/dashboard/clients", RedirectURIs: Field{Value: "javascript:alert(1)", Error: "This scheme runs code; use https, http on localhost, or a scheme of the app."}})},
		{"client-made", dashboard, Client(ClientPage{Shell: shell("Clients", "Acme Tools"), ID: "mcp_kq3Yb1Zt0e9wVx7R", Name: "Server", Kind: "was made by hand", State: "Unused", Tone: "idle", AuthMethod: "client_secret_basic", CreatedAt: now, Connections: "0",
			ListHref: "/dashboard/clients", RedirectURIs: []string{"https://app.example/callback"}, Secret: "mcpauth_cs_kq3Yb1Zt0e9wVx7RrLmPz4sUa8HdNfJcGoTi2Bv5EyQ"})},
		{"access", dashboard, Access(access)},
		{"access-viewer", dashboard, Access(AccessPage{Shell: shell("Clients", "Acme Tools"), ClientsHref: "/dashboard/clients", Registration: "closed", Documents: "open"})},
		{"users", dashboard, Users(users)},
		{"users-empty", dashboard, Users(UsersPage{Shell: shell("Users", "Acme Tools")})},
		{"users-reviewer", dashboard, Users(reviewer)},
		{"user", dashboard, User(user)},
		{"connections", dashboard, Connections(connections)},
		{"connections-empty", dashboard, Connections(ConnectionsPage{Shell: shell("Connections", "Acme Tools")})},
	}
}
