package main

import (
	"io"
	"slices"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := parseOptions(nil, io.Discard)
	if err != nil || o.workers != 8 || o.rounds != 3 || o.window != 3*time.Second || !slices.Equal(o.workloads, workloadNames()) {
		t.Errorf("%+v, %v", o, err)
	}
	o, err = parseOptions([]string{"-workers", "1", "-seconds", "0.25", "-workloads", "jwks, refresh", "-only", "real", "-out", "-"}, io.Discard)
	if err != nil || o.workers != 1 || o.window != 250*time.Millisecond || !slices.Equal(o.workloads, []string{"jwks", "refresh"}) || o.only != nameReal {
		t.Errorf("%+v, %v", o, err)
	}
	// The load stays bounded, and a typing error is no empty measurement.
	for _, args := range [][]string{
		{"-workers", "0"}, {"-workers", "65"}, {"-rounds", "0"}, {"-rounds", "21"}, {"-seconds", "0"}, {"-seconds", "61"}, {"-seconds", "NaN"},
		{"-only", "both"}, {"-workloads", ""}, {"-workloads", "refresh,none"}, {"more"}, {"-unknown"},
	} {
		if o, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%v: %+v without an error", args, o)
		}
	}
}

func TestPrepared(t *testing.T) {
	t.Parallel()
	for window, want := range map[time.Duration]int{
		0: 200, 50 * time.Millisecond: 200, 300 * time.Millisecond: 600, time.Second: 2000, time.Minute: 2000,
	} {
		if got := prepared(2000, window); got != want {
			t.Errorf("%v: %d, expected %d", window, got, want)
		}
	}
}
