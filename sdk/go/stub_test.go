package mcpauth

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

const resource = "http://localhost:8090/mcp"

// project stands in for a mcpauth project: the two addresses that a guard talks to, and the issuer's metadata.
type project struct {
	*httptest.Server
	secret string

	mu         sync.Mutex
	settings   map[string]any
	tokens     map[string]map[string]any
	asked      map[string]int                       // requests by path
	fail       map[string]func(http.ResponseWriter) // answers instead, by path
	hold       chan struct{}                        // introspection waits for it
	introspect chan struct{}                        // told of each introspection
	keys       []map[string]any                     // published
	events     chan string                          // what a stream of the feed says after its snapshot; closing it ends the stream
	snapshot   string                               // what the feed begins with
	polled     func(cursor string) string           // answers polls; nil: only streams get through
	reports    chan string                          // bodies of reported calls
}

func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{
		tokens:     map[string]map[string]any{},
		asked:      map[string]int{},
		fail:       map[string]func(http.ResponseWriter){},
		introspect: make(chan struct{}, 100_000),
		reports:    make(chan string, 100),
		snapshot:   `{"cursor":"a.1","snapshot":true,"revoked":[]}`,
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.secret = makeSecret(p.issuer())
	p.settings = map[string]any{
		"issuer":                        p.issuer(),
		"issuers":                       []string{p.issuer(), "http://demo.localhost:8080"},
		"resource":                      resource,
		"resource_name":                 "Demo & tools",
		"scopes_supported":              []string{"mcp:tools", "notes:write", "offline_access"},
		"default_scopes":                []string{"mcp:tools"},
		"introspection_endpoint":        p.issuer() + "/api/oauth/introspect",
		"authorization_server_metadata": p.URL + "/.well-known/oauth-authorization-server/t/demo",
	}
	p.put("good", nil)
	return p
}

func makeSecret(address string) string {
	return "mcpauth_rs_" + base64.RawURLEncoding.EncodeToString([]byte(address)) + "." + strings.Repeat("s", 43)
}

func (p *project) issuer() string { return p.URL + "/t/demo" }

// put makes a token valid; changes replace claims, and a nil value takes one away.
func (p *project) put(token string, changes map[string]any) {
	claims := map[string]any{
		"active": true, "iss": p.issuer(), "sub": "user-1", "aud": resource, "client_id": "client-1", "scope": "mcp:tools",
		"token_type": "Bearer", "exp": time.Now().Add(time.Hour).Unix(), "jti": "jti-1", "sid": "grant-1", "username": "ada@example.com",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens[token] = claims
}

func (p *project) revoke(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tokens, token)
}

func (p *project) set(name string, value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings[name] = value
}

// breaks replaces the answers of one path; nil mends it.
func (p *project) breaks(path string, answer func(http.ResponseWriter)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail[path] = answer
}

func (p *project) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

const (
	settingsAt   = "/t/demo/api/oauth/server"
	introspectAt = "/t/demo/api/oauth/introspect"
	keysAt       = "/t/demo/api/oauth/jwks"
	feedAt       = "/t/demo/api/oauth/revocations"
	callsAt      = "/t/demo/api/oauth/server/calls"
	metadataAt   = "/.well-known/oauth-authorization-server/t/demo"
)

func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked[r.URL.Path]++
	fail, hold := p.fail[r.URL.Path], p.hold
	p.mu.Unlock()
	if fail != nil {
		fail(w)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.URL.Path == metadataAt {
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusTeapot) // the secret has no business here
		}
		_, _ = io.WriteString(w, `{"issuer":"`+p.issuer()+`","token_endpoint":"`+p.issuer()+`/api/oauth/token","x":1.0}`)
		return
	}
	if r.URL.Path == keysAt {
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": p.keys})
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+p.secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == settingsAt:
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(p.settings)
	case r.Method == http.MethodPost && r.URL.Path == introspectAt:
		p.mu.Lock()
		answer := p.tokens[r.PostFormValue("token")]
		p.mu.Unlock()
		p.introspect <- struct{}{}
		if hold != nil {
			<-hold
		}
		if answer == nil {
			answer = map[string]any{"active": false}
		}
		_ = json.NewEncoder(w).Encode(answer)
	case r.Method == http.MethodGet && r.URL.Path == feedAt:
		p.serveFeed(w, r)
	case r.Method == http.MethodPost && r.URL.Path == callsAt:
		body, _ := io.ReadAll(r.Body)
		p.reports <- string(body)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (p *project) serveFeed(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	events, snapshot, polled := p.events, p.snapshot, p.polled
	p.mu.Unlock()
	if polled != nil {
		_, _ = io.WriteString(w, polled(r.URL.Query().Get("cursor")))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for message := "event: snapshot\ndata: " + snapshot; ; {
		_, _ = io.WriteString(w, message+"\n\n")
		_ = http.NewResponseController(w).Flush()
		var ok bool
		select {
		case message, ok = <-events:
			if !ok {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// clock is a time that tests move.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// newTestGuard returns a guard of the project and the clock it goes by.
func newTestGuard(t *testing.T, p *project, config Config) (*Guard, *clock) {
	t.Helper()
	if config.RegistrationSecret == "" {
		config.RegistrationSecret = p.secret
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	guard, err := New(config)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	clock := &clock{time: time.Now()}
	guard.now = clock.now
	return guard, clock
}

// echo answers with what the guard handed on.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	identity, known := IdentityFrom(auth.TokenInfoFromContext(r.Context()))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"known": known, "identity": identity, "body": string(body), "authorization": r.Header.Get("Authorization"),
	})
})

type echoed struct {
	Known         bool
	Identity      Identity
	Body          string
	Authorization string
}

// call sends one request to the handler; a token other than "" goes into the Authorization header.
func call(handler http.Handler, method, target, token, body string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		request.Body = http.NoBody
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func decode[T any](t *testing.T, recorder *httptest.ResponseRecorder) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(recorder.Body.Bytes(), &value); err != nil {
		t.Fatalf("status %d, body %q: %v", recorder.Code, recorder.Body, err)
	}
	return value
}
