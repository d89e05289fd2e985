package templates

import "fmt"

// The lanes of the drawing, from left to right.
const (
	laneClient = iota
	laneAuth
	laneServer
)

var laneX = [...]int{laneClient: 73, laneAuth: 220, laneServer: 367}

// step is one of the six steps from an unknown client to a checked call, with the message that is drawn for it.
type step struct {
	title, text, message string
	from, to             int
}

var steps = []step{
	{"Discovery", "The client reads one document at a well-known address and knows every other address.", "GET /.well-known/…", laneClient, laneAuth},
	{"Registration", "It introduces itself. Nobody fills in a form, and the same client twice stays one client.", "POST /register", laneClient, laneAuth},
	{"A person allows it", "The browser opens. The person signs in, reads who asks for what, and allows or denies it.", "GET /authorize", laneClient, laneAuth},
	{"Access is issued", "The client exchanges the approval for access that lasts an hour and works at your server only.", "access token", laneAuth, laneClient},
	{"The call", "The client calls your server as before, now with its access in the header.", "POST /mcp", laneClient, laneServer},
	{"The check", "Your server asks what the access is good for before any tool runs. Taken back means refused.", "POST /introspect", laneServer, laneAuth},
}

// start is where the arrow leaves the circle of its lane.
func (s step) start() int {
	if s.from < s.to {
		return laneX[s.from] + 4
	}
	return laneX[s.from] - 4
}

// end is where the arrow's line meets its head.
func (s step) end() int {
	if s.from < s.to {
		return laneX[s.to] - 8
	}
	return laneX[s.to] + 8
}

// head is the path of the arrow's head, its tip on the lane.
func (s step) head() string {
	return fmt.Sprintf("M%d 48L%d 44V52Z", laneX[s.to], s.end())
}

// rule is a promise of the authorization server with the document it comes from.
type rule struct{ name, text, source string }

var rules = []rule{
	{"One exchange per approval", "A code works once, for the client that asked for it and can prove so. A second use ends the access that came of the first.", "OAuth 2.1, RFC 7636"},
	{"One server per access", "Access names your server's exact URL. Presented anywhere else it is refused.", "RFC 8707, RFC 9068"},
	{"Rotation that survives retries", "Renewals rotate. A client that lost an answer gets the same one again for a minute; anything older ends the access.", "OAuth 2.1"},
	{"Exact return addresses", "People are sent back only to an address the client registered, character by character. Only the port on their own computer may differ.", "RFC 8252"},
	{"Consent in plain words", "Who asks, for what, as whom and where it leads: on one page, without script, that nobody else can restyle or frame.", "MCP authorization"},
	{"Nothing to steal at rest", "Codes and renewals are not stored. Forging one takes the database and the master key, which is kept elsewhere.", "RFC 9700"},
}

// landingTicks is a first connection on its way, as the set-up page shows it.
var landingTicks = []Tick{
	{ID: "metadata", Label: "Metadata fetched", Done: true},
	{ID: "client", Label: "Client identified", Done: true},
	{ID: "authorize", Label: "Authorization asked for", Done: true},
	{ID: "sign-in", Label: "Person signed in", Done: true},
	{ID: "consent", Label: "Access allowed", Done: true},
	{ID: "token", Label: "Token issued", Current: true, Text: "The client exchanges its code."},
	{ID: "call", Label: "First guarded call", Text: "The guard lets a tool call through."},
}
