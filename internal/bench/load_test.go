package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// longWindow is longer than any of these tests runs: they end by what is used up or by failures.
const longWindow = time.Hour

func TestDriveUntilUsedUp(t *testing.T) {
	t.Parallel()
	to := serving(t, func(http.ResponseWriter, *http.Request) {})
	workers, err := newWorkers(t.Context(), to, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer closeWorkers(workers)
	var next atomic.Int64
	got, err := drive(t.Context(), to, workers, longWindow, func(w *worker) error {
		if next.Add(1) > 100 {
			return errUsedUp
		}
		_, err := w.link.get("/")
		return err
	})
	if err != nil || len(got.latencies) != 100 || got.failed != 0 || got.example != "" {
		t.Errorf("%d answers, %d failed (%s), %v", len(got.latencies), got.failed, got.example, err)
	}
	if !slices.IsSorted(got.latencies) || got.latencies[0] <= 0 || got.elapsed < got.latencies[99] {
		t.Errorf("latencies of %v to %v in %v", got.latencies[0], got.latencies[99], got.elapsed)
	}
}

// What is not expected is counted, described once, and no latency; the worker goes on with a fresh connection.
func TestDriveCountsFailures(t *testing.T) {
	t.Parallel()
	to := serving(t, func(http.ResponseWriter, *http.Request) {})
	workers, err := newWorkers(t.Context(), to, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer closeWorkers(workers)
	calls, links := 0, map[*link]bool{}
	got, err := drive(t.Context(), to, workers, longWindow, func(w *worker) error {
		calls++
		links[w.link] = true
		switch {
		case calls == 10:
			return errUsedUp
		case calls%3 == 0:
			return errors.New("the answer " + string(rune('0'+calls)))
		}
		_, err := w.link.get("/")
		return err
	})
	if err != nil || len(got.latencies) != 6 || got.failed != 3 || got.example != "the answer 3" {
		t.Errorf("%d answers, %d failed (%s), %v", len(got.latencies), got.failed, got.example, err)
	}
	if len(links) != 4 {
		t.Errorf("%d connections, expected one and one after each failure", len(links))
	}
}

func TestDriveGivesUpOnABrokenWorkload(t *testing.T) {
	t.Parallel()
	to := serving(t, func(http.ResponseWriter, *http.Request) {})
	workers, err := newWorkers(t.Context(), to, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer closeWorkers(workers)
	got, err := drive(t.Context(), to, workers, longWindow, func(*worker) error { return errors.New("wrong") })
	if err != nil || got.failed != 2*failuresMax || len(got.latencies) != 0 {
		t.Errorf("%d failed, %d answers, %v", got.failed, len(got.latencies), err)
	}
	calls := 0 // every other answer is wrong, which is no reason to give up
	got, err = drive(t.Context(), to, workers[:1], longWindow, func(*worker) error {
		switch calls++; {
		case calls > 4*failuresMax:
			return errUsedUp
		case calls%2 == 0:
			return errors.New("wrong")
		}
		return nil
	})
	if err != nil || got.failed != 2*failuresMax || len(got.latencies) != 2*failuresMax {
		t.Errorf("%d failed, %d answers, %v", got.failed, len(got.latencies), err)
	}
}

func TestDriveEndsInTime(t *testing.T) {
	t.Parallel()
	to := serving(t, func(http.ResponseWriter, *http.Request) {})
	workers, err := newWorkers(t.Context(), to, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer closeWorkers(workers)
	const window = 20 * time.Millisecond
	got, err := drive(t.Context(), to, workers, window, func(w *worker) error {
		_, err := w.link.get("/")
		return err
	})
	if err != nil || len(got.latencies) == 0 || got.elapsed < window {
		t.Errorf("%d answers in %v, %v", len(got.latencies), got.elapsed, err)
	}
}

// Every worker walks its own lineage, and the same refresh token again is an answer nobody expects.
func TestRefreshWalksOneLineagePerWorker(t *testing.T) {
	t.Parallel()
	var stuck atomic.Bool
	to := serving(t, func(w http.ResponseWriter, r *http.Request) {
		next := r.PostFormValue("refresh_token") + "+"
		if code := r.PostFormValue("code"); code != "" {
			next = code
		} else if stuck.Load() {
			next = r.PostFormValue("refresh_token")
		}
		_, _ = w.Write([]byte(`{"access_token":"a","refresh_token":"` + next + `"}`))
	})
	to.codes = func(_ context.Context, count int) ([]string, error) { return []string{"one", "two"}[:count], nil }
	workers, err := newWorkers(t.Context(), to, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer closeWorkers(workers)
	do, err := refresh(t.Context(), to, workers, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*worker{workers[0], workers[1], workers[0]} {
		if err := do(w); err != nil {
			t.Error(err)
		}
	}
	if workers[0].refresh != "one++" || workers[1].refresh != "two+" {
		t.Errorf("%s, %s", workers[0].refresh, workers[1].refresh)
	}
	stuck.Store(true)
	if err := do(workers[0]); err == nil {
		t.Error("no error for the same token")
	}
}
