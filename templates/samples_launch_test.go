package templates_test

import . "mcpauth.example/templates"

// launchSamples are the way to production.
func launchSamples() []sample {
	page := LaunchPage{Shell: shell("Launch", "Acme Tools"), EnvironmentAction: "/environment", CreateAction: "/create", CopyAction: "/copy", Others: []Choice{{Value: "1", Label: "Acme Live (acme-live)"}},
		ServerURL: Field{Value: "http://mcp.acme.example/mcp", Error: "Enter an https address, such as https://mcp.example.com/mcp."},
		Points: []LaunchLine{
			{Key: "running", State: "done", Text: "The project lets people in."},
			{Key: "server", State: "open", Text: "The address http://localhost:3000/mcp is no https address. Clients elsewhere cannot reach it.", Href: "/servers", Link: "MCP servers"},
			{Key: "guard", State: "open", Text: "The guard of Acme Tools was not seen within a day. Its tools may be open to everybody.", Href: "/servers", Link: "Set it up"},
			{Key: "scopes", State: "advice", Text: "The scope mcp:tools does not say what people allow. They decide by these words.", Href: "/scopes", Link: "Say it in words"},
		}}
	ready := LaunchPage{Shell: shell("Launch", "Acme Tools"), Production: true, Points: page.Points[:1]}
	return []sample{{"launch", dashboard, Launch(page)}, {"launch-ready", dashboard, Launch(ready)}}
}
