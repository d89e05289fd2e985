package mcpauth

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

func TestCacheLifetime(t *testing.T) { // catalogue 199
	t.Parallel()
	tests := []struct {
		name   string
		ttl    time.Duration
		expiry time.Duration // of the token
		after  time.Duration // time between the first and the second request
		asked  int
	}{
		{"reused within five seconds", 0, time.Hour, 5*time.Second - 1, 1},
		{"asked again after five seconds", 0, time.Hour, 5 * time.Second, 2},
		{"shorter time to live", 2 * time.Second, time.Hour, 2 * time.Second, 2},
		{"off", -1, time.Hour, 0, 2},
		{"never past the expiry", 0, 3 * time.Second, 3 * time.Second, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			guard, clock := newTestGuard(t, p, Config{CacheTTL: test.ttl})
			clock.mu.Lock()
			clock.time = clock.time.Truncate(time.Second) // as exp has whole seconds
			clock.mu.Unlock()
			p.put("token", map[string]any{"exp": clock.now().Add(test.expiry).Unix()})
			handler := guard.Protect(echo)
			if got := call(handler, "POST", "/mcp", "token", "{}").Code; got != 200 {
				t.Fatalf("status %d, want 200", got)
			}
			p.revoke("token")
			clock.advance(test.after)
			want := http.StatusOK
			if test.asked > 1 {
				want = http.StatusUnauthorized
			}
			if got := call(handler, "POST", "/mcp", "token", "{}").Code; got != want {
				t.Errorf("status %d, want %d", got, want)
			}
			if got := p.count(introspectAt); got != test.asked {
				t.Errorf("asked %d times, want %d", got, test.asked)
			}
		})
	}
}

func TestRefusalsAndFailuresAreNotCached(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	guard, _ := newTestGuard(t, p, Config{})
	handler := guard.Protect(echo)
	if got := call(handler, "POST", "/mcp", "late", "{}").Code; got != 401 {
		t.Fatalf("status %d", got)
	}
	p.put("late", nil)
	p.breaks(introspectAt, status(500))
	assertUnavailable(t, call(handler, "POST", "/mcp", "late", "{}"))
	p.breaks(introspectAt, nil)
	if got := call(handler, "POST", "/mcp", "late", "{}").Code; got != 200 {
		t.Errorf("status %d, want 200", got)
	}
}

func TestConcurrentRequestsShareOneQuestion(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.hold = make(chan struct{})
	guard, _ := newTestGuard(t, p, Config{})
	if err := guard.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	handler := guard.Protect(echo)
	var all sync.WaitGroup
	statuses := make(chan int, 50)
	for range 50 {
		all.Go(func() { statuses <- call(handler, "POST", "/mcp", "good", "{}").Code })
	}
	<-p.introspect
	close(p.hold)
	all.Wait()
	close(statuses)
	for got := range statuses {
		if got != 200 {
			t.Errorf("status %d, want 200", got)
		}
	}
	if got := p.count(introspectAt); got != 1 {
		t.Errorf("asked %d times, want 1", got)
	}
}

func TestAskerLeavingDoesNotFailOthers(t *testing.T) {
	t.Parallel()
	cache := newTokenCache(time.Second, 10, time.Now)
	release, asked := make(chan struct{}), make(chan struct{})
	active := true
	ask := func(ctx context.Context) (*claims, error) {
		close(asked)
		<-release
		return &claims{Active: &active, Expires: 4e9}, ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := cache.get(ctx, "token", ask)
		left <- err
	}()
	<-asked
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	stayed := make(chan error)
	go func() {
		_, err := cache.get(t.Context(), "token", ask) // a second call of ask would panic
		stayed <- err
	}()
	close(release)
	if err := <-stayed; err != nil {
		t.Errorf("the one who stayed got %v", err)
	}
}

// A question asked before a revocation must not answer for requests later than the cache may.
func TestOldQuestionIsNotJoined(t *testing.T) { // catalogue 199
	t.Parallel()
	clock := &clock{time: time.Now()}
	cache := newTokenCache(time.Second, 10, clock.now)
	yes, no := true, false
	release, asked := make(chan struct{}), make(chan struct{})
	first := make(chan *claims)
	go func() {
		answer, _ := cache.get(t.Context(), "token", func(context.Context) (*claims, error) {
			close(asked)
			<-release
			return &claims{Active: &yes, Expires: 4e9}, nil
		})
		first <- answer
	}()
	<-asked
	clock.advance(time.Second)
	refuse := func(context.Context) (*claims, error) { return &claims{Active: &no}, nil }
	if answer, err := cache.get(t.Context(), "token", refuse); err != nil || *answer.Active {
		t.Errorf("joined the old question: %v, %v", answer, err)
	}
	close(release)
	<-first
	if answer, err := cache.get(t.Context(), "token", refuse); err != nil || *answer.Active {
		t.Errorf("kept the old answer: %v, %v", answer, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	cache := newTokenCache(time.Second, 3, func() time.Time { return time.Unix(1e9, 0) })
	active, asked := true, 0
	get := func(i int) {
		t.Helper()
		_, err := cache.get(t.Context(), strconv.Itoa(i), func(context.Context) (*claims, error) {
			asked++
			return &claims{Active: &active, Expires: 4e9}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		get(i)
	}
	get(0) // used again, so 1 is the one unused longest
	get(3)
	if len(cache.entries) != 3 || cache.order.Len() != 3 || len(cache.running) != 0 {
		t.Errorf("%d entries, %d in order, %d running", len(cache.entries), cache.order.Len(), len(cache.running))
	}
	asked = 0
	get(0)
	get(2)
	get(3)
	if asked != 0 {
		t.Errorf("%d of the three used last were forgotten", asked)
	}
	get(1)
	if asked != 1 {
		t.Error("the one unused longest was kept")
	}
}
