package billing_test

import (
	"errors"
	"testing"
	"time"

	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// A breakdown of Stripe at the first checkout does not stop the ones after it, though Stripe remembers the failure for a day.
func TestCheckoutAfterBreakdown(t *testing.T) {
	t.Parallel()
	s, stripe := newShop(t)
	stripe.broken.Store(true)
	organization := tenants.Organization{ID: s.organization, Name: "Acme"}
	if _, err := s.Checkout(t.Context(), tenants.SystemActor, organization, "owner@example.com", tenants.PlanByID(tenants.PlanPro), false, "https://mcpauth.example"); !errors.Is(err, billing.ErrStripe) {
		t.Errorf("broken down: %v", err)
	}
	stripe.broken.Store(false)
	s.clock.Store(int64(time.Minute))
	s.subscribe(t)
	if plan, err := s.PlanOf(t.Context(), s.organization); err != nil || plan.ID != tenants.PlanPro {
		t.Errorf("afterwards: %s %v", plan.ID, err)
	}
}
