package templates

import "time"

// SetUpPage leads from a new MCP server to its first connection.
type SetUpPage struct {
	Shell
	Name, ServerURL, Issuer string
	// Secret is a registration secret just created, shown this once; empty otherwise. EnvFile is its .env line.
	Secret, EnvFile      string
	ServerHref, DocsHref string
	Snippets             []Snippet
	Prompt               string
	Clients              []ClientGuide
	Panel                Panel
}

// ClientGuide says how people add the server to one client.
type ClientGuide struct {
	Label, Code, Text string
	Link, LinkText    string // opens the client; empty: there is no such link
}

// Panel shows how far a connection got. It replaces itself with what Href answers.
type Panel struct {
	Href, ActivityHref string
	Client, Version    string // empty: nobody came yet
	Test               bool   // it is a test of our own
	State              string // what to say of an attempt that waits or came to an end of its own; empty: nothing
	At, Now            time.Time
	Ticks              []Tick
	Done               bool
	Failure            *StepFailure
	Advice             string // where it stopped without a failure
}

// Tick is one step of a first connection.
type Tick struct {
	ID, Label, Text       string
	Done, Current, Failed bool
	At                    time.Time
}

// StepFailure says what was wrong, and at which stage.
type StepFailure struct{ Reason, Stage, Parameter, Got, Expected, Code, Advice string }

// URLRemark is one thing that is known of an address. Tone is that of ui.Notice.
type URLRemark struct{ Tone, Text, Got, Expected string }
