package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// measured is a figure of the introspection workload.
func measured(round int, server string, perSecond, cpu, p99 float64) figure {
	return figure{Round: round, Server: server, Workload: "introspect", PerSecond: perSecond, P50: p99 / 2, P99: p99,
		ServerCPU: cpu * 0.75, DatabaseCPU: cpu * 0.25, PeakRSS: int64(round) << 20}
}

// Ratios compare within a round, since the machine is another one in every round; the median is taken of the ratios, not of the figures.
func TestSummaryComparesWithinARound(t *testing.T) {
	t.Parallel()
	rows := summarise([]figure{
		measured(1, nameFloor, 100, 1, 10), measured(1, nameReal, 50, 2, 30), // x 2, x 3, x 0.5
		measured(2, nameFloor, 10, 10, 100), measured(2, nameReal, 4, 40, 200), // x 4, x 2, x 0.4
		measured(3, nameReal, 90, 3, 40), measured(3, nameFloor, 300, 1, 5), // x 3, x 8, x 0.3
	})
	if len(rows) != 1 {
		t.Fatalf("%d rows, expected that of the measured workload alone", len(rows))
	}
	want := row{Workload: "introspect", Goal: 0.3, GoalRatio: 2.8, CPURatio: 3, P99Ratio: 3, RateRatio: 0.4,
		Floor: side{PerSecond: 100, P50: 5, P99: 10, CPU: 1, ServerCPU: 0.75, DatabaseCPU: 0.25, PeakRSS: 3 << 20},
		Real:  side{PerSecond: 50, P50: 20, P99: 40, CPU: 3, ServerCPU: 2.25, DatabaseCPU: 0.75, PeakRSS: 3 << 20},
	}
	if diff := cmp.Diff(want, rows[0], cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })); diff != "" {
		t.Error(diff)
	}
}

func TestSummaryOfIncompleteRuns(t *testing.T) {
	t.Parallel()
	failed := figure{Round: 0, Server: nameReal, Workload: "introspect", Errors: 3, PerSecond: 1e6, ServerCPU: 1e6}
	rows := summarise([]figure{failed, measured(1, nameReal, 50, 2, 30), measured(2, nameFloor, 100, 1, 10)})
	if len(rows) != 1 || rows[0].Real.Errors != 3 || rows[0].Floor.Errors != 0 {
		t.Fatalf("%+v: errors of the warm-up count", rows)
	}
	if rows[0].Real.CPU != 2 || rows[0].CPURatio != 0 {
		t.Errorf("%+v: the warm-up's figures do not count, and rounds are not mixed", rows[0])
	}
	if rows := summarise(nil); len(rows) != 0 {
		t.Errorf("%+v of nothing", rows)
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	o := outcome{elapsed: 2 * time.Second, latencies: make([]time.Duration, 4000), failed: 1, example: "x"}
	for i := range o.latencies {
		o.latencies[i] = time.Duration(i+1) * time.Microsecond
	}
	got := newFigure(o, 3*time.Second, time.Second)
	want := figure{Seconds: 2, Count: 4000, Errors: 1, Example: "x", PerSecond: 2000, P50: 2, P99: 3.96, ServerCPU: 0.75, DatabaseCPU: 0.25}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.cpu() != 1 {
		t.Errorf("%v processor seconds per 1,000, expected server and database", got.cpu())
	}
	if none := newFigure(outcome{}, time.Second, time.Second); none.cpu() != 0 || none.PerSecond != 0 {
		t.Errorf("%+v of no operation", none)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	r := results{Go: "go1", PostgreSQL: "15", Processors: 2, Workers: 8, Rounds: 1, Figures: []figure{
		measured(1, nameFloor, 100, 0.1, 10), measured(1, nameReal, 50, 0.25, 30),
		{Round: 1, Server: nameFloor, Workload: "refresh", PerSecond: 10, ServerCPU: 0.4},
		{Round: 1, Server: nameReal, Workload: "refresh", PerSecond: 5, ServerCPU: 1.2, Errors: 2, Example: "expected the end, got more"},
	}}
	r.Summary = summarise(r.Figures)
	var text strings.Builder
	if err := writeTable(&text, r); err != nil {
		t.Fatal(err)
	}
	lines := map[string][]string{}
	for line := range strings.Lines(text.String()) {
		if fields := strings.Fields(line); len(fields) > 0 {
			lines[fields[0]] = fields
		}
	}
	want := strings.Fields("introspect 100 5.0 10.0 0.1000 50 15.0 30.0 0.2500 0.1875 + 0.0625 0.30 2.50 2.8 3.00 0.50 1 0")
	if diff := cmp.Diff(want, lines["introspect"]); diff != "" {
		t.Error(diff)
	}
	want = strings.Fields("refresh 10 0.0 0.0 0.4000 5 0.0 0.0 1.2000 1.2000 + 0.0000 1.00 missed 3.00 2.9 missed 0.00 0.50 0 2")
	if diff := cmp.Diff(want, lines["refresh"]); diff != "" {
		t.Error(diff)
	}
	if wanted := "first error of refresh on real (round 1): expected the end, got more"; !strings.Contains(text.String(), wanted) {
		t.Errorf("the table lacks %q:\n%s", wanted, text.String())
	}
	if r.errors() != 2 {
		t.Errorf("%d errors", r.errors())
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	r := results{Started: time.Unix(1700000000, 0).UTC(), Workers: 8, Rounds: 1, Figures: []figure{measured(1, nameReal, 50, 2, 30)}}
	r.Summary = summarise(r.Figures)
	path := filepath.Join(t.TempDir(), "results.json")
	if err := writeJSON(path, r); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got results
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Error(diff)
	}
	if err := writeJSON(filepath.Join(t.TempDir(), "none", "results.json"), r); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
