package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/web"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func serve(e *echo.Echo, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// catalogue 8 of section 0, and 34: headers of strangers do not change who is asking.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies := web.TrustedProxies(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"))
	for name, c := range map[string]struct {
		options         []web.Option
		peer, forwarded string
		want            string
	}{
		"no proxy configured":         {nil, "10.0.0.1:1", "203.0.113.7", "10.0.0.1"},
		"empty list of proxies":       {[]web.Option{web.TrustedProxies()}, "127.0.0.1:1", "203.0.113.7", "127.0.0.1"},
		"through a proxy":             {[]web.Option{proxies}, "10.0.0.1:1", "203.0.113.7", "203.0.113.7"},
		"through an IPv6 proxy":       {[]web.Option{proxies}, "[fd00::1]:1", "203.0.113.7", "203.0.113.7"},
		"spoofed behind a proxy":      {[]web.Option{proxies}, "10.0.0.1:1", "198.51.100.1, 203.0.113.7", "203.0.113.7"},
		"stranger, not a proxy":       {[]web.Option{proxies}, "203.0.113.9:1", "198.51.100.1", "203.0.113.9"},
		"loopback is no proxy itself": {[]web.Option{proxies}, "127.0.0.1:1", "198.51.100.1", "127.0.0.1"},
	} {
		e := web.New(discard(), c.options...)
		e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, c.RealIP()) })
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		r.Header.Set("X-Real-IP", "192.0.2.1")
		if got := serve(e, r).Body.String(); got != c.want {
			t.Errorf("%s: %s, expected %s", name, got, c.want)
		}
	}
}

func TestLogHoldsNoRequestData(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := web.New(slog.New(slog.NewTextHandler(&log, nil)))
	e.POST("/things/:id", func(echo.Context) error { panic("canary-panic") })
	r := httptest.NewRequest(http.MethodPost, "/things/canary-path?q=canary-query", strings.NewReader("canary-body"))
	r.Header.Set("Authorization", "Bearer canary-header")
	r.Header.Set("X-Request-ID", "canary-id")
	w := serve(e, r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "canary") || strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	id := w.Header().Get(web.HeaderRequestID)
	for _, want := range []string{"route=/things/:id", "method=POST", "status=500", "duration=", "request_id=" + id, "cause=string"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "canary") || len(id) < 16 {
		t.Errorf("request id %q, log:\n%s", id, log.String())
	}
	log.Reset()
	serve(e, httptest.NewRequest("CANARY", "/canary-unknown", nil))
	if !strings.Contains(log.String(), "method=other route=unmatched") {
		t.Errorf("log of an unknown route:\n%s", log.String())
	}
}

func TestRuntimeErrorsAreRecoveredAndNamed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var seen error
	e := web.New(slog.New(slog.NewTextHandler(&log, nil)))
	e.HTTPErrorHandler = func(err error, c echo.Context) { seen = err; _ = c.NoContent(web.Status(err)) }
	e.GET("/", func(c echo.Context) error {
		none := []int{}
		return c.NoContent(none[len(none)])
	})
	w := serve(e, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || !errors.Is(seen, web.ErrPanic) || !strings.Contains(log.String(), "index out of range [0]") {
		t.Errorf("%d %v\n%s", w.Code, seen, log.String())
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	for base, hsts := range map[string]string{"http://localhost:8080": "", "https://mcpauth.example": "max-age=31536000; includeSubDomains"} {
		e := web.New(discard())
		e.Use(web.SecurityHeaders(web.PolicyFlow, web.HSTS(base)))
		for _, path := range []string{"/", "/nowhere"} {
			h := serve(e, httptest.NewRequest(http.MethodGet, path, nil)).Header()
			got := map[string]string{}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
				"X-Frame-Options", "Strict-Transport-Security"} {
				got[name] = h.Get(name)
			}
			want := map[string]string{"Content-Security-Policy": web.PolicyFlow, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY", "Strict-Transport-Security": hsts}
			if diff := cmp.Diff(want, got); diff != "" || h.Get("Permissions-Policy") == "" {
				t.Errorf("%s%s: %s", base, path, diff)
			}
		}
	}
	for _, policy := range []string{web.PolicyFlow, web.PolicyDashboard} {
		for _, directive := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, directive) || strings.Contains(policy, "unsafe") {
				t.Errorf("%s lacks %s", policy, directive)
			}
		}
	}
	if strings.Contains(web.PolicyFlow, "script-src") {
		t.Error("pages of an issuer run no script")
	}
}

// catalogue 139, 261
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	denied := errors.New("denied")
	e := web.New(discard())
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		status := http.StatusInternalServerError
		if errors.Is(err, denied) {
			status = http.StatusForbidden
		}
		_ = c.NoContent(status)
	}
	e.Use(web.CrossOrigin(func(echo.Context) error { return denied }))
	ok := func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
	e.GET("/", ok)
	e.POST("/", ok)
	for name, c := range map[string]struct {
		method, site, origin string
		want                 int
	}{
		"own form":                          {http.MethodPost, "same-origin", "http://a.example", http.StatusNoContent},
		"own form under no-referrer":        {http.MethodPost, "same-origin", "null", http.StatusNoContent},
		"typed address":                     {http.MethodPost, "none", "", http.StatusNoContent},
		"sibling subdomain":                 {http.MethodPost, "same-site", "http://b.example", http.StatusForbidden},
		"other site":                        {http.MethodPost, "cross-site", "http://evil.example", http.StatusForbidden},
		"old browser, own origin":           {http.MethodPost, "", "http://a.example", http.StatusNoContent},
		"old browser, other origin":         {http.MethodPost, "", "http://evil.example", http.StatusForbidden},
		"old browser, opaque origin":        {http.MethodPost, "", "null", http.StatusForbidden},
		"no browser":                        {http.MethodPost, "", "", http.StatusNoContent},
		"link from elsewhere changes none":  {http.MethodGet, "cross-site", "", http.StatusNoContent},
		"forged header beside a true value": {http.MethodPost, "cross-site", "http://a.example", http.StatusForbidden},
	} {
		r := httptest.NewRequest(c.method, "http://a.example/", nil)
		for header, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
			if value != "" {
				r.Header.Set(header, value)
			}
		}
		if got := serve(e, r).Code; got != c.want {
			t.Errorf("%s: %d, expected %d", name, got, c.want)
		}
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cookies web.Cookies
		want    string
	}{
		"https":                  {web.Cookies{Secure: true}, "__Host-s=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		"https, project in path": {web.Cookies{Secure: true, Suffix: "demo", Path: "/t/demo"}, "__Host-s_demo=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"},
		"http":                   {web.Cookies{}, "s=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"},
		"http, project in path":  {web.Cookies{Suffix: "demo", Path: "/t/demo"}, "s_demo=v; Path=/t/demo; Max-Age=60; HttpOnly; SameSite=Lax"},
	} {
		e := echo.New()
		w := httptest.NewRecorder()
		ctx := e.NewContext(httptest.NewRequest(http.MethodGet, "/", nil), w)
		c.cookies.Set(ctx, "s", "v", time.Minute)
		c.cookies.Clear(ctx, "s")
		got := w.Result().Header.Values("Set-Cookie")
		cleared := strings.Replace(strings.Replace(c.want, "=v;", "=;", 1), "Max-Age=60", "Max-Age=0", 1)
		if diff := cmp.Diff([]string{c.want, cleared}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// catalogue 260: what a sibling could set is not read.
func TestCookiesTossed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secure bool
		header string
		want   string
	}{
		"ours":                            {true, "__Host-s=ours", "ours"},
		"unprefixed on https":             {true, "s=theirs", ""},
		"unprefixed beside ours":          {true, "s=theirs; __Host-s=ours", "ours"},
		"two values":                      {false, "s=theirs; s=ours", ""},
		"the same twice":                  {false, "s=ours; s=ours", "ours"},
		"another project's":               {false, "s_other=theirs", ""},
		"none":                            {false, "", ""},
		"two hundred others, then a tail": {true, strings.Repeat("x=1; ", 200) + "__Host-s=ours", "ours"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if c.header != "" {
			r.Header.Set("Cookie", c.header)
		}
		if got := (web.Cookies{Secure: c.secure}).Get(echo.New().NewContext(r, nil), "s"); got != c.want {
			t.Errorf("%s: %q, expected %q", name, got, c.want)
		}
	}
}

// catalogue 117
func TestLocalPath(t *testing.T) {
	t.Parallel()
	for _, next := range []string{"/", "/dashboard", "/dashboard/x/projects?page=2", "/search?q=%2F%2Fevil"} {
		if got := web.LocalPath(next, "/home"); got != next {
			t.Errorf("%q became %q", next, got)
		}
	}
	for _, next := range []string{
		"", "dashboard", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/%09/evil.example", "/\t/evil.example", "/\n//evil.example",
		"https:evil.example", "https://evil.example", "javascript:alert(1)", "/../evil", "/a/../../evil", "/.//evil.example", "/a//evil", "/%2e%2e/x",
		"/%2fevil.example", "/%5cevil.example", "/%0d%0aSet-Cookie:x", "/a#b", "/a b", "/é", "/" + strings.Repeat("a", 2000), " /a", "/%zz", "@evil.example",
	} {
		if got := web.LocalPath(next, "/home"); got != "/home" {
			t.Errorf("%q was accepted as %q", next, got)
		}
	}
}

// Who leaves a page before it has come is no fault of ours; the same error with somebody waiting is.
func TestAbandonedRequestsAreNoErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leaves bool
		err    error
		want   string
	}{
		"gone":                        {true, fmt.Errorf("read: %w", context.Canceled), "level=INFO"},
		"gone, and something failed":  {true, errors.New("no such table"), "level=ERROR"},
		"waiting, and work cancelled": {false, context.Canceled, "level=ERROR"},
	} {
		var log bytes.Buffer
		e := web.New(slog.New(slog.NewTextHandler(&log, nil)))
		ctx, leave := context.WithCancel(t.Context())
		e.GET("/", func(echo.Context) error {
			if tc.leaves {
				leave()
			}
			return tc.err
		})
		serve(e, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		leave()
		if !strings.Contains(log.String(), tc.want) {
			t.Errorf("%s: got %s want %s", name, log.String(), tc.want)
		}
	}
}
