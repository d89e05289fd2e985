package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"mcpauth.example/api"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// Secrets of the endpoint, made for each run: the one in use, the one before, and one of another endpoint.
var current, previous, other = newSecret(), newSecret(), newSecret()

func newSecret() string { return "whsec_" + secret.Encode(secret.Bytes(24)) }

// webhook is two nodes of the door on one database, and a Stripe to pay at.
type webhook struct {
	fake         *stripefake.Fake
	stripe       billing.Stripe
	store        *postgres.Store
	pool         *pgxpool.Pool
	nodes        []http.Handler
	services     []*billing.Service
	organization tenants.Organization
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	h := &webhook{fake: stripefake.New("http://stripe.test", time.Now)}
	server := httptest.NewServer(h.fake.Handler())
	t.Cleanup(server.Close)
	h.stripe = billing.NewStripe(stripefake.Key, server.URL, nil)
	db := pgtest.New(t)
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	if h.store, err = postgres.Open(t.Context(), postgres.Config{URL: db.AppURL}, keys, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.store.Close)
	if h.pool, err = pgxpool.New(t.Context(), db.SuperuserURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.pool.Close)
	_, organization, err := h.store.EnsureMember(t.Context(), "owner@example.com", "-", "Acme")
	if err != nil {
		t.Fatal(err)
	}
	h.organization = tenants.Organization{ID: organization, Name: "Acme"}
	steps, err := billing.PlanSync(t.Context(), h.stripe)
	for _, step := range steps {
		if err == nil {
			err = step.Do(t.Context())
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		service, err := billing.New(billing.Config{Store: h.store, Stripe: h.stripe, Secrets: []string{current, previous}, BaseURL: "https://mcpauth.example", Mail: plain, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		h.services = append(h.services, service)
		h.nodes = append(h.nodes, api.New(api.Config{Billing: service, Log: slog.New(slog.DiscardHandler)}))
	}
	return h
}

// buy subscribes the organization and returns the events of it, not yet delivered.
func (h *webhook) buy(t *testing.T) []stripefake.Event {
	t.Helper()
	url, err := h.services[0].Checkout(t.Context(), tenants.SystemActor, h.organization, "owner@example.com", tenants.PlanByID(tenants.PlanPro), false, "https://mcpauth.example/billing")
	if err != nil {
		t.Fatal(err)
	}
	h.fake.Take()
	if _, err := h.fake.Pay(url[strings.LastIndex(url, "/")+1:], false); err != nil {
		t.Fatal(err)
	}
	return h.fake.Take()
}

func (h *webhook) send(node int, payload []byte, signature string) (status int, body string) {
	request := httptest.NewRequest(http.MethodPost, api.PathStripe, strings.NewReader(string(payload)))
	if signature != "" {
		request.Header.Set("Stripe-Signature", signature)
	}
	answer := httptest.NewRecorder()
	h.nodes[node].ServeHTTP(answer, request)
	return answer.Code, answer.Body.String()
}

func (h *webhook) number(t *testing.T, query string) (n int) {
	t.Helper()
	if err := h.pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// nothing demands that no event left a trace.
func (h *webhook) nothing(t *testing.T, what string) {
	t.Helper()
	if n := h.number(t, `SELECT (SELECT count(*) FROM billing_events) + (SELECT count(*) FROM billing_accounts WHERE state <> '')
		+ (SELECT count(*) FROM organization_audit_log WHERE action LIKE 'billing.%' AND action <> 'billing.checkout_opened') + (SELECT count(*) FROM river_job WHERE kind = 'mail')`); n != 0 {
		t.Errorf("%s: %d effects", what, n)
	}
}

// plain is a mail of few words.
func plain(_ context.Context, n billing.Notice) (subject, text, html string, err error) {
	return string(n.Kind), "text", "<p>text</p>", nil
}

// altered is an event with something changed, as somebody who knows the secret would send it.
func altered(t *testing.T, e stripefake.Event, change func(event map[string]any)) []byte {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(e.Payload, &event); err != nil {
		t.Fatal(err)
	}
	change(event)
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func object(event map[string]any) map[string]any {
	data, _ := event["data"].(map[string]any)
	object, _ := data["object"].(map[string]any)
	return object
}
