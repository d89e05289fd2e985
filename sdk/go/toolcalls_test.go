package mcpauth

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

func callOf(tool string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"name":"x"}}}`
}

func TestToolScopes(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.put("writer", map[string]any{"scope": "mcp:tools notes:write"})
	p.put("write-only", map[string]any{"scope": "notes:write"})
	required := Config{RequiredScopes: []string{"mcp:tools"}}
	required.ToolScopes = map[string][]string{"add_note": {"notes:write"}, "purge": {"notes:write", "notes:purge"}}
	guard, _ := newTestGuard(t, p, required)
	handler := guard.Protect(echo)
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`

	tests := []struct {
		name, token, body string
		status            int
		scope             string // of the challenge
	}{
		{"another method", "good", list, 200, ""},
		{"another tool", "good", callOf("list_notes"), 200, ""},
		{"name of the tool elsewhere", "good", `{"method":"prompts/get","params":{"name":"add_note"}}`, 200, ""},
		{"response", "good", `{"jsonrpc":"2.0","id":1,"result":{"name":"add_note"}}`, 200, ""},
		{"call without params", "good", `{"method":"tools/call"}`, 200, ""},
		{"name that is no string", "good", `{"method":"tools/call","params":{"name":["add_note"]}}`, 200, ""},
		{"nested look-alikes do not matter", "good", `{"method":"tools/call","params":{"name":"list_notes","arguments":{"NAME":"add_note"}}}`, 200, ""},
		{"lacking the tool's scope (R8)", "good", callOf("add_note"), 403, "mcp:tools notes:write"},
		{"escaped name", "good", callOf(`\u0061dd_note`), 403, "mcp:tools notes:write"},
		{"params before method", "good", `{"params":{"name":"add_note"},"method":"tools/call"}`, 403, "mcp:tools notes:write"},
		{"white space in front", "good", " \n\t" + callOf("add_note"), 403, "mcp:tools notes:write"},
		{"batch", "good", "[" + list + "," + callOf("add_note") + "]", 403, "mcp:tools notes:write"},
		{"notification", "good", `{"method":"tools/call","params":{"name":"add_note"}}`, 403, "mcp:tools notes:write"},
		{"all scopes in one challenge (R8)", "write-only", callOf("purge"), 403, "mcp:tools notes:write notes:purge"},
		{"having the tool's scope", "writer", callOf("add_note"), 200, ""},
		{"batch with one that lacks more", "writer", " [" + callOf("add_note") + "," + callOf("purge") + "]", 403, "mcp:tools notes:write notes:purge"},
		{"no body", "good", "", 200, ""},
		{"white space only", "good", "  ", 200, ""},
		{"batch of nothing", "good", "[]", 200, ""},
		{"other JSON", "good", `[1,null,"add_note",[{"method":"tools/call"}]]`, 200, ""},
		{"two methods (catalogue 25)", "good", `{"method":"tools/list","method":"tools/call","params":{"name":"add_note"}}`, 400, ""},
		{"two names (catalogue 25)", "good", `{"method":"tools/call","params":{"name":"list_notes","name":"add_note"}}`, 400, ""},
		{"two params (catalogue 25)", "good", `{"method":"tools/call","params":{"name":"list_notes"},"params":{"name":"add_note"}}`, 400, ""},
		{"other case (catalogue 25)", "good", `{"Method":"tools/call","params":{"name":"add_note"}}`, 400, ""},
		{"other case of a letter beyond ASCII (catalogue 25)", "good", `{"method":"tools/call","param\u017f":{"name":"add_note"}}`, 400, ""},
		{"second value (catalogue 25)", "good", list + callOf("add_note"), 400, ""},
		{"not JSON", "good", `{"method":`, 400, ""},
		{"byte order mark", "good", "\ufeff" + callOf("add_note"), 400, ""},
		{"deep nesting (catalogue 24)", "good", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), 400, ""},
		{"bad token: the body does not matter", "unknown", `{"method":`, 401, "mcp:tools"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := call(handler, "POST", "/mcp", test.token, test.body)
			if answer.Code != test.status {
				t.Fatalf("status %d, want %d: %s", answer.Code, test.status, answer.Body)
			}
			switch test.status {
			case http.StatusOK:
				if got := decode[echoed](t, answer).Body; got != test.body {
					t.Errorf("the handler read %q, want %q", got, test.body)
				}
			case http.StatusBadRequest:
				rpc := decode[struct {
					JSONRPC string
					Error   struct{ Code int }
				}](t, answer)
				if rpc.JSONRPC != "2.0" || rpc.Error.Code > -32600 {
					t.Errorf("not a JSON-RPC error: %s", answer.Body)
				}
			case http.StatusForbidden:
				got := challengeOf(t, answer.Header())
				delete(got, "error_description")
				want := map[string]string{"error": "insufficient_scope", "scope": test.scope, "resource_metadata": metadataURL}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("challenge (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestToolScopesBesideDefaultScopes(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{ToolScopes: map[string][]string{"add_note": {"notes:write"}}})
	answer := call(guard.Protect(echo), "POST", "/mcp", "good", callOf("add_note"))
	if got := challengeOf(t, answer.Header())["scope"]; answer.Code != 403 || got != "mcp:tools notes:write" {
		t.Errorf("status %d, scope %q: a client that does not add scopes up would lose the default ones", answer.Code, got)
	}
}

func TestBodyLimits(t *testing.T) { // catalogue 24
	t.Parallel()
	p := newProject(t)
	limited := Config{MaxBodyBytes: 100, ToolScopes: map[string][]string{"add_note": {"notes:write"}}}
	guard, _ := newTestGuard(t, p, limited)
	handler := guard.Protect(echo)
	exact := `{"a":"` + strings.Repeat("x", 92) + `"}`
	if got := call(handler, "POST", "/mcp", "good", exact).Code; got != 200 {
		t.Errorf("at the limit: status %d, want 200", got)
	}
	if got := call(handler, "POST", "/mcp", "good", exact+" ").Code; got != http.StatusRequestEntityTooLarge {
		t.Errorf("above the limit: status %d, want 413", got)
	}
	if got := call(handler, "POST", "/mcp", "good", "{}", "Content-Encoding", "gzip").Code; got != http.StatusUnsupportedMediaType {
		t.Errorf("compressed: status %d, want 415", got)
	}
	if got := call(handler, "POST", "/mcp", "unknown", exact+" ").Code; got != 401 {
		t.Errorf("without a valid token: status %d, want 401", got)
	}
	free, _ := newTestGuard(t, p, Config{MaxBodyBytes: 100})
	if got := call(free.Protect(echo), "POST", "/mcp", "good", exact+" ").Code; got != 200 {
		t.Errorf("without tool scopes the body is the handler's matter: status %d, want 200", got)
	}
}

// FuzzToolNames holds the guard's reading against those of the go-sdk and of encoding/json: a tool that either would
// call must be among the names, or the body refused.
func FuzzToolNames(f *testing.F) {
	for _, seed := range []string{
		callOf("add_note"), "[" + callOf("a") + "]", `{"Method":"tools/call","params":{"name":"a"}}`,
		`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a","name":"b"}}`, `{"method":"tools/call"} {}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(strings.TrimSpace(string(body))) == 0 {
			return
		}
		names, err := toolNames(body)
		if err != nil {
			return
		}
		var calls []string
		if message, err := jsonrpc.DecodeMessage(body); err == nil {
			if request, ok := message.(*jsonrpc.Request); ok && request.Method == "tools/call" {
				var params struct {
					Name string `json:"name"`
				}
				_ = json.Unmarshal(request.Params, &params)
				calls = append(calls, params.Name)
			}
		}
		var loose struct {
			Method string
			Params struct{ Name string }
		}
		if json.Unmarshal(body, &loose) == nil && loose.Method == "tools/call" {
			calls = append(calls, loose.Params.Name)
		}
		for _, name := range calls {
			if name != "" && !slices.Contains(names, name) {
				t.Errorf("%q would be called, the guard saw %q in %s", name, names, body)
			}
		}
	})
}
