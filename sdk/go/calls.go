package mcpauth

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// callsEvery is the pause between two reports.
	callsEvery = 10 * time.Second
	// callsFull is how many different entries cause a report at once, and callsMost how many are kept when none gets through.
	callsFull = 200
	callsMost = 400
	// callsTool, callsReason and callsNeeded bound what is told of a name, in characters.
	callsTool   = 128
	callsReason = 64
	callsNeeded = 300
	// callsPeek is the longest body that is read only to learn the tool's name, in bytes.
	callsPeek = 1 << 20
)

// callKey is what calls are counted by.
type callKey struct{ grant, tool, outcome, reason, cause, needed string }

type callEntry struct {
	Grant   string `json:"sid"`
	Tool    string `json:"tool,omitempty"`
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Cause   string `json:"cause,omitempty"`  // what was wrong with a refused token
	Needed  string `json:"needed,omitempty"` // the scopes that a refused call needs
	Count   int64  `json:"count"`
	At      int64  `json:"at"` // of the last one, seconds since 1970
}

// callReports counts calls and tells the project of them from time to time: which grant called which tool and how it went, never with
// what. A request never waits for it, and what does not get through is dropped rather than kept without bound.
type callReports struct {
	guard *Guard

	mu      sync.Mutex
	entries map[callKey]*callEntry
	timer   *time.Timer // runs while there is something to tell
}

// add counts one call of each tool; without any it counts a request that calls none.
func (c *callReports) add(grant string, tools []string, outcome, reason string) {
	c.count(callKey{grant: grant, outcome: outcome, reason: printable(reason, callsReason)}, tools)
}

// refused counts a call that was not let through, with why: a token for another server is told, too, since its owner wants to see it.
func (c *callReports) refused(grant string, tools []string, why *refusal) {
	key := callKey{grant: grant, outcome: "refused", reason: printable(why.code, callsReason), cause: why.cause}
	if why.code == "insufficient_scope" {
		key.needed = printable(strings.Join(why.scopes, " "), callsNeeded)
	}
	c.count(key, tools)
}

func (c *callReports) count(key callKey, tools []string) {
	if c.guard.config.DisableCallReports || key.grant == "" {
		return
	}
	if len(tools) == 0 {
		tools = []string{""}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[callKey]*callEntry{}
	}
	for _, tool := range tools {
		key.tool = printable(tool, callsTool)
		entry := c.entries[key]
		if entry == nil {
			if len(c.entries) >= callsMost {
				continue
			}
			entry = &callEntry{Grant: key.grant, Tool: key.tool, Outcome: key.outcome, Reason: key.reason, Cause: key.cause, Needed: key.needed}
			c.entries[key] = entry
		}
		entry.Count++
		entry.At = c.guard.now().Unix()
	}
	switch {
	case c.timer == nil:
		c.timer = time.AfterFunc(callsEvery, c.flush)
	case len(c.entries) == callsFull:
		c.timer.Reset(0)
	}
}

// flush tells what was counted.
func (c *callReports) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	c.send(ctx)
}

func (c *callReports) send(ctx context.Context) {
	c.mu.Lock()
	entries := c.entries
	c.entries, c.timer = nil, nil
	c.mu.Unlock()
	if len(entries) == 0 {
		return
	}
	known, err := c.guard.settings.get(ctx)
	if err != nil || known.CallsEndpoint == "" {
		return
	}
	report := struct {
		Calls []*callEntry `json:"calls"`
	}{}
	for _, entry := range entries {
		report.Calls = append(report.Calls, entry)
	}
	body, err := json.Marshal(report)
	if err != nil {
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, known.CallsEndpoint, bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+c.guard.secret.value)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(headerGuardVersion, guardVersion)
	response, err := c.guard.client.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if err != nil || response.StatusCode != http.StatusNoContent {
		c.guard.config.Logger.Debug("mcpauth: a report of calls did not get through")
	}
}

// peekTools learns for the report alone which tools a request calls. What it cannot read it leaves to the handler.
func (g *Guard) peekTools(r *http.Request) []string {
	if g.config.DisableCallReports || r.Method != http.MethodPost {
		return nil
	}
	if r.Header.Get("Mcp-Method") == "tools/call" {
		return []string{r.Header.Get("Mcp-Name")}
	}
	if r.Body == nil || r.ContentLength <= 0 || r.ContentLength > callsPeek || r.Header.Get("Content-Encoding") != "" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	rest := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), failing{err}), rest}
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	tools, err := toolNames(body)
	if err != nil {
		return nil
	}
	return tools
}

// failing repeats the error that reading ended with.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// printable cuts a text and replaces what does not print.
func printable(text string, most int) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	if runes := []rune(clean); len(runes) > most {
		return string(runes[:most])
	}
	return clean
}

// watcher sees the status of an answer on its way.
type watcher struct {
	http.ResponseWriter

	status int
}

func (w *watcher) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Flush is here for handlers that ask for http.Flusher; everything else is reached through Unwrap.
func (w *watcher) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// outcome is what the report says of an answer.
func (w *watcher) outcome() string {
	if w.status >= http.StatusBadRequest {
		return "error"
	}
	return "ok"
}
