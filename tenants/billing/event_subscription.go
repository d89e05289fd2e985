package billing

import (
	"context"
	"slices"
	"strings"
	"time"
)

// subscriptionEvent asks for the state of all subscriptions of the customer, whichever the event was about.
func (s *Service) subscriptionEvent(ctx context.Context, _ event, account Account) (Change, error) {
	return s.fetch(ctx, account)
}

// fetch asks Stripe for the subscription of an account and says what follows from the difference.
func (s *Service) fetch(ctx context.Context, before Account) (Change, error) {
	found, err := s.Stripe.Subscriptions(ctx, before.Customer)
	if err != nil {
		return Change{}, err
	}
	found = slices.DeleteFunc(found, func(f Subscription) bool { return f.Customer != before.Customer || !ours(f.Product) })
	slices.SortStableFunc(found, func(a, b Subscription) int { return b.CreatedAt.Compare(a.CreatedAt) })
	living := slices.DeleteFunc(slices.Clone(found), func(f Subscription) bool { return !f.State.living() })
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
	return Change{Account: after, Effects: s.worded(ctx, before.Organization, effects(before, after)...)}, nil
}

// with is the account as Stripe says it is.
func (a Account) with(f Subscription) Account {
	a.Subscription, a.Plan, a.Yearly, a.State = f.ID, strings.TrimPrefix(f.Product, productPrefix), f.Yearly, f.State
	a.PeriodEnd, a.TrialEnd, a.CancelAtPeriodEnd = f.PeriodEnd, f.TrialEnd, f.CancelAtPeriodEnd
	a.TrialUsed = a.TrialUsed || f.State == StateTrialing || !f.TrialEnd.IsZero()
	return a
}
