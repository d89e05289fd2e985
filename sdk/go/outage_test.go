package mcpauth

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func content(contentType, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// assertUnavailable requires 503 with Retry-After and nothing that a client would take for a verdict on its token.
func assertUnavailable(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	if answer.Code != http.StatusServiceUnavailable {
		t.Fatalf("status %d, want 503: %s", answer.Code, answer.Body)
	}
	if seconds, err := strconv.Atoi(answer.Header().Get("Retry-After")); err != nil || seconds < 1 || seconds > 60 {
		t.Errorf("Retry-After %q, want 1 to 60", answer.Header().Get("Retry-After"))
	}
	if got := answer.Header().Get("WWW-Authenticate"); got != "" {
		t.Errorf("challenge %q", got)
	}
	if body := decode[map[string]string](t, answer); body["error"] != "temporarily_unavailable" {
		t.Errorf("body %v", body)
	}
	if got := answer.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}

// lockedBuffer is a log that tests read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestFailuresOfTheProjectAreNeverTheTokensFault(t *testing.T) {
	t.Parallel()
	failures := map[string]func(http.ResponseWriter){
		"401": status(401), "403": status(403), "404": status(404), "429": status(429), "500": status(500), "503": status(503),
		"201": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"active":false}`)
		},
		"redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"HTML":         content("text/html", "<p>captive portal</p>"),
		"not JSON":     content("application/json", `{"active":`),
		"wrong types":  content("application/json", `{"issuer":7,"active":"yes"}`),
		"empty object": content("application/json", `{}`),
		"endless":      content("application/json", `{"active":false}`+strings.Repeat(" ", maxAnswerBytes)),
		"broken off":   func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	}
	for name, failure := range failures {
		for _, path := range []string{settingsAt, introspectAt} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				var log lockedBuffer
				guard, clock := newTestGuard(t, p, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
				handler := guard.Protect(echo)
				p.breaks(path, failure)
				assertUnavailable(t, call(handler, "POST", "/mcp", "good", "{}"))
				if got := p.count("/elsewhere"); got != 0 {
					t.Error("the redirect was followed")
				}
				if text := log.String(); text == "" || strings.Contains(text, p.secret) || strings.Contains(text, "good") {
					t.Errorf("log %q, want a warning without secret and token", text)
				}
				p.breaks(path, nil)
				clock.advance(2 * time.Minute)
				if got := call(handler, "POST", "/mcp", "good", "{}").Code; got != http.StatusOK {
					t.Errorf("after it was mended: status %d, want 200", got)
				}
			})
		}
	}
}

func TestUnknownConfigurationIs503WithoutCredentialsToo(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.breaks(settingsAt, status(500))
	guard, _ := newTestGuard(t, p, Config{})
	assertUnavailable(t, call(guard.Protect(echo), "POST", "/mcp", "", "{}"))
}

func TestUnreachableProject(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.Close()
	guard, _ := newTestGuard(t, p, Config{})
	assertUnavailable(t, call(guard.Protect(echo), "POST", "/mcp", "good", "{}"))
	if err := guard.Ready(t.Context()); err == nil {
		t.Error("Ready reports no error")
	}
}

func TestAttemptsAreSpacedOut(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.breaks(settingsAt, status(500))
	guard, clock := newTestGuard(t, p, Config{})
	handler := guard.Protect(echo)
	for range 20 {
		assertUnavailable(t, call(handler, "POST", "/mcp", "good", "{}"))
	}
	if got := p.count(settingsAt); got != 1 {
		t.Fatalf("%d attempts without any time passing, want 1", got)
	}
	for attempt := 2; attempt <= 8; attempt++ {
		clock.advance(lastBackoff)
		assertUnavailable(t, call(handler, "POST", "/mcp", "good", "{}"))
		if got := p.count(settingsAt); got != attempt {
			t.Fatalf("%d attempts, want %d", got, attempt)
		}
	}
	clock.advance(lastBackoff / 2) // after eight failures the wait is longer than that
	assertUnavailable(t, call(handler, "POST", "/mcp", "good", "{}"))
	if got := p.count(settingsAt); got != 8 {
		t.Errorf("%d attempts, want 8: the wait did not grow", got)
	}
}

func TestRetryAfterOfTheProjectIsPassedOn(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"17": "17", "100000": "60", "soon": "1", "-5": "1"} {
		p := newProject(t)
		p.breaks(introspectAt, func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", given)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		guard, _ := newTestGuard(t, p, Config{})
		answer := call(guard.Protect(echo), "POST", "/mcp", "good", "{}")
		assertUnavailable(t, answer)
		if got := answer.Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q became %q, want %q", given, got, want)
		}
	}
}

func TestConfigurationSurvivesAnOutageAndIsRefreshed(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	guard, clock := newTestGuard(t, p, Config{})
	handler := guard.Protect(echo)
	scope := func() string {
		return challengeOf(t, call(handler, "POST", "/mcp", "", "{}").Header())["scope"]
	}
	if got := scope(); got != "mcp:tools" {
		t.Fatalf("scope %q", got)
	}
	p.breaks(settingsAt, status(503))
	clock.advance(time.Hour)
	if got := call(handler, "POST", "/mcp", "", "{}").Code; got != 401 {
		t.Errorf("with the old configuration: status %d, want 401", got)
	}
	p.breaks(settingsAt, nil)
	p.set("default_scopes", []string{"notes:write", "offline_access", "bad\"scope"})
	waitFor(t, func() bool {
		clock.advance(time.Minute)
		return scope() == "notes:write" // R6: never offline_access
	})
}

// waitFor polls what another goroutine brings about.
func waitFor(t *testing.T, reached func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !reached() {
		select {
		case <-ctx.Done():
			t.Fatal("it never happened")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestUnusableConfiguration(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]any{
		"no issuer":                         {"issuer", ""},
		"no resource":                       {"resource", ""},
		"resource with fragment":            {"resource", resource + "#x"},
		"introspection on another host":     {"introspection_endpoint", "https://evil.example/t/demo/api/oauth/introspect"},
		"introspection on another port":     {"introspection_endpoint", "http://127.0.0.1:1/t/demo/api/oauth/introspect"},
		"introspection with user name":      {"introspection_endpoint", "http://a@127.0.0.1/x"},
		"issuer metadata on plain http":     {"authorization_server_metadata", "http://issuer.example/x"},
		"issuer metadata with odd scheme":   {"authorization_server_metadata", "file:///etc/passwd"},
		"issuer metadata that is not a URL": {"authorization_server_metadata", "::"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.set(change[0].(string), change[1])
			guard, _ := newTestGuard(t, p, Config{})
			assertUnavailable(t, call(guard.Protect(echo), "POST", "/mcp", "good", "{}"))
			if got := p.count(introspectAt); got != 0 {
				t.Error("the token was introspected all the same")
			}
		})
	}
}

func TestSecretStaysWithItsHost(t *testing.T) {
	t.Parallel()
	p, thief := newProject(t), newProject(t)
	thief.secret = p.secret // it would answer, and say that the token is good
	thief.put("stolen", map[string]any{"iss": p.issuer()})
	p.set("introspection_endpoint", thief.issuer()+"/api/oauth/introspect")
	guard, _ := newTestGuard(t, p, Config{})
	assertUnavailable(t, call(guard.Protect(echo), "POST", "/mcp", "stolen", "{}"))
	if got := thief.count(introspectAt); got != 0 {
		t.Error("the secret was sent to another host")
	}
}
