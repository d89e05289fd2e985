// Package doctor walks to an MCP server as a client does before its person signs in, and says of every answer whether clients can work
// with it, what exactly differs and what to do. It trusts nothing it is told: it prints what servers say in quotes only.
package doctor

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// UserAgent is what every request says it comes from: a project's timeline marks it as a test.
const UserAgent = "mcpauth-doctor"

// Level says how bad a finding is.
type Level string

// Levels of findings: clients fail, or some clients fail or do less.
const (
	Fail Level = "fail"
	Warn Level = "warn"
)

// Finding is one difference between an answer and what clients need.
type Finding struct {
	Level Level `json:"level"`
	// Difference says what was expected and what came.
	Difference string `json:"difference"`
	// Advice says what to do about it.
	Advice string `json:"advice"`
}

// Step is one request and what was found in its answer.
type Step struct {
	// Request is the method and the URL.
	Request string `json:"request"`
	// Purpose says why a client sends it.
	Purpose string `json:"purpose"`
	// Answer is the status, or the error when there was no answer.
	Answer string `json:"answer"`
	// Findings is empty when the step passes.
	Findings []Finding `json:"findings"`
}

// Report is everything a run found.
type Report struct {
	// URL is the address of the MCP server as it was typed.
	URL string `json:"url"`
	// Passed is false when at least one finding is a failure; warnings alone pass.
	Passed bool `json:"passed"`
	// Steps are the requests in the order of sending.
	Steps []*Step `json:"steps"`
}

// Options say how to look.
type Options struct {
	// Client sends the requests; nil: one with a time limit of 10 seconds. Its redirect policy is not used: redirects are findings.
	Client *http.Client
	// ProtocolVersion is what the client says it speaks; empty: 2025-11-25.
	ProtocolVersion string
	// Register tries client registration, which leaves a client behind.
	Register bool
}

// Run examines the MCP server at the address, which is to be exactly what people type into clients.
func Run(ctx context.Context, address string, o Options) Report {
	client := http.Client{Timeout: 10 * time.Second}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v := &request{ctx: ctx, client: &client, address: address, register: o.Register, version: cmp.Or(o.ProtocolVersion, protocolVersion)}
	v.walk()
	report := Report{URL: address, Passed: true, Steps: v.steps}
	for _, s := range v.steps {
		for _, f := range s.Findings {
			report.Passed = report.Passed && f.Level != Fail
		}
	}
	return report
}

func (v *request) walk() {
	if !v.checkAddress() {
		return
	}
	said, guarded := v.challenge()
	if !guarded {
		return
	}
	v.preflight(v.address, "Authorization, Content-Type, MCP-Protocol-Version")
	issuer, found := v.resource(said)
	if !found {
		return
	}
	m, found := v.issuer(issuer)
	if !found {
		return
	}
	v.scopes(said, m)
	v.keys(m)
	if m.TokenEndpoint != "" {
		v.preflight(m.TokenEndpoint, "Authorization, Content-Type")
		v.tokenError(m.TokenEndpoint)
	}
	if m.RegistrationEndpoint != "" {
		v.preflight(m.RegistrationEndpoint, "Content-Type")
	}
	if v.register {
		v.tryRegistration(m.RegistrationEndpoint)
	}
}

func (s *Step) fail(difference, advice string) {
	s.Findings = append(s.Findings, Finding{Level: Fail, Difference: difference, Advice: advice})
}

func (s *Step) warn(difference, advice string) {
	s.Findings = append(s.Findings, Finding{Level: Warn, Difference: difference, Advice: advice})
}
