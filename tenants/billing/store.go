package billing

import (
	"context"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// Outcome says what became of an event.
type Outcome string

// What becomes of events. Those that came before leave no second trace.
const (
	OutcomeApplied         Outcome = "applied"
	OutcomeDuplicate       Outcome = "duplicate"
	OutcomeUnknownType     Outcome = "unknown type"
	OutcomeUnknownCustomer Outcome = "unknown customer"
	OutcomeOtherMode       Outcome = "other mode"
)

// Change is what becomes of an account: its new state, invoices to keep, and what follows from the difference.
type Change struct {
	Account  Account
	Invoices []Invoice
	Effects  []Effect
}

// Effect is one consequence of a change: a row of the organization's audit log and, unless Mail is nil, a mail to each of its owners.
type Effect struct {
	Action string
	Detail map[string]string
	Notice *Notice
	// Mail renders the notice for an organization of that name.
	Mail func(organization string) (subject, text, html string, err error)
}

// Reported is usage on its way to Stripe.
type Reported struct {
	Organization secret.ID
	Customer     string
	Month        time.Time
	Sequence     int
	Value        int
	CreatedAt    time.Time
}

// Usage is how many connected users an organization had in a month, and what of it was given to Stripe.
type Usage struct {
	Organization secret.ID
	Name         string
	Account      Account
	Month        time.Time
	Included     int // the most that a plan of this month included, as remembered; zero: nothing is known
	Counted      int
	Reported     int // of those beyond the plan, as sent
	Pending      int // made and not known to have arrived
}

// Store keeps what billing knows. Changes and their effects are one transaction.
type Store interface {
	// BillingAccount returns the zero account of an organization that never paid.
	BillingAccount(ctx context.Context, organization secret.ID) (Account, error)
	// LinkCustomer stores the customer of an organization unless it has one, and returns the one it has. ErrNotFound: no such organization.
	LinkCustomer(ctx context.Context, organization secret.ID, customer string) (string, error)
	// ApplyEvent notes the event and applies a change to the account of its customer, which is locked from before decide is called until the
	// change is stored. Without decide the event is noted with the outcome given. An event that was noted before changes nothing.
	ApplyEvent(ctx context.Context, id, kind, customer string, outcome Outcome, decide func(context.Context, Account) (Change, error)) (Outcome, error)
	// ChangeAccount applies a change to an account, locked in the same way.
	ChangeAccount(ctx context.Context, organization secret.ID, decide func(context.Context, Account) (Change, error)) error
	// RecordBilling writes to the organization's audit log what a member asked for.
	RecordBilling(ctx context.Context, actor tenants.Actor, organization secret.ID, action string, detail map[string]string) error
	// Agree gives an organization a plan, or takes it back when empty.
	Agree(ctx context.Context, organization secret.ID, plan string) error
	ListInvoices(ctx context.Context, organization secret.ID, most int) ([]Invoice, error)
	// TakeAccounts takes organizations with a customer that were not taken since the time given, the longest ago first, and notes that they were
	// at that time: nobody else gets them for the same time.
	TakeAccounts(ctx context.Context, at time.Time, most int) ([]secret.ID, error)
	CountEvents(ctx context.Context) (map[string]int, error)

	// MonthUsage reads one organization's month, MonthsUsage those that were counted or reported in it.
	MonthUsage(ctx context.Context, organization secret.ID, month time.Time) (Usage, error)
	MonthsUsage(ctx context.Context, month time.Time) ([]Usage, error)
	// RememberIncluded keeps the largest number of a month.
	RememberIncluded(ctx context.Context, organization secret.ID, month time.Time, included int) error
	// PlanReport locks the account and adds a report of what decide returns beyond what was reported before; nothing when it is not above zero.
	PlanReport(ctx context.Context, organization secret.ID, month time.Time, decide func(Usage) int) error
	PendingReports(ctx context.Context) ([]Reported, error)
	ReportSent(ctx context.Context, report Reported) error
	// Notify applies an effect once per organization, month and name.
	Notify(ctx context.Context, organization secret.ID, month time.Time, name string, effect Effect) error

	// LimitUse counts what an organization has of each.
	LimitUse(ctx context.Context, organization secret.ID) (Use, error)
}

// Use is how much of its limits an organization uses.
type Use struct {
	Projects, Servers, Domains, Seats int // Servers of the project that has the most
}

// Of is the number that a plan limits.
func (u Use) Of(what tenants.Countable) int {
	switch what {
	case tenants.CountProjects:
		return u.Projects
	case tenants.CountServers:
		return u.Servers
	case tenants.CountDomains:
		return u.Domains
	default:
		return u.Seats
	}
}
