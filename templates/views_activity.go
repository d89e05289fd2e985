package templates

import (
	"time"

	"mcpauth.example/templates/ui"
)

// ActivityPage is the connection timeline. Its filters are show ("failures" or "all") and client.
type ActivityPage struct {
	Shell
	ShowAll             bool
	Client, ClientID    string // what is filtered by; empty: nothing
	AllHref, FailedHref string
	Live                bool
	LiveHref, ClearHref string
	Attempts            []AttemptView
	First, Next         string
	// TailHref is what a live page replaces its list with.
	TailHref string
}

// AttemptPage is one attempt of a client.
type AttemptPage struct {
	Shell
	Attempt   AttemptView
	ListHref  string
	ShareHref string // absolute, for a colleague
}

// AttemptView is one attempt of a client to connect.
type AttemptView struct {
	Href, Client, ClientHref, Version string
	State, Tone, Why                  string // what became of it, and why; Why is empty where there is nothing to explain
	Started, Last                     time.Time
	Open                              bool // shown with its steps
	Test                              bool // our own test page, or mcpauth doctor
	Steps                             []StepView
	Advice                            string
}

// StepView is one step of an attempt.
type StepView struct {
	Label, Outcome, Tone                       string // Label is the reason where it did not end well; Tone is ok, bad or idle
	Stage, Remark, Tries                       string // where a reason belongs; what to know of a good step; at which try it passed
	At                                         time.Time
	After                                      string // since the step before
	Probable                                   bool
	Code, Parameter, Got, Expected, Advice     string
	Source, Agent, RequestID, Tool, Curl, User string
}

// OverviewPage says how a project is doing.
type OverviewPage struct {
	Shell
	Name, Issuer, MetadataURL     string
	Aliases                       []string
	Suspended                     bool
	Charts                        []ui.BarsProps
	Users, Connections            string
	SetUpHref                     string // to the first MCP server without a connection; empty: something is connected
	Failing                       []AttemptView
	Latest                        []AttemptView
	ActivityHref, ConnectionsHref string
	UsersHref, TestHref           string
	Attention                     []AttentionLine
}

// AttentionLine is something to look at.
type AttentionLine struct{ Tone, Text, Href, Link string }
