package contract

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Fake makes projects that speak the protocol of guards and nothing else.
type Fake struct {
	keys  map[string]Key
	count atomic.Int64
}

// NewFake makes the keys that all its projects sign with.
func NewFake() (*Fake, error) {
	f := &Fake{keys: map[string]Key{}}
	for name, algorithm := range map[string]string{"k1": "ES256", "k2": "EdDSA", "k3": "RS256", "stranger": "ES256"} {
		id := name
		if name == "stranger" {
			id = "k1"
		}
		key, err := NewKey(id, algorithm)
		if err != nil {
			return nil, err
		}
		f.keys[name] = key
	}
	x, _ := f.keys["k1"].Public()["x"].(string)
	f.keys["hmac"] = Key{ID: "k1", Algorithm: "HS256", Secret: []byte(x)}
	f.keys["none"] = Key{ID: "k1", Algorithm: "none"}
	return f, nil
}

// fakeProject is one of them.
type fakeProject struct {
	fake         *Fake
	path, secret string
	vars         map[string]string

	mu        sync.Mutex
	settings  map[string]any
	published []string
	made      map[string]made   // by the token's text
	inactive  map[string]bool   // names of tokens
	grants    map[string]string // ids by the row's names
	revoked   []map[string]any
	suspended bool
	buffered  bool
	speaks    []string
	insists   string
	database  int
	position  int
	streams   map[chan string]struct{}
	count     int
}

// made is a token with what is said of it.
type made struct {
	name   string
	answer map[string]any
}

// Start makes a project for a row.
func (f *Fake) Start(address string, row Row) (Project, error) {
	number := f.count.Add(1)
	p := &fakeProject{
		fake: f, speaks: []string{"1"}, path: fmt.Sprintf("/t/p%d", number), published: []string{"k1"},
		made: map[string]made{}, inactive: map[string]bool{}, grants: map[string]string{}, streams: map[chan string]struct{}{},
	}
	issuer := address + p.path
	p.secret = "mcpauth_rs_" + base64.RawURLEncoding.EncodeToString([]byte(issuer)) + "." + strings.Repeat("s", 43)
	p.vars = map[string]string{
		"issuer": issuer, "alias": fmt.Sprintf("http://p%d.localhost:8080", number), "resource": "http://localhost:8090/mcp",
		"resource_metadata": "http://localhost:8090/.well-known/oauth-protected-resource/mcp",
		"subject":           "user-1", "client": "client-1", "username": "ada@example.com", "name": "Demo & tools",
	}
	p.settings = map[string]any{
		"issuer": issuer, "issuers": []string{issuer, p.vars["alias"]}, "resource": p.vars["resource"], "resource_name": p.vars["name"],
		"scopes_supported": []string{"mcp:tools", "notes:write", "offline_access"}, "default_scopes": []string{"mcp:tools"},
		"introspection_endpoint": issuer + addresses["introspection"], "jwks_uri": issuer + addresses["keys"],
		"revocation_feed": issuer + addresses["feed"], "calls_endpoint": issuer + addresses["calls"],
		"authorization_server_metadata": address + metadataPath + p.path,
	}
	return p, nil
}

func (p *fakeProject) Path() string            { return p.path }
func (p *fakeProject) Secret() string          { return p.secret }
func (p *fakeProject) Vars() map[string]string { return p.vars }

func (p *fakeProject) Token(name string, spec Token) (text, grant string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	label := spec.Grant
	if label == "" {
		label = "first"
	}
	if p.grants[label] == "" {
		p.grants[label] = fmt.Sprintf("00000000-0000-7000-8000-%012d", len(p.grants)+1)
	}
	grant = p.grants[label]
	key, ok := p.fake.keys[spec.Key]
	if !ok {
		key = p.fake.keys["k1"]
	}
	claims := map[string]any{
		"iss": p.vars["issuer"], "sub": p.vars["subject"], "aud": p.vars["resource"], "client_id": p.vars["client"], "scope": "mcp:tools",
		"exp": time.Now().Unix() + 3600, "iat": time.Now().Unix(), "jti": fmt.Sprintf("jti-%d", p.count), "sid": grant,
	}
	text, err = spec.Make(key, claims, p.vars)
	if err != nil {
		return "", "", err
	}
	said := replaced(claims, spec.Claims, p.vars)
	maps.Copy(said, map[string]any{"active": true, "token_type": "Bearer", "username": p.vars["username"]})
	said = replaced(said, spec.Answer, p.vars)
	if spec.Text != "" && spec.Answer == nil {
		said = map[string]any{"active": false}
	}
	p.made[text] = made{name: name, answer: said}
	return text, grant, nil
}

func (p *fakeProject) Do(a Action) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case a.Revoke != "":
		p.inactive[a.Revoke] = true
		ended := map[string]any{"sid": p.grantOf(a.Revoke), "until": time.Now().Unix() + 3660}
		p.revoked = append(p.revoked, ended)
		p.tell("revoked", []map[string]any{ended}, false)
	case a.Forget != "":
		p.inactive[a.Forget] = true
	case a.Remember != "":
		delete(p.inactive, a.Remember)
	case a.Suspend != nil:
		p.suspended = *a.Suspend
		p.tell("revoked", nil, false)
	case a.Restore:
		p.database, p.revoked, p.inactive = p.database+1, nil, map[string]bool{}
		p.tell("snapshot", nil, true)
	case a.Event != "":
		p.send(a.Event + "\n\n")
	case a.Cut:
		for stream := range p.streams {
			close(stream)
			delete(p.streams, stream)
		}
	case a.Buffer:
		p.buffered = true
	case a.Publish != nil:
		p.published = a.Publish
	case a.Speaks != nil:
		p.speaks = *a.Speaks
	case a.Insists != "":
		p.insists = a.Insists
	case a.Set != nil:
		p.settings = replaced(p.settings, a.Set, p.vars)
	}
	return nil
}

func (p *fakeProject) grantOf(name string) string {
	for _, one := range p.made {
		if one.name == name {
			sid, _ := one.answer["sid"].(string)
			return sid
		}
	}
	return ""
}

// batch is one message of the feed.
func (p *fakeProject) batch(revoked []map[string]any, snapshot bool) string {
	p.position++
	if revoked == nil {
		revoked = []map[string]any{}
	}
	return jsonText(map[string]any{
		"cursor": fmt.Sprintf("%d.%d", p.database, p.position), "snapshot": snapshot, "suspended": p.suspended, "revoked": revoked,
	})
}

func (p *fakeProject) tell(event string, revoked []map[string]any, snapshot bool) {
	p.send("event: " + event + "\ndata: " + p.batch(revoked, snapshot) + "\n\n")
}

func (p *fakeProject) send(text string) {
	for stream := range p.streams {
		select {
		case stream <- text:
		default: // it reads too slowly
		}
	}
}

func (p *fakeProject) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, p.path)
	if r.URL.Path == metadataPath+p.path {
		answer(w, http.StatusOK, map[string]any{
			"issuer": p.vars["issuer"], "token_endpoint": p.vars["issuer"] + "/api/oauth/token",
			"authorization_endpoint": p.vars["issuer"] + "/oauth/authorize", "code_challenge_methods_supported": []string{"S256"},
		})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if path == addresses["keys"] {
		keys := []map[string]any{}
		for _, name := range p.published {
			keys = append(keys, p.fake.keys[name].Public())
		}
		answer(w, http.StatusOK, map[string]any{"keys": keys})
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+p.secret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	switch path {
	case addresses["configuration"]:
		answer(w, http.StatusOK, p.settings)
	case addresses["introspection"]:
		one, ok := p.made[r.PostFormValue("token")]
		if !ok || p.inactive[one.name] || p.suspended {
			one.answer = map[string]any{"active": false}
		}
		answer(w, http.StatusOK, one.answer)
	case addresses["feed"]:
		p.feed(w, r)
	case addresses["calls"]:
		w.WriteHeader(http.StatusNoContent)
	}
}

// feed answers a poll at once, or streams until either side ends; it is called with the lock held.
func (p *fakeProject) feed(w http.ResponseWriter, r *http.Request) {
	switch version := r.Header.Get(HeaderVersion); {
	case p.insists != "":
		w.Header().Set(HeaderVersion, p.insists)
	case slices.Contains(p.speaks, version):
		w.Header().Set(HeaderVersion, version)
	case len(p.speaks) > 0:
		w.Header().Set(HeaderVersion, p.speaks[0])
		answer(w, http.StatusNotAcceptable, map[string]string{"error": "invalid_request"})
		return
	}
	if p.buffered || !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, p.batch(p.revoked, true))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	stream := make(chan string, 100)
	p.streams[stream] = struct{}{}
	message := "event: snapshot\ndata: " + p.batch(p.revoked, true) + "\n\n"
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.streams, stream)
	}()
	for open := true; open; {
		if _, err := io.WriteString(w, message); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case message, open = <-stream:
		case <-r.Context().Done():
			return
		}
	}
}
