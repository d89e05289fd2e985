package templates

// TestPage walks to an MCP server as a client does. Forms: RunAction and BeginAction (server, profile).
type TestPage struct {
	Shell
	Servers                []Choice
	Profiles               []TestProfile
	Server, Profile        string // chosen
	RunAction, BeginAction string // empty for who may not
	ServersHref            string // where to add an MCP server; empty: there is one
	Alert                  string

	// Ran says that the walk was made; Steps are what it found.
	Ran, Passed bool
	ResourceURL string
	Steps       []TestStep
	// AuthorizeURL leads to the sign-in of the project, as that client; empty: none was asked for.
	AuthorizeURL string
	// Result is what came of it; nil: nothing yet.
	Result *TestResult
}

// TestProfile is a client with what is special about it.
type TestProfile struct{ ID, Name, Habit string }

// TestStep is one request of the walk. Exchange is nil where nothing was sent.
type TestStep struct {
	Purpose, Request, Answer string
	Findings                 []TestFinding
	Exchange                 *TestExchange
}

// TestFinding is a difference between an answer and what clients need.
type TestFinding struct {
	Bad                bool
	Difference, Advice string
}

// TestExchange is a request and its answer without credentials.
type TestExchange struct {
	Request, Answer, Sent, Received string
	SentHeader, ReceivedHeader      []string
}

// TestResult is what an authorization led to. Stopped says where it ended early and why.
type TestResult struct {
	Stopped                         string
	TokenHeader, TokenClaims, Scope string
	Minutes                         int
	Refresh                         bool
	Server                          string
	Tools                           []Choice // name and description
	Exchanges                       []TestExchange
}

// tone of a step: the worst of its findings.
func (s TestStep) tone() string {
	tone := "ok"
	for _, f := range s.Findings {
		if f.Bad {
			return "bad"
		}
		tone = "warn"
	}
	return tone
}

func (s TestStep) word() string {
	return map[string]string{"ok": "Passed", "warn": "Remark", "bad": "Failed"}[s.tone()]
}

// failures counts the steps that failed.
func (p TestPage) failures() (n int) {
	for _, s := range p.Steps {
		if s.tone() == "bad" {
			n++
		}
	}
	return n
}
