package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"mcpauth.example/api"
	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// Catalogue 238, 240: what is not signed with a secret of the endpoint, over exactly this body, now, is 400 and has no effect.
func TestSignatures(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	payload := h.buy(t)[0].Payload
	now := time.Now()
	good := stripefake.Sign(payload, current, now)
	stamp, mac, _ := strings.Cut(good, ",v1=")
	refused := map[string]string{
		"none": "", "empty": "t=,v1=", "words": "please", "other endpoint": stripefake.Sign(payload, other, now), "forged": stamp + ",v1=" + strings.Repeat("0", len(mac)),
		"v0 only": stamp + ",v0=" + mac, "many forged": stamp + strings.Repeat(",v1="+strings.Repeat("a", 64), 1000), "other body": stripefake.Sign(append([]byte(" "), payload...), current, now),
		"old": stripefake.Sign(payload, current, now.Add(-6*time.Minute)), "future": stripefake.Sign(payload, current, now.Add(6*time.Minute)),
		"time exchanged": strings.Replace(good, stamp, fmt.Sprintf("t=%d", now.Unix()+1), 1), "time after": "v1=" + mac + "," + stamp + ",t=0",
	}
	for name, signature := range refused {
		status, body := h.send(0, payload, signature)
		if status != http.StatusBadRequest || !strings.Contains(body, "Stripe-Signature") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	h.nothing(t, "refused signatures")
	for name, signature := range map[string]string{"current": good, "many v1, one of them good": stamp + ",v1=" + strings.Repeat("0", 64) + ",v1=" + mac, "4 minutes old": stripefake.Sign(payload, current, now.Add(-4*time.Minute))} {
		if status, body := h.send(0, payload, signature); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// Catalogue 239, 248: without a secret nothing starts; while it is exchanged two are good, and no third.
func TestSecrets(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{"none": nil, "empty": {""}, "one is empty": {current, ""}, "three": {current, previous, other}} {
		if _, err := billing.New(billing.Config{Secrets: secrets}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	h := newWebhook(t)
	for i, e := range h.buy(t) {
		key := []string{current, previous}[i%2]
		if status, body := h.send(i%2, e.Payload, stripefake.Sign(e.Payload, key, time.Now())); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", e.Type, status, body)
		}
	}
	off := httptest.NewRecorder()
	api.New(api.Config{}).ServeHTTP(off, httptest.NewRequest(http.MethodPost, api.PathStripe, strings.NewReader("{}")))
	if off.Code != http.StatusNotFound {
		t.Errorf("with billing off: %d", off.Code)
	}
}

// endless is a body that never ends, and counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

// Catalogue 241: a body that is too large is 413 before anything is computed, and not read further.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	body := &endless{}
	answer := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, api.PathStripe, io.LimitReader(body, 100<<20))
	request.Header.Set("Stripe-Signature", "t=1,v1=00")
	h.nodes[0].ServeHTTP(answer, request)
	if answer.Code != http.StatusRequestEntityTooLarge || body.read > 2*billing.MaxEvent {
		t.Errorf("status %d after %d bytes", answer.Code, body.read)
	}
}

// Catalogue 242, 247: the same event a hundred times at once through two nodes, and again later, is 2xx each time and has one effect.
func TestOneEventManyTimes(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	e := h.buy(t)[0]
	signature := stripefake.Sign(e.Payload, current, time.Now())
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			if status, body := h.send(i%2, e.Payload, signature); status != http.StatusNoContent {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	all.Wait()
	for i := range 2 {
		if outcome, err := h.services[i].Receive(t.Context(), e.Payload, signature); err != nil || outcome != billing.OutcomeDuplicate {
			t.Errorf("once more: %s %v", outcome, err)
		}
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM billing_events`: 1, `SELECT count(*) FROM organization_audit_log WHERE action = 'billing.plan_changed'`: 1,
		`SELECT count(*) FROM river_job WHERE kind = 'mail'`: 1, `SELECT count(*) FROM billing_accounts WHERE plan = 'pro' AND state = 'trialing'`: 1,
	} {
		if n := h.number(t, query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}

// slow is a Stripe whose first answer about subscriptions arrives late.
type slow struct {
	billing.Stripe
	once        sync.Once
	asked, late chan struct{}
}

func (s *slow) Subscriptions(ctx context.Context, customer string) ([]billing.Subscription, error) {
	found, err := s.Stripe.Subscriptions(ctx, customer)
	s.once.Do(func() {
		close(s.asked)
		<-s.late
	})
	return found, err
}

// Catalogue 243: an answer that Stripe gave before a change does not replace one that it gave after, however late it arrives.
func TestLateAnswerOfStripe(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	stripe := &slow{Stripe: h.stripe, asked: make(chan struct{}), late: make(chan struct{})}
	events := h.buy(t)
	h.services[0].Stripe = stripe
	var first, second sync.WaitGroup
	first.Go(func() { h.send(0, events[0].Payload, stripefake.Sign(events[0].Payload, current, time.Now())) })
	<-stripe.asked
	account, err := h.store.BillingAccount(t.Context(), h.organization.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.fake.Cancel(account.Customer, true, false)
	done := make(chan struct{})
	second.Go(func() {
		defer close(done)
		for _, e := range h.fake.Take() {
			h.send(1, e.Payload, stripefake.Sign(e.Payload, current, time.Now()))
		}
	})
	for waits := false; !waits; { // the second event is through, or waits for the first
		select {
		case <-done:
			waits = true
		default:
			waits = h.number(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
		}
	}
	close(stripe.late)
	first.Wait()
	second.Wait()
	if account, err = h.store.BillingAccount(t.Context(), h.organization.ID); err != nil || account.State != billing.StateCanceled {
		t.Errorf("stored %q, at Stripe canceled (%v)", account.State, err)
	}
}

// Catalogue 244: events of the other mode or of another account are acknowledged and ignored; another API version is refused, so that Stripe
// sends the event again once the endpoint is mended. Unknown events and unknown customers are acknowledged and counted.
func TestForeignEvents(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	e := h.buy(t)[0]
	cases := []struct {
		name   string
		change func(map[string]any)
		status int
		noted  string
	}{
		{"live", func(e map[string]any) { e["id"], e["livemode"] = "evt_live", true }, http.StatusNoContent, "other mode: customer.subscription.created"},
		{"account", func(e map[string]any) { e["id"], e["account"] = "evt_account", "acct_1" }, http.StatusNoContent, "other mode: customer.subscription.created"},
		{"version", func(e map[string]any) { e["id"], e["api_version"] = "evt_version", "2026-08-26.dahlia" }, http.StatusBadRequest, ""},
		{"unknown type", func(e map[string]any) { e["id"], e["type"] = "evt_type", "radar.early_fraud_warning.created" }, http.StatusNoContent, "unknown type: radar.early_fraud_warning.created"},
		{"unknown customer", func(e map[string]any) { e["id"] = "evt_customer"; object(e)["customer"] = "cus_nobody" }, http.StatusNoContent, "unknown customer: customer.subscription.created"},
		{"no customer", func(e map[string]any) { e["id"] = "evt_none"; delete(object(e), "customer") }, http.StatusNoContent, "unknown customer: customer.subscription.created"},
	}
	for _, c := range cases {
		before, err := h.store.CountEvents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		payload := altered(t, e, c.change)
		if status, body := h.send(0, payload, stripefake.Sign(payload, current, time.Now())); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, status, body, c.status)
		}
		if c.noted != "" { // Stripe sends again what it has an answer to
			if outcome, err := h.services[0].Receive(t.Context(), payload, stripefake.Sign(payload, current, time.Now())); err != nil || outcome != billing.OutcomeDuplicate {
				t.Errorf("%s, again: got %q %v, want %q", c.name, outcome, err, billing.OutcomeDuplicate)
			}
		}
		after, err := h.store.CountEvents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c.noted != "" && after[c.noted] != before[c.noted]+1 || c.noted == "" && len(after) != len(before) {
			t.Errorf("%s: events before %v, after %v", c.name, before, after)
		}
	}
	if n := h.number(t, `SELECT count(*) FROM billing_accounts WHERE state <> ''`); n != 0 {
		t.Errorf("%d accounts changed", n)
	}
}

// Catalogue 245: whose event it is follows from the stored customer. Metadata that names another organization, a body that names another
// plan, and an invoice of somebody else's change nothing of either.
func TestSpoofedTenant(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	_, victim, err := h.store.EnsureMember(t.Context(), "victim@example.com", "-", "Victim")
	if err != nil {
		t.Fatal(err)
	}
	first := h.buy(t)
	payload := altered(t, first[0], func(e map[string]any) {
		object(e)["metadata"] = map[string]any{"organization": victim.String(), "tenant_id": victim.String()}
		object(e)["status"] = "active"
		object(e)["items"] = map[string]any{}
	})
	if status, body := h.send(0, payload, stripefake.Sign(payload, current, time.Now())); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	for organization, want := range map[id.ID]string{victim: tenants.PlanFree, h.organization.ID: tenants.PlanPro} {
		if plan, err := h.services[0].PlanOf(t.Context(), organization); err != nil || plan.ID != want {
			t.Errorf("%s is on %s, want %s (%v)", organization, plan.ID, want, err)
		}
	}
	account, err := h.store.BillingAccount(t.Context(), h.organization.ID)
	if err != nil || account.State != billing.StateTrialing {
		t.Errorf("the state is %q, as the body said; Stripe says trialing (%v)", account.State, err)
	}

	// The victim has an invoice; the attacker's event claims it.
	h.fake.Advance(15 * 24 * time.Hour)
	own := h.organization
	h.organization = tenants.Organization{ID: victim, Name: "Victim"}
	h.buy(t)
	h.fake.Advance(15 * 24 * time.Hour)
	victims, err := h.store.BillingAccount(t.Context(), victim)
	if err != nil {
		t.Fatal(err)
	}
	invoices, err := h.stripe.Invoices(t.Context(), victims.Customer)
	if err != nil || len(invoices) == 0 {
		t.Fatal(invoices, err)
	}
	payload = altered(t, first[0], func(e map[string]any) {
		e["id"], e["type"] = "evt_claim", "invoice.paid"
		object(e)["id"], object(e)["object"] = invoices[0].ID, "invoice"
	})
	if status, body := h.send(0, payload, stripefake.Sign(payload, current, time.Now())); status != http.StatusNoContent {
		t.Fatal(status, body)
	}
	if found, err := h.store.ListInvoices(t.Context(), own.ID, 10); err != nil || len(found) != 0 {
		t.Errorf("the attacker sees %v (%v)", found, err)
	}
}

// Catalogue 246: coming back from the checkout gives nothing, and neither does a checkout that was not paid.
func TestUnpaidCheckout(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	url, err := h.services[0].Checkout(t.Context(), tenants.SystemActor, h.organization, "owner@example.com", tenants.PlanByID(tenants.PlanPro), false, "https://mcpauth.example/billing")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.fake.Pay(url[strings.LastIndex(url, "/")+1:], true); err == nil {
		t.Fatal("the declined card was taken")
	}
	if err := h.services[0].Refresh(t.Context(), h.organization.ID); err != nil { // what the page does that one comes back to
		t.Fatal(err)
	}
	if plan, err := h.services[0].PlanOf(t.Context(), h.organization.ID); err != nil || plan.ID != tenants.PlanFree {
		t.Errorf("on %s without paying (%v)", plan.ID, err)
	}
	again, err := h.services[1].Checkout(t.Context(), tenants.SystemActor, h.organization, "owner@example.com", tenants.PlanByID(tenants.PlanPro), false, "https://mcpauth.example/billing")
	if err != nil {
		t.Fatal(err)
	}
	// Nobody pays twice: of two checkouts one can be paid, and after that there is no further one.
	if _, err := h.fake.Pay(url[strings.LastIndex(url, "/")+1:], false); err == nil {
		t.Error("the first checkout can be paid beside the second")
	}
	if _, err := h.fake.Pay(again[strings.LastIndex(again, "/")+1:], false); err != nil {
		t.Fatal(err)
	}
	if third, err := h.services[0].Checkout(t.Context(), tenants.SystemActor, h.organization, "owner@example.com", tenants.PlanByID(tenants.PlanScale), true, "https://mcpauth.example/billing"); !errors.Is(err, billing.ErrSubscribed) {
		t.Errorf("a checkout after one was paid: %q %v", third, err)
	}
}

// Five clicks at once through two nodes make one checkout that can be paid.
func TestCheckoutsAtOnce(t *testing.T) {
	t.Parallel()
	h := newWebhook(t)
	urls := make([]string, 5)
	var all sync.WaitGroup
	for i := range urls {
		all.Go(func() {
			var err error
			if urls[i], err = h.services[i%2].Checkout(t.Context(), tenants.SystemActor, h.organization, "owner@example.com", tenants.PlanByID(tenants.PlanPro), i > 2, "https://mcpauth.example/billing"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	paid := 0
	for _, url := range urls {
		if _, err := h.fake.Pay(url[strings.LastIndex(url, "/")+1:], false); err == nil {
			paid++
		}
	}
	if paid != 1 {
		t.Errorf("%d of %d checkouts could be paid", paid, len(urls))
	}
}
