package mcpauth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// authorizer is a client's side that is handed tokens: each challenge is noted and answered with the next token.
type authorizer struct {
	mu         sync.Mutex
	tokens     []string
	challenges []oauthex.Challenge
}

func (a *authorizer) TokenSource(context.Context) (oauth2.TokenSource, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tokens[0] == "" {
		return nil, nil
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: a.tokens[0]}), nil
}

func (a *authorizer) Authorize(_ context.Context, _ *http.Request, response *http.Response) error {
	defer response.Body.Close()
	challenges, err := oauthex.ParseWWWAuthenticate(response.Header.Values("WWW-Authenticate"))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.challenges = append(a.challenges, challenges...)
	if len(a.tokens) == 1 {
		return errors.New("no further token")
	}
	a.tokens = a.tokens[1:]
	return err
}

func (a *authorizer) seen() []oauthex.Challenge {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.challenges
}

// serveTools runs a guarded go-sdk server whose tools answer with who called them.
func serveTools(t *testing.T, p *project, options *mcp.StreamableHTTPOptions) *httptest.Server {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1"}, nil)
	for _, name := range []string{"whoami", "add_note"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			identity, ok := IdentityFrom(r.Extra.TokenInfo)
			if !ok || r.Extra.TokenInfo.UserID != identity.Subject || r.Extra.Header.Get("Authorization") != "" {
				return nil, nil, errors.New("the guard handed on something else than the identity")
			}
			text := identity.Subject + " " + identity.Username + " " + strings.Join(identity.Scopes, " ")
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
	}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	p.set("resource", web.URL+"/mcp")
	guard, _ := newTestGuard(t, p, Config{
		RequiredScopes: []string{"mcp:tools"}, ToolScopes: map[string][]string{"add_note": {"notes:write"}}, CacheTTL: -1,
	})
	guard.Register(mux, "/mcp", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, options))
	return web
}

func connect(t *testing.T, web *httptest.Server, handler auth.OAuthHandler) (*mcp.ClientSession, error) {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: web.URL + "/mcp", OAuthHandler: handler}, nil)
	if err == nil {
		t.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

func callTool(t *testing.T, session *mcp.ClientSession, name string) (string, error) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name})
	if err != nil {
		return "", err
	}
	text := ""
	for _, content := range result.Content {
		if part, ok := content.(*mcp.TextContent); ok {
			text += part.Text
		}
	}
	if result.IsError {
		return "", errors.New(text)
	}
	return text, nil
}

func TestGoSDKClient(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]*mcp.StreamableHTTPOptions{
		"with sessions": nil, "stateless": {Stateless: true}, "JSON answers": {Stateless: true, JSONResponse: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			web := serveTools(t, p, options)
			p.put("first", map[string]any{"aud": web.URL + "/mcp"})
			p.put("second", map[string]any{"aud": web.URL + "/mcp", "scope": "mcp:tools notes:write"})
			client := &authorizer{tokens: []string{"", "first", "second"}}
			session, err := connect(t, web, client)
			if err != nil {
				t.Fatalf("connect: %v", err)
			}
			if got, err := callTool(t, session, "whoami"); err != nil || got != "user-1 ada@example.com mcp:tools" {
				t.Errorf("whoami: %q, %v", got, err)
			}
			if got := len(client.seen()); got != 1 {
				t.Fatalf("%d challenges, want the one of the first request", got)
			}
			if got, err := callTool(t, session, "add_note"); err != nil || got != "user-1 ada@example.com mcp:tools notes:write" {
				t.Errorf("add_note after the step-up: %q, %v", got, err)
			}
			first, second := client.seen()[0].Params, client.seen()[1].Params
			if first["error"] != "" || first["scope"] != "mcp:tools" {
				t.Errorf("first challenge %v", first)
			}
			if second["error"] != "insufficient_scope" || second["scope"] != "mcp:tools notes:write" {
				t.Errorf("second challenge %v", second)
			}
			metadata, err := oauthex.GetProtectedResourceMetadata(t.Context(), second["resource_metadata"], web.URL+"/mcp", nil)
			if err != nil || metadata.AuthorizationServers[0] != p.issuer() {
				t.Errorf("metadata %+v, %v", metadata, err)
			}
			p.revoke("second")
			if _, err := callTool(t, session, "whoami"); err == nil {
				t.Error("a call with a revoked token succeeded")
			}
		})
	}
}

func TestSessionBelongsToItsUser(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	web := serveTools(t, p, nil)
	p.put("ada", map[string]any{"aud": web.URL + "/mcp"})
	p.put("eve", map[string]any{"aud": web.URL + "/mcp", "sub": "user-2"})
	client := &authorizer{tokens: []string{"ada"}}
	session, err := connect(t, web, client)
	if err != nil {
		t.Fatal(err)
	}
	client.mu.Lock()
	client.tokens = []string{"eve"}
	client.mu.Unlock()
	if got, err := callTool(t, session, "whoami"); err == nil {
		t.Errorf("another user's token works in this session: %q", got)
	}
}
