package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mcpauth.example/api"
	"mcpauth.example/internal/built"
	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// deliver sends events from many places at once, and returns those that were not taken.
func deliver(events []stripefake.Event, send func(stripefake.Event) bool) (left []stripefake.Event) {
	queue := make(chan stripefake.Event)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for e := range queue {
				if !send(e) {
					mu.Lock()
					left = append(left, e)
					mu.Unlock()
				}
			}
		})
	}
	for _, e := range events {
		queue <- e
	}
	close(queue)
	all.Wait()
	return left
}

// post delivers to a node. Anything but 2xx comes again, as Stripe does it.
func post(ctx context.Context, address string, e stripefake.Event) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+api.PathStripe, strings.NewReader(string(e.Payload)))
	if err != nil {
		return false
	}
	request.Host = "mcpauth.example"
	request.Header.Set("Stripe-Signature", stripefake.Sign(e.Payload, webhookSecret, time.Now()))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode/100 == 2
}

const rounds = 6

// TestHistories (catalogue 242, 243, 247): a thousand generated histories of subscriptions, each event delivered 1 to 20 times in any order
// through two nodes, one of which is killed in the middle, end in the state that Stripe has, with every effect exactly once.
func TestHistories(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 1000)
	binary := built.Product(t)
	environment := []string{"MCPAUTH_STRIPE_KEY=" + stripefake.Key, "MCPAUTH_STRIPE_WEBHOOK_SECRETS=" + webhookSecret, "MCPAUTH_STRIPE_URL=" + c.url}
	nodes := []*node{startNode(t, binary, c.db.AppURL, c.ringText, environment...), startNode(t, binary, c.db.AppURL, c.ringText, environment...)}
	var turn atomic.Uint64
	toAny := func(e stripefake.Event) bool { return post(t.Context(), nodes[turn.Add(1)%2].address, e) }
	var all, waiting []stripefake.Event
	delivered := 0
	for round := range rounds {
		for _, customer := range c.stripes {
			c.step(t, customer)
		}
		c.fake.Advance(11 * 24 * time.Hour)
		events := c.fake.Take()
		all = append(all, events...)
		waiting = append(waiting, c.copies(events)...)
		c.rand.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
		now := waiting[:len(waiting)*2/3]
		waiting = slices.Clone(waiting[len(now):])
		left := deliver(now, toAny)
		delivered += len(now) - len(left)
		waiting = append(waiting, left...)
		if round == rounds/2 {
			waiting = append(waiting, c.killInTheMiddle(t, nodes, &delivered, &waiting)...)
			nodes[1] = startNode(t, binary, c.db.AppURL, c.ringText, environment...)
		}
	}
	for try := 0; len(waiting) > 0; try++ {
		if try == 20 {
			t.Fatalf("%d deliveries are still refused", len(waiting))
		}
		left := deliver(waiting, toAny)
		delivered += len(waiting) - len(left)
		waiting = left
	}
	t.Logf("%d events, %d deliveries", len(all), delivered)
	if wrong := c.differences(t); len(wrong) > 0 {
		t.Errorf("%d of %d ended in another state than Stripe's, such as:\n%s", len(wrong), len(c.ids), strings.Join(wrong[:min(5, len(wrong))], "\n"))
	}
	c.effectsOnce(t, all)
}

// killInTheMiddle kills the second node while it works on a thousand deliveries, and returns those that were not answered.
func (c *customers) killInTheMiddle(t *testing.T, nodes []*node, delivered *int, waiting *[]stripefake.Event) []stripefake.Event {
	t.Helper()
	now := (*waiting)[:min(1000, len(*waiting))]
	*waiting = slices.Clone((*waiting)[len(now):])
	var once sync.Once
	var mu sync.Mutex
	taken := 0
	left := deliver(now, func(e stripefake.Event) bool {
		ok := post(t.Context(), nodes[1].address, e)
		mu.Lock()
		defer mu.Unlock()
		if ok {
			taken++
		}
		if taken == len(now)/3 {
			once.Do(func() {
				if err := nodes[1].kill(); err != nil {
					t.Error(err)
				}
			})
		}
		return ok
	})
	if len(left) == 0 || !nodes[1].killed {
		t.Errorf("the node was not killed in the middle: %d deliveries failed", len(left))
	}
	*delivered += len(now) - len(left)
	return left
}

// differences compares what is stored with what Stripe has, in the words of this test.
func (c *customers) differences(t *testing.T) (wrong []string) {
	t.Helper()
	for i, id := range c.ids {
		account, err := c.store.BillingAccount(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		found, err := c.stripe.Subscriptions(t.Context(), c.stripes[i])
		if err != nil {
			t.Fatal(err)
		}
		want, got := "nothing", "nothing"
		if len(found) > 0 {
			f := found[0]
			want = fmt.Sprint(f.ID, f.Product, f.Yearly, f.State, f.PeriodEnd.Unix(), f.CancelAtPeriodEnd)
		}
		if account.Subscription != "" {
			got = fmt.Sprint(account.Subscription, "mcpauth_"+account.Plan, account.Yearly, account.State, account.PeriodEnd.Unix(), account.CancelAtPeriodEnd)
		}
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: stored %s, at Stripe %s", c.names[id], got, want))
		}
	}
	return wrong
}

// effectsOnce demands one note for each event, one invoice and one line in the log for each that was paid, a log of plans that leads from none
// to the last one, and a mail for each line that asks for one.
func (c *customers) effectsOnce(t *testing.T, all []stripefake.Event) {
	t.Helper()
	if n := c.number(t, `SELECT count(*) FROM billing_events WHERE outcome = 'applied'`); n != len(all) {
		t.Errorf("%d events are noted as applied, of %d", n, len(all))
	}
	mails := c.mails(t)
	for i, id := range c.ids {
		invoices, err := c.stripe.Invoices(t.Context(), c.stripes[i])
		if err != nil {
			t.Fatal(err)
		}
		var want, paid []string
		for _, invoice := range invoices {
			want = append(want, invoice.ID+" "+invoice.Status)
			if invoice.Status == "paid" {
				paid = append(paid, "invoice:"+invoice.ID)
			}
		}
		same(t, c.names[id]+": invoices", c.texts(t, `SELECT id || ' ' || status FROM billing_invoices WHERE organization_id = $1`, id), want)
		same(t, c.names[id]+": invoices paid, in the log", c.texts(t, `SELECT target FROM organization_audit_log WHERE organization_id = $1 AND action = 'billing.invoice_paid'`, id), paid)

		account, err := c.store.BillingAccount(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		last := "free"
		if account.State == billing.StateActive || account.State == billing.StateTrialing || account.State == billing.StatePastDue {
			last = account.Plan
			if account.Yearly {
				last += ", yearly"
			}
		}
		balance := map[string]int{"free": 1}
		balance[last]--
		for _, edge := range c.texts(t, `SELECT detail->>'from' || ' > ' || (detail->>'to') FROM organization_audit_log WHERE organization_id = $1 AND action = 'billing.plan_changed'`, id) {
			from, to, _ := strings.Cut(edge, " > ")
			balance[from]--
			balance[to]++
		}
		maps.DeleteFunc(balance, func(_ string, n int) bool { return n == 0 })
		if len(balance) > 0 {
			t.Errorf("%s: the log of plans does not lead from free to %s: %v", c.names[id], last, balance)
		}
		lines := c.texts(t, `SELECT action FROM organization_audit_log WHERE organization_id = $1 AND action IN ('billing.plan_changed', 'billing.payment_failed', 'billing.payment_recovered', 'billing.cancellation_asked')`, id)
		if mails[c.names[id]] != len(lines) {
			t.Errorf("%s: %d mails for %d lines of the log: %v", c.names[id], mails[c.names[id]], len(lines), lines)
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
