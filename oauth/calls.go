package oauth

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// PathCalls takes what guards report of the use of grants.
const PathCalls = "/api/oauth/server/calls"

// Limits of one report, and of what is kept of a text, in characters.
const (
	CallsMax       = 500
	callsToolMax   = 128
	callsReasonMax = 64
	callsNeededMax = 300
	callsCountMax  = 1_000_000
	callsOldest    = 24 * time.Hour
)

// Outcomes of a call.
const (
	CallOK      = "ok"      // let through, and answered
	CallError   = "error"   // let through, and answered with an error
	CallRefused = "refused" // not let through
)

// Call is what a guard reports: how often a tool was called with a grant, never with what. An empty tool is a request that calls none.
type Call struct {
	GrantID id.ID  `json:"-"`
	Grant   string `json:"sid"`
	Tool    string `json:"tool"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"` // of a refusal: its OAuth error code
	// Cause and Needed are of a refusal, too, and absent from guards of earlier releases: what was wrong with the token, and which scopes
	// the call needs. What is unknown of them is passed over.
	Cause  string `json:"cause"`
	Needed string `json:"needed"`
	Count  int64  `json:"count"` // absent: 1
	At     int64  `json:"at"`    // of the last one, seconds since 1970; absent: now
	// Age is how long ago At was, by the clock of this process, at least zero and at most a day.
	Age time.Duration `json:"-"`
}

// RecordCalls takes a report of the MCP server behind a registration secret.
func (s *Server) RecordCalls(ctx context.Context, issuer *Issuer, registrationSecret string, body []byte) *Error {
	calls, wrong := readCalls(body)
	now := s.now()
	for i := range calls {
		if wrong == nil {
			wrong = calls[i].check(now)
		}
	}
	if wrong != nil { // the credential is judged first all the same
		calls = nil
	}
	err := s.guards.RecordCalls(ctx, issuer.ID, secret.Hash(registrationSecret), calls)
	switch {
	case isNotFound(err):
		return unknownGuard()
	case err != nil:
		return Fault(err)
	}
	return wrong
}

func readCalls(body []byte) ([]Call, *Error) {
	malformed := newError(InvalidRequest, "Expected one JSON object with the member calls: a list of at most 500 objects with sid, tool, outcome, reason, count and at.")
	members, refused := readMembers(body)
	if refused != nil {
		return nil, malformed
	}
	var calls []Call
	if json.Unmarshal(members["calls"], &calls) != nil || calls == nil || len(calls) > CallsMax {
		return nil, malformed
	}
	return calls, nil
}

// check refuses what a call cannot be, and brings the rest into bounds.
func (c *Call) check(now time.Time) *Error {
	id, err := id.Parse(c.Grant)
	switch {
	case err != nil:
		return newError(InvalidRequest, "Unexpected sid. Expected the claim sid of an access token.").at("sid", "")
	case c.Outcome != CallOK && c.Outcome != CallError && c.Outcome != CallRefused:
		return newError(InvalidRequest, "Unexpected outcome. Expected ok, error or refused.").at("outcome", c.Outcome)
	case c.Count < 0 || c.Count > callsCountMax:
		return newError(InvalidRequest, "Unexpected count. Expected 1 to 1000000.").at("count", "")
	case !isPlain(c.Tool, callsToolMax):
		return newError(InvalidRequest, "Unexpected tool. Expected at most 128 printable characters.").at("tool", "")
	case !isPlain(c.Reason, callsReasonMax):
		return newError(InvalidRequest, "Unexpected reason. Expected at most 64 printable characters.").at("reason", "")
	}
	c.GrantID, c.Count = id, max(1, c.Count)
	if c.At != 0 {
		c.Age = min(max(0, now.Sub(time.Unix(c.At, 0))), callsOldest)
	}
	if c.Outcome != CallRefused {
		c.Reason, c.Cause, c.Needed = "", "", ""
	}
	if !isPlain(c.Needed, callsNeededMax) {
		c.Needed = ""
	}
	return nil
}

func isPlain(text string, most int) bool {
	return utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, unicode.IsControl)
}

// Causes that guards tell of a refused token.
const (
	CauseExpired = "expired"
	CauseServer  = "other_server" // it is for another MCP server
	CauseEnded   = "ended"        // its connection was revoked or has ended
)

// unexpired is what an expired token would have had to be.
const unexpired = "unexpired"

// Refusal says for the project's timeline why a guard refused a call. Got and Expected are completed from the grant.
func (c *Call) Refusal() *Error {
	refused := &Error{Code: Code(c.Reason)}
	switch {
	case refused.Code == InsufficientScope:
		return refused.because(difference{"scope", "", c.Needed, "The call needs a scope that was not granted"})
	case refused.Code == InvalidToken && c.Cause == CauseExpired:
		return refused.because(difference{"exp", "expired", unexpired, "The access token has expired"})
	case refused.Code == InvalidToken && c.Cause == CauseEnded:
		return refused.because(difference{"token", "", "", "The connection was revoked or has ended"})
	case refused.Code == InvalidToken:
		return refused.because(difference{"token", "", "", "The guard did not accept the access token"})
	default:
		refused.Reason = "The guard refused the call"
		return refused
	}
}

// RefusalElsewhere is what the timeline says of a token that was presented at another MCP server than its own.
func RefusalElsewhere() *Error {
	return newError(InvalidToken, "").because(difference{"aud", "", "", "The token is for another MCP server"})
}
