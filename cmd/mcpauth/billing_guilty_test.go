package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// believing is a handler's Stripe that takes the state from the event it was called with, as many handlers do.
type believing struct{ billing.Stripe }

type bodyKey struct{}

func (believing) Subscriptions(ctx context.Context, _ string) ([]billing.Subscription, error) {
	payload, _ := ctx.Value(bodyKey{}).([]byte)
	var e stripe.Event
	var s stripe.Subscription
	if err := json.Unmarshal(payload, &e); err != nil || !strings.HasPrefix(string(e.Type), "customer.subscription.") {
		return nil, err
	}
	if err := json.Unmarshal(e.Data.Raw, &s); err != nil {
		return nil, err
	}
	out := billing.Subscription{ID: s.ID, Customer: s.Customer.ID, State: billing.State(s.Status), CreatedAt: time.Unix(s.Created, 0), PeriodEnd: time.Unix(s.CurrentPeriodEnd, 0), CancelAtPeriodEnd: s.CancelAtPeriodEnd}
	for _, item := range s.Items.Data {
		if item.Price.Recurring.UsageType == stripe.PriceRecurringUsageTypeLicensed {
			out.Product, out.Yearly = item.Price.Product.ID, item.Price.Recurring.Interval == stripe.PriceRecurringIntervalYear
		}
	}
	return []billing.Subscription{out}, nil
}

// TestBelievingHandlerIsGuilty: the histories tell a handler that trusts the bodies of events from one that asks (catalogue 243). The same
// events, in the same order, in one process.
func TestBelievingHandlerIsGuilty(t *testing.T) {
	t.Parallel()
	wrong := map[string]int{}
	c := newCustomers(t, 60)
	var events []stripefake.Event
	for range rounds {
		for _, customer := range c.stripes {
			c.step(t, customer)
		}
		c.fake.Advance(11 * 24 * time.Hour)
		events = append(events, c.copies(c.fake.Take())...)
	}
	c.rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for name, api := range map[string]billing.Stripe{"asks": c.stripe, "believes": believing{c.stripe}} {
		c.exec(t, `UPDATE billing_accounts SET subscription = '', plan = 'free', state = '', period_end = NULL, trial_end = NULL, cancel_at_period_end = false, grace_until = NULL`)
		c.exec(t, `TRUNCATE billing_events, billing_invoices`)
		service, err := billing.New(billing.Config{Store: c.store, Stripe: api, Secrets: []string{webhookSecret}, BaseURL: "https://mcpauth.example", Mail: billingMail, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range slices.Clone(events) {
			ctx := context.WithValue(t.Context(), bodyKey{}, e.Payload)
			if _, err := service.Receive(ctx, e.Payload, stripefake.Sign(e.Payload, webhookSecret, time.Now())); err != nil {
				t.Fatal(err)
			}
		}
		wrong[name] = len(c.differences(t))
	}
	if wrong["asks"] != 0 || wrong["believes"] == 0 {
		t.Errorf("wrong in the end: %v of %d, want none for the one that asks and some for the one that believes", wrong, len(c.ids))
	}
	t.Logf("wrong in the end: %v of %d", wrong, len(c.ids))
}
