package billing_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// What is beyond the plan reaches Stripe once, whatever is lost on the way: Stripe is away, takes a report and does not answer, the report is
// older than Stripe remembers it, and two processes report at the same moment. The reconciliation shows both sides the while.
func TestUsageIsReportedOnce(t *testing.T) {
	t.Parallel()
	s, stripe := newShop(t)
	s.subscribe(t)
	s.connect(t, 24_000)
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.both(t); b.Counted != 24_000 || b.Billable != 0 || b.Stripe != 0 || !b.Agrees() {
		t.Errorf("within the plan: %+v", b)
	}
	s.connect(t, 1_500)
	stripe.away.Store(true)
	for range 2 {
		if err := s.Report(t.Context()); err == nil {
			t.Error("an outage is not told")
		}
	}
	if b := s.both(t); b.Billable != 500 || b.Pending != 500 || b.Reported != 0 || b.Stripe != 0 || b.Agrees() {
		t.Errorf("Stripe is away: %+v", b)
	}
	stripe.away.Store(false)
	stripe.mute.Store(true)
	if err := s.Report(t.Context()); err == nil {
		t.Error("an answer that did not come is not told")
	}
	if b := s.both(t); b.Pending != 500 || b.Stripe != 500 || b.Agrees() {
		t.Errorf("taken and not answered: %+v", b)
	}
	stripe.mute.Store(false)
	s.clock.Store(int64(48 * time.Hour)) // Stripe has forgotten the identifier
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.both(t); b.Reported != 500 || b.Pending != 0 || b.Stripe != 500 || !b.Agrees() {
		t.Errorf("afterwards: %+v", b)
	}
	s.clock.Store(0)
	s.connect(t, 250)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { _ = s.Report(t.Context()) }) // the others may find it sent
	}
	all.Wait()
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.both(t); b.Billable != 750 || b.Reported != 750 || b.Stripe != 750 || !b.Agrees() {
		t.Errorf("eight at once: %+v", b)
	}
	// Nothing that was reported is taken back when the plan grows, and nothing is reported for a month that was paid for already.
	s.exec(t, `UPDATE billing_accounts SET plan = 'scale'`)
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.both(t); b.Billable != 0 || b.Stripe != 750 || !b.Agrees() {
		t.Errorf("on a larger plan: %+v", b)
	}
	s.exec(t, `UPDATE billing_accounts SET plan = 'pro'`)
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.both(t); b.Billable != 0 || b.Stripe != 750 || !b.Agrees() {
		t.Errorf("on a smaller plan again, in the month that the larger one included them: %+v", b)
	}
}

// Stripe breaks down over a report. It would tell so again for a day to whoever asks in the same words, and is asked in others an hour later.
func TestUsageAfterBreakdown(t *testing.T) {
	t.Parallel()
	s, stripe := newShop(t)
	s.subscribe(t)
	s.connect(t, 25_010)
	stripe.broken.Store(true)
	if err := s.Report(t.Context()); !errors.Is(err, billing.ErrStripe) {
		t.Errorf("broken down: %v", err)
	}
	stripe.broken.Store(false)
	s.clock.Store(int64(time.Hour))
	if err := s.Report(t.Context()); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	if b := s.both(t); b.Reported != 10 || b.Stripe != 10 || !b.Agrees() {
		t.Errorf("an hour later: %+v", b)
	}
}

// The last hour of a month is reported in the next one, by the plan of then: who has changed since pays neither more nor less.
func TestMonthThatIsOver(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t)
	s.subscribe(t)
	s.connect(t, 26_000)
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.connect(t, 100)
	next := tenants.MonthOf(time.Now()).AddDate(0, 1, 0)
	s.clock.Store(int64(time.Until(next.Add(30 * time.Minute))))
	s.exec(t, `UPDATE billing_accounts SET plan = 'scale'`)
	for range 2 {
		if err := s.Report(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if b := s.both(t); b.Billable != 1_100 || b.Reported != 1_100 || b.Stripe != 1_100 || !b.Agrees() {
		t.Errorf("%+v", b)
	}
	s.connect(t, 50)
	s.clock.Store(int64(time.Until(next.AddDate(0, 0, 4)))) // too late: the invoice is out
	if err := s.Report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b := s.both(t); b.Stripe != 1_100 {
		t.Errorf("after three days: %+v", b)
	}
}

// What is long over is forgotten: events that Stripe does not send again, and who was counted two years ago.
func TestOldRecordsAreForgotten(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t)
	s.connect(t, 2)
	s.exec(t, `INSERT INTO connected_users (project_id, month, user_id) SELECT project_id, (month - n * interval '1 month')::date, user_id FROM connected_users, unnest(ARRAY[24, 27]) AS n`)
	s.exec(t, `INSERT INTO billing_events (id, type, outcome, received_at) VALUES ('evt_new', 't', 'applied', now() - interval '31 days'), ('evt_old', 't', 'applied', now() - interval '61 days')`)
	if _, err := s.store.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	var people, events int
	if err := s.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM connected_users), (SELECT count(*) FROM billing_events)`).Scan(&people, &events); err != nil || people != 4 || events != 1 {
		t.Errorf("%d rows of people and %d events are left, want 4 and 1 (%v)", people, events, err)
	}
}

// Owners hear at 80 percent, at 100 and when new people wait: each once a month, however often it is looked.
func TestUsageIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	s, _ := newShop(t)
	for _, step := range []struct{ more, mails int }{{7_999, 0}, {1, 1}, {500, 1}, {1_500, 2}, {1_999, 2}, {1, 3}, {500, 3}} {
		s.connect(t, step.more)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := s.Reconcile(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		var mails, lines int
		if err := s.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM river_job WHERE kind = 'mail'), (SELECT count(*) FROM organization_audit_log WHERE action = 'billing.usage_announced')`).Scan(&mails, &lines); err != nil {
			t.Fatal(err)
		}
		if mails != step.mails || lines != step.mails {
			t.Errorf("%d more: %d mails and %d lines in the log, want %d", step.more, mails, lines, step.mails)
		}
	}
}

func TestProjection(t *testing.T) {
	t.Parallel()
	month := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	steady := func(days, each int) (out []tenants.MonthlyActiveUsers) {
		for d := range days {
			out = append(out, tenants.MonthlyActiveUsers{Day: month.AddDate(0, 0, d), Count: each})
		}
		return out
	}
	for _, c := range []struct {
		name string
		days []tenants.MonthlyActiveUsers
		now  time.Time
		want int
	}{
		{"nothing", nil, month.AddDate(0, 0, 10), 0},
		{"the first minute says nothing", steady(1, 5), month.Add(time.Minute), 5},
		{"steady", steady(15, 10), month.AddDate(0, 0, 15), 300}, // the sixteenth has just begun: 150, and 15 days are left at 10 each
		{"the last moment", steady(30, 10), month.AddDate(0, 1, 0).Add(-time.Second), 300},
		{"a wave that is over", steady(3, 1000), month.AddDate(0, 0, 20), 3000},
	} {
		if got := billing.Projection(c.days, c.now); got < c.want-c.want/10 || got > c.want+c.want/10 {
			t.Errorf("%s: %d, want about %d", c.name, got, c.want)
		}
	}
}
