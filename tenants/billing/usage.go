package billing

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// identifier names a report for good: whoever sends it, and however often, it adds once. Stripe keeps identifiers for a day.
func (r Reported) identifier() string {
	return fmt.Sprintf("mcpauth-%s-%s-%d", r.Organization, r.Month.Format("2006-01"), r.Sequence)
}

// identifiersKept is how long Stripe surely remembers an identifier.
const identifiersKept = 20 * time.Hour

// lateDays is for how many days into a month the one before is still reported.
const lateDays = 3

// Included is how many connected users of a month a plan pays for; zero: it is not one that charges for more.
func Included(plan tenants.Plan) int {
	switch {
	case plan.MonthlyActiveUsers == tenants.Unlimited:
		return math.MaxInt32
	case plan.Overage > 0:
		return plan.MonthlyActiveUsers
	default:
		return 0
	}
}

// billable is how many connected users are to be paid for: those beyond what the largest plan of the month included. Of a month that is over
// only what was remembered counts, for the plan of today says nothing about it.
func (u Usage) billable(now time.Time) int {
	included := u.Included
	if u.Month.Equal(tenants.MonthOf(now)) {
		included = max(included, Included(u.Account.PlanAt(now)))
	}
	if included == 0 {
		return 0
	}
	return max(0, u.Counted-included)
}

// refreshTime is for how long one pass fetches accounts.
const refreshTime = 10 * time.Minute

// Reconcile does what is due: it fetches accounts (so that a lost event is made good), announces what was reached, and reports usage. One
// account that fails does not keep the others from their turn. Any number of processes may do it at once.
func (s *Service) Reconcile(ctx context.Context) error {
	return errors.Join(s.refreshAll(ctx, refreshTime), s.announce(ctx), s.Report(ctx))
}

// refreshAll fetches those that were not fetched for the longest time, until all are or the time is up: the next pass goes on with the others.
func (s *Service) refreshAll(ctx context.Context, most time.Duration) error {
	var problems []error
	const batch = 20
	at, end := s.Now(), time.Now().Add(most)
	for {
		organizations, err := s.Store.TakeAccounts(ctx, at, batch)
		if err != nil {
			return errors.Join(append(problems, err)...)
		}
		for _, organization := range organizations {
			if err := s.Refresh(ctx, organization); err != nil {
				problems = append(problems, fmt.Errorf("refresh %s: %w", organization, err))
				continue
			}
			problems = append(problems, s.announceGrace(ctx, organization))
		}
		if len(organizations) < batch || time.Now().After(end) || ctx.Err() != nil {
			return errors.Join(problems...)
		}
	}
}

// announceGrace tells once that the grace of an overdue payment is over.
func (s *Service) announceGrace(ctx context.Context, organization id.ID) error {
	account, err := s.Store.BillingAccount(ctx, organization)
	if err != nil || !account.overdue() || account.GraceUntil.IsZero() || s.Now().Before(account.GraceUntil) {
		return err
	}
	return s.Store.Notify(ctx, account.Organization, tenants.MonthOf(account.GraceUntil), string(NoticeGraceEnded),
		s.worded(ctx, account.Organization, Effect{Action: "billing.grace_ended", Notice: &Notice{Kind: NoticeGraceEnded, Plan: tenants.PlanByID(account.Plan)}})[0])
}

// announce tells owners at 80 and 100 percent of what their plan includes, and when new people wait; each once a month.
func (s *Service) announce(ctx context.Context) error {
	month := tenants.MonthOf(s.Now())
	usages, err := s.Store.MonthsUsage(ctx, month)
	problems := []error{err}
	for _, u := range usages {
		plan := u.Account.PlanAt(s.Now())
		if plan.MonthlyActiveUsers == tenants.Unlimited {
			continue
		}
		var kind NoticeKind
		switch {
		case plan.MostConnected() != tenants.Unlimited && u.Counted >= plan.MostConnected():
			kind = NoticeUsageOver
		case u.Counted >= plan.MonthlyActiveUsers:
			kind = NoticeUsageReached
		case u.Counted*10 >= plan.MonthlyActiveUsers*8:
			kind = NoticeUsageNear
		default:
			continue
		}
		problems = append(problems, s.Store.Notify(ctx, u.Organization, month, string(kind)+" of "+plan.ID,
			s.worded(ctx, u.Organization, Effect{Action: "billing.usage_announced", Detail: map[string]string{"reached": string(kind), "plan": plan.ID}, Notice: &Notice{Kind: kind, Plan: plan, Counted: u.Counted}})[0]))
	}
	return errors.Join(problems...)
}

// Report gives Stripe what was counted beyond the plans. A report is stored before it is sent and stays until Stripe has taken it, so that an
// outage delays it, and a crash sends it again under the same identifier.
func (s *Service) Report(ctx context.Context) error {
	now := s.Now()
	months := []time.Time{tenants.MonthOf(now)}
	if now.UTC().Day() <= lateDays {
		months = append(months, tenants.MonthOf(months[0].AddDate(0, 0, -1)))
	}
	var problems []error
	for _, month := range months {
		usages, err := s.Store.MonthsUsage(ctx, month)
		problems = append(problems, err)
		for _, u := range usages {
			if included := Included(u.Account.PlanAt(now)); included > 0 && u.Account.Living() && month.Equal(tenants.MonthOf(now)) && included > u.Included {
				problems = append(problems, s.Store.RememberIncluded(ctx, u.Organization, month, included))
			}
			if !u.Account.Living() || u.billable(now) <= u.Reported+u.Pending {
				continue
			}
			problems = append(problems, s.Store.PlanReport(ctx, u.Organization, month, func(u Usage) int { return u.billable(now) }))
		}
	}
	pending, err := s.Store.PendingReports(ctx)
	problems = append(problems, err)
	for _, report := range pending {
		problems = append(problems, s.send(ctx, report))
	}
	return errors.Join(problems...)
}

// send gives one report to Stripe. One that Stripe may have taken longer ago than it remembers is compared with what it has first.
func (s *Service) send(ctx context.Context, report Reported) error {
	now := s.Now()
	if now.Sub(report.CreatedAt) > identifiersKept {
		taken, err := s.taken(ctx, report)
		if err != nil || taken {
			return err
		}
	}
	at := now
	if end := report.Month.AddDate(0, 1, 0).Add(-time.Second); at.After(end) {
		at = end
	}
	err := s.Stripe.SendUsage(ctx, EventName, report.identifier(), report.Customer, report.Value, at)
	if err == nil {
		return s.Store.ReportSent(ctx, report)
	}
	if errors.Is(err, ErrRefused) { // perhaps because it has it
		if taken, problem := s.taken(ctx, report); problem != nil || taken {
			return problem
		}
	}
	return fmt.Errorf("report usage of %s: %w", report.Organization, err)
}

// taken looks whether the sum that Stripe has includes the report, and if so notes that it was sent.
func (s *Service) taken(ctx context.Context, report Reported) (bool, error) {
	usage, err := s.Store.MonthUsage(ctx, report.Organization, report.Month)
	if err != nil {
		return false, err
	}
	meter, err := s.meter(ctx)
	if err != nil {
		return false, err
	}
	sum, err := s.Stripe.SumUsage(ctx, meter, report.Customer, report.Month, report.Month.AddDate(0, 1, 0))
	if err != nil || sum < usage.Reported+report.Value {
		return false, err
	}
	return true, s.Store.ReportSent(ctx, report)
}

func (s *Service) meter(ctx context.Context) (string, error) {
	meters, err := s.Stripe.Meters(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(meters, func(m Meter) bool { return m.EventName == EventName })
	if i < 0 {
		return "", fmt.Errorf("%w: it has no meter %s; run `mcpauth billing sync`", ErrRefused, EventName)
	}
	return meters[i].ID, nil
}

// Reconciliation is one organization's month on both sides.
type Reconciliation struct {
	Usage
	Billable int // beyond the plan, by our count
	Stripe   int // what Stripe has
}

// Agrees reports whether Stripe has what was sent, and what is to be paid for was sent.
func (b Reconciliation) Agrees() bool {
	return b.Stripe == b.Reported && b.Pending == 0 && (b.Reported >= b.Billable || !b.Account.Living())
}

// CompareUsage compares a month with Stripe, for every organization that has a customer there.
func (s *Service) CompareUsage(ctx context.Context, month time.Time) ([]Reconciliation, error) {
	meter, err := s.meter(ctx)
	if err != nil {
		return nil, err
	}
	usages, err := s.Store.MonthsUsage(ctx, month)
	if err != nil {
		return nil, err
	}
	var out []Reconciliation
	for _, u := range usages {
		if u.Account.Customer == "" {
			continue
		}
		sum, err := s.Stripe.SumUsage(ctx, meter, u.Account.Customer, month, month.AddDate(0, 1, 0))
		if err != nil {
			return nil, err
		}
		out = append(out, Reconciliation{Usage: u, Billable: u.billable(s.Now()), Stripe: sum})
	}
	return out, nil
}
