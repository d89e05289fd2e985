package tryout_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"mcpauth.example/internal/doctor"
	"mcpauth.example/internal/egress"
	"mcpauth.example/internal/names"
	"mcpauth.example/internal/tryout"
	"mcpauth.example/tenants"
)

// peer is an authorization server and an MCP server that note what they were sent.
type peer struct {
	*httptest.Server
	token   string
	forms   map[string]url.Values
	refuses bool
	agents  sync.Map // by the request: its User-Agent
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{forms: map[string]url.Values{}}
	encoded := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"somebody"}`))
	p.token = encoded + "." + encoded + ".signature-of-the-token"
	tools := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "2"}, nil)
	mcp.AddTool(tools, &mcp.Tool{Name: "add_note", Description: "Adds a note."}, func(_ context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{}, nil, nil
	})
	guarded := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return tools }, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/metadata", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "revocation_endpoint": p.URL + "/revoke",
			"scopes_supported": []string{"tools", "offline_access"}})
	})
	note := func(name string, answer func(http.ResponseWriter)) {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			p.forms[name] = r.PostForm
			answer(w)
		})
	}
	note("token", func(w http.ResponseWriter) {
		if p.refuses {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"invalid_grant","error_description":"the code is used"}`)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"`+p.token+`","refresh_token":"secret-refresh","scope":"tools","expires_in":3600,"token_type":"Bearer"}`)
	})
	note("revoke", func(http.ResponseWriter) {})
	mux.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+p.token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		guarded.ServeHTTP(w, r)
	})
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.agents.Store(r.Method+" "+r.URL.Path, r.UserAgent())
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) begin(t *testing.T, profile string) (tryout.Tryout, tryout.Plan, url.Values) {
	t.Helper()
	chosen, ok := tryout.FindProfile(profile)
	if !ok {
		t.Fatalf("no profile %s", profile)
	}
	tried := tryout.Tryout{HTTP: p.Client()}
	plan, err := tried.Begin(t.Context(), chosen, p.URL+"/metadata", "client", "https://dashboard.example/callback", p.URL+"/mcp", []string{"tools"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(plan.AuthorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	return tried, plan, u.Query()
}

// The whole road: the habits of the profile are in the requests, the tools are listed, the tokens are given back, and no credential is
// in what is shown.
func TestRoad(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	tried, plan, asked := p.begin(t, "claude-code")
	if asked.Get("scope") != "tools offline_access" || asked.Get("code_challenge_method") != "S256" || asked.Get("resource") != p.URL+"/mcp" || asked.Get("state") != plan.State {
		t.Errorf("asked for %v", asked)
	}
	result := tried.Finish(t.Context(), plan, url.Values{"code": {"secret-code"}, "state": {plan.State}, "iss": {p.URL}})
	if result.Stopped != "" || len(result.Tools) != 1 || result.Tools[0].Name != "add_note" || result.Server != "notes 2" || !result.Refresh || !strings.Contains(result.TokenClaims, `"sub": "somebody"`) {
		t.Fatalf("%+v", result)
	}
	if sent := p.forms["token"]; sent.Get("code") != "secret-code" || sent.Get("code_verifier") != plan.Verifier || sent.Get("resource") != p.URL+"/mcp" {
		t.Errorf("the token endpoint got %v", sent)
	}
	if p.forms["revoke"].Get("token") != "secret-refresh" {
		t.Errorf("the tokens were not given back: %v", p.forms["revoke"])
	}
	shown, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"signature-of-the-token", "secret-refresh", "secret-code", plan.Verifier} {
		if strings.Contains(string(shown), secret) {
			t.Errorf("%q is shown", secret)
		}
	}
	if len(result.Exchanges) < 4 {
		t.Errorf("%d exchanges", len(result.Exchanges))
	}
	if _, plan, asked := p.begin(t, "codex"); asked.Get("scope") != "tools offline_access" {
		t.Error(asked)
	} else if tried.Finish(t.Context(), plan, url.Values{"code": {"x"}, "state": {plan.State}, "iss": {p.URL}}); p.forms["token"].Has("resource") {
		t.Error("codex leaves the resource out of the token request")
	}
}

// Every request of the test page and of mcpauth doctor, sent the way the product sends it, is one that a project's timeline knows for a
// test; what else the product asks for is not.
func TestAgents(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	ours := names.UserAgent("https://mcpauth.example")
	outgoing := egress.New(egress.Config{Agent: ours, Loopback: true}).HTTP(1 << 20)
	tried := tryout.Tryout{HTTP: outgoing}
	profile, _ := tryout.FindProfile("claude-code")
	plan, err := tried.Begin(t.Context(), profile, p.URL+"/metadata", "client", "https://dashboard.example/callback", p.URL+"/mcp", []string{"tools"})
	if err != nil {
		t.Fatal(err)
	}
	if result := tried.Finish(t.Context(), plan, url.Values{"code": {"secret-code"}, "state": {plan.State}, "iss": {p.URL}}); result.Stopped != "" {
		t.Fatal(result.Stopped)
	}
	p.areTests(t, "GET /metadata", "POST /token", "POST /mcp", "POST /revoke")
	tried.Examine(t.Context(), p.URL+"/mcp", profile)
	p.areTests(t, "POST /mcp", "GET /.well-known/oauth-protected-resource/mcp")
	doctor.Run(t.Context(), p.URL+"/mcp", doctor.Options{Client: p.Client(), Register: true})
	p.areTests(t, "POST /mcp", "GET /.well-known/oauth-protected-resource/mcp")
	if tenants.IsTestAgent(ours) || tenants.IsTestAgent("Go-http-client/1.1") || tenants.IsTestAgent("") {
		t.Errorf("%q passes for a test", ours)
	}
}

// areTests looks at all requests since the last time, among them those named.
func (p *peer) areTests(t *testing.T, named ...string) {
	t.Helper()
	for _, request := range named {
		if _, came := p.agents.Load(request); !came {
			t.Errorf("no %s came", request)
		}
	}
	p.agents.Range(func(request, agent any) bool {
		if text, _ := agent.(string); !tenants.IsTestAgent(text) {
			t.Errorf("%s came from %q, which is no test", request, text)
		}
		return true
	})
	p.agents.Clear()
}

// Answers of other requests and of other issuers lead to no token request (RFC 9207), and refusals are told.
func TestRoadStops(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(url.Values, *peer)
		says    string
		request bool
	}{
		"another state":  {func(back url.Values, _ *peer) { back.Set("state", "other") }, "another request", false},
		"another issuer": {func(back url.Values, _ *peer) { back.Set("iss", "https://evil.example") }, "another issuer", false},
		"no issuer":      {func(back url.Values, _ *peer) { back.Del("iss") }, "another issuer", false},
		"denied":         {func(back url.Values, _ *peer) { back.Set("error", "access_denied") }, "access_denied", false},
		"used code":      {func(_ url.Values, p *peer) { p.refuses = true }, "invalid_grant: the code is used", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			tried, plan, _ := p.begin(t, "vscode")
			back := url.Values{"code": {"x"}, "state": {plan.State}, "iss": {p.URL}}
			c.change(back, p)
			result := tried.Finish(t.Context(), plan, back)
			if !strings.Contains(result.Stopped, c.says) || len(result.Tools) > 0 {
				t.Errorf("%+v", result)
			}
			if _, asked := p.forms["token"]; asked != c.request {
				t.Errorf("asked for tokens: %v", asked)
			}
		})
	}
}
