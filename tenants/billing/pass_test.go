package billing_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// Passes of several processes share the accounts: each is taken once, those first that waited longest, and all of them again by a later pass.
func TestPassesShareAccounts(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t)
	s.exec(t, `INSERT INTO organizations (id, name) SELECT gen_random_uuid(), 'Customer ' || n FROM generate_series(1, 45) AS n`)
	s.exec(t, `INSERT INTO billing_accounts (organization_id, customer, looked_at) SELECT id, 'cus_' || id, now() - interval '1 hour' FROM organizations WHERE name LIKE 'Customer %'`)
	s.exec(t, `UPDATE billing_accounts SET looked_at = now() - interval '2 hours' WHERE organization_id = (SELECT id FROM organizations WHERE name = 'Customer 31')`)
	var first id.ID
	if err := s.pool.QueryRow(t.Context(), `SELECT id FROM organizations WHERE name = 'Customer 31'`).Scan(&first); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if taken, err := s.Store.TakeAccounts(t.Context(), now.Add(-time.Minute), 1); err != nil || !slices.Equal(taken, []id.ID{first}) {
		t.Errorf("who waits longest: %v %v, want %s", taken, err, first)
	}
	for _, at := range []time.Time{now, now.Add(time.Hour)} {
		var mu sync.Mutex
		var all sync.WaitGroup
		times := map[id.ID]int{}
		for range 3 {
			all.Go(func() {
				for {
					taken, err := s.Store.TakeAccounts(t.Context(), at, 4)
					if err != nil {
						t.Error(err)
					}
					if len(taken) == 0 {
						return
					}
					mu.Lock()
					for _, organization := range taken {
						times[organization]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(times) != 45 {
			t.Errorf("%d of 45 accounts were taken", len(times))
		}
		for organization, n := range times {
			if n != 1 {
				t.Errorf("%s was taken %d times", organization, n)
			}
		}
	}
}

// A payment whose event was lost is seen by the pass itself, which then does not say that the grace is over; nor does one that Stripe does not answer.
func TestGraceOfWhoHasPaid(t *testing.T) {
	t.Parallel()
	s, stripe := newShop(t)
	account := s.subscribe(t)
	s.fake.SetCard(account.Customer, true)
	s.fake.Advance(15 * 24 * time.Hour)
	if err := s.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.fake.SetCard(account.Customer, false)
	s.clock.Store(int64(15 * 24 * time.Hour))
	stripe.away.Store(true)
	if err := s.Reconcile(t.Context()); !errors.Is(err, billing.ErrStripe) {
		t.Errorf("Stripe is away: %v", err)
	}
	stripe.away.Store(false)
	s.clock.Add(int64(time.Hour))
	if err := s.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]int{"billing.payment_failed": 1, "billing.payment_recovered": 1, "billing.grace_ended": 0} {
		if n := s.lines(t, action); n != want {
			t.Errorf("%s: %d lines in the log, want %d", action, n, want)
		}
	}
}

// A smaller plan, an overdue payment and the end of a subscription remove nothing of the timeline that the plan before would have kept.
func TestTimelineAfterLargerPlan(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t)
	account := s.subscribe(t)
	ages := []int{1, 10, 50, 100}
	for _, age := range ages {
		at := time.Now().AddDate(0, 0, -age)
		s.exec(t, `INSERT INTO activity (project_id, id, at, step, outcome) VALUES ($1, $2, $3, 'token', 'ok')`, s.project, id.First(at), at)
	}
	left := func(when string, want ...int) {
		t.Helper()
		if _, err := s.store.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := s.pool.Query(t.Context(), `SELECT round(extract(epoch FROM now() - at) / 86400)::int FROM activity ORDER BY at DESC`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []int
		for rows.Next() {
			var age int
			if err := rows.Scan(&age); err != nil {
				t.Fatal(err)
			}
			got = append(got, age)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: steps %v days old are left, want %v", when, got, want)
		}
	}
	change := func(plan string) {
		t.Helper()
		if err := s.Change(t.Context(), tenants.SystemActor, s.organization, tenants.PlanByID(plan), false); err != nil {
			t.Fatal(err)
		}
	}
	change(tenants.PlanScale)
	left("on Scale", 1, 10, 50)
	change(tenants.PlanPro)
	left("on Pro after Scale", 1, 10, 50)
	s.exec(t, `UPDATE billing_accounts SET kept_until = now() - interval '1 second'`)
	left("when Scale would have removed it", 1, 10)
	s.fake.SetCard(account.Customer, true)
	s.fake.Advance(15 * 24 * time.Hour)
	if err := s.Refresh(t.Context(), s.organization); err != nil {
		t.Fatal(err)
	}
	s.exec(t, `UPDATE billing_accounts SET grace_until = now() - interval '1 minute'`)
	left("after the grace of an overdue payment", 1, 10)
	s.fake.Cancel(account.Customer, true, true)
	if err := s.Refresh(t.Context(), s.organization); err != nil {
		t.Fatal(err)
	}
	left("on Free after Pro", 1, 10)
	s.exec(t, `UPDATE billing_accounts SET kept_until = now() - interval '1 second'`)
	left("when Pro would have removed it", 1)
}
