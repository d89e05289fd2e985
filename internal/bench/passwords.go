package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mcpauth.example/internal/devdb"
)

// burst counts the answers to wrong passwords.
type burst struct{ refused, busy, other atomic.Int64 }

// measurePasswords refreshes tokens in turns, alone and while people type wrong passwords, and says what became of the latency and of
// the server's memory. Rate limits are off: only the bound on hashing protects.
func measurePasswords(ctx context.Context, o options, out, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "mcpauth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	database, err := devdb.Start(ctx, devdb.Options{DataDir: o.dataDir, Durable: true, Reset: true})
	if err != nil {
		return err
	}
	defer func() { _ = database.Stop() }()
	p, t, err := startProduct(ctx, o, database, dir)
	if p != nil {
		defer p.stop()
	}
	if err != nil {
		return err
	}
	workers, err := newWorkers(ctx, t, o.workers)
	if err != nil {
		return err
	}
	defer closeWorkers(workers)
	do, err := refresh(ctx, t, workers, o.window)
	if err != nil {
		return err
	}
	for round := range o.rounds {
		for _, typing := range []int{0, o.passwords} {
			_, _ = fmt.Fprintf(progress, "bench: round %d, %d people type passwords\n", round+1, typing)
			if err := passwordRound(ctx, t, workers, o.window, do, typing, out); err != nil {
				return err
			}
		}
	}
	return nil
}

func passwordRound(ctx context.Context, t *target, workers []*worker, window time.Duration, do operation, typing int, out io.Writer) error {
	resetPeak("/proc", t.pid)
	typists, err := newWorkers(ctx, t, typing)
	if err != nil {
		return err
	}
	defer closeWorkers(typists)
	var b burst
	var group sync.WaitGroup
	end := time.Now().Add(window)
	broken := make([]error, len(typists))
	for i, typist := range typists {
		group.Go(func() { broken[i] = b.typeWrong(t, typist.link, end) })
	}
	got, err := drive(ctx, t, workers, window, do)
	group.Wait()
	if err := errors.Join(err, errors.Join(broken...)); err != nil {
		return err
	}
	peak, err := peakRSS("/proc", t.pid)
	if err != nil {
		return err
	}
	if got.failed > 0 || len(got.latencies) == 0 {
		return fmt.Errorf("%d refreshes failed: %s", got.failed, got.example)
	}
	_, _ = fmt.Fprintf(out, "%4d people: %6.0f refreshes/s, p50 %s, p99 %s; %d passwords refused, %d told to wait, %d other; peak %d MiB\n", typing,
		float64(len(got.latencies))/got.elapsed.Seconds(), percentile(got.latencies, 50).Round(time.Millisecond/10), percentile(got.latencies, 99).Round(time.Millisecond/10),
		b.refused.Load(), b.busy.Load(), b.other.Load(), peak>>20)
	return nil
}

// typeWrong opens the sign-in page and posts a wrong password until the end.
func (b *burst) typeWrong(t *target, l *link, end time.Time) error {
	page, err := l.get(t.authorizePath())
	if err != nil {
		return err
	}
	cookie, _, _ := strings.Cut(page.header.Get("Set-Cookie"), ";")
	request := hiddenField(page.body, "request")
	if page.status != http.StatusOK || request == "" {
		return page.unexpected("the sign-in page")
	}
	form := url.Values{"request": {request}, "email": {"nobody@bench.example"}, "password": {"a wrong password"}}
	for time.Now().Before(end) {
		got, err := l.form(t.prefix+"/oauth/sign-in", form, "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
		if err != nil {
			return err
		}
		switch got.status {
		case http.StatusUnauthorized:
			b.refused.Add(1)
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			b.busy.Add(1)
		default:
			b.other.Add(1)
		}
	}
	return nil
}
