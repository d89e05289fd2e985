package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// serving answers on a loopback address.
func serving(t *testing.T, handler http.HandlerFunc) *target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &target{name: nameReal, address: server.Listener.Addr().String(), host: "project.example"}
}

func (t *target) mustDial(test *testing.T) *link {
	test.Helper()
	l, err := t.dial(test.Context())
	if err != nil {
		test.Fatal(err)
	}
	test.Cleanup(l.close)
	return l
}

func TestLoadStaysOnThisComputer(t *testing.T) {
	t.Parallel()
	to := serving(t, func(http.ResponseWriter, *http.Request) {})
	everywhere := strings.Replace(to.address, "127.0.0.1", "0.0.0.0", 1) // would connect: the kernel takes it for this computer
	for _, address := range []string{everywhere, "192.0.2.1:80", "[2001:db8::1]:80", "tools.example:80", "localhost:80", "127.0.0.1", ""} {
		l, err := dial(t.Context(), address, "x")
		if err == nil {
			l.close()
		}
		if err == nil || !strings.Contains(err.Error(), "is not an address of this computer") {
			t.Errorf("%q: %v, expected a refusal without an attempt", address, err)
		}
	}
}

func TestLinkAsksAgainOnOneConnection(t *testing.T) {
	t.Parallel()
	peers := map[string]bool{}
	to := serving(t, func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, strings.Join([]string{r.Method, r.Host, r.URL.String(), r.Header.Get("Content-Type"), r.Header.Get("X-Test"), string(body)}, "|"))
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "|more")
		}
	})
	l := to.mustDial(t)
	for _, c := range []struct {
		ask  func() (reply, error)
		want string
	}{
		{func() (reply, error) { return l.get("/a?b=c", "X-Test", "1") }, "GET|project.example|/a?b=c||1|"},
		{func() (reply, error) { return l.get("/chunked") }, "GET|project.example|/chunked||||more"},
		{func() (reply, error) { return l.form("/f", url.Values{"a": {"b c"}}) }, "POST|project.example|/f|application/x-www-form-urlencoded||a=b+c"},
		{func() (reply, error) { return l.post("/p", `{"é":1}`) }, `POST|project.example|/p|application/json||{"é":1}`},
	} {
		got, err := c.ask()
		if err != nil || got.status != http.StatusAccepted || string(got.body) != c.want {
			t.Errorf("%d %q, %v, expected %q", got.status, got.body, err, c.want)
		}
	}
	if len(peers) != 1 {
		t.Errorf("%d connections", len(peers))
	}
}

func TestLinkRefusesWhatBendsTheMeasurement(t *testing.T) {
	t.Parallel()
	to := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/close" {
			w.Header().Set("Connection", "close")
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", bodyLimit+1))
	})
	for _, path := range []string{"/close", "/long"} {
		if got, err := to.mustDial(t).get(path); err == nil {
			t.Errorf("%s: status %d without an error", path, got.status)
		}
	}
}

func TestUnexpectedAnswersShowNoTokens(t *testing.T) {
	t.Parallel()
	r := reply{status: 418, body: []byte(`{"access_token":"canary"}`)}
	if text := r.unexpected("tea").Error(); strings.Contains(text, "canary") || !strings.Contains(text, "tea") || !strings.Contains(text, "418") {
		t.Error(text)
	}
	r.body = []byte(strings.Repeat("x", 1000))
	if text := r.unexpected("tea").Error(); len(text) > 400 {
		t.Errorf("%d bytes", len(text))
	}
}

func TestTokenExpectsBothTokens(t *testing.T) {
	t.Parallel()
	status, body := http.StatusOK, `{"access_token":"a","refresh_token":"r"}`
	to := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("code_verifier") != verifier || r.PostFormValue("code") != "the code" {
			t.Errorf("form %v", r.PostForm)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	l := to.mustDial(t)
	if got, err := to.redeem(l, "the code"); err != nil || got != (tokenAnswer{"a", "r"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []struct {
		status int
		body   string
	}{
		{http.StatusBadRequest, body}, {http.StatusOK, `{"access_token":"a"}`}, {http.StatusOK, `{"refresh_token":"r"}`}, {http.StatusOK, `<p>`},
	} {
		status, body = c.status, c.body
		if got, err := to.redeem(l, "the code"); err == nil {
			t.Errorf("%d %s: %+v without an error", c.status, c.body, got)
		} else if errors.Is(err, errUsedUp) {
			t.Errorf("%v would end the worker in silence", err)
		}
	}
}
