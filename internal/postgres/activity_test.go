package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/tenants"
)

func runActivity(t *testing.T, store *postgres.Store) (recorder *postgres.Activity, end func()) {
	t.Helper()
	a := postgres.NewActivity(store, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = a.Run(ctx)
	}()
	end = func() {
		cancel()
		<-ended
	}
	t.Cleanup(end)
	return a, end
}

func authorizeStep(at time.Time, client string) tenants.Activity {
	id := id.New()
	return tenants.Activity{ID: id, AttemptID: id, At: at, Step: tenants.StepAuthorize, Outcome: tenants.OutcomeOK, ClientID: client}
}

func attemptsOf(t *testing.T, store *postgres.Store, project id.ID, filter tenants.ActivityFilter) ([]tenants.Attempt, time.Time) {
	t.Helper()
	found, next, err := store.ListAttempts(t.Context(), project, filter)
	if err != nil {
		t.Fatal(err)
	}
	return found, next
}

// What is recorded is written by the end of the process at the latest; what exceeds memory, or what the database does not take, is
// counted, and one bad step does not cost the others.
func TestActivityIsBounded(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	project, store := newTestProject(t, db, "Acme"), openTenants(t, db)
	idle := postgres.NewActivity(store, slog.New(slog.DiscardHandler))
	for range 10_500 {
		idle.Record(project.ID, authorizeStep(time.Now(), "flood"))
	}
	if idle.Dropped() != 500 {
		t.Errorf("%d steps were dropped, expected 500 of 10,500", idle.Dropped())
	}
	running, end := runActivity(t, store)
	for i := range 50 {
		step := authorizeStep(time.Now(), "good")
		if i == 20 {
			step.ClientName = "bad\x00" // what no text column takes
		}
		running.Record(project.ID, step)
	}
	end()
	found, _ := attemptsOf(t, store, project.ID, tenants.ActivityFilter{Limit: 100})
	if len(found) != 49 || running.Dropped() != 1 {
		t.Errorf("%d of 49 steps were written, %d dropped", len(found), running.Dropped())
	}
}

// Attempts are listed page by page without a gap or a repetition, failures by themselves, clients by themselves.
func TestListAttempts(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	project, store := newTestProject(t, db, "Acme"), openTenants(t, db)
	recorder, _ := runActivity(t, store)
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i := range 25 {
		step := authorizeStep(start.Add(time.Duration(i)*time.Minute), fmt.Sprint("client ", i%2))
		recorder.Record(project.ID, step)
		early := tenants.Activity{ID: id.New(), At: step.At.Add(-5 * time.Minute), Step: tenants.StepRegistration, Outcome: tenants.OutcomeOK, ClientID: step.ClientID}
		if i == 10 {
			recorder.Record(project.ID, early)
		}
		for j := range 60 { // a connection that refreshes for long
			refresh := tenants.Activity{ID: id.New(), AttemptID: step.AttemptID, ClientID: step.ClientID, At: step.At.Add(time.Duration(j) * time.Second), Step: tenants.StepRefresh, Outcome: tenants.OutcomeOK}
			if i == 3 && j == 59 {
				refresh.Outcome = tenants.OutcomeRefused
			}
			recorder.Record(project.ID, refresh)
		}
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var filter tenants.ActivityFilter
	filter.Limit = 10
	seen, registrations := map[id.ID]int{}, 0
	for range 4 {
		page, next := attemptsOf(t, store, project.ID, filter)
		for _, a := range page {
			seen[a.ID]++
			for _, s := range a.Steps {
				if s.Step == tenants.StepRegistration {
					registrations++
				}
			}
			if len(a.Steps) < 40 || len(a.Steps) > 42 {
				t.Errorf("an attempt of %d steps", len(a.Steps))
			}
		}
		if filter.Before = next; next.IsZero() {
			break
		}
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("attempt %s is listed %d times", id, times)
		}
	}
	if len(seen) != 25 || registrations != 1 {
		t.Errorf("%d of 25 attempts are listed, %d registrations", len(seen), registrations)
	}
	if failures, _ := attemptsOf(t, store, project.ID, tenants.ActivityFilter{Limit: 10, Failures: true}); len(failures) != 1 || !failures[0].Failed(time.Now()) {
		t.Errorf("failures: %+v", failures)
	}
	if of, _ := attemptsOf(t, store, project.ID, tenants.ActivityFilter{Limit: 100, ClientID: "client 1"}); len(of) != 12 {
		t.Errorf("%d of 12 attempts of a client", len(of))
	}
	other := newTestProject(t, db, "Other")
	if foreign, _ := attemptsOf(t, store, other.ID, tenants.ActivityFilter{Limit: 10}); len(foreign) != 0 {
		t.Errorf("another project sees %+v", foreign)
	}
}

// Steps go when they are old, and the oldest of too many.
func TestActivityRetention(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	project, store := newTestProject(t, db, "Acme"), openTenants(t, db)
	recorder, _ := runActivity(t, store)
	for i := range 30 {
		at := time.Now().Add(-time.Duration(i)*24*time.Hour - 48*time.Hour)
		step := authorizeStep(at, fmt.Sprint("day ", i+2))
		step.ID = id.First(at)
		recorder.Record(project.ID, step)
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := func() string {
		found, _ := attemptsOf(t, store, project.ID, tenants.ActivityFilter{Limit: 100})
		var days []string
		for _, a := range found {
			days = append(days, strings.TrimPrefix(a.ClientID, "day "))
		}
		return strings.Join(days, " ")
	}
	if _, err := store.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := left(); !strings.HasPrefix(got, "2 3 4 ") || !strings.HasSuffix(got, " 28 29") {
		t.Errorf("after 30 days: %s", got)
	}
	if _, err := store.SweepActivityBeyond(t.Context(), project.ID, 3); err != nil {
		t.Fatal(err)
	}
	if got := left(); got != "2 3 4" {
		t.Errorf("of at most three: %s", got)
	}
}
