// Package billing sells plans through Stripe: the catalogue, checkout, subscriptions, the webhook and the reports of usage.
//
// What an organization is entitled to is what Stripe says when asked. An event of the webhook only says whom to ask about: what it carries
// is never stored, so events may come late, twice, in any order or not at all. The package imports tenants and stripe-go, pinned to the API
// version 2023-10-16; it knows neither HTTP handlers nor SQL.
package billing

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// State is what Stripe calls the state of a subscription.
type State string

// The states that mean something here. Any other one, the empty one included, entitles to nothing.
const (
	StateTrialing State = "trialing"
	StateActive   State = "active"
	StatePastDue  State = "past_due"
	StateUnpaid   State = "unpaid"
	StateCanceled State = "canceled"
)

// active reports whether the subscription still exists, so that there must not be a second one.
func (s State) active() bool {
	return s == StateTrialing || s == StateActive || s == StatePastDue || s == StateUnpaid
}

// GracePeriod is how long a payment may be overdue before the limits of the free plan hold.
const GracePeriod = 14 * 24 * time.Hour

// TrialDays is how long the first subscription of an organization costs nothing.
const TrialDays = 14

// Account is what an organization pays for, as last fetched.
type Account struct {
	Organization      id.ID
	Customer          string // Stripe's id; empty: there is none yet
	Subscription      string // Stripe's id
	Plan              string // id of the plan that the subscription is for
	Yearly            bool
	State             State
	PeriodEnd         time.Time
	TrialEnd          time.Time
	CancelAtPeriodEnd bool
	GraceUntil        time.Time // of an overdue payment
	TrialUsed         bool
	Checkout          string // Stripe's id of the only checkout that can still be paid
	Agreed            string // id of the plan that the operator gave; stands above the subscription
	KeptDays          int    // of the timeline, by a larger plan than today's, until KeptUntil
	KeptUntil         time.Time
}

// PlanAt is the plan whose limits hold.
func (a Account) PlanAt(now time.Time) tenants.Plan {
	switch {
	case a.Agreed != "":
		return tenants.PlanByID(a.Agreed)
	case a.State == StateActive, a.State == StateTrialing, a.State == StatePastDue && now.Before(a.GraceUntil):
		return tenants.PlanByID(a.Plan)
	default:
		return tenants.PlanByID(tenants.PlanFree)
	}
}

// Retention is for how many days the timeline of projects is kept. An overdue payment shortens nothing while the subscription lives.
func (a Account) Retention(now time.Time) int {
	if now.Before(a.KeptUntil) {
		return max(a.planned().Retention, a.KeptDays)
	}
	return a.planned().Retention
}

// planned is the plan that the account is on, paid or not.
func (a Account) planned() tenants.Plan {
	switch {
	case a.Agreed != "":
		return tenants.PlanByID(a.Agreed)
	case a.Living():
		return tenants.PlanByID(a.Plan)
	default:
		return tenants.PlanByID(tenants.PlanFree)
	}
}

// KeptOn is for how many days more, and how many days back, the timeline stays as it is when the account goes on to a plan that keeps less; zero:
// the plan keeps no less.
func (a Account) KeptOn(plan tenants.Plan, now time.Time) int {
	if plan.Retention >= a.planned().Retention {
		return 0
	}
	return a.Retention(now)
}

// Keeping is the account as it follows one on another plan: a smaller plan removes nothing of the timeline before the larger one would have.
func (a Account) Keeping(before Account, now time.Time) Account {
	if days := before.KeptOn(a.planned(), now); days > 0 {
		a.KeptDays, a.KeptUntil = days, now.AddDate(0, 0, days)
	}
	return a
}

// Equal compares two accounts; times that name one moment are the same, in whatever zone.
func (a Account) Equal(b Account) bool {
	same := a.PeriodEnd.Equal(b.PeriodEnd) && a.TrialEnd.Equal(b.TrialEnd) && a.GraceUntil.Equal(b.GraceUntil) && a.KeptUntil.Equal(b.KeptUntil)
	for _, account := range []*Account{&a, &b} {
		account.PeriodEnd, account.TrialEnd, account.GraceUntil, account.KeptUntil = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	}
	return same && a == b
}

// Living reports whether there is a subscription that could be changed or cancelled.
func (a Account) Living() bool { return a.Subscription != "" && a.State.active() }

// InvoicePaid is what Stripe calls an invoice that is paid.
const InvoicePaid = "paid"

// Invoice is one invoice of a customer.
type Invoice struct {
	ID, Number, Status string
	Customer           string
	Total              int64  // in the currency's smallest unit
	Currency           string // ISO 4217, lower case
	URL                string // page at Stripe
	CreatedAt          time.Time
}

// Config is what the service needs. Every field but Log is required.
type Config struct {
	Store  Store
	Stripe Stripe
	// Secrets sign what Stripe sends to the webhook: one, or two while they are exchanged.
	Secrets []string
	// Live says that the API key moves real money; events of the other mode are ignored.
	Live bool
	// BaseURL is the root of the site, without trailing slash.
	BaseURL string
	Mail    Mail
	Now     func() time.Time
	Log     *slog.Logger
}

// Service is billing. It keeps nothing between calls but a bound on how many events are worked on at once, and is safe for concurrent use.
type Service struct {
	Config
	working chan struct{}
}

// workers is how many events one process works on at once: each is a request or two to Stripe, which has a limit of its own.
const workers = 4

// New checks the configuration: a webhook without a secret would believe everybody (catalogue 239).
func New(c Config) (*Service, error) {
	if len(c.Secrets) == 0 || len(c.Secrets) > 2 {
		return nil, errors.New("billing needs one or two secrets of the webhook")
	}
	for _, s := range c.Secrets {
		if len(s) < minSecret {
			return nil, errors.New("a secret of the webhook is too short: expected the one that Stripe shows, whsec_…")
		}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{Config: c, working: make(chan struct{}, workers)}, nil
}

// minSecret is the fewest characters of a webhook's secret.
const minSecret = 16

var _ tenants.Plans = (*Service)(nil)

// PlanOf implements tenants.Plans.
func (s *Service) PlanOf(ctx context.Context, organization id.ID) (tenants.Plan, error) {
	account, err := s.Store.BillingAccount(ctx, organization)
	if err != nil {
		return tenants.Plan{}, err
	}
	return account.PlanAt(s.Now()), nil
}
