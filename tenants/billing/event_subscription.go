package billing

import (
	"context"
	"slices"
	"strings"
	"time"
)

// askAfterSubscription asks for the state of all subscriptions of the customer, whichever the event was about.
func (s *Service) askAfterSubscription(ctx context.Context, _ event, account Account) (answer, error) {
	return s.ask(ctx, account)
}

// answer is what Stripe says about an account.
type answer struct {
	subscriptions []Subscription
	invoices      []Invoice
}

// ask asks Stripe for the subscriptions of an account.
func (s *Service) ask(ctx context.Context, account Account) (answer, error) {
	found, err := s.Stripe.Subscriptions(ctx, account.Customer)
	found = slices.DeleteFunc(found, func(f Subscription) bool { return f.Customer != account.Customer || !ours(f.Product) })
	return answer{subscriptions: found}, err
}

// follow says what follows from an answer for an account. It asks nobody: the account is locked meanwhile.
func (s *Service) follow(ctx context.Context, before Account, said answer) Change {
	found := said.subscriptions
	slices.SortStableFunc(found, func(a, b Subscription) int { return b.CreatedAt.Compare(a.CreatedAt) })
	living := slices.DeleteFunc(slices.Clone(found), func(f Subscription) bool { return !f.State.active() })
	if len(living) > 1 {
		s.Log.ErrorContext(ctx, "an organization has more than one subscription: cancel all but one in Stripe", "organization", before.Organization, "count", len(living))
	}
	after := before
	switch {
	case len(living) > 0:
		after = before.with(living[0])
	case len(found) > 0:
		after = before.with(found[0])
	}
	switch {
	case !after.overdue():
		after.GraceUntil = time.Time{}
	case after.GraceUntil.IsZero():
		after.GraceUntil = s.Now().Add(GracePeriod)
	}
	return Change{Account: after, Invoices: said.invoices, Effects: s.worded(ctx, before.Organization, effects(before, after)...)}
}

// with is the account as Stripe says it is.
func (a Account) with(f Subscription) Account {
	a.Subscription, a.Plan, a.Yearly, a.State = f.ID, strings.TrimPrefix(f.Product, productPrefix), f.Yearly, f.State
	a.PeriodEnd, a.TrialEnd, a.CancelAtPeriodEnd = f.PeriodEnd, f.TrialEnd, f.CancelAtPeriodEnd
	a.TrialUsed = a.TrialUsed || f.State == StateTrialing || !f.TrialEnd.IsZero()
	return a
}
