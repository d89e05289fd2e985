package mcpauth

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	firstBackoff = time.Second
	lastBackoff  = 30 * time.Second
)

// lazy is a value fetched when it is first needed and kept. Callers share one fetch; after a failure the next one
// waits for a growing, jittered time. A value past its age is still handed out while it is fetched anew, and for as
// long as that fails: it says where to ask about tokens, not whether they are valid.
type lazy[T any] struct {
	fetch    func(context.Context) (T, error)
	maxAge   time.Duration
	now      func() time.Time
	onFailed func(error)

	mu        sync.Mutex
	value     T
	known     bool
	fetchedAt time.Time
	failures  int
	retryAt   time.Time
	failure   error
	running   chan struct{} // closed when the fetch under way ends; nil when there is none
}

// get returns the value, or *unavailable with the time until the next attempt, or the context's error.
func (l *lazy[T]) get(ctx context.Context) (T, error) {
	for {
		value, wait, err := l.peek()
		if wait == nil {
			return value, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return value, ctx.Err()
		}
	}
}

// peek returns the answer there is now, or a channel to wait for.
func (l *lazy[T]) peek() (value T, wait <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.known && now.Sub(l.fetchedAt) < l.maxAge {
		return l.value, nil, nil
	}
	if l.running == nil && !now.Before(l.retryAt) {
		l.running = make(chan struct{})
		go l.run()
	}
	switch {
	case l.known:
		return l.value, nil, nil
	case l.running != nil:
		return value, l.running, nil
	default:
		return value, nil, &unavailable{reason: "waiting before the next attempt", retryAfter: l.retryAt.Sub(now), cause: l.failure}
	}
}

// renew fetches anew although the value is not old, unless a failure is being waited out.
func (l *lazy[T]) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil && !l.now().Before(l.retryAt) {
		l.running = make(chan struct{})
		go l.run()
	}
}

// run is detached from the request that caused it: others may be waiting for the same answer.
func (l *lazy[T]) run() {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	value, err := l.fetch(ctx)
	if err != nil {
		l.onFailed(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if err != nil {
		l.failure, l.retryAt = err, now.Add(backoff(l.failures, err))
		l.failures++
	} else {
		l.value, l.known, l.fetchedAt = value, true, now
		l.failures, l.failure, l.retryAt = 0, nil, time.Time{}
	}
	close(l.running)
	l.running = nil
}

// backoff doubles from one second to thirty, less up to a quarter so that many servers do not ask in step; what the
// other side asked for counts when it is longer.
func backoff(failures int, err error) time.Duration {
	delay := lastBackoff
	if failures < 5 {
		delay = min(firstBackoff<<failures, lastBackoff)
	}
	delay -= rand.N(delay / 4) //nolint:gosec,forbidigo // spreads retries, hides nothing
	if down := (*unavailable)(nil); errors.As(err, &down) {
		delay = max(delay, down.retryAfter)
	}
	return delay
}
