package billing_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// shop is an organization on Pro with a production project, and a Stripe that can be away.
type shop struct {
	*billing.Service
	fake         *stripefake.Fake
	store        *postgres.Store
	pool         *pgxpool.Pool
	organization id.ID
	project      id.ID
	clock        atomic.Int64 // added to the time
}

// faulty is a Stripe that takes what it is sent and then does not answer, is away altogether, or breaks down.
type faulty struct {
	billing.Stripe
	away, mute, broken atomic.Bool
	// slow, where set, is called when the subscriptions are read and not yet answered.
	slow atomic.Pointer[func()]
}

// breaking fails on what is to be changed while it is broken, and remembers that of an idempotency key as Stripe does.
func (f *faulty) breaking(handler http.Handler) http.Handler {
	var failed sync.Map
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if _, before := failed.Load(key); before || f.broken.Load() && r.Method == http.MethodPost {
			failed.Store(key, true)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

func (f *faulty) SendUsage(ctx context.Context, event, identifier, customer string, value int, at time.Time) error {
	if f.away.Load() {
		return billing.ErrStripe
	}
	err := f.Stripe.SendUsage(ctx, event, identifier, customer, value, at)
	if f.mute.Load() {
		return billing.ErrStripe
	}
	return err
}

func (f *faulty) Subscriptions(ctx context.Context, customer string) ([]billing.Subscription, error) {
	if f.away.Load() {
		return nil, billing.ErrStripe
	}
	found, err := f.Stripe.Subscriptions(ctx, customer)
	if slow := f.slow.Load(); slow != nil {
		(*slow)()
	}
	return found, err
}

func newShop(t *testing.T) (*shop, *faulty) {
	t.Helper()
	s := &shop{}
	s.fake = stripefake.New("http://stripe.test", time.Now)
	stripe := &faulty{}
	server := httptest.NewServer(stripe.breaking(s.fake.Handler()))
	t.Cleanup(server.Close)
	db := pgtest.New(t)
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	if s.store, err = postgres.Open(t.Context(), postgres.Config{URL: db.AppURL, Billing: true}, keys, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.store.Close)
	if s.pool, err = pgxpool.New(t.Context(), db.SuperuserURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	stripe.Stripe = billing.NewStripe(stripefake.Key, server.URL, nil)
	now := func() time.Time { return time.Now().Add(time.Duration(s.clock.Load())) }
	mail := func(_ context.Context, n billing.Notice) (string, string, string, error) {
		return string(n.Kind), "text", "<p>text</p>", nil
	}
	if s.Service, err = billing.New(billing.Config{Store: s.store, Stripe: stripe, Secrets: []string{"whsec_" + secret.Encode(secret.Bytes(24))}, BaseURL: "https://mcpauth.example", Mail: mail, Now: now}); err != nil {
		t.Fatal(err)
	}
	synced(t, stripe)
	if _, s.organization, err = s.store.EnsureMember(t.Context(), "owner@example.com", "-", "Acme"); err != nil {
		t.Fatal(err)
	}
	template, err := tenants.ParseIssuerTemplate("https://{project}.mcpauth.example")
	if err != nil {
		t.Fatal(err)
	}
	project, _, _, err := tenants.Projects{Store: s.store, Primary: template}.Create(t.Context(), tenants.SystemActor, s.organization, "Acme", "https://tools.example/mcp")
	if err != nil {
		t.Fatal(err)
	}
	s.project = project.ID
	s.exec(t, `UPDATE projects SET environment = 'production'`)
	return s, stripe
}

// synced makes the catalogue.
func synced(t *testing.T, api billing.Stripe) {
	t.Helper()
	steps, err := billing.PlanSync(t.Context(), api)
	for _, step := range steps {
		if err == nil {
			err = step.Do(t.Context())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *shop) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) connect(t *testing.T, count int) {
	t.Helper()
	if err := s.store.SeedConnected(t.Context(), s.project, count); err != nil {
		t.Fatal(err)
	}
}

// open opens a checkout of Pro, and returns its id at Stripe.
func (s *shop) open(t *testing.T) (string, error) {
	t.Helper()
	url, err := s.Checkout(t.Context(), tenants.SystemActor, tenants.Organization{ID: s.organization, Name: "Acme"}, "owner@example.com", tenants.PlanByID(tenants.PlanPro), false, "https://mcpauth.example")
	return url[strings.LastIndex(url, "/")+1:], err
}

// subscribe buys Pro, and returns what is known of it.
func (s *shop) subscribe(t *testing.T) billing.Account {
	t.Helper()
	session, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.fake.Pay(session, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context(), s.organization); err != nil {
		t.Fatal(err)
	}
	account, err := s.Store.BillingAccount(t.Context(), s.organization)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

// both is the organization's line of the reconciliation.
func (s *shop) both(t *testing.T) billing.Reconciliation {
	t.Helper()
	found, err := s.CompareUsage(t.Context(), tenants.MonthOf(time.Now()))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0]
}

// lines counts what the organization's audit log has of an action.
func (s *shop) lines(t *testing.T, action string) (n int) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM organization_audit_log WHERE action = $1`, action).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
