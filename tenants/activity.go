package tenants

import (
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
)

// Step is a step of a connection attempt, as the timeline shows it.
type Step string

// The steps, in the order in which a client takes them.
const (
	StepMetadata     Step = "metadata"     // the issuer's metadata was fetched
	StepRegistration Step = "registration" // the client registered
	StepDocument     Step = "document"     // the client's metadata document was looked at
	StepAuthorize    Step = "authorize"    // the browser came with a request
	StepSignUp       Step = "sign_up"
	StepSignIn       Step = "sign_in"
	StepConsent      Step = "consent"
	StepDeny         Step = "deny"    // the person said no, which is an end like any other
	StepToken        Step = "token"   // the code was exchanged
	StepRefresh      Step = "refresh" // a refresh token was exchanged
	StepCall         Step = "call"    // the first call that an MCP server let through
	StepRefusal      Step = "refusal" // an MCP server refused a token
	StepRevoke       Step = "revoke"
)

// Outcome says how a step ended.
type Outcome string

// Outcomes: refused is the other side's doing, failed ours.
const (
	OutcomeOK      Outcome = "ok"
	OutcomeRefused Outcome = "refused"
	OutcomeFailed  Outcome = "failed"
)

// Activity is one step that somebody took at a project. It holds no secret, no address of a person and no whole network address.
type Activity struct {
	ID id.ID
	At time.Time
	// AttemptID is that of the authorization request and of everything that followed from it; zero before, and where only the grant is
	// known yet.
	AttemptID id.ID
	Step      Step
	Outcome   Outcome

	ClientID, ClientName, ClientVersion string
	// Source is the network that the request came from: 24 bits of an IPv4 address, 48 of an IPv6 address.
	Source string
	// Agent is the User-Agent header, at most 200 bytes.
	Agent     string
	RequestID string

	UserID, GrantID, ServerID id.ID

	// Tool is the tool of an MCP server that was called.
	Tool string

	// Code is the OAuth error code of a step that did not end well, Reason says why in words. Parameter is the one that was wrong, Got
	// what it was, Expected the value that would have been right, Advice what to do. All but Code may stand beside a good outcome that
	// deserves a remark.
	Code, Reason, Parameter, Got, Expected, Advice string

	// Test tells that the dashboard's test page or mcpauth doctor took the step: it never counts as a failure.
	Test bool
}

// testAgents begin the User-Agent of our own programs that only look. Whoever claims it hides nothing but their own failures.
var testAgents = []string{"mcpauth-doctor", "mcpauth-test"}

// IsTestAgent tells whether a User-Agent is that of a program of ours that only looks.
func IsTestAgent(agent string) bool {
	return slices.ContainsFunc(testAgents, func(own string) bool { return strings.HasPrefix(agent, own) })
}

// TestClientID is the client ID that our own programs ask with to be refused: how a server refuses is what they look at.
const TestClientID = "mcpauth-doctor"

// ActivityFilter says which attempts are wanted.
type ActivityFilter struct {
	// Before leaves out attempts that began or failed then or later; zero: from the newest on.
	Before time.Time
	// Limit is how many attempts at most, 1 to 100.
	Limit int
	// Failures leaves out all attempts but those that ended with a failure.
	Failures bool
	// ClientID leaves out the attempts of other clients; empty: all clients.
	ClientID string
}

// ActivityLoose is how far from an authorization request a step may lie and still be taken for a part of the same attempt.
const ActivityLoose = 10 * time.Minute

// ActivityRetention is how long steps are kept, and ActivityMax how many of a project: the oldest go first.
const (
	ActivityRetention = 30 * 24 * time.Hour
	ActivityMax       = 1_000_000
)
