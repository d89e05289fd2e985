// Command testrun runs the checks and the tests of a tier, stage by stage, and says at the end how long each stage took and how many
// tests passed, failed or were skipped.
//
//	go run ./internal/testrun quick|test|full
//	go run ./internal/testrun go fuzz browser    some stages alone
//
// A failed stage does not stop the ones after it. It must import nothing of the project but internal/tiers.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"mcpauth.example/internal/tiers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := filepath.Abs(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
	r := &runner{root: root, out: os.Stdout, raceOff: raceOff(ctx)}
	if !r.run(ctx, os.Args[1:]) {
		os.Exit(1)
	}
}

// runner runs stages and keeps their results.
type runner struct {
	root string
	out  io.Writer
	// raceOff says why the race detector cannot be used; empty when it can.
	raceOff string
	// everything runs the full tier's variant of a stage.
	everything bool
	results    []result
}

// tally counts tests.
type tally struct{ passed, failed, skipped int }

func (t *tally) add(other tally) {
	t.passed += other.passed
	t.failed += other.failed
	t.skipped += other.skipped
}

// result is what a stage came to.
type result struct {
	stage     string
	wall, cpu time.Duration
	tally
	err error
}

// stage is one part of a run.
type stage struct {
	name string
	// tiers are those that it belongs to.
	tiers []string
	run   func(ctx context.Context, r *runner) (tally, error)
}

// run runs the stages of the tier, or those named, and tells whether all is well.
func (r *runner) run(ctx context.Context, names []string) bool {
	chosen, err := r.choose(names)
	if err != nil {
		_, _ = fmt.Fprintln(r.out, "testrun:", err)
		return false
	}
	begin := time.Now()
	for _, s := range chosen {
		if ctx.Err() != nil {
			break
		}
		_, _ = fmt.Fprintf(r.out, "== %s\n", s.name)
		r.results = append(r.results, r.measure(ctx, s))
	}
	return r.summary(time.Since(begin)) && ctx.Err() == nil
}

func (r *runner) choose(names []string) ([]stage, error) {
	var chosen []stage
	if len(names) == 1 && (names[0] == tiers.Quick || names[0] == tiers.Test || names[0] == tiers.Full) {
		r.everything = names[0] == tiers.Full
		for _, s := range stages {
			for _, tier := range s.tiers {
				if tier == names[0] {
					chosen = append(chosen, s)
				}
			}
		}
		return chosen, nil
	}
	var known []string
	for _, s := range stages {
		known = append(known, s.name)
	}
	for _, name := range names {
		before := len(chosen)
		for _, s := range stages {
			if s.name == name {
				chosen = append(chosen, s)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("%q is no stage: expected a tier (quick, test, full) or some of %s", name, strings.Join(known, ", "))
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("expected a tier (quick, test, full) or some of %s", strings.Join(known, ", "))
	}
	return chosen, nil
}

// measure runs a stage. A stage that failed without a failed test counts as one.
func (r *runner) measure(ctx context.Context, s stage) result {
	wall, cpu := time.Now(), processorTime()
	counted, err := s.run(ctx, r)
	if err != nil {
		_, _ = fmt.Fprintf(r.out, "%s: %v\n", s.name, err)
		if counted.failed == 0 {
			counted.failed++
		}
	}
	return result{stage: s.name, wall: time.Since(wall), cpu: processorTime() - cpu, tally: counted, err: err}
}

// summary prints the table and the last line, and tells whether all is well: a skipped test is not.
func (r *runner) summary(wall time.Duration) bool {
	var all tally
	_, _ = fmt.Fprintf(r.out, "\n%-12s %8s %10s %7s\n", "stage", "minutes", "processor", "passed")
	for _, result := range r.results {
		all.add(result.tally)
		said := ""
		if result.err != nil || result.failed > 0 {
			said = "  FAILED"
		}
		_, _ = fmt.Fprintf(r.out, "%-12s %8.1f %9.0fs %7d%s\n", result.stage, result.wall.Minutes(), result.cpu.Seconds(), result.passed, said)
	}
	if r.raceOff != "" {
		_, _ = fmt.Fprintf(r.out, "THE RACE DETECTOR WAS OFF: %s\n", r.raceOff)
	}
	_, _ = fmt.Fprintf(r.out, "%-12s %8.1f\n", "all", wall.Minutes())
	_, _ = fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", all.passed, all.failed, all.skipped)
	return all.failed == 0 && all.skipped == 0
}

// processorTime is what all ended children took, theirs included.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
