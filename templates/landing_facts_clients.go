package templates

// clientHabit is what a real client does at an issuer, and what the issuer does about it.
type clientHabit struct{ client, does, here string }

// clientHabits were observed with the clients themselves or reported in their public trackers.
var clientHabits = []clientHabit{
	{"Claude Code", "Identifies itself with a document, returns to another port of the computer each time, and shares one refresh token between its processes.",
		"The port may differ and nothing else. A lost or doubled renewal within a minute gets the same successor."},
	{"Claude, web and desktop", "Calls from Anthropic's servers. Some connections get a token and never use it.",
		"The timeline ends with the step that was missing and says what to look at."},
	{"ChatGPT", "Registers itself and acts for thousands of people from a few addresses.",
		"The same registration twice is one client. Limits are wide where every connection passes."},
	{"Cursor", "Returns to an address with a scheme of its own, cursor://.",
		"Accepted when it is exactly the registered one, and shown as an app on the person's computer."},
	{"VS Code", "Registers several return addresses and falls back to another port when its own is taken.",
		"Every address is judged by itself; one that cannot be taken is named in the answer."},
	{"Codex", "Leaves the resource out when it renews, and insists on the issuer in each answer.",
		"The resource is the grant's. Every answer carries the issuer, errors too."},
}

// complaint is what people reported of another system, with where it can be read.
type complaint struct{ system, report, source, here string }

// complaints were gathered from public threads and documentation in November 2026.
var complaints = []complaint{
	{"Auth0", "Protection of open registration is for enterprise customers; clients fill the tenant's limit.", "Auth0 docs, dynamic client registration", "On every plan. Unused registrations go by themselves."},
	{"Better Auth", "Deleting a consent leaves its tokens alive.", "buildinternet/uploads #891", "Disconnecting ends the connection at every guard within a second."},
	{"Clerk", "Deleting a client does not revoke what it holds.", "Clerk docs, OAuth applications", "Blocking and deleting end every grant in the same transaction."},
	{"Hydra", "No resource indicators (RFC 8707), no client id metadata documents.", "ory/hydra #4061", "Both, always on."},
	{"Keycloak", "Registration with unknown members is refused; resource is experimental.", "keycloak #43514, #53102", "Unknown members are ignored. A token names exactly one server."},
	{"Scalekit", "Logs of single connections are not self-serve.", "Scalekit docs, troubleshooting", "A timeline of every attempt, with the value that was wrong beside the one expected."},
	{"Stytch", "The consent page is yours to build and host.", "Stytch docs, Connected Apps", "Hosted, branded, and its warnings cannot be styled away."},
	{"Supabase", "resource, offline_access and public clients were each answered 400.", "supabase/auth #2820, #2610, #2628", "Accepted as clients send them."},
	{"WorkOS", "The audience of tokens depends on a setting of the dashboard.", "MCPJam/inspector #3879", "The audience is the MCP server, made with the project."},
}

// cost is CPU time per operation as a multiple of a bare server that does only what cannot be left out, measured in the same round.
type cost struct{ operation, here, oidc, better, hydra string }

// costs: node oidc-provider 9.13.3 with PostgreSQL, Better Auth 1.7.5, Ory Hydra v26.2.0; two cores, PostgreSQL 15, November 2026.
var costs = []cost{
	{"Discovery", "1.5", "7.0", "10.8", "69.6"},
	{"Registration", "1.9", "3.7", "9.8", "25.5"},
	{"Sign-in to token, whole flow", "2.9", "7.3", "21.8", "26.5"},
	{"Refresh", "1.9", "5.3", "18.9", "10.9"},
	{"Introspection", "1.4", "5.0", "26.5", "10.8"},
}
