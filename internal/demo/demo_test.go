package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/oauth2"
)

// bearer is a client that was given its token, and only remembers what a challenge asked for.
type bearer struct {
	token string
	scope string
}

func (b *bearer) TokenSource(context.Context) (oauth2.TokenSource, error) {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: b.token}), nil
}

func (b *bearer) Authorize(_ context.Context, _ *http.Request, response *http.Response) error {
	defer response.Body.Close()
	b.scope = response.Header.Get("WWW-Authenticate")
	return errors.New("challenged")
}

var _ auth.OAuthHandler = (*bearer)(nil)

// start runs the demo server in front of a stand-in project, where the token "user/scope,scope" is that user's with
// these scopes.
func start(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	project := httptest.NewServer(mux)
	t.Cleanup(project.Close)
	secret := "mcpauth_rs_" + base64.RawURLEncoding.EncodeToString([]byte(project.URL)) + "." + strings.Repeat("s", 43)
	handler, err := New(secret, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	answer := func(w http.ResponseWriter, value map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	}
	mux.HandleFunc("GET /api/oauth/server", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": project.URL, "issuers": []string{project.URL}, "resource": web.URL + Path, "resource_name": "Demo tools",
			"scopes_supported": []string{ToolsScope, WriteScope}, "default_scopes": []string{ToolsScope},
			"introspection_endpoint":        project.URL + "/api/oauth/introspect",
			"authorization_server_metadata": project.URL + "/.well-known/oauth-authorization-server",
		})
	})
	mux.HandleFunc("POST /api/oauth/introspect", func(w http.ResponseWriter, r *http.Request) {
		user, scopes, ok := strings.Cut(r.PostFormValue("token"), "/")
		answer(w, map[string]any{
			"active": ok, "iss": project.URL, "sub": user, "aud": web.URL + Path, "client_id": "client-1", "token_type": "Bearer",
			"scope": strings.NewReplacer("+", " ", "_", ":").Replace(scopes), "exp": time.Now().Add(time.Hour).Unix(), "username": user + "@example.com",
		})
	})
	return web
}

const (
	reader = "/mcp_tools"
	writer = "/mcp_tools+notes_write"
)

func connect(t *testing.T, web *httptest.Server, client *bearer) *mcp.ClientSession {
	t.Helper()
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(
		t.Context(), &mcp.StreamableClientTransport{Endpoint: web.URL + Path, OAuthHandler: client}, nil)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call returns the tool's text, and whether the tool itself reported an error.
func call(t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any) (string, bool) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	part, ok := result.Content[0].(*mcp.TextContent)
	if !ok {
		t.Fatalf("%s: content %T", tool, result.Content[0])
	}
	return part.Text, result.IsError
}

func TestTools(t *testing.T) {
	t.Parallel()
	web := start(t)
	ada := connect(t, web, &bearer{token: "ada" + writer})
	eve := connect(t, web, &bearer{token: "eve" + writer})

	listed, err := ada.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
	}
	if got := strings.Join(names, " "); got != "add_note list_notes whoami" {
		t.Errorf("tools %q", got)
	}
	steps := []struct {
		name      string
		session   *mcp.ClientSession
		tool      string
		arguments map[string]any
		want      string
		failed    bool
	}{
		{"greeting", ada, "whoami", nil, "Hello ada@example.com. You are user ada, connected through client client-1. This connection allows: mcp:tools, notes:write.", false},
		{"nothing yet", ada, "list_notes", nil, "You have no notes yet. The tool add_note adds one.", false},
		{"first note", ada, "add_note", map[string]any{"text": " buy milk "}, "Added note 1: buy milk", false},
		{"second note", ada, "add_note", map[string]any{"text": "call <Bob>"}, "Added note 2: call <Bob>", false},
		{"both notes", ada, "list_notes", nil, "1. buy milk\n2. call <Bob>", false},
		{"not another user's", eve, "list_notes", nil, "You have no notes yet. The tool add_note adds one.", false},
		{"empty note", ada, "add_note", map[string]any{"text": "  "}, "the note is empty", true},
		{"long note", ada, "add_note", map[string]any{"text": strings.Repeat("ä", maxNoteLength+1)}, "the note is longer than 2000 characters", true},
		{"longest note", eve, "add_note", map[string]any{"text": strings.Repeat("ä", maxNoteLength)}, "Added note 1: " + strings.Repeat("ä", maxNoteLength), false},
	}
	for _, step := range steps {
		if got, failed := call(t, step.session, step.tool, step.arguments); got != step.want || failed != step.failed {
			t.Errorf("%s: %q (error %v), want %q (error %v)", step.name, got, failed, step.want, step.failed)
		}
	}
}

func TestNotesAreBounded(t *testing.T) {
	t.Parallel()
	notes := newNotebook()
	add := func(user string) error {
		info := &auth.TokenInfo{Extra: map[string]any{"iss": "https://issuer.example", "sub": user}}
		_, _, err := notes.add(t.Context(), &mcp.CallToolRequest{Extra: &mcp.RequestExtra{TokenInfo: info}}, noteInput{Text: "x"})
		return err
	}
	for i := range maxNotesPerUser {
		if err := add("ada"); err != nil {
			t.Fatalf("note %d: %v", i+1, err)
		}
	}
	if err := add("ada"); err == nil {
		t.Error("no limit of notes")
	}
	for i := range maxUsers - 1 {
		if err := add(fmt.Sprint("user-", i)); err != nil {
			t.Fatalf("user %d: %v", i+2, err)
		}
	}
	if err := add("one-more"); err == nil {
		t.Error("no limit of users")
	}
}

func TestToolsNeedTheGuard(t *testing.T) {
	t.Parallel()
	notes := newNotebook()
	for _, extra := range []*mcp.RequestExtra{nil, {}, {TokenInfo: &auth.TokenInfo{UserID: "ada"}}} {
		request := &mcp.CallToolRequest{Extra: extra}
		if _, _, err := whoami(t.Context(), request, nothing{}); err == nil {
			t.Errorf("whoami answered without the guard: %+v", extra)
		}
		if _, _, err := notes.list(t.Context(), request, nothing{}); err == nil {
			t.Errorf("list_notes answered without the guard: %+v", extra)
		}
		if _, _, err := notes.add(t.Context(), request, noteInput{Text: "x"}); err == nil {
			t.Errorf("add_note answered without the guard: %+v", extra)
		}
	}
}

func TestAddNoteAsksForItsScope(t *testing.T) { // R8
	t.Parallel()
	client := &bearer{token: "ada" + reader}
	session := connect(t, start(t), client)
	if got, failed := call(t, session, "list_notes", nil); failed {
		t.Errorf("list_notes: %s", got)
	}
	if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "add_note", Arguments: map[string]any{"text": "x"}}); err == nil {
		t.Fatal("add_note succeeded without its scope")
	}
	if !strings.Contains(client.scope, `error="insufficient_scope"`) || !strings.Contains(client.scope, `scope="mcp:tools notes:write"`) {
		t.Errorf("challenge %q", client.scope)
	}
}

// Clients of both kinds of revision: with initialize, and with everything in one request.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	web := start(t)
	const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
	tests := []struct {
		name, token, version, body string
		status                     int
		contains                   string
	}{
		{"no token", "", "", `{}`, 401, "unauthorized"},
		{"no scope", "ada/other", "", `{}`, 403, "insufficient_scope"},
		{"initialize", "ada" + reader, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, 200, "mcpauth-demo"},
		{"call without session", "ada" + reader, "2025-11-25", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{}}}`, 200, "Hello ada@example.com"},
		{"call of the stateless revision", "ada" + reader, "2026-07-28", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{},` + meta + `}}`, 200, "Hello ada@example.com"},
		{"too long", "ada" + reader, "", `{"a":"` + strings.Repeat("x", maxRequestBytes) + `"}`, 413, "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web.URL+Path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", "application/json, text/event-stream")
			if test.token != "" {
				request.Header.Set("Authorization", "Bearer "+test.token)
			}
			if test.version != "" {
				request.Header.Set("MCP-Protocol-Version", test.version)
			}
			if test.version >= "2026" {
				request.Header.Set("Mcp-Method", "tools/call")
				request.Header.Set("Mcp-Name", "whoami")
			}
			answer, err := web.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != test.status || !strings.Contains(string(body), test.contains) {
				t.Errorf("status %d, want %d with %q: %s", answer.StatusCode, test.status, test.contains, body)
			}
		})
	}
}

func TestBadSecret(t *testing.T) {
	t.Parallel()
	if _, err := New("", nil); err == nil || !strings.Contains(err.Error(), "RegistrationSecret") {
		t.Errorf("error %v", err)
	}
}
