package dashboard_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// billingArea is what an organization uses and pays for.
var billingArea = area{
	seed: func(t *testing.T, w *world) {
		t.Helper()
		w.buy(t, w.organization, tenants.PlanScale)
		w.query["GET /dashboard/:organization/billing/change"] = "plan=pro&period=monthly"
	},
	forms: map[string]func(*world) url.Values{
		"GET /dashboard/:organization/billing":           nil,
		"GET /dashboard/:organization/billing/change":    nil,
		"POST /dashboard/:organization/billing/checkout": form("plan", "pro", "period", "monthly"),
		"POST /dashboard/:organization/billing/portal":   form(),
		"POST /dashboard/:organization/billing/refresh":  form(),
		"POST /dashboard/:organization/billing/change":   form("plan", "pro", "period", "yearly"),
		"POST /dashboard/:organization/billing/cancel":   form(),
		"POST /dashboard/:organization/billing/keep":     form(),
		"POST /dashboard/:organization/billing/people":   form(),
	},
}

// openBilling sells plans on a stand-in for Stripe. Limits are not enforced: the tests that are about them say so.
func (s *site) openBilling(t *testing.T, config *dashboard.Config, log *slog.Logger) {
	t.Helper()
	known := s.fake != nil
	if !known {
		s.fake = stripefake.New("https://stripe.example", time.Now)
	}
	server := httptest.NewServer(s.fake.Handler())
	t.Cleanup(server.Close)
	api := billing.NewStripe(stripefake.Key, server.URL, nil)
	if !known {
		for _, step := range must(billing.PlanSync(t.Context(), api)) {
			if err := step.Do(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	mail := func(_ context.Context, n billing.Notice) (string, string, string, error) {
		return string(n.Kind), "text", "<p>text</p>", nil
	}
	config.Usage = s.store
	config.Billing = must(billing.New(billing.Config{Store: s.store, Stripe: api, Secrets: []string{"whsec_" + secret.Encode(secret.Bytes(24))}, BaseURL: config.BaseURL, Mail: mail, Now: time.Now, Log: log}))
}

// buy subscribes an organization, as its owner does it at Stripe's.
func (s *site) buy(t *testing.T, organization id.ID, plan string) {
	t.Helper()
	address := must(s.config.Billing.Checkout(t.Context(), tenants.SystemActor, tenants.Organization{ID: organization, Name: "Acme"}, "owner@example.com", tenants.PlanByID(plan), false, "https://mcpauth.example"))
	if _, err := s.fake.Pay(address[strings.LastIndex(address, "/")+1:], false); err != nil {
		t.Fatal(err)
	}
	if err := s.config.Billing.Refresh(t.Context(), organization); err != nil {
		t.Fatal(err)
	}
}
