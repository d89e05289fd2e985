package dashboard_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

func billingPath(organization id.ID, rest string) string {
	return "/dashboard/" + organization.String() + "/billing" + rest
}

// Catalogue 246: the address that one comes back to from the checkout gives nothing by itself, and opening it asks nobody; having paid does,
// with no event, once the page has asked Stripe.
func TestReturnFromCheckout(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "owner@example.com")
	plan := func(path string) string {
		t.Helper()
		return b.get(t, billingPath(organization, path)).want(t, http.StatusOK).doc.Find(`[data-testid=plan]`).Text()
	}
	if got := plan("?checkout=done"); got != "Free" {
		t.Errorf("without a checkout: %s", got)
	}
	refresh := func() string {
		t.Helper()
		form := b.get(t, billingPath(organization, "?checkout=done")).want(t, http.StatusOK).doc.Find(`form[data-testid=refresh]`)
		b.post(t, form.AttrOr("action", "")).wantRedirect(t, billingPath(organization, ""))
		return plan("")
	}
	page := b.post(t, billingPath(organization, "/checkout"), "plan", "pro", "period", "monthly").want(t, http.StatusOK)
	address := page.doc.Find("#continue").AttrOr("href", "")
	if !strings.HasPrefix(address, "https://stripe.example/checkout/") || page.doc.Find(`meta[http-equiv=refresh]`).AttrOr("content", "") != "0;url="+address {
		t.Fatalf("leads to %q", address)
	}
	if got := refresh(); got != "Free" {
		t.Errorf("without paying: %s", got)
	}
	if _, err := s.fake.Pay(address[strings.LastIndex(address, "/")+1:], false); err != nil {
		t.Fatal(err)
	}
	if got := plan(""); got != "Free" {
		t.Errorf("paid, and nothing was fetched: %s", got)
	}
	if got := plan("?checkout=done"); got != "Free" {
		t.Errorf("opening the address asked Stripe: %s", got)
	}
	if got := refresh(); got != "Pro" {
		t.Errorf("paid: %s", got)
	}
	if page := b.get(t, billingPath(organization, "")).doc; page.Find(`form[data-testid=refresh]`).Length() != 0 {
		t.Error("the page asks Stripe for who does not come from there")
	}
	// A second subscription beside the first cannot be bought.
	b.post(t, billingPath(organization, "/checkout"), "plan", "scale", "period", "yearly").wantRedirect(t, billingPath(organization, "/change?period=yearly&plan=scale"))
}

// A smaller plan says before it is chosen what there is more of than it includes, and deletes nothing. The limits hold for what comes after.
func TestDowngradeExplainsAndDeletesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "owner@example.com")
	s.buy(t, organization, tenants.PlanScale)
	s.config.Projects.Plans = s.config.Billing
	s.door.Store(dashboard.New(s.config))
	for range 12 {
		path, _ := b.createProject(t, organization, "Acme")
		b.post(t, path+"/launch/environment", "environment", "production").want(t, http.StatusSeeOther)
	}
	change := b.get(t, billingPath(organization, "/change?plan=pro&period=monthly")).want(t, http.StatusOK).doc
	if got := change.Find(`[data-exceeds]`).Map(textOf); len(got) != 1 || !strings.Contains(got[0], "Production projects12, of 10") {
		t.Errorf("exceeding: %v", got)
	}
	if text := change.Text(); !strings.Contains(text, "All of it stays") || !strings.Contains(text, "goes back 90 days for 90 more days, and 14 days after that") {
		t.Errorf("not said: %s", text)
	}
	b.post(t, billingPath(organization, "/change"), "plan", "pro", "period", "monthly").wantRedirect(t, billingPath(organization, ""))
	if n := s.rows(t, `SELECT FROM projects WHERE environment = 'production'`); n != 12 {
		t.Errorf("%d projects are left", n)
	}
	page := b.get(t, billingPath(organization, "")).want(t, http.StatusOK).doc
	if page.Find(`[data-testid=plan]`).Text() != "Pro" || !strings.Contains(page.Find("#limits").Parent().Text(), "over the limit12 of 10") {
		t.Errorf("after the change: %s", page.Find("main").Text())
	}
	path, _ := b.createProject(t, organization, "Acme")
	b.post(t, path+"/launch/environment", "environment", "production").want(t, http.StatusConflict)
	if text := b.get(t, billingPath(organization, "")).doc.Text(); !strings.Contains(text, "goes back 90 days for 90 more days, and 3 days after that") { // Scale has kept it
		t.Error("cancelling does not say what becomes of the timeline")
	}
	if text := b.get(t, billingPath(organization, "/change?plan=pro&period=yearly")).doc.Text(); strings.Contains(text, "The timeline of your projects") {
		t.Error("paying by the year changes the timeline")
	}
	if got := b.get(t, billingPath(organization, "")).doc.Find(`#cancel`).Parent().Find(`[data-exceeds]`).Map(textOf); len(got) != 1 || !strings.Contains(got[0], "Production projects12, of 3") {
		t.Errorf("cancelling explains %v", got)
	}
	b.post(t, billingPath(organization, "/cancel")).wantRedirect(t, billingPath(organization, ""))
	if text := b.get(t, billingPath(organization, "")).doc.Text(); !strings.Contains(text, "ends on") || !strings.Contains(text, "Keep the plan") {
		t.Errorf("after cancelling: %s", text)
	}
	b.post(t, billingPath(organization, "/keep")).wantRedirect(t, billingPath(organization, ""))
	for _, action := range []string{"change", "cancel", "keep"} {
		if n := s.rows(t, `SELECT FROM organization_audit_log WHERE action = $1 AND actor LIKE 'member:%'`, "billing."+action+"_asked"); n != 1 {
			t.Errorf("%s: %d lines in the log say who asked", action, n)
		}
	}
	if text := b.get(t, billingPath(organization, "")).doc.Text(); strings.Contains(text, "ends on") {
		t.Error("the cancellation was not taken back")
	}
}

// An organization that goes on paying is not deleted.
func TestPaidOrganizationIsNotDeleted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "owner@example.com")
	s.buy(t, organization, tenants.PlanPro)
	path := "/dashboard/" + organization.String() + "/settings/delete"
	if page := b.post(t, path, "confirm", "Acme of owner@example.com").want(t, http.StatusUnprocessableEntity); !strings.Contains(page.doc.Text(), "Cancel the subscription first") {
		t.Errorf("%s", page.text)
	}
	account, err := s.store.BillingAccount(t.Context(), organization)
	if err != nil {
		t.Fatal(err)
	}
	s.fake.Cancel(account.Customer, true, false)
	if err := s.config.Billing.Refresh(t.Context(), organization); err != nil {
		t.Fatal(err)
	}
	b.post(t, path, "confirm", "Acme of owner@example.com").want(t, http.StatusSeeOther)
}

// A failed payment is told on every page, changes nothing for two weeks, and then leaves the limits of the Free plan until it is paid.
func TestOverduePayment(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "owner@example.com")
	s.buy(t, organization, tenants.PlanPro)
	account, err := s.store.BillingAccount(t.Context(), organization)
	if err != nil {
		t.Fatal(err)
	}
	s.fake.SetCard(account.Customer, true)
	s.fake.Advance(15 * 24 * time.Hour)
	look := func() (plan, banner string) {
		t.Helper()
		if err := s.config.Billing.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		plan = b.get(t, billingPath(organization, "")).want(t, http.StatusOK).doc.Find(`[data-testid=plan]`).Text()
		return plan, b.get(t, projectsPath(organization)).want(t, http.StatusOK).doc.Find(`[role=alert]`).Text()
	}
	if plan, banner := look(); plan != "Pro" || !strings.Contains(banner, "Payment overdue") || !strings.Contains(banner, "Nothing changes until") {
		t.Errorf("in the grace: %s, %q", plan, banner)
	}
	s.exec(t, `UPDATE billing_accounts SET grace_until = now() - interval '1 minute'`)
	for range 2 {
		if plan, banner := look(); plan != "Free" || !strings.Contains(banner, "limits of the Free plan hold until the open invoice is paid") {
			t.Errorf("after the grace: %s, %q", plan, banner)
		}
	}
	if n := s.rows(t, `SELECT FROM organization_audit_log WHERE action = 'billing.grace_ended'`); n != 1 {
		t.Errorf("the end of the grace was announced %d times", n)
	}
	s.fake.SetCard(account.Customer, false)
	if plan, banner := look(); plan != "Pro" || banner != "" {
		t.Errorf("paid: %s, %q", plan, banner)
	}
	if page := b.get(t, billingPath(organization, "")).doc; page.Find(`[data-invoice]`).Length() != 1 || !strings.Contains(page.Find(`[data-invoice]`).Text(), "paid$29.00") {
		t.Errorf("invoices: %s", page.Find(`[data-invoice]`).Text())
	}
}

// Who was counted is a file of every person, with the texts that programs would run taken as text (catalogue 227); it is recorded who took it.
func TestWhoWasCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `UPDATE projects SET environment = 'production' WHERE id = $1`, w.project.String())
	user := id.New()
	w.exec(t, `INSERT INTO users (project_id, id, email, email_verified_at) VALUES ($1, $2, '=cmd@example.com', now())`, w.project.String(), user.String())
	w.exec(t, `INSERT INTO connected_users (project_id, month, user_id) VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, $2), ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, $3), ($1, (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date, $2)`,
		w.project.String(), user.String(), id.New().String())
	got := w.as(t, "admin").post(t, billingPath(w.organization, "/people")).want(t, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(got.text)).ReadAll()
	if err != nil || len(rows) != 3 || !strings.Contains(got.text, "'=cmd@example.com") || !strings.Contains(got.text, user.String()) {
		t.Errorf("%v\n%s", err, got.text)
	}
	if n := w.rows(t, `SELECT FROM organization_audit_log WHERE action LIKE '%exported%'`); n != 1 {
		t.Errorf("%d exports are in the log", n)
	}
	w.as(t, "developer").post(t, billingPath(w.organization, "/people")).want(t, http.StatusForbidden)
	if other := w.as(t, "foreign").post(t, billingPath(w.foreign, "/people")).want(t, http.StatusOK); strings.Contains(other.text, user.String()) {
		t.Error("another organization sees the person")
	}
	page := w.as(t, "viewer").get(t, billingPath(w.organization, "")).want(t, http.StatusOK)
	if used := page.doc.Find(`[data-testid=used]`).Text(); used != "2" || page.doc.Find(`main form`).Length() != 0 {
		t.Errorf("a viewer sees %s connected users and %d forms", used, page.doc.Find(`main form`).Length())
	}
	w.as(t, "viewer").get(t, billingPath(w.organization, "?month=2999-01")).want(t, http.StatusNotFound)
	// A project that is deleted still counts.
	w.as(t, "owner").post(t, projectsPath(w.organization)+"/"+w.project.String()+"/settings/danger/delete", "confirm", "Acme").want(t, http.StatusSeeOther)
	if used := w.as(t, "viewer").get(t, billingPath(w.organization, "")).doc.Find(`[data-testid=used]`).Text(); used != "2" {
		t.Errorf("after the project was deleted: %s", used)
	}
}

// Without Stripe the page shows what is used, and nothing can be bought; while Stripe is away nothing is lost and the page says so.
func TestBillingOffAndAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "owner@example.com")
	s.buy(t, organization, tenants.PlanPro)
	away := *s.config.Billing
	away.Stripe = billing.NewStripe("sk_test_x", "http://127.0.0.1:1", nil)
	config := s.config
	config.Billing = &away
	s.door.Store(dashboard.New(config))
	for path, form := range map[string][]string{"/portal": nil, "/refresh": nil, "/cancel": nil, "/change": {"plan", "scale", "period", "monthly"}} {
		page := b.post(t, billingPath(organization, path), form...).want(t, http.StatusServiceUnavailable)
		if page.doc.Find(`[data-testid=plan]`).Text() != "Pro" || !strings.Contains(page.doc.Find(`[role=alert]`).Text(), "Stripe does not answer") {
			t.Errorf("%s: %s", path, page.doc.Find("main").Text())
		}
	}
	if page := b.get(t, billingPath(organization, "?checkout=done")).want(t, http.StatusOK); page.doc.Find(`[data-testid=plan]`).Text() != "Pro" || page.doc.Find(`[role=alert]`).Length() != 0 {
		t.Errorf("coming back: %s", page.doc.Find("main").Text())
	}
	b.post(t, billingPath(organization, "/change"), "plan", "enterprise", "period", "monthly").want(t, http.StatusUnprocessableEntity)
	b.post(t, billingPath(organization, "/change"), "plan", "pro", "period", "weekly").want(t, http.StatusUnprocessableEntity)
	config.Billing = nil
	s.door.Store(dashboard.New(config))
	page := b.get(t, billingPath(organization, "")).want(t, http.StatusOK).doc
	if page.Find(`[data-testid=plan]`).Length() != 0 || !strings.Contains(page.Text(), "Billing is off") {
		t.Errorf("off: %s", page.Find("main").Text())
	}
	b.post(t, billingPath(organization, "/checkout"), "plan", "pro", "period", "monthly").want(t, http.StatusNotFound)
}
