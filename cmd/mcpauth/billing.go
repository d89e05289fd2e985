package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// newBilling connects billing; nil when it is off.
func newBilling(s settings, store *postgres.Store, log *slog.Logger) (*billing.Service, error) {
	if s.stripeKey == "" {
		return nil, nil
	}
	return billing.New(billing.Config{Store: store, Stripe: billing.NewStripe(s.stripeKey, s.stripeURL, nil), Secrets: s.stripeSecrets, Live: strings.Contains(s.stripeKey, "_live_"), BaseURL: s.baseURL,
		Mail: billingMail, Now: time.Now, Log: log})
}

// plansOf is what limits organizations; nil, not an empty pointer, when billing is off.
func plansOf(b *billing.Service) tenants.Plans {
	if b == nil {
		return nil
	}
	return b
}

// admission decides who may connect for the first time; nil: everybody, since billing is off.
func admission(b *billing.Service, store *postgres.Store) func(context.Context, id.ID, id.ID) error {
	if b == nil {
		return nil
	}
	return tenants.Admission{Store: store, Plans: b, Now: time.Now}.Admit
}

// billingMail puts a notice into words.
func billingMail(ctx context.Context, n billing.Notice) (subject, text, html string, err error) {
	view := templates.BillingMail{Organization: n.Organization, URL: n.URL}
	view.Subject, view.Text = billingWords(n)
	var out strings.Builder
	err = templates.BillingMailHTML(view).Render(ctx, &out)
	return view.Subject, templates.BillingMailText(view), out.String(), err
}

const nothingDeleted = "No project, server, domain or member is deleted, and everybody who is connected stays connected. Timelines keep what they have for as long as they would have."

func billingWords(n billing.Notice) (subject string, text []string) {
	until := n.Until.Format("2 January 2006")
	switch n.Kind {
	case billing.NoticePlanStarted:
		return n.Organization + " is on " + n.Plan.Name, []string{"The limits of the plan hold from now on. Thank you."}
	case billing.NoticePlanChanged:
		return n.Organization + " is on " + n.Plan.Name + " now", []string{"The rest of the period was charged or credited. The limits of the plan hold from now on.", nothingDeleted}
	case billing.NoticePlanEnded:
		return n.Organization + " is on the Free plan", []string{"The subscription has ended. The limits of the Free plan hold for what is made from now on.", nothingDeleted}
	case billing.NoticeCancellation:
		return n.Plan.Name + " of " + n.Organization + " ends on " + until, []string{"Until then nothing changes, and the cancellation can be taken back. Afterwards the limits of the Free plan hold.", nothingDeleted}
	case billing.NoticePaymentFailed:
		return "A payment of " + n.Organization + " failed", []string{"Nothing changes until " + until + ". See to the card by then; it is tried again in the meantime.", "Afterwards the limits of the Free plan hold. " + nothingDeleted}
	case billing.NoticePaymentRecovered:
		return "The payment of " + n.Organization + " arrived", []string{"Thank you. There is nothing to do."}
	case billing.NoticeGraceEnded:
		return "The limits of the Free plan hold for " + n.Organization, []string{"A payment has been overdue for two weeks. Once it is paid, " + n.Plan.Name + " is back at once.", nothingDeleted}
	case billing.NoticeUsageNear:
		return n.Organization + " has used 80 percent of its connected users", []string{fmt.Sprintf("%d people were connected this month; %s includes %d.", n.Counted, n.Plan.Name, n.Plan.MonthlyActiveUsers), beyond(n.Plan)}
	case billing.NoticeUsageReached:
		return n.Organization + " has used all of its connected users", []string{fmt.Sprintf("%d people were connected this month; %s includes %d.", n.Counted, n.Plan.Name, n.Plan.MonthlyActiveUsers), beyond(n.Plan)}
	default:
		return "New people have to wait at " + n.Organization, []string{fmt.Sprintf("%d people were connected this month; %s includes %d and another fifth of grace.", n.Counted, n.Plan.Name, n.Plan.MonthlyActiveUsers),
			"Everybody who was connected before goes on as always. New people are let in again on the first of the month, or at once on a larger plan."}
	}
}

// beyond says what happens above what a plan includes.
func beyond(plan tenants.Plan) string {
	if plan.Overage > 0 {
		return fmt.Sprintf("Each further one costs $%.3f. Nobody is stopped.", float64(plan.Overage)/1000)
	}
	return fmt.Sprintf("There is a grace up to %d. Then new people wait until the first of the month, or until the plan is larger. %s", plan.MostConnected(), nothingDeleted)
}

type billingCommand struct {
	Sync      billingSyncCommand      `cmd:"" help:"Create or update products, prices, the meter and the settings of the customer portal in Stripe from the table of plans. Prints what it does first; a second run finds nothing to do."`
	Reconcile billingReconcileCommand `cmd:"" help:"Show connected users beyond the plan by our count and by Stripe's."`
	Pass      billingPassCommand      `cmd:"" help:"Do now what is done every hour: fetch what is paid for, announce what was reached, report usage."`
	Events    billingEventsCommand    `cmd:"" help:"Print how many events of Stripe came, by what became of them, and which ones the webhook endpoint has to be subscribed to."`
	Agree     billingAgreeCommand     `cmd:"" help:"Give an organization a plan by agreement, whatever it pays for."`
}

// withBilling opens billing for one command.
func withBilling(ctx context.Context, do func(*billing.Service) error) error {
	s, err := readSettings(os.Environ())
	if err != nil {
		return err
	}
	if s.stripeKey == "" {
		return errors.New("billing is off: MCPAUTH_STRIPE_KEY is not set")
	}
	return openStore(ctx, func(store *postgres.Store) error {
		b, err := newBilling(s, store, newLogger(s.logLevel))
		if err != nil {
			return err
		}
		return do(b)
	})
}

type billingSyncCommand struct {
	DryRun bool `help:"Only print what would be done."`
}

// Run prints the steps, then takes them.
func (c billingSyncCommand) Run(ctx context.Context) error {
	return withBilling(ctx, func(b *billing.Service) error { return syncStripe(ctx, os.Stdout, b.Stripe, c.DryRun) })
}

func syncStripe(ctx context.Context, out io.Writer, api billing.Stripe, dry bool) error {
	steps, err := billing.PlanSync(ctx, api)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		_, err := fmt.Fprintln(out, "Stripe has what the table of plans says. Nothing to do.")
		return err
	}
	_, _ = fmt.Fprintln(out, "To do:")
	for _, step := range steps {
		_, _ = fmt.Fprintln(out, "  "+step.Text)
	}
	if dry {
		return nil
	}
	for _, step := range steps {
		if err := step.Do(ctx); err != nil {
			return fmt.Errorf("%w (what was done stays done; run sync again)", err)
		}
	}
	_, err = fmt.Fprintln(out, "Done.")
	return err
}

type billingReconcileCommand struct {
	Month string `help:"Calendar month (UTC), such as 2026-11; without it the current one."`
}

// Run prints a table. It fails when a line does not agree, so that a script notices.
func (c billingReconcileCommand) Run(ctx context.Context) error {
	month, err := monthFlag(c.Month)
	if err != nil {
		return err
	}
	return withBilling(ctx, func(b *billing.Service) error {
		found, err := b.CompareUsage(ctx, month)
		if err != nil {
			return err
		}
		return printReconciled(os.Stdout, found)
	})
}

func printReconciled(out io.Writer, found []billing.Reconciliation) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ORGANIZATION\tNAME\tCOUNTED\tBEYOND THE PLAN\tSENT\tTO SEND\tSTRIPE HAS\t")
	differ := 0
	for _, b := range found {
		verdict := "agrees"
		if !b.Agrees() {
			verdict = "DIFFERS"
			differ++
		}
		_, _ = fmt.Fprintf(table, "%s\t%q\t%d\t%d\t%d\t%d\t%d\t%s\n", b.Organization, b.Name, b.Counted, b.Billable, b.Reported, b.Pending, b.Stripe, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if differ > 0 {
		return fmt.Errorf("%d of %d differ; what is to be sent goes out within the hour", differ, len(found))
	}
	return nil
}

type billingPassCommand struct{}

// Run makes one pass.
func (billingPassCommand) Run(ctx context.Context) error {
	return withBilling(ctx, func(b *billing.Service) error { return b.Reconcile(ctx) })
}

type billingEventsCommand struct{}

// Run prints counts.
func (billingEventsCommand) Run(ctx context.Context) error {
	return openStore(ctx, func(store *postgres.Store) error {
		counts, err := store.CountEvents(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "COUNT\tEVENT")
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			_, _ = fmt.Fprintf(table, "%d\t%s\n", counts[name], name)
		}
		_, _ = fmt.Fprintf(table, "\nSubscribe the endpoint (API version %s) to: %s\n", billing.APIVersion, strings.Join(billing.EventNames(), ", "))
		return table.Flush()
	})
}

type billingAgreeCommand struct {
	organizationOf
	Plan string `arg:"" help:"free, pro, scale or enterprise; none takes it back."`
}

// Run stores the plan.
func (c billingAgreeCommand) Run(ctx context.Context) error {
	plan := c.Plan
	switch {
	case plan == "none":
		plan = ""
	case tenants.PlanByID(plan).ID != plan:
		return errors.New("expected free, pro, scale, enterprise or none")
	}
	return c.open(ctx, func(store *postgres.Store, id id.ID) error { return store.OverridePlan(ctx, id, plan) })
}
