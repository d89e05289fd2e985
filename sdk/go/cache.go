package mcpauth

import (
	"container/list"
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// tokenCache remembers positive introspection answers for a few seconds under the SHA-256 of the token, so that no
// token lies in memory longer than its request. It is bounded: the one unused longest goes first.
type tokenCache struct {
	ttl   time.Duration // not positive: every token is asked about every time, and no two requests share an answer
	limit int
	now   func() time.Time

	mu      sync.Mutex
	entries map[[sha256.Size]byte]*list.Element
	order   *list.List // of *cached, the last used in front
	running map[[sha256.Size]byte]*lookup
}

type cached struct {
	key    [sha256.Size]byte
	claims *claims
	until  time.Time
}

// lookup is a question under way that several requests wait for.
type lookup struct {
	started time.Time
	done    chan struct{}
	claims  *claims
	err     error
}

func newTokenCache(ttl time.Duration, limit int, now func() time.Time) *tokenCache {
	return &tokenCache{
		ttl: ttl, limit: limit, now: now,
		entries: make(map[[sha256.Size]byte]*list.Element),
		order:   list.New(),
		running: make(map[[sha256.Size]byte]*lookup),
	}
}

// get returns what is remembered of the token, or asks. ask runs on after the request that caused it has gone, because
// others may share it; it has its own time limit.
func (c *tokenCache) get(ctx context.Context, token string, ask func(context.Context) (*claims, error)) (*claims, error) {
	if c.ttl <= 0 {
		return ask(ctx)
	}
	key := sha256.Sum256([]byte(token))
	found, shared := c.find(context.WithoutCancel(ctx), key, ask)
	if found != nil {
		return found, nil
	}
	select {
	case <-shared.done:
		return shared.claims, shared.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *tokenCache) find(ctx context.Context, key [sha256.Size]byte, ask func(context.Context) (*claims, error)) (*claims, *lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if element, ok := c.entries[key]; ok {
		if entry := element.Value.(*cached); now.Before(entry.until) { //nolint:errcheck // the list holds nothing else
			c.order.MoveToFront(element)
			return entry.claims, nil
		}
		c.drop(element)
	}
	// A question asked longer ago than an answer may be kept must not be joined: it may miss a revocation since.
	if shared, ok := c.running[key]; ok && now.Sub(shared.started) < c.ttl {
		return nil, shared
	}
	shared := &lookup{started: now, done: make(chan struct{})}
	c.running[key] = shared
	go c.run(ctx, key, shared, ask)
	return nil, shared
}

func (c *tokenCache) run(ctx context.Context, key [sha256.Size]byte, shared *lookup, ask func(context.Context) (*claims, error)) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	shared.claims, shared.err = ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[key] == shared {
		delete(c.running, key)
	}
	if shared.err == nil && *shared.claims.Active {
		c.keep(key, shared)
	}
	close(shared.done)
}

// keep counts the time from the moment the question was asked, and never past the token's expiry.
func (c *tokenCache) keep(key [sha256.Size]byte, answer *lookup) {
	until := answer.started.Add(c.ttl)
	if expiry := answer.claims.expiry(); expiry.Before(until) {
		until = expiry
	}
	if !c.now().Before(until) {
		return
	}
	if element, ok := c.entries[key]; ok {
		c.drop(element)
	}
	c.entries[key] = c.order.PushFront(&cached{key: key, claims: answer.claims, until: until})
	for c.order.Len() > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *tokenCache) drop(element *list.Element) {
	c.order.Remove(element)
	delete(c.entries, element.Value.(*cached).key) //nolint:errcheck // the list holds nothing else
}
