package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpauth/mcpauth/api"
	"github.com/mcpauth/mcpauth/internal/postgres"
	"github.com/mcpauth/mcpauth/internal/postgres/pgtest"
	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/tenants/billing"
	"github.com/mcpauth/mcpauth/tenants/billing/stripefake"
)

// webhookSecret is made for each run.
var webhookSecret = "whsec_" + secret.Encode(secret.Bytes(24))

// customers are organizations that pay at a fake, and what Stripe would say of them.
type customers struct {
	fake     *stripefake.Fake
	stripe   billing.Stripe
	url      string
	db       *pgtest.Database
	pool     *pgxpool.Pool // as superuser
	keys     *secret.Keyring
	ringText string
	store    *postgres.Store
	ids      []secret.ID // organizations
	names    map[secret.ID]string
	stripes  []string // their customers
	rand     *rand.Rand
}

// newCustomers makes organizations with one owner and a customer each, on a fake that sells the table of plans.
func newCustomers(t *testing.T, count int) *customers {
	t.Helper()
	c := &customers{db: pgtest.New(t), names: map[secret.ID]string{}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c.rand = rand.New(rand.NewPCG(seed, 0))
	c.fake = stripefake.New("http://stripe.test", time.Now, nil)
	server := httptest.NewServer(c.fake.Handler())
	t.Cleanup(server.Close)
	c.url, c.stripe = server.URL, billing.NewStripe(stripefake.Key, server.URL, nil)
	c.ringText = strings.TrimSpace(secret.NewKeyringText())
	var err error
	if c.keys, err = secret.ParseKeyring(c.ringText); err != nil {
		t.Fatal(err)
	}
	if c.store, err = postgres.Open(t.Context(), postgres.Config{URL: c.db.AppURL}, c.keys, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.store.Close)
	if c.pool, err = pgxpool.New(t.Context(), c.db.SuperuserURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.pool.Close)
	if err := syncStripe(t.Context(), io.Discard, c.stripe, false); err != nil {
		t.Fatal(err)
	}
	owner, _, err := c.store.EnsureMember(t.Context(), "owner@example.com", "-", "Home")
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		id, name := secret.NewID(), fmt.Sprintf("Customer-%04d", i)
		c.exec(t, `INSERT INTO organizations (id, name) VALUES ($1, $2)`, id.String(), name)
		c.exec(t, `INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, 'owner')`, id.String(), owner.String())
		customer, err := c.stripe.CreateCustomer(t.Context(), name, name, "owner@example.com", id.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.store.LinkCustomer(t.Context(), id, customer); err != nil {
			t.Fatal(err)
		}
		c.ids, c.stripes, c.names[id] = append(c.ids, id), append(c.stripes, customer), name
	}
	return c
}

func (c *customers) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := c.pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// step lets a customer do one thing that customers do.
func (c *customers) step(t *testing.T, customer string) {
	t.Helper()
	found, err := c.stripe.Subscriptions(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	key := [2]string{"mcpauth_pro_", "mcpauth_scale_"}[c.rand.IntN(2)] + [2]string{"monthly", "yearly"}[c.rand.IntN(2)]
	prices, err := c.stripe.Prices(t.Context(), key, key+"_over")
	if err != nil || len(prices) != 2 {
		t.Fatal(prices, err)
	}
	if len(found) == 0 || found[0].State == billing.StateCanceled {
		_, url, err := c.stripe.CreateCheckout(t.Context(), billing.Checkout{Customer: customer, Prices: prices, TrialDays: 14 * c.rand.IntN(2), SuccessURL: "http://a.test", ReturnTo: "http://a.test"})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.fake.Pay(url[strings.LastIndex(url, "/")+1:], c.rand.IntN(8) == 0) // a declined card buys nothing
		return
	}
	switch c.rand.IntN(7) {
	case 0, 1:
		if err := c.stripe.ChangeSubscription(t.Context(), found[0], prices); err != nil {
			t.Fatal(err)
		}
	case 2, 3:
		c.fake.SetCard(customer, c.rand.IntN(2) == 0)
	case 4:
		c.fake.Cancel(customer, false, false)
	case 5:
		c.fake.Cancel(customer, false, true)
	case 6:
		c.fake.Cancel(customer, c.rand.IntN(3) == 0, true)
	}
}

// copies is each event 1 to 20 times, mostly few, in any order.
func (c *customers) copies(events []stripefake.Event) (out []stripefake.Event) {
	for _, e := range events {
		for range 1 + int(20*math.Pow(c.rand.Float64(), 5)) {
			out = append(out, e)
		}
	}
	c.rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

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
	binary := buildProgram(t)
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

// mails opens the queued mails and counts them by the organization in their subject.
func (c *customers) mails(t *testing.T) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, args := range c.texts(t, `SELECT args::text FROM river_job WHERE kind = 'mail'`) {
		var job struct {
			Sealed []byte `json:"sealed"`
		}
		if err := json.Unmarshal([]byte(args), &job); err != nil {
			t.Fatal(err)
		}
		plain, err := c.keys.Open("queued-mail", job.Sealed, nil)
		if err != nil {
			t.Fatal(err)
		}
		var message struct{ Subject string }
		if err := json.Unmarshal(plain, &message); err != nil {
			t.Fatal(err)
		}
		at := strings.Index(message.Subject, "Customer-")
		if at < 0 {
			t.Fatalf("a mail without an organization: %q", message.Subject)
		}
		counts[message.Subject[at:at+len("Customer-0000")]]++
	}
	return counts
}

func (c *customers) number(t *testing.T, query string) (n int) {
	t.Helper()
	if err := c.pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// texts runs a query of one text column; ids travel as text.
func (c *customers) texts(t *testing.T, query string, args ...secret.ID) []string {
	t.Helper()
	var values []any
	for _, arg := range args {
		values = append(values, arg.String())
	}
	rows, err := c.pool.Query(t.Context(), query, values...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}
