package billing_test

import (
	"sync"
	"testing"

	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// While Stripe does not answer nothing is locked, no transaction is open, and other customers are served: each question holds up whoever asked it.
func TestNothingWaitsWhileStripeIsAsked(t *testing.T) {
	t.Parallel()
	s, stripe := newShop(t)
	s.subscribe(t)
	const askers = 30 // more than the store has connections
	var reached, done sync.WaitGroup
	held := make(chan struct{})
	reached.Add(askers)
	slow := func() {
		reached.Done()
		<-held
	}
	stripe.slow.Store(&slow)
	for range askers {
		done.Go(func() {
			if err := s.Refresh(t.Context(), s.organization); err != nil {
				t.Error(err)
			}
		})
	}
	reached.Wait()
	s.exec(t, `SELECT FROM billing_accounts WHERE organization_id = $1 FOR UPDATE NOWAIT`, s.organization.String())
	var open int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&open); err != nil || open != 0 {
		t.Errorf("%d transactions are open while Stripe is asked, want none (%v)", open, err)
	}
	if _, other, err := s.store.EnsureMember(t.Context(), "other@example.com", "-", "Other"); err != nil {
		t.Error(err)
	} else if plan, err := s.PlanOf(t.Context(), other); err != nil || plan.ID != tenants.PlanFree {
		t.Errorf("another organization: got %q, %v", plan.ID, err)
	}
	close(held)
	done.Wait()
}

// Answers may arrive in another order than questions were asked. An older one changes nothing, and announces nothing.
func TestOvertakenAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	s, stripe := newShop(t)
	account := s.subscribe(t)
	reached, held := make(chan struct{}), make(chan struct{})
	slow := func() {
		close(reached)
		<-held
	}
	stripe.slow.Store(&slow)
	late := make(chan error)
	go func() { late <- s.Refresh(t.Context(), s.organization) }()
	<-reached // it has read that the subscription lives
	stripe.slow.Store(nil)
	s.fake.Cancel(account.Customer, true, false)
	if err := s.Refresh(t.Context(), s.organization); err != nil {
		t.Fatal(err)
	}
	announced := s.lines(t, "billing.plan_changed")
	close(held)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	got, err := s.Store.BillingAccount(t.Context(), s.organization)
	if err != nil || got.State != billing.StateCanceled {
		t.Errorf("after the older answer: got %q, %v, want %q", got.State, err, billing.StateCanceled)
	}
	if n := s.lines(t, "billing.plan_changed"); n != announced {
		t.Errorf("the older answer was announced: got %d lines, want %d", n, announced)
	}
}
