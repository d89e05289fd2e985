package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// errUsedUp ends a worker whose workload has nothing prepared any more. It is no error of the server.
var errUsedUp = errors.New("used up")

// worker is one of the clients that ask at the same time.
type worker struct {
	number  int
	link    *link
	browser string // the pre-session cookie that the server gave
	refresh string // the living refresh token of the worker's own lineage
}

// operation is what a workload does again and again. An error other than errUsedUp is an answer that was not expected.
type operation func(w *worker) error

// outcome is what one window of load gave.
type outcome struct {
	elapsed   time.Duration
	latencies []time.Duration // of the expected answers, sorted
	failed    int
	example   string // the first failure's description
}

// drive runs the operation on every worker until the window is over or everything prepared is used up. A worker that met an error gets a
// fresh connection, since the old one may be out of step.
func drive(ctx context.Context, t *target, workers []*worker, window time.Duration, do operation) (outcome, error) {
	var total outcome
	var mu sync.Mutex
	var group sync.WaitGroup
	var broken error
	started := time.Now()
	end := started.Add(window)
	for _, w := range workers {
		group.Go(func() {
			one, err := w.loop(ctx, t, end, do)
			mu.Lock()
			defer mu.Unlock()
			total.latencies = append(total.latencies, one.latencies...)
			total.failed += one.failed
			if total.example == "" {
				total.example = one.example
			}
			broken = errors.Join(broken, err)
		})
	}
	group.Wait()
	total.elapsed = time.Since(started)
	slices.Sort(total.latencies)
	return total, errors.Join(broken, ctx.Err())
}

// failuresMax is after how many unexpected answers in a row a worker gives up: the server is gone, or the workload is wrong.
const failuresMax = 20

func (w *worker) loop(ctx context.Context, t *target, end time.Time, do operation) (outcome, error) {
	o := outcome{latencies: make([]time.Duration, 0, 1<<16)}
	inRow := 0
	for before := time.Now(); before.Before(end) && ctx.Err() == nil && inRow < failuresMax; {
		err := do(w)
		after := time.Now()
		switch {
		case errors.Is(err, errUsedUp):
			return o, nil
		case err != nil:
			inRow++
			if o.failed++; o.failed == 1 {
				o.example = err.Error()
			}
			w.link.close()
			if w.link, err = t.dial(ctx); err != nil {
				return o, err
			}
		default:
			inRow = 0
			o.latencies = append(o.latencies, after.Sub(before))
		}
		before = after
	}
	return o, nil
}

// newWorkers connects the workers.
func newWorkers(ctx context.Context, t *target, count int) ([]*worker, error) {
	workers := make([]*worker, count)
	for i := range workers {
		l, err := t.dial(ctx)
		if err != nil {
			closeWorkers(workers[:i])
			return nil, err
		}
		workers[i] = &worker{number: i, link: l}
	}
	return workers, nil
}

func closeWorkers(workers []*worker) {
	for _, w := range workers {
		w.link.close()
	}
}
