package billing

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
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

// Question is Stripe being asked about an account. Nothing is locked while it is asked: questions have numbers instead, and the state follows
// the answer to the latest one. Whatever happened before an event came is part of every answer to a question that was numbered after it.
type Question struct {
	Account Account // as it was
	Number  int64
}

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
	Organization id.ID
	Customer     string
	Month        time.Time
	Sequence     int
	Value        int
	CreatedAt    time.Time
}

// Usage is how many connected users an organization had in a month, and what of it was given to Stripe.
type Usage struct {
	Organization id.ID
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
	BillingAccount(ctx context.Context, organization id.ID) (Account, error)
	// LinkCustomer stores the customer of an organization unless it has one, and returns the one it has. ErrNotFound: no such organization.
	LinkCustomer(ctx context.Context, organization id.ID, customer string) (string, error)
	// Ask numbers a question about an organization's account, EventQuestion about the account of a customer, unless the event was noted before:
	// then, and for a customer that nobody has, the outcome says so. An organization without a customer has a question of number zero.
	Ask(ctx context.Context, organization id.ID) (Question, error)
	EventQuestion(ctx context.Context, event, customer string) (Question, Outcome, error)
	// Answer applies what decide makes of the answer to a question, with the account locked; decide must not ask anybody. The answer to a
	// question that a later one overtook changes invoices alone, and those only where no later question was answered about them.
	Answer(ctx context.Context, question Question, decide func(Account) Change) error
	// AnswerEvent does the same and notes the event; one that was noted meanwhile changes nothing.
	AnswerEvent(ctx context.Context, id, kind string, question Question, decide func(Account) Change) (Outcome, error)
	// NoteEvent notes an event that changes nothing. It returns the outcome given, or OutcomeDuplicate.
	NoteEvent(ctx context.Context, id, kind string, outcome Outcome) (Outcome, error)
	// PlaceCheckout makes a checkout the only one that can be paid, in the place of the one given. It reports false where there is a
	// subscription, or another checkout than that one, by now.
	PlaceCheckout(ctx context.Context, organization id.ID, before, checkout string) (bool, error)
	// RecordBilling writes to the organization's audit log what a member asked for.
	RecordBilling(ctx context.Context, actor tenants.Actor, organization id.ID, action string, detail map[string]string) error
	// OverridePlan gives an organization a plan, or takes it back when empty.
	OverridePlan(ctx context.Context, organization id.ID, plan string) error
	ListInvoices(ctx context.Context, organization id.ID, most int) ([]Invoice, error)
	// TakeAccounts takes organizations with a customer that were not taken since the time given, the longest ago first, and notes that they were
	// at that time: nobody else gets them for the same time.
	TakeAccounts(ctx context.Context, at time.Time, most int) ([]id.ID, error)
	CountEvents(ctx context.Context) (map[string]int, error)

	// MonthUsage reads one organization's month, MonthsUsage those that were counted or reported in it.
	MonthUsage(ctx context.Context, organization id.ID, month time.Time) (Usage, error)
	MonthsUsage(ctx context.Context, month time.Time) ([]Usage, error)
	// RememberIncluded keeps the largest number of a month.
	RememberIncluded(ctx context.Context, organization id.ID, month time.Time, included int) error
	// PlanReport locks the account and adds a report of what decide returns beyond what was reported before; nothing when it is not above zero.
	PlanReport(ctx context.Context, organization id.ID, month time.Time, decide func(Usage) int) error
	PendingReports(ctx context.Context) ([]Reported, error)
	ReportSent(ctx context.Context, report Reported) error
	// Notify applies an effect once per organization, month and name.
	Notify(ctx context.Context, organization id.ID, month time.Time, name string, effect Effect) error

	// LimitUse counts what an organization has of each.
	LimitUse(ctx context.Context, organization id.ID) (Use, error)
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
