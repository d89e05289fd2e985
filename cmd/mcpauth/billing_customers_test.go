package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
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
	ids      []id.ID // organizations
	names    map[id.ID]string
	stripes  []string // their customers
	rand     *rand.Rand
}

// newCustomers makes organizations with one owner and a customer each, on a fake that sells the table of plans.
func newCustomers(t *testing.T, count int) *customers {
	t.Helper()
	c := &customers{db: pgtest.New(t), names: map[id.ID]string{}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c.rand = rand.New(rand.NewPCG(seed, 0))
	c.fake = stripefake.New("http://stripe.test", time.Now)
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
		id, name := id.New(), fmt.Sprintf("Customer-%04d", i)
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
func (c *customers) texts(t *testing.T, query string, args ...id.ID) []string {
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
