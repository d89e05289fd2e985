package billing_test

import (
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// A second run of sync finds nothing to do; a run that broke off is finished by the next one; a new price retires the old one, and who pays the
// old one stays on the same plan.
func TestSync(t *testing.T) {
	t.Parallel()
	fake := stripefake.New("http://stripe.test", time.Now)
	server := httptest.NewServer(fake.Handler())
	t.Cleanup(server.Close)
	api := billing.NewStripe(stripefake.Key, server.URL, nil)
	steps, err := billing.PlanSync(t.Context(), api)
	if err != nil || len(steps) != 12 { // the meter, two products, four prices of each, the portal
		t.Fatalf("%d steps: %v", len(steps), err)
	}
	if found, err := api.Products(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("planning changed something: %v %v", found, err)
	}
	for _, step := range steps[:4] {
		if err := step.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if steps, err = billing.PlanSync(t.Context(), api); err != nil || len(steps) != 8 {
		t.Errorf("after a run that broke off: %d steps (%v)", len(steps), err)
	}
	for _, step := range steps {
		if err := step.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if steps, err = billing.PlanSync(t.Context(), api); err != nil || len(steps) != 0 {
		t.Errorf("a second run: %d steps (%v)", len(steps), err)
	}
	settings, err := api.PortalSettings(t.Context())
	if err != nil || len(settings) != 1 {
		t.Fatal(settings, err)
	}
	if err := api.StorePortalSettings(t.Context(), billing.PortalSettings{ID: settings[0].ID, Cards: true}); err != nil { // somebody's idea
		t.Fatal(err)
	}
	if steps, err = billing.PlanSync(t.Context(), api); err != nil || len(steps) != 1 || steps[0].Do(t.Context()) != nil {
		t.Errorf("after other settings of the portal: %d steps (%v)", len(steps), err)
	}
	if again, err := api.PortalSettings(t.Context()); err != nil || !reflect.DeepEqual(again, settings) {
		t.Errorf("settings of the portal: %+v, want %+v (%v)", again, settings, err)
	}
	prices, err := api.Prices(t.Context(), "mcpauth_pro_yearly", "mcpauth_pro_monthly_over")
	if err != nil || len(prices) != 2 {
		t.Fatal(prices, err)
	}
	for _, p := range prices {
		if want := map[string]int64{"mcpauth_pro_yearly": 12 * 24 * 100_000, "mcpauth_pro_monthly_over": 1_500}[p.LookupKey]; p.Amount != want {
			t.Errorf("%s costs %d thousandths of a cent, want %d", p.LookupKey, p.Amount, want)
		}
	}
	// Somebody raised a price by hand.
	other := prices[0]
	other.Amount += 100
	if err := api.CreatePrice(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if steps, err = billing.PlanSync(t.Context(), api); err != nil || len(steps) != 2 {
		t.Errorf("after another price: %d steps (%v)", len(steps), err)
	}
}
