package endpoints_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
)

// limit puts limits on the world's door. The clock stands still until a test moves it.
func (w *world) limit() {
	w.t.Helper()
	began := time.Now()
	_, w.door = w.newDoorWith(func(c *endpoints.Config, store *postgres.Store) {
		c.Limits = web.NewLimits(store, func() time.Time { return began.Add(time.Duration(w.clock.offset.Load())) })
	})
}

// from sends a request from another address.
func (w *world) from(address, method, target string, header http.Header, body string) *answer {
	w.t.Helper()
	moved := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address
		w.door.ServeHTTP(rw, r)
	})
	return call(w.t, moved, method, target, header, body)
}

// isLimited checks a refusal for programs (P15) and returns what it tells to wait, in seconds.
func (a *answer) isLimited() int {
	a.t.Helper()
	a.isError(http.StatusTooManyRequests, "too_many_requests")
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 3600 || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "Retry-After") {
		a.t.Errorf("%v", a.Header)
	}
	return seconds
}

// Catalogue 33, 34, 35, P9: a flood of distinct registrations from one source ends in 429, rows are bounded, and everybody else gets through.
func TestRegistrationFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit()
	tn, asJSON := w.demo, http.Header{"Content-Type": {"application/json"}}
	register := func(address, name string, header http.Header) *answer {
		sent := asJSON.Clone()
		maps.Copy(sent, header)
		return w.from(address, http.MethodPost, tn.issuer+oauth.PathRegister, sent, `{"client_name":"`+name+`","redirect_uris":["`+registered+`"]}`)
	}
	var refused *answer
	for i := range 300 {
		header := http.Header{"X-Forwarded-For": {fmt.Sprintf("198.51.100.%d", i%250)}} // no proxy is trusted
		got := register(fmt.Sprintf("[2001:db8:7:7::%x]:1", i+1), fmt.Sprintf("Flood %d", i), header)
		if got.StatusCode != http.StatusCreated {
			refused = got
		}
	}
	if refused == nil {
		t.Fatal("nothing was refused")
	}
	wait := refused.isLimited()
	if n := value[int](w, `SELECT count(*) FROM clients`); n > 130 {
		t.Errorf("%d rows", n)
	}
	if got := register("[2001:db8:7:8::1]:1", "Real app", nil); got.StatusCode != http.StatusCreated {
		t.Errorf("another source: %d %s", got.StatusCode, got.body)
	}
	other := w.from("[2001:db8:7:7::1]:1", http.MethodPost, w.other.issuer+oauth.PathRegister, asJSON, `{"redirect_uris":["`+registered+`"]}`)
	if other.StatusCode != http.StatusCreated {
		t.Errorf("another project: %d", other.StatusCode)
	}
	for _, path := range []string{oauth.PathMetadata, oauth.PathJWKS} { // P22
		if got := w.from("[2001:db8:7:7::1]:1", http.MethodGet, tn.issuer+path, nil, ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	w.clock.advance(time.Duration(wait) * time.Second)
	if got := register("[2001:db8:7:7::1]:1", "Flood", nil); got.StatusCode != http.StatusCreated {
		t.Errorf("after Retry-After: %d", got.StatusCode)
	}
}

// Catalogue 103, 105: guessing one account's password ends in 429, whether it exists or not; its owner elsewhere is not locked out.
func TestPasswordGuessing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit()
	tn := w.demo
	client := tn.client()
	guess := func(address, email, password string) *answer {
		b := newBrowser(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = address
			w.door.ServeHTTP(rw, r)
		}))
		page := b.get(tn.authorizeURL(tn.request(client)))
		return b.submit(page, "#password", url.Values{"email": {email}, "password": {password}})
	}
	var shapes []string
	for _, email := range []string{tn.user, "nobody@demo.example"} {
		for range 20 {
			if got := guess("192.0.2.66:1", email, "wrong password"); got.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%d", got.StatusCode)
			}
		}
		got := guess("192.0.2.66:1", strings.ToUpper(email)+" ", userPassword)
		if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" || !got.has("#password") || got.has("button[value=allow]") {
			t.Errorf("%s: %d\n%s", email, got.StatusCode, got.body)
		}
		shapes = append(shapes, strings.ReplaceAll(normal(got.body), strings.ToUpper(email), ""))
	}
	if shapes[0] != shapes[1] {
		t.Errorf("the answer tells who has an account:\n%s\n%s", shapes[0], shapes[1])
	}
	if got := guess("192.0.2.67:1", tn.user, userPassword); !got.has("button[value=allow]") {
		t.Errorf("the owner elsewhere: %d", got.StatusCode)
	}
	w.exec(`UPDATE rate_limits SET free_at = now()`)
	if got := guess("192.0.2.66:1", tn.user, userPassword); !got.has("button[value=allow]") {
		t.Errorf("later: %d", got.StatusCode)
	}
	if value[bool](w, `SELECT bool_or(position(convert_to('demo.example', 'UTF8') in key) > 0) FROM rate_limits`) {
		t.Error("an address can be read in the table of limits")
	}
}

// Catalogue 115: one source cannot make the project send mail without end, and gets a page that says so.
func TestMailFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit()
	tn := w.demo
	b := newBrowser(t, w.door)
	form := tn.signUpPage(b, tn.client())
	var last *answer
	for i := range 31 {
		last = b.submit(form, "#password", url.Values{"email": {fmt.Sprintf("victim%d@demo.example", i)}, "password": {"a long enough password"}})
	}
	last.isLocal(http.StatusTooManyRequests)
	if n := value[int](w, `SELECT count(*) FROM river_job WHERE kind = 'mail'`); n != 30 || last.Header.Get("Retry-After") == "" {
		t.Errorf("%d messages, %v", n, last.Header)
	}
}

// Catalogue 198: whoever holds a registration secret cannot probe without end, and learns from no answer whether a token exists.
func TestIntrospectionFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limit()
	tn := w.demo
	ask := func(address, token string) *answer {
		return w.from(address, http.MethodPost, tn.issuer+oauth.PathIntrospect, bearer(tn.guard), url.Values{"token": {token}}.Encode())
	}
	_, foreign := w.other.connected(newBrowser(t, w.door), w.other.client())
	if unknown, other := ask("203.0.113.1:1", "x"), ask("203.0.113.1:1", foreign.access); unknown.StatusCode != http.StatusOK || unknown.body != other.body {
		t.Errorf("%s and %s", unknown.body, other.body)
	}
	var refused *answer
	for i := 0; refused == nil && i < 11_000; i++ {
		if got := ask("203.0.113.1:1", "x"); got.StatusCode != http.StatusOK {
			refused = got
		}
	}
	if refused == nil {
		t.Fatal("nothing was refused")
	}
	refused.isLimited()
	if got := ask("203.0.113.2:1", "x"); got.StatusCode != http.StatusOK {
		t.Errorf("another guard: %d", got.StatusCode)
	}
}
