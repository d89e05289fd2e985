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
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"mcpauth.example/internal/tryout"
)

// peer is an authorization server and an MCP server that note what they were sent.
type peer struct {
	*httptest.Server
	token   string
	forms   map[string]url.Values
	refuses bool
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
	p.Server = httptest.NewServer(mux)
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
