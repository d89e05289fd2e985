package oauth

import (
	"context"
	"encoding/json"

	"mcpauth.example/internal/id"
)

// Trace is what a request turned out to be about, for whoever keeps a timeline. It is filled on the way, so it is of use for a request
// that failed as well. It holds nothing secret.
type Trace struct {
	FlowID, GrantID, UserID, ServerID id.ID
	// ClientID is the claimed one where the client is not known.
	ClientID, ClientName, ClientVersion string
	// GrantType is the one of a token request.
	GrantType string
	// Document is the judgement of the client's metadata document, if one was looked at.
	Document *DocumentTrace
	// Forgiven tells that a refresh token was presented again within the grace: which of the lineage, and which one lives.
	Forgiven          bool
	Presented, Living uint64
	// Requested and Granted are the scopes, where the answer has not all of those that were asked for.
	Requested, Granted []string
	// Refusal is why an MCP server was told that a token is not active; nil: it was not.
	Refusal *Error
}

// DocumentTrace is how the look at a metadata document ended; a nil error is a good end.
type DocumentTrace struct{ Err error }

type traceKey struct{}

// WithTrace returns a context in which a Server fills the trace.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf is the trace of a context; never nil.
func TraceOf(ctx context.Context) *Trace {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok {
		return t
	}
	return &Trace{}
}

// claim notes the id of a client that is not known yet.
func (t *Trace) claim(id string) { t.ClientID = plain(cut(id, clientIDMax)) }

func (t *Trace) client(c Client) {
	t.ClientID, t.ClientName = c.ID, c.Name
	var details registrationDetails
	if json.Unmarshal(c.Metadata, &details) == nil {
		t.ClientVersion = details.SoftwareVersion
	}
}

// grant notes what the store told; the reference that led there was authentic.
func (t *Trace) grant(g GrantState) {
	t.UserID, t.ServerID = g.UserID, g.ServerID
}

// narrowed notes scopes that were asked for and not given.
func (t *Trace) narrowed(requested, granted []string) {
	if len(requested) > len(granted) {
		t.Requested, t.Granted = requested, granted
	}
}
