package ui

import (
	"testing"
	"time"
)

func TestRelative(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		ago  time.Duration
		want string
	}{
		{-30 * time.Second, "just now"},
		{59 * time.Second, "just now"},
		{time.Minute, "1 minute ago"},
		{59 * time.Minute, "59 minutes ago"},
		{time.Hour, "1 hour ago"},
		{47 * time.Hour, "1 day ago"},
		{29 * 24 * time.Hour, "29 days ago"},
		{30 * 24 * time.Hour, "24 Oct 2026"},
		{-time.Hour, "in 1 hour"},
		{-30 * 24 * time.Hour, "23 Dec 2026"},
	} {
		if got := relative(now.Add(-c.ago), now); got != c.want {
			t.Errorf("%v ago = %q, want %q", c.ago, got, c.want)
		}
	}
	if got := relative(now, time.Time{}); got != "23 Nov 2026" {
		t.Errorf("without a now = %q", got)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 21408: "21,408", 1234567: "1,234,567", -999: "-999", -1000: "-1,000"} {
		if got := Number(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
