package billing_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mcpauth.example/tenants/billing"
	"mcpauth.example/tenants/billing/stripefake"
)

// stripeMock is Stripe's own stand-in: it checks every request against the description of the API, and answers with examples.
const stripeMock = "github.com/stripe/stripe-mock@v0.185.0"

// startStripeMock installs and starts it, and returns its address.
func startStripeMock(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", stripeMock)
	install.Env = append(os.Environ(), "GOBIN="+folder, "GOFLAGS=-mod=mod")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", stripeMock, err, out)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	run := exec.CommandContext(ctx, filepath.Join(folder, "stripe-mock"), "-http-addr", "127.0.0.1:0")
	read, write := io.Pipe()
	run.Stdout, run.Stderr = write, write
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = run.Wait()
		_ = write.Close()
	})
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		if found := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(lines.Text()); found != "" {
			go func() { _, _ = io.Copy(io.Discard, read) }()
			return "http://" + found
		}
	}
	t.Fatal("stripe-mock did not say where it listens")
	return ""
}

// recorder keeps the answers by the request that they are to.
type recorder struct {
	answers map[string]map[string]any
	failed  []string
}

var ids = regexp.MustCompile(`/(mcpauth_\w+|[a-z]+_[A-Za-z0-9_]+)(/|$)`)

// route is a request without the ids in its path.
func route(r *http.Request) string {
	path := r.URL.Path
	for _, fixed := range []string{"billing_portal", "meter_events", "event_summaries"} {
		path = strings.ReplaceAll(path, fixed, strings.ReplaceAll(fixed, "_", "-"))
	}
	return r.Method + " " + ids.ReplaceAllString(path, "/:id$2")
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(body))
	var object map[string]any
	if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &object) != nil {
		r.failed = append(r.failed, fmt.Sprintf("%s: %d %s", route(req), answer.StatusCode, body))
		return answer, err
	}
	r.answers[route(req)] = object
	return answer, err
}

// everyCall makes every call that the interface has, as the product makes it, on an account with nothing in it.
func everyCall(t *testing.T, api billing.Stripe, pay func(url string)) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	steps, err := billing.PlanSync(ctx, api)
	must(err)
	for _, step := range steps {
		must(step.Do(ctx))
	}
	prices, err := api.Prices(ctx, "mcpauth_pro_monthly", "mcpauth_pro_monthly_over")
	must(err)
	dearer, err := api.Prices(ctx, "mcpauth_scale_monthly", "mcpauth_scale_monthly_over")
	must(err)
	products, err := api.Products(ctx)
	must(err)
	must(api.UpdateProduct(ctx, products[0]))
	customer, err := api.CreateCustomer(ctx, "key-1", "Acme", "ada@acme.example", "0192")
	must(err)
	other, _, err := api.CreateCheckout(ctx, billing.Checkout{Customer: customer, Prices: prices, SuccessURL: "https://mcpauth.example/a", ReturnTo: "https://mcpauth.example/b"})
	must(err)
	must(api.ExpireCheckout(ctx, other))
	_, url, err := api.CreateCheckout(ctx, billing.Checkout{Customer: customer, Prices: prices, TrialDays: billing.TrialDays, SuccessURL: "https://mcpauth.example/a", ReturnTo: "https://mcpauth.example/b"})
	must(err)
	pay(url)
	must(api.StorePortalSettings(ctx, billing.PortalSettings{Invoices: true}))
	settings, err := api.PortalSettings(ctx)
	must(err)
	portal := "bpc_1" // the mock's examples are not ours
	if len(settings) > 0 {
		portal = settings[0].ID
	}
	must(api.StorePortalSettings(ctx, billing.PortalSettings{ID: portal, Updates: []string{"address"}, Cards: true}))
	_, err = api.CreatePortal(ctx, customer, portal, "https://mcpauth.example/b")
	must(err)
	subscriptions, err := api.Subscriptions(ctx, customer)
	must(err)
	if len(subscriptions) == 0 || subscriptions[0].BaseItem == "" || subscriptions[0].PeriodEnd.IsZero() || subscriptions[0].State == "" || subscriptions[0].Product == "" {
		t.Fatalf("a subscription is not understood: %+v", subscriptions)
	}
	_, err = api.PreviewChange(ctx, subscriptions[0], dearer)
	must(err)
	must(api.ChangeSubscription(ctx, subscriptions[0], dearer))
	must(api.CancelAtPeriodEnd(ctx, subscriptions[0].ID, true))
	invoices, err := api.Invoices(ctx, customer)
	must(err)
	if len(invoices) == 0 {
		t.Fatal("there is no invoice")
	}
	invoice, err := api.Invoice(ctx, invoices[0].ID)
	must(err)
	if invoice.ID == "" || invoice.Status == "" || invoice.CreatedAt.IsZero() {
		t.Errorf("an invoice is not understood: %+v", invoice)
	}
	must(api.SendUsage(ctx, billing.EventName, "mcpauth-1", customer, 7, time.Now()))
	meter, err := api.CreateMeter(ctx, billing.Meter{Name: "Another", EventName: "another"})
	must(err)
	meters, err := api.Meters(ctx)
	must(err)
	if len(meters) == 0 || meters[0].EventName == "" {
		t.Errorf("a meter is not understood: %+v", meters)
	}
	_, err = api.SumUsage(ctx, meter, customer, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	must(err)
	must(api.RetirePrice(ctx, prices[0].ID))
}

// TestContract: every request that the product sends is accepted by Stripe's own mock, and every answer of the fake has the shape of the
// mock's: no field that Stripe does not have, none of another type.
func TestContract(t *testing.T) {
	t.Parallel()
	mock := &recorder{answers: map[string]map[string]any{}}
	everyCall(t, billing.NewStripe(stripefake.Key, startStripeMock(t), mock), func(string) {})
	if len(mock.failed) > 0 {
		t.Fatalf("stripe-mock refused:\n%s", strings.Join(mock.failed, "\n"))
	}

	fake := stripefake.New("http://stripe.test", time.Now)
	server := httptest.NewServer(fake.Handler())
	defer server.Close()
	own := &recorder{answers: map[string]map[string]any{}}
	everyCall(t, billing.NewStripe(stripefake.Key, server.URL, own), func(url string) {
		if _, err := fake.Pay(url[strings.LastIndex(url, "/")+1:], false); err != nil {
			t.Fatal(err)
		}
		fake.Advance(15 * 24 * time.Hour) // past the trial, so that there is an invoice
	})
	if len(own.failed) > 0 {
		t.Errorf("the fake refused:\n%s", strings.Join(own.failed, "\n"))
	}
	if len(own.answers) < 22 {
		t.Errorf("only %d kinds of request were made: %v", len(own.answers), own.answers)
	}
	for request, object := range own.answers {
		theirs, ok := mock.answers[request]
		if !ok {
			t.Errorf("the mock never got %s", request)
			continue
		}
		sameShape(t, request, theirs, object)
	}
	// What the mock cannot show, for it keeps nothing: a request that was made before, and keys of strangers.
	for _, bad := range []string{"", "sk_test_other"} {
		if _, err := billing.NewStripe(bad, server.URL, nil).Products(t.Context()); err == nil {
			t.Errorf("the key %q was taken", bad)
		}
	}
}

// sameShape demands of every field of ours that theirs has it, with a value of the same type where both have one.
func sameShape(t *testing.T, where string, theirs, ours any) {
	t.Helper()
	switch ours := ours.(type) {
	case map[string]any:
		other, ok := theirs.(map[string]any)
		if !ok {
			t.Errorf("%s: %T is no object there", where, theirs)
			return
		}
		for name, value := range ours {
			if strings.HasSuffix(where, ".metadata") || strings.HasSuffix(where, ".payload") {
				continue
			}
			if strings.HasSuffix(where, ".recurring") && name == "meter" {
				continue // the library knows it and the mock takes it in requests; its examples have no metered price
			}
			there, ok := other[name]
			switch {
			case !ok:
				t.Errorf("%s: Stripe has no field %q", where, name)
			case value != nil && there != nil:
				sameShape(t, where+"."+name, there, value)
			}
		}
	case []any:
		other, ok := theirs.([]any)
		if !ok {
			t.Errorf("%s: %T is no list there", where, theirs)
			return
		}
		if len(ours) > 0 && len(other) > 0 {
			sameShape(t, where+"[]", other[0], ours[0])
		}
	default:
		if fmt.Sprintf("%T", ours) != fmt.Sprintf("%T", theirs) {
			t.Errorf("%s: %T, at Stripe %T", where, ours, theirs)
		}
	}
}
