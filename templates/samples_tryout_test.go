package templates_test

import . "mcpauth.example/templates"

// tryoutSamples are the page that tests a server.
func tryoutSamples() []sample {
	exchange := TestExchange{Request: "POST https://tools.acme.example/mcp", Answer: "401 Unauthorized", SentHeader: []string{"Accept: application/json, text/event-stream", "Content-Type: application/json"},
		Sent: `{"jsonrpc":"2.0","id":1,"method":"initialize"}`, ReceivedHeader: []string{`Www-Authenticate: Bearer resource_metadata="https://tools.acme.example/.well-known/oauth-protected-resource/mcp"`}, Received: `{"error":"invalid_token"}`}
	page := TestPage{Shell: shell("Test", "Acme Tools"), RunAction: "/run", BeginAction: "/begin", Servers: []Choice{{Value: "1", Label: "Acme Tools: https://tools.acme.example/mcp"}},
		Profiles: []TestProfile{{ID: "claude-code", Name: "Claude Code", Habit: "Asks for offline_access as well, and names the resource everywhere."}, {ID: "codex", Name: "Codex", Habit: "Leaves the resource out of the token request."}}}
	walked, leaving, done, stopped, none := page, page, page, page, page
	walked.Ran, walked.Steps = true, []TestStep{
		{Purpose: "a client without a token", Request: "POST https://tools.acme.example/mcp", Answer: "401 Unauthorized", Exchange: &exchange},
		{Purpose: "protected resource metadata", Request: "GET https://tools.acme.example/.well-known/oauth-protected-resource/mcp", Answer: "200 OK", Exchange: &exchange, Findings: []TestFinding{
			{Bad: true, Difference: `resource is not what was typed (trailing slash): expected "https://tools.acme.example/mcp", got "https://tools.acme.example/mcp/"`, Advice: "serve the URL people type, byte for byte"}}},
		{Purpose: "a browser asks before it sends a request", Request: "OPTIONS https://tools.acme.example/mcp", Answer: "204 No Content", Findings: []TestFinding{{Difference: "Access-Control-Expose-Headers lacks WWW-Authenticate", Advice: "expose it"}}},
	}
	leaving.AuthorizeURL = "https://acme.mcpauth.example/oauth/authorize?response_type=code&client_id=c&scope=mcp%3Atools"
	done.Result = &TestResult{TokenHeader: "{\n  \"alg\": \"ES256\",\n  \"typ\": \"at+jwt\"\n}", TokenClaims: "{\n  \"iss\": \"https://acme.mcpauth.example\",\n  \"aud\": \"https://tools.acme.example/mcp\"\n}", Scope: "mcp:tools", Minutes: 60, Refresh: true,
		Server: "notes 1.0.0", Tools: []Choice{{Value: "add_note", Label: "Adds a note."}, {Value: "search"}}, Exchanges: []TestExchange{exchange, exchange}}
	stopped.Result = &TestResult{Stopped: "The authorization ended with access_denied: the person said no"}
	none.Servers, none.ServersHref = nil, "/servers/new"
	simulator := OwnSimulatorPage{Shell: shell("Own login simulator", "Acme Tools"), Action: "/answer", BackHref: "/own", TestHref: "/test", Request: "x", Issuer: "https://acme.mcpauth.example"}
	told, waiting := simulator, simulator
	told.Sent, told.RedirectTo, waiting.Request = "POST https://acme.mcpauth.example/api/oauth/login\n\n{}", "https://acme.mcpauth.example/oauth/sign-in/own/callback", ""
	return []sample{{"simulator", dashboard, OwnSimulator(simulator)}, {"simulator-told", dashboard, OwnSimulator(told)}, {"simulator-waits", dashboard, OwnSimulator(waiting)}, {"test", dashboard, Test(page)}, {"test-walked", dashboard, Test(walked)}, {"test-leave", dashboard, Test(leaving)}, {"test-done", dashboard, Test(done)},
		{"test-stopped", dashboard, Test(stopped)}, {"test-empty", dashboard, Test(none)}}
}
