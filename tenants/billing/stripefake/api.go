package stripefake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// answer is what was answered to an idempotency key, and to which request.
type answer struct {
	request string
	status  int
	body    []byte
}

// failure is an error of the API.
type failure struct {
	status  int
	message string
}

func (e failure) Error() string { return e.message }

func missing(what, id string) error {
	return failure{http.StatusNotFound, "No such " + what + ": '" + id + "'"}
}

func invalid(format string, args ...any) error {
	return failure{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// call is one request to the API, with the fake locked.
type call struct {
	*http.Request
	form url.Values
}

// routes are the requests that the API takes.
func (f *Fake) routes() map[string]func(call) (map[string]any, error) {
	return map[string]func(call) (map[string]any, error){
		"POST /v1/customers":                          f.createCustomer,
		"GET /v1/products":                            f.listProducts,
		"POST /v1/products":                           f.createProduct,
		"POST /v1/products/{id}":                      f.updateProduct,
		"GET /v1/prices":                              f.listPrices,
		"POST /v1/prices":                             f.createPrice,
		"POST /v1/prices/{id}":                        f.updatePrice,
		"GET /v1/billing/meters":                      f.listMeters,
		"POST /v1/billing/meters":                     f.createMeter,
		"POST /v1/billing/meter_events":               f.createUsage,
		"GET /v1/billing/meters/{id}/event_summaries": f.sumUsage,
		"POST /v1/checkout/sessions":                  f.createSession,
		"POST /v1/checkout/sessions/{id}/expire":      f.expireSession,
		"POST /v1/billing_portal/sessions":            f.createPortal,
		"GET /v1/billing_portal/configurations":       f.listSettings,
		"POST /v1/billing_portal/configurations":      f.createSettings,
		"POST /v1/billing_portal/configurations/{id}": f.updateSettings,
		"GET /v1/subscriptions":                       f.listSubscriptions,
		"POST /v1/subscriptions/{id}":                 f.updateSubscription,
		"GET /v1/invoices":                            f.listInvoices,
		"GET /v1/invoices/upcoming":                   f.upcomingInvoice,
		"GET /v1/invoices/{id}":                       f.getInvoice,
	}
}

// Handler serves the API and the pages.
func (f *Fake) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range f.routes() {
		mux.Handle(pattern, f.api(handler))
	}
	f.addPages(mux)
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, failure{http.StatusNotFound, "Unrecognized request URL (" + r.Method + ": " + r.URL.Path + ")."})
	})
	return mux
}

// api checks the key, answers a repeated idempotency key as before, and puts errors into Stripe's words.
func (f *Fake) api(handler func(call) (map[string]any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Key {
			fail(w, failure{http.StatusUnauthorized, "Invalid API Key provided"})
			return
		}
		if r.ParseForm() != nil {
			fail(w, invalid("the form cannot be read"))
			return
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		key, request := r.Header.Get("Idempotency-Key"), r.Method+" "+r.URL.Path+" "+r.Form.Encode()
		if before, ok := f.answers[key]; ok && r.Method == http.MethodPost && key != "" {
			if before.request != request {
				fail(w, invalid("Keys for idempotent requests can only be used with the same parameters they were first used with."))
				return
			}
			write(w, before.status, before.body)
			return
		}
		object, err := handler(call{r, r.Form})
		if err != nil {
			fail(w, err)
			return
		}
		body, err := json.Marshal(object)
		if err != nil {
			fail(w, failure{http.StatusInternalServerError, err.Error()})
			return
		}
		if r.Method == http.MethodPost && key != "" {
			f.answers[key] = answer{request, http.StatusOK, body}
		}
		write(w, http.StatusOK, body)
	})
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func fail(w http.ResponseWriter, err error) {
	f, ok := err.(failure) //nolint:errorlint // made here
	if !ok {
		f = failure{http.StatusInternalServerError, err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]map[string]string{"error": {"type": "invalid_request_error", "message": f.message}}) //nolint:errchkjson // who is gone is not told
}

func (f *Fake) createCustomer(c call) (map[string]any, error) {
	made := &customer{id: f.id("cus"), name: c.form.Get("name"), email: c.form.Get("email"), created: f.time()}
	f.customers[made.id] = made
	return f.customerObject(made), nil
}

func (f *Fake) createSession(c call) (map[string]any, error) {
	s := &session{id: f.id("cs_test"), customer: c.form.Get("customer"), success: c.form.Get("success_url"), cancel: c.form.Get("cancel_url"), created: f.time()}
	if f.customers[s.customer] == nil {
		return nil, missing("customer", s.customer)
	}
	for i := 0; c.form.Has(fmt.Sprintf("line_items[%d][price]", i)); i++ {
		id := c.form.Get(fmt.Sprintf("line_items[%d][price]", i))
		if p := f.prices[id]; p == nil || !p.active {
			return nil, missing("price", id)
		}
		s.prices = append(s.prices, id)
	}
	if len(s.prices) == 0 {
		return nil, invalid("expected line_items")
	}
	s.trialDays, _ = strconv.Atoi(c.form.Get("subscription_data[trial_period_days]"))
	f.sessions[s.id] = s
	return f.sessionObject(s), nil
}

func (f *Fake) expireSession(c call) (map[string]any, error) {
	s := f.sessions[c.PathValue("id")]
	switch {
	case s == nil:
		return nil, missing("checkout session", c.PathValue("id"))
	case s.done, s.expired:
		return nil, invalid("Only Checkout Sessions with a status in [\"open\"] can be expired.")
	}
	s.expired = true
	return f.sessionObject(s), nil
}

func (f *Fake) listSubscriptions(c call) (map[string]any, error) {
	var data []any
	for _, s := range f.of(c.form.Get("customer")) {
		data = append(data, f.subscriptionObject(s))
	}
	return listObject("/v1/subscriptions", data), nil
}

// itemsIn reads the items of a change, on top of what a subscription has.
func (f *Fake) itemsIn(c call, s *subscription, name string) ([]item, error) {
	items := slices.Clone(s.items)
	for i := 0; c.form.Has(fmt.Sprintf("%s[%d][price]", name, i)); i++ {
		changed := item{id: c.form.Get(fmt.Sprintf("%s[%d][id]", name, i)), price: c.form.Get(fmt.Sprintf("%s[%d][price]", name, i))}
		if f.prices[changed.price] == nil {
			return nil, missing("price", changed.price)
		}
		at := slices.IndexFunc(items, func(there item) bool { return there.id == changed.id })
		switch {
		case changed.id == "":
			changed.id = f.id("si")
			items = append(items, changed)
		case at < 0:
			return nil, missing("subscription_item", changed.id)
		default:
			items[at] = changed
		}
	}
	return items, nil
}

func (f *Fake) updateSubscription(c call) (map[string]any, error) {
	s := f.subscriptions[c.PathValue("id")]
	if s == nil {
		return nil, missing("subscription", c.PathValue("id"))
	}
	if !s.active() {
		return nil, invalid("A canceled subscription can only update its cancellation_details and metadata.")
	}
	items, err := f.itemsIn(c, s, "items")
	if err != nil {
		return nil, err
	}
	if c.form.Has("cancel_at_period_end") {
		s.cancelAtEnd = c.form.Get("cancel_at_period_end") == "true"
	}
	if slices.Equal(items, s.items) {
		f.emit("customer.subscription.updated", f.subscriptionObject(s))
	} else {
		f.change(s, items)
	}
	return f.subscriptionObject(s), nil
}

func (f *Fake) listInvoices(c call) (map[string]any, error) {
	var data []any
	ids := sorted(f.invoices)
	slices.Reverse(ids)
	for _, id := range ids {
		if i := f.invoices[id]; i.customer == c.form.Get("customer") {
			data = append(data, f.invoiceObject(i))
		}
	}
	return listObject("/v1/invoices", data), nil
}

func (f *Fake) getInvoice(c call) (map[string]any, error) {
	i := f.invoices[c.PathValue("id")]
	if i == nil {
		return nil, missing("invoice", c.PathValue("id"))
	}
	return f.invoiceObject(i), nil
}

func (f *Fake) upcomingInvoice(c call) (map[string]any, error) {
	s := f.subscriptions[c.form.Get("subscription")]
	if s == nil {
		return nil, missing("subscription", c.form.Get("subscription"))
	}
	items, err := f.itemsIn(c, s, "subscription_items")
	if err != nil {
		return nil, err
	}
	object := f.invoiceObject(&invoice{customer: s.customer, subscription: s.id, status: "draft", total: f.proration(s, items), created: f.time()})
	for _, absent := range []string{"id", "number", "hosted_invoice_url"} {
		delete(object, absent)
	}
	return object, nil
}

// values reads a list: name[0], name[1] or name[].
func values(form url.Values, name string) (out []string) {
	for key, found := range form {
		if strings.HasPrefix(key, name+"[") {
			out = append(out, found...)
		}
	}
	return out
}

func sorted[T any](from map[string]T) []string {
	ids := make([]string, 0, len(from))
	for id := range from {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
