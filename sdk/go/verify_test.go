package mcpauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signer is a key of the project.
type signer struct {
	id      string
	method  jwt.SigningMethod
	private any
	public  map[string]any
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func newSigner(t *testing.T, id, algorithm string) signer {
	t.Helper()
	s := signer{id: id, method: jwt.GetSigningMethod(algorithm), public: map[string]any{"kid": id, "alg": algorithm, "use": "sig"}}
	var err error
	switch algorithm {
	case "ES256":
		var key *ecdsa.PrivateKey
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		s.private = key
		point, _ := key.PublicKey.Bytes()
		maps.Copy(s.public, map[string]any{"kty": "EC", "crv": "P-256", "x": encoded(point[1:33]), "y": encoded(point[33:])})
	case "EdDSA":
		var public ed25519.PublicKey
		public, s.private, err = ed25519.GenerateKey(rand.Reader)
		maps.Copy(s.public, map[string]any{"kty": "OKP", "crv": "Ed25519", "x": encoded(public)})
	case "RS256":
		var key *rsa.PrivateKey
		key, err = rsa.GenerateKey(rand.Reader, 2048)
		s.private = key
		maps.Copy(s.public, map[string]any{"kty": "RSA", "n": encoded(key.N.Bytes()), "e": "AQAB"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// token signs an access token; changes replace claims, those that begin with "header " members of the header.
func (s signer) token(t *testing.T, p *project, changes map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": p.issuer(), "sub": "user-1", "aud": resource, "client_id": "client-1", "scope": "mcp:tools",
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "jti": "jti-1", "sid": "grant-1"}
	token := jwt.NewWithClaims(s.method, claims)
	token.Header["kid"], token.Header["typ"] = s.id, "at+jwt"
	for name, value := range changes {
		if header, ok := strings.CutPrefix(name, "header "); ok {
			token.Header[header] = value
		} else if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	text, err := token.SignedString(s.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newLocalProject offers keys and feed, so that guards verify by themselves.
func newLocalProject(t *testing.T, signers ...signer) *project {
	t.Helper()
	p := newProject(t)
	p.events = make(chan string, 10)
	for _, s := range signers {
		p.keys = append(p.keys, s.public)
	}
	for name, path := range map[string]string{"jwks_uri": "jwks", "revocation_feed": "revocations", "calls_endpoint": "server/calls"} {
		p.set(name, p.issuer()+"/api/oauth/"+path)
	}
	return p
}

// untilLocal calls until the guard verifies by itself and has met the token's grant.
func untilLocal(t *testing.T, guard *Guard, handler http.Handler, token string) {
	t.Helper()
	until(t, func() bool {
		known, err := guard.settings.get(t.Context())
		return err == nil && guard.feed.fresh(known) && statusOf(handler, token) == http.StatusOK
	})
}

// until asks again and again, without a pause: what it waits for happens on another goroutine.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(limit) {
			t.Fatal("does not come about")
		}
	}
}

func statusOf(handler http.Handler, token string) int {
	return call(handler, http.MethodPost, "/mcp", token, "{}").Code
}

// R7: every algorithm that a project may select is verified here, once the first token of the grant was asked about.
func TestTokensAreVerifiedHere(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		s := newSigner(t, "k1", algorithm)
		p := newLocalProject(t, s)
		guard, _ := newTestGuard(t, p, Config{})
		t.Cleanup(func() { guard.Close(context.Background()) })
		handler := guard.Protect(echo)
		token := s.token(t, p, nil)
		p.put(token, nil)
		untilLocal(t, guard, handler, token)
		p.revoke(token) // the feed says nothing of it, so a guard that asked would refuse
		other := s.token(t, p, map[string]any{"jti": "jti-2", "scope": "notes:write"})
		answer := call(handler, http.MethodPost, "/mcp", other, "{}")
		if got := decode[echoed](t, answer); !got.Known || got.Identity.Username != "ada@example.com" || got.Identity.TokenID != "jti-2" ||
			got.Identity.GrantID != "grant-1" || len(got.Identity.Scopes) != 1 || got.Identity.Scopes[0] != "notes:write" {
			t.Errorf("%s: %+v", algorithm, got)
		}
	}
}

// R7, catalogue 207, 209, 211, 212: what the issuer did not sign as an access token for this server is refused without asking.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	s, stranger := newSigner(t, "k1", "ES256"), newSigner(t, "k1", "ES256")
	p := newLocalProject(t, s)
	guard, _ := newTestGuard(t, p, Config{})
	t.Cleanup(func() { guard.Close(context.Background()) })
	handler := guard.Protect(echo)
	good := s.token(t, p, nil)
	p.put(good, nil)
	untilLocal(t, guard, handler, good)

	mac := signer{id: "k1", method: jwt.SigningMethodHS256, private: []byte(s.public["x"].(string))}
	none := signer{id: "k1", method: jwt.SigningMethodNone, private: jwt.UnsafeAllowNoneSignatureType}
	parts := strings.Split(good, ".")
	forged := map[string]string{
		"other key":            stranger.token(t, p, nil),
		"HMAC with the key":    mac.token(t, p, nil),
		"key of its own":       stranger.token(t, p, map[string]any{"header jwk": stranger.public, "header jku": p.URL + keysAt}),
		"none":                 none.token(t, p, nil),
		"no signature":         parts[0] + "." + parts[1] + ".",
		"other claims":         parts[0] + "." + strings.Split(s.token(t, p, map[string]any{"sub": "user-2"}), ".")[1] + "." + parts[2],
		"ID token":             s.token(t, p, map[string]any{"header typ": "JWT"}),
		"no type":              s.token(t, p, map[string]any{"header typ": nil}),
		"critical header":      s.token(t, p, map[string]any{"header crit": []string{"exp"}}),
		"other audience":       s.token(t, p, map[string]any{"aud": resource + "/"}),
		"several audiences":    s.token(t, p, map[string]any{"aud": []string{resource, "https://other.example"}}),
		"other issuer":         s.token(t, p, map[string]any{"iss": "https://evil.example"}),
		"expired":              s.token(t, p, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}),
		"no expiry":            s.token(t, p, map[string]any{"exp": nil}),
		"bound to another key": s.token(t, p, map[string]any{"cnf": map[string]any{"jkt": "x"}}),
		"not a JWT":            "good",
	}
	before := p.count(introspectAt)
	for name, token := range forged {
		p.put(token, nil) // asked about, it would pass
		if got := statusOf(handler, token); got != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got)
		}
	}
	if asked := p.count(introspectAt) - before; asked != 0 {
		t.Errorf("the project was asked %d times", asked)
	}
}

// Catalogue 199: what the feed names is refused by the next request, also when it comes as a poll or after an interruption; a
// snapshot of another database brings nothing back.
func TestFeedRefuses(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "k1", "ES256")
	p := newLocalProject(t, s)
	p.snapshot = `{"cursor":"a.1","snapshot":true,"revoked":[{"sid":"grant-0","until":` + soon() + `}]}`
	guard, _ := newTestGuard(t, p, Config{})
	t.Cleanup(func() { guard.Close(context.Background()) })
	handler := guard.Protect(echo)
	tokens := map[string]string{}
	for _, grant := range []string{"grant-0", "grant-1", "grant-2"} {
		tokens[grant] = s.token(t, p, map[string]any{"sid": grant})
		p.put(tokens[grant], map[string]any{"sid": grant})
	}
	untilLocal(t, guard, handler, tokens["grant-1"])
	if got := statusOf(handler, tokens["grant-0"]); got != http.StatusUnauthorized {
		t.Errorf("of the snapshot: %d", got)
	}
	p.events <- `data: {"cursor":"a.2","revoked":[{"sid":"grant-1","until":` + soon() + `}]}`
	until(t, func() bool { return statusOf(handler, tokens["grant-1"]) == http.StatusUnauthorized })
	if got := statusOf(handler, tokens["grant-2"]); got != http.StatusOK {
		t.Errorf("another grant: %d", got)
	}
	p.events <- `data: {"cursor":"b.1","snapshot":true,"revoked":[]}`
	p.events <- `data: {"cursor":"b.2","suspended":true,"revoked":[]}`
	until(t, func() bool { return statusOf(handler, tokens["grant-2"]) == http.StatusUnauthorized })
	p.events <- `data: {"cursor":"b.3","revoked":[]}`
	untilLocal(t, guard, handler, tokens["grant-2"])
	if got := statusOf(handler, tokens["grant-1"]); got != http.StatusUnauthorized {
		t.Errorf("after a snapshot without it: %d", got)
	}
}

func soon() string {
	text, _ := json.Marshal(time.Now().Add(time.Hour).Unix())
	return string(text)
}

// Catalogue 199: a feed that is broken off or silent is not relied on: each token is asked about, until it is back.
func TestFeedIsDistrusted(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "k1", "ES256")
	p := newLocalProject(t, s)
	guard, clock := newTestGuard(t, p, Config{})
	t.Cleanup(func() { guard.Close(context.Background()) })
	handler := guard.Protect(echo)
	token := s.token(t, p, nil)
	p.put(token, nil)
	untilLocal(t, guard, handler, token)

	clock.advance(feedSilence)
	before := p.count(introspectAt)
	p.revoke(token)
	if got := statusOf(handler, token); got != http.StatusUnauthorized || p.count(introspectAt) == before {
		t.Errorf("silent feed: %d, asked %d times", got, p.count(introspectAt)-before)
	}
	p.events <- ": beat"
	p.put(token, nil)
	untilLocal(t, guard, handler, token)

	p.breaks(feedAt, status(http.StatusServiceUnavailable))
	close(p.events)
	p.revoke(token)
	until(t, func() bool { return statusOf(handler, token) == http.StatusUnauthorized })
	clock.advance(maxCacheTTL)
	p.put(token, nil)
	p.mu.Lock()
	p.events = make(chan string)
	p.mu.Unlock()
	p.breaks(feedAt, nil)
	untilLocal(t, guard, handler, token)
}

// Where something on the way keeps events back, the feed is polled.
func TestFeedIsPolled(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "k1", "ES256")
	p := newLocalProject(t, s)
	answers := make(chan string, 10)
	p.polled = func(cursor string) string {
		if cursor == "" {
			return p.snapshot
		}
		return <-answers
	}
	t.Cleanup(func() { close(answers) })
	guard, _ := newTestGuard(t, p, Config{})
	t.Cleanup(func() { guard.Close(context.Background()) })
	handler := guard.Protect(echo)
	token := s.token(t, p, nil)
	p.put(token, nil)
	untilLocal(t, guard, handler, token)
	answers <- `{"cursor":"a.2","revoked":[{"sid":"grant-1","until":` + soon() + `}]}`
	until(t, func() bool { return statusOf(handler, token) == http.StatusUnauthorized })
}

// Catalogue 16: a key that is not known yet is asked about and fetched, at most every thirty seconds; a withdrawn one is forgotten.
func TestKeysAreRenewed(t *testing.T) {
	t.Parallel()
	s, next := newSigner(t, "k1", "ES256"), newSigner(t, "k2", "EdDSA")
	p := newLocalProject(t, s)
	guard, clock := newTestGuard(t, p, Config{})
	t.Cleanup(func() { guard.Close(context.Background()) })
	handler := guard.Protect(echo)
	old, token := s.token(t, p, nil), next.token(t, p, nil)
	p.put(old, nil)
	p.put(token, nil)
	untilLocal(t, guard, handler, old)
	p.mu.Lock()
	p.keys = []map[string]any{next.public}
	p.mu.Unlock()
	fetched, asked := p.count(keysAt), p.count(introspectAt)
	if got := statusOf(handler, token); got != http.StatusOK || p.count(introspectAt) != asked+1 || p.count(keysAt) != fetched {
		t.Errorf("unknown key: %d, asked %d times, fetched %d times", got, p.count(introspectAt)-asked, p.count(keysAt)-fetched)
	}
	clock.advance(keysRetry)
	p.events <- ": beat"
	until(t, func() bool { return statusOf(handler, token) == http.StatusOK && p.count(keysAt) == fetched+1 })
	untilLocal(t, guard, handler, token)
	p.revoke(old)
	until(t, func() bool { return statusOf(handler, old) == http.StatusUnauthorized })
}

// What was called is told in batches: grant, tool and outcome, never an argument; nothing when it is switched off.
func TestCallsAreReported(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "k1", "ES256")
	p := newLocalProject(t, s)
	token := s.token(t, p, nil)
	p.put(token, nil)
	run := func(config Config) {
		guard, _ := newTestGuard(t, p, config)
		handler := guard.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Fail") != "" {
				w.WriteHeader(http.StatusTeapot)
			}
		}))
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"secret":"argument"}}}`
		call(handler, http.MethodPost, "/mcp", token, body)
		call(handler, http.MethodPost, "/mcp", token, body)
		call(handler, http.MethodPost, "/mcp", token, body, "Fail", "1")
		call(handler, http.MethodPost, "/mcp", token, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"admin"}}`)
		call(handler, http.MethodPost, "/mcp", token, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
		guard.Close(t.Context())
	}
	run(Config{DisableCallReports: true})
	if len(p.reports) != 0 {
		t.Errorf("told although switched off: %s", <-p.reports)
	}
	run(Config{ToolScopes: map[string][]string{"admin": {"notes:write"}}})
	run(Config{})
	for _, want := range []map[string]int64{
		{"add ok ": 2, "add error ": 1, "admin refused insufficient_scope": 1, " ok ": 1},
		{"add ok ": 2, "add error ": 1, "admin ok ": 1, " ok ": 1},
	} {
		text := <-p.reports
		var report struct{ Calls []callEntry }
		if err := json.Unmarshal([]byte(text), &report); err != nil || strings.Contains(text, "argument") {
			t.Fatalf("%v: %s", err, text)
		}
		got := map[string]int64{}
		for _, entry := range report.Calls {
			if entry.Grant != "grant-1" || entry.At == 0 {
				t.Errorf("%+v", entry)
			}
			got[entry.Tool+" "+entry.Outcome+" "+entry.Reason] = entry.Count
		}
		if !maps.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	}
}

// A refusal is told with what was wrong, also of a token for another server; a token that nobody signed is nothing to tell of.
func TestRefusalsAreReported(t *testing.T) {
	t.Parallel()
	s := newSigner(t, "k1", "ES256")
	p := newLocalProject(t, s)
	good := s.token(t, p, nil)
	p.put(good, nil)
	guard, _ := newTestGuard(t, p, Config{ToolScopes: map[string][]string{"admin": {"notes:write"}}})
	handler := guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	untilLocal(t, guard, handler, good)
	for _, claims := range []map[string]any{
		{"sid": "elsewhere", "aud": "https://other.example.com/mcp"}, {"sid": "late", "exp": 1000},
	} {
		if status := statusOf(handler, s.token(t, p, claims)); status != http.StatusUnauthorized {
			t.Fatalf("%v: got status %d, want 401", claims, status)
		}
	}
	_ = statusOf(handler, newSigner(t, "k1", "ES256").token(t, p, map[string]any{"sid": "forged"}))
	call(handler, http.MethodPost, "/mcp", good, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"admin"}}`)
	guard.Close(t.Context())
	var report struct{ Calls []callEntry }
	if err := json.Unmarshal([]byte(<-p.reports), &report); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, entry := range report.Calls {
		if entry.Outcome == "refused" {
			got[entry.Grant] = entry.Reason + " " + entry.Cause + " " + strconv.FormatBool(strings.Contains(entry.Needed, "notes:write"))
		}
	}
	want := map[string]string{"elsewhere": "invalid_token other_server false", "late": "invalid_token expired false", "grant-1": "insufficient_scope  true"}
	if !maps.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// Whatever is called, a report and the memory for it stay bounded.
func TestCallReportsAreBounded(t *testing.T) {
	t.Parallel()
	p := newLocalProject(t)
	guard, _ := newTestGuard(t, p, Config{})
	for i := range 10 * callsMost {
		guard.calls.mu.Lock()
		if guard.calls.timer != nil {
			guard.calls.timer.Stop()
		}
		guard.calls.mu.Unlock()
		guard.calls.add("grant-1", []string{strings.Repeat("x", i%500) + "\n"}, "ok", "")
	}
	if got := len(guard.calls.entries); got > callsMost {
		t.Errorf("%d entries", got)
	}
	for key := range guard.calls.entries {
		if len(key.tool) > callsTool || strings.Contains(key.tool, "\n") {
			t.Errorf("tool %q", key.tool)
		}
	}
}
