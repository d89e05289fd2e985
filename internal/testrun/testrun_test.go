package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/tiers"
)

// One line for each package, everything about what failed or was skipped, nothing about what passed, and the right count.
func TestGoWatcher(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := &goWatcher{out: &out, said: map[string]*bytes.Buffer{}}
	w.watch(strings.NewReader(`{"Action":"start","Package":"good"}
{"Action":"output","Package":"good","Test":"TestQuiet","Output":"chatter\n"}
{"Action":"pass","Package":"good","Test":"TestQuiet","Elapsed":0}
{"Action":"output","Package":"good","Output":"ok  \tgood\t(cached)\n"}
{"Action":"pass","Package":"good","Elapsed":0}
{"Action":"output","Package":"bad","Test":"TestWrong","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"bad","Test":"TestWrong","Elapsed":0.1}
{"Action":"output","Package":"bad","Test":"TestLater","Output":"not today\n"}
{"Action":"skip","Package":"bad","Test":"TestLater","Elapsed":0}
{"Action":"output","Package":"bad","Test":"TestNeverEnds","Output":"panic: timed out\n"}
{"Action":"fail","Package":"bad","Elapsed":1.54}
{"ImportPath":"broken","Action":"build-output","Output":"broken.go:1: undefined: x\n"}
go: a line of the command itself
`))
	if want := (tally{passed: 1, failed: 1, skipped: 1}); w.tally != want {
		t.Errorf("got %+v, want %+v", w.tally, want)
	}
	for _, want := range []string{"ok   good ", " cached     1 passed", "got 1, want 2", "not today", "panic: timed out", "FAIL bad ", "1.5s", "undefined: x", "of the command itself"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "chatter") {
		t.Errorf("what passed was shown:\n%s", out.String())
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	var got tally
	for _, line := range []string{"ℹ tests 9", "ℹ pass 4", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 2", "ℹ todo 1", "# pass 3", "a text with ℹ pass 100", "✔ pass 7 (1ms)"} {
		nodeCounts(line, &got)
	}
	mutationCounts("caught    156  x.go", &got)
	mutationCounts("SURVIVED  157  x.go", &got)
	mutationCounts("2 mutations, 1 caught", &got)
	if want := (tally{passed: 8, failed: 3, skipped: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Nothing that failed, was skipped or did not run passes for a good run, and the last line says what happened.
func TestSummary(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		result  result
		raceOff string
		good    bool
		want    string
	}{
		"good":    {result{stage: "go", wall: 90 * time.Second, tally: tally{passed: 5}}, "", true, "\nall               1.5\n5 passed, 0 failed, 0 skipped\n"},
		"failed":  {result{stage: "go", tally: tally{passed: 5, failed: 1}, err: errors.New("x")}, "", false, "\n5 passed, 1 failed, 0 skipped\n"},
		"skipped": {result{stage: "go", tally: tally{passed: 5, skipped: 2}}, "", false, "\n5 passed, 0 failed, 2 skipped\n"},
		"no race": {result{stage: "go", tally: tally{passed: 5}}, "there is no C compiler", true, "THE RACE DETECTOR WAS OFF: there is no C compiler\n"},
	} {
		var out bytes.Buffer
		r := &runner{out: &out, raceOff: tc.raceOff, results: []result{tc.result}}
		if good := r.summary(90 * time.Second); good != tc.good || !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: got %v and\n%s\nwant %v and %q", name, good, out.String(), tc.good, tc.want)
		}
		if !strings.Contains(out.String(), "go ") {
			t.Errorf("%s: the stage is missing in\n%s", name, out.String())
		}
	}
}

// A stage that goes wrong before any test counts, and those after it run all the same.
func TestStagesGoOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &runner{out: &out}
	got := r.measure(t.Context(), stage{name: "broken", run: func(context.Context, *runner) (tally, error) { return tally{}, errors.New("no disk") }})
	if got.failed != 1 || !strings.Contains(out.String(), "broken: no disk") {
		t.Errorf("got %+v and %q", got, out.String())
	}
	r = &runner{root: ".", out: &out}
	if counted, err := r.counted(exec.CommandContext(t.Context(), "true"), nodeCounts); err == nil || counted.passed != 0 {
		t.Errorf("a command that ran no test: got %+v, %v, want an error", counted, err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	r := &runner{}
	names := func(chosen []stage) (out []string) {
		for _, s := range chosen {
			out = append(out, s.name)
		}
		return out
	}
	reached := map[string]bool{}
	for _, tier := range []string{tiers.Quick, tiers.Test, tiers.Full} {
		chosen, err := r.choose([]string{tier})
		if err != nil || len(chosen) == 0 {
			t.Fatalf("%s: %v, %v", tier, chosen, err)
		}
		for _, name := range names(chosen) {
			reached[name] = true
		}
	}
	for _, s := range stages {
		if !reached[s.name] {
			t.Errorf("no tier runs the stage %s", s.name)
		}
	}
	if chosen, err := r.choose([]string{"fuzz", "go"}); err != nil || !slices.Equal(names(chosen), []string{"fuzz", "go"}) {
		t.Errorf("got %v, %v", names(chosen), err)
	}
	for _, wrong := range [][]string{{"fuz"}, {}, {"quick", "go"}} {
		if _, err := r.choose(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// Unit tests are those that start neither a database nor a built program, by what they import.
func TestLight(t *testing.T) {
	t.Parallel()
	got := light("m/pure fmt\nm/pure.test fmt m/pure\nm/store.test fmt m/internal/devdb m/store\nm/program.test m/internal/built\nm/devdbish.test m/internal/devdbish\n")
	if want := []string{"m/pure", "m/devdbish"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
