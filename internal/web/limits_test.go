package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// Catalogue 33: a burst is free, then one after each pause, for each key apart.
func TestLocalLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	limits := NewLimits(nil, func() time.Time { return now })
	rate := Rate{Burst: 3, Every: 10 * time.Second}
	take := func(parts ...string) time.Duration {
		err := limits.Local(rate, parts...)
		if often, ok := errors.AsType[*TooManyError](err); ok {
			return often.Wait
		}
		return 0
	}
	for i, step := range []struct {
		after time.Duration
		key   string
		wait  time.Duration
	}{
		{0, "a", 0}, {0, "a", 0}, {0, "a", 0}, {0, "a", 10 * time.Second}, {0, "b", 0}, {4 * time.Second, "a", 6 * time.Second},
		{6 * time.Second, "a", 0}, {0, "a", 10 * time.Second}, {time.Hour, "a", 0}, {0, "a", 0}, {0, "a", 0}, {0, "a", 10 * time.Second},
	} {
		now = now.Add(step.after)
		if got := take(step.key); got != step.wait {
			t.Fatalf("step %d: wait %s, expected %s", i, got, step.wait)
		}
	}
	for range rate.Burst {
		take("ab", "c")
	}
	if take("a", "bc") != 0 {
		t.Error("two keys run together")
	}
	if err := (*Limits)(nil).Local(Rate{}, "a"); err != nil {
		t.Errorf("no limits: %v", err)
	}
}

// Catalogue 33: a flood of sources does not fill the memory, and who was just limited stays so.
func TestLocalLimitIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	limits := NewLimits(nil, func() time.Time { return now })
	rate := Rate{Burst: 1, Every: time.Hour}
	most := 0
	for i := range 5 * localLimitsMax {
		_ = limits.Local(rate, fmt.Sprint(i))
		most = max(most, len(limits.young)+len(limits.older))
	}
	if most > 2*localLimitsMax || most < localLimitsMax {
		t.Errorf("%d entries", most)
	}
	if limits.Local(rate, fmt.Sprint(5*localLimitsMax-1)) == nil {
		t.Error("the latest source is forgotten")
	}
}

// Catalogue 34: forwarded addresses of strangers and walking through one's own IPv6 network do not make another source.
func TestSource(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ peer, forwarded, want string }{
		"IPv4":                            {"192.0.2.7:1234", "", "192.0.2.7"},
		"IPv4 in IPv6":                    {"[::ffff:192.0.2.7]:1234", "", "192.0.2.7"},
		"IPv6":                            {"[2001:db8:1:2:3:4:5:6]:1234", "", "2001:db8:1:2::/64"},
		"IPv6, another host of that /64":  {"[2001:db8:1:2:ffff::1]:99", "", "2001:db8:1:2::/64"},
		"IPv6 with a zone":                {"[fe80::1%eth0]:99", "", "fe80::/64"},
		"forwarded by a stranger":         {"192.0.2.7:1234", "198.51.100.9", "192.0.2.7"},
		"forwarded by the proxy":          {"203.0.113.1:1234", "198.51.100.9", "198.51.100.9"},
		"forged before the proxy's entry": {"203.0.113.1:1234", "8.8.8.8, 198.51.100.9", "198.51.100.9"},
	} {
		e := New(slog.New(slog.DiscardHandler), TrustedProxies(netip.MustParsePrefix("203.0.113.0/24")))
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.RemoteAddr = c.peer
		if c.forwarded != "" {
			request.Header.Set(echo.HeaderXForwardedFor, c.forwarded)
		}
		if got := Source(e.NewContext(request, httptest.NewRecorder())); got != c.want {
			t.Errorf("%s: %q, expected %q", name, got, c.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{time.Millisecond: "1", time.Second: "1", 1500 * time.Millisecond: "2", 0: "1", time.Minute: "60"} {
		header := http.Header{}
		(&TooManyError{Wait: wait}).SetRetryAfter(header)
		if header.Get("Retry-After") != want {
			t.Errorf("%s: %s", wait, header.Get("Retry-After"))
		}
	}
}
