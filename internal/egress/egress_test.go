package egress_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mcpauth.example/internal/egress"
)

// internet is what a client under test can reach: every checked address leads to one TLS server that has the certificate of
// example.com, and what was dialled is recorded. Nothing leaves this computer.
type internet struct {
	server *httptest.Server
	names  map[string][]netip.Addr
	mu     sync.Mutex
	dialed []string
}

var public = netip.MustParseAddr("93.184.215.14")

func newInternet(t *testing.T, handler http.HandlerFunc) *internet {
	t.Helper()
	n := &internet{server: httptest.NewUnstartedServer(handler), names: map[string][]netip.Addr{"example.com": {public}}}
	n.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	n.server.StartTLS()
	t.Cleanup(n.server.Close)
	return n
}

func (n *internet) config() egress.Config {
	roots := x509.NewCertPool()
	roots.AddCert(n.server.Certificate())
	return egress.Config{
		Roots: roots,
		Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			if addresses, ok := n.names[host]; ok {
				return addresses, nil
			}
			return nil, &net.DNSError{Name: host, Err: "no such host", IsNotFound: true}
		},
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			n.mu.Lock()
			n.dialed = append(n.dialed, address)
			n.mu.Unlock()
			return (&net.Dialer{}).DialContext(ctx, "tcp", n.server.Listener.Addr().String())
		},
	}
}

func (n *internet) dials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialed)
}

func fine(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"fine":true}`)
}

func get(t *testing.T, config egress.Config, target string) (egress.Response, error) {
	t.Helper()
	return egress.New(config).Get(t.Context(), target, "application/json", 100)
}

func TestGet(t *testing.T) {
	t.Parallel()
	var seen http.Header
	n := newInternet(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		fine(w, r)
	})
	config := n.config()
	config.Agent = "mcpauth/7 (+https://mcpauth.example)"
	got, err := get(t, config, "https://example.com/client.json")
	if err != nil || string(got.Body) != `{"fine":true}` {
		t.Fatalf("%q %v", got.Body, err)
	}
	if dialed := n.dials(); !slices.Equal(dialed, []string{"93.184.215.14:443"}) {
		t.Errorf("dialled %v", dialed)
	}
	if seen.Get("User-Agent") != "mcpauth/7 (+https://mcpauth.example)" || seen.Get("Cookie") != "" || seen.Get("Authorization") != "" || seen.Get("Accept-Encoding") != "" {
		t.Errorf("%v", seen)
	}
	for own, want := range map[string]string{"": config.Agent, "mcpauth-part": "mcpauth-part " + config.Agent} { // who we are stays in it
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/client.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		if own != "" {
			request.Header.Set("User-Agent", own)
		}
		response, err := egress.New(config).HTTP(100).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if seen.Get("User-Agent") != want {
			t.Errorf("got %q, want %q", seen.Get("User-Agent"), want)
		}
	}
}

// Catalogue 51, 52, A38: nothing that is not public is dialled, whichever way it is written or resolved.
func TestSpecialAddresses(t *testing.T) {
	t.Parallel()
	n := newInternet(t, fine)
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
		"255.255.255.255", "168.63.129.16",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:a00:1::",
		"3fff::1", "5f00::1", "100::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
	} {
		n.names["inside.example"] = []netip.Addr{netip.MustParseAddr(text)}
		literal := text
		if strings.Contains(text, ":") {
			literal = "[" + text + "]"
		}
		for _, target := range []string{"https://inside.example/c", "https://" + literal + "/c"} {
			if _, err := get(t, n.config(), target); !errors.Is(err, egress.ErrRefused) {
				t.Errorf("%s (%s): %v", target, text, err)
			}
		}
	}
	for _, target := range []string{"https://2130706433/c", "https://0x7f.1/c", "https://0177.0.0.1/c", "https://127.1/c", "https://localhost/c", "https://a.localhost/c"} {
		if _, err := get(t, n.config(), target); err == nil {
			t.Errorf("%s was asked", target)
		}
	}
	if dialed := n.dials(); len(dialed) != 0 {
		t.Errorf("dialled %v", dialed)
	}
}

// Catalogue 53, 54: the address that is checked is the one that is dialled, and one bad address spoils a name.
func TestResolution(t *testing.T) {
	t.Parallel()
	n := newInternet(t, fine)
	n.names["mixed.example"] = []netip.Addr{public, netip.MustParseAddr("10.0.0.1")}
	if _, err := get(t, n.config(), "https://mixed.example/c"); !errors.Is(err, egress.ErrRefused) || len(n.dials()) != 0 {
		t.Errorf("%v, dialled %v", err, n.dials())
	}
	config := n.config()
	asked := 0
	config.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		if asked++; asked == 1 {
			return []netip.Addr{public}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	client := egress.New(config)
	if _, err := client.Get(t.Context(), "https://example.com/c", "*/*", 100); err != nil || asked != 1 {
		t.Errorf("%v after %d lookups", err, asked)
	}
	if _, err := client.Get(t.Context(), "https://example.com/c", "*/*", 100); !errors.Is(err, egress.ErrRefused) || asked != 2 { // 55: no connection is kept
		t.Errorf("rebound: %v after %d lookups", err, asked)
	}
	if dialed := n.dials(); !slices.Equal(dialed, []string{"93.184.215.14:443"}) {
		t.Errorf("dialled %v", dialed)
	}
}

// Catalogue 56: only https on port 443, without a user name.
func TestTargets(t *testing.T) {
	t.Parallel()
	n := newInternet(t, fine)
	for _, target := range []string{
		"http://example.com/c", "https://example.com:22/c", "https://example.com:6379/c", "https://example.com:8443/c", "gopher://example.com/c",
		"file:///etc/passwd", "https://user@example.com/c", "//example.com/c", "/c", "", "https://", "http://localhost/c",
	} {
		if _, err := get(t, n.config(), target); err == nil {
			t.Errorf("%q was asked", target)
		}
	}
	if dialed := n.dials(); len(dialed) != 0 {
		t.Errorf("dialled %v", dialed)
	}
}

// Catalogue 55: a proxy of the environment is not used. Not parallel: it sets the environment.
func TestNoProxy(t *testing.T) {
	n := newInternet(t, fine)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	if _, err := get(t, n.config(), "https://example.com/c"); err != nil {
		t.Error(err)
	}
}

// Catalogue 46, 47, 49, A35, A39: one request, status 200, nothing packed, nothing too large.
func TestAnswers(t *testing.T) {
	t.Parallel()
	asked := 0
	n := newInternet(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/204", "/206", "/201", "/301", "/302", "/303", "/307", "/308", "/404", "/500":
			w.Header().Set("Location", "https://example.com/fine")
			status := 0
			for _, digit := range r.URL.Path[1:] {
				status = status*10 + int(digit-'0')
			}
			w.WriteHeader(status)
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "x")
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 101))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		case "/liar":
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "12345")
			_, _ = io.WriteString(w, strings.Repeat("x", 500))
		case "/headers":
			for i := range 2000 {
				w.Header().Add("X-Padding", strings.Repeat("y", 100+i%2))
			}
			fine(w, r)
		}
	})
	for path, want := range map[string]error{
		"/201": egress.ErrAnswer, "/204": egress.ErrAnswer, "/206": egress.ErrAnswer, "/301": egress.ErrAnswer, "/302": egress.ErrAnswer,
		"/303": egress.ErrAnswer, "/307": egress.ErrAnswer, "/308": egress.ErrAnswer, "/404": egress.ErrAnswer, "/500": egress.ErrAnswer,
		"/packed": egress.ErrAnswer, "/large": egress.ErrTooLarge, "/endless": egress.ErrTooLarge, "/headers": nil,
	} {
		before := asked
		_, err := get(t, n.config(), "https://example.com"+path)
		if err == nil || want != nil && !errors.Is(err, want) || asked != before+1 {
			t.Errorf("%s: %v after %d requests", path, err, asked-before)
		}
	}
	if got, err := get(t, n.config(), "https://example.com/liar"); err == nil && string(got.Body) != "12345" {
		t.Errorf("%q %v", got.Body, err)
	}
}

// Catalogue 50: whoever answers drop by drop is left at the deadline.
func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	n := newInternet(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "{")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	})
	config := n.config()
	config.Timeout = 3 * time.Second // the answer begins by then, also on a busy machine
	if _, err := get(t, config, "https://example.com/c"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	<-ended
}

// Catalogue 71: a certificate of nobody known, for another name, or an old TLS is refused.
func TestTLS(t *testing.T) {
	t.Parallel()
	n := newInternet(t, fine)
	n.names["other.test"] = []netip.Addr{public}
	if _, err := get(t, n.config(), "https://other.test/c"); err == nil {
		t.Error("a certificate for another name was taken")
	}
	unknown := n.config()
	unknown.Roots = x509.NewCertPool()
	if _, err := get(t, unknown, "https://example.com/c"); err == nil {
		t.Error("an unknown authority was taken")
	}
	old := &internet{server: httptest.NewUnstartedServer(http.HandlerFunc(fine)), names: n.names}
	old.server.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.server.StartTLS()
	t.Cleanup(old.server.Close)
	if _, err := get(t, old.config(), "https://example.com/c"); err == nil {
		t.Error("TLS 1.1 was taken")
	}
}

// The exception for local work admits this computer and nothing more.
func TestLoopbackException(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(fine))
	t.Cleanup(plain.Close)
	config := egress.Config{Loopback: true}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, port, _ := net.SplitHostPort(plain.Listener.Addr().String())
		if _, err := get(t, config, "http://"+net.JoinHostPort(host, port)+"/c"); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	n := newInternet(t, fine)
	config = n.config()
	config.Loopback = true
	n.names["inside.example"] = []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	for _, target := range []string{"https://inside.example/c", "http://example.com/c", "https://10.0.0.1/c", "https://169.254.169.254/c"} {
		if _, err := get(t, config, target); !errors.Is(err, egress.ErrRefused) {
			t.Errorf("%s: %v", target, err)
		}
	}
	if dialed := n.dials(); len(dialed) != 0 {
		t.Errorf("dialled %v", dialed)
	}
}
