package billing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"
	checkout "github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/invoice"
	"github.com/stripe/stripe-go/v76/subscription"
)

// callTimeout bounds one call, its repetitions included. The webhook asks while it holds a lock, so it is shorter than a statement may take.
const callTimeout = 4 * time.Second

// currency of every price.
const currency = string(stripe.CurrencyUSD)

// client is Stripe's API.
type client struct {
	backend stripe.Backend
	key     string
}

// NewStripe returns Stripe's API for a secret or restricted key. url is https://api.stripe.com, or a stand-in for tests; transport nil: the
// default one.
func NewStripe(key, url string, transport http.RoundTripper) Stripe {
	return &client{key: key, backend: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: new(url), HTTPClient: &http.Client{Timeout: callTimeout, Transport: transport}, MaxNetworkRetries: new(int64(1)),
		EnableTelemetry: new(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})}
}

// ask gives a call its context and puts its error into our words. The library's error can quote what was sent, so only Stripe's message and
// request id are kept.
func ask(ctx context.Context, params *stripe.Params, key string, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params.Context = ctx
	if key != "" {
		params.SetIdempotencyKey(key)
	}
	return inOurWords(call())
}

func list(ctx context.Context, params *stripe.ListParams, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params.Context = ctx
	params.Limit = new(int64(100))
	return inOurWords(call())
}

func inOurWords(err error) error {
	failed, ok := errors.AsType[*stripe.Error](err)
	switch {
	case err == nil:
		return nil
	case ok && failed.HTTPStatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s (request %s)", ErrMissing, failed.Msg, failed.RequestID)
	case ok && failed.HTTPStatusCode >= 400 && failed.HTTPStatusCode < 500 && failed.HTTPStatusCode != http.StatusTooManyRequests && failed.HTTPStatusCode != http.StatusConflict:
		return fmt.Errorf("%w: %s (request %s)", ErrRefused, failed.Msg, failed.RequestID)
	case ok:
		return fmt.Errorf("%w: status %d (request %s)", ErrStripe, failed.HTTPStatusCode, failed.RequestID)
	default:
		return fmt.Errorf("%w: %w", ErrStripe, err)
	}
}

func (c *client) CreateCustomer(ctx context.Context, key, name, email, organization string) (id string, err error) {
	params := &stripe.CustomerParams{Name: &name}
	if email != "" { // who has no address here tells Stripe one
		params.Email = &email
	}
	params.AddMetadata("organization", organization) // for people who read the dashboard of Stripe; never read back
	err = ask(ctx, &params.Params, key, func() error {
		made, err := customer.Client{B: c.backend, Key: c.key}.New(params)
		if err == nil {
			id = made.ID
		}
		return err
	})
	return id, err
}

func (c *client) Subscriptions(ctx context.Context, customer string) (found []Subscription, err error) {
	params := &stripe.SubscriptionListParams{Customer: &customer, Status: new("all")}
	err = list(ctx, &params.ListParams, func() error {
		pages := subscription.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			found = append(found, subscriptionOf(pages.Subscription()))
		}
		return pages.Err()
	})
	return found, err
}

func subscriptionOf(s *stripe.Subscription) Subscription {
	out := Subscription{ID: s.ID, State: State(s.Status), CreatedAt: moment(s.Created), PeriodEnd: moment(s.CurrentPeriodEnd), TrialEnd: moment(s.TrialEnd), CancelAtPeriodEnd: s.CancelAtPeriodEnd}
	if s.Customer != nil {
		out.Customer = s.Customer.ID
	}
	if s.Items == nil {
		return out
	}
	for _, item := range s.Items.Data {
		if item.Price == nil || item.Price.Recurring == nil {
			continue
		}
		if item.Price.Recurring.UsageType == stripe.PriceRecurringUsageTypeMetered {
			out.UsageItem = item.ID
			continue
		}
		out.BaseItem, out.Yearly = item.ID, item.Price.Recurring.Interval == stripe.PriceRecurringIntervalYear
		if item.Price.Product != nil {
			out.Product = item.Price.Product.ID
		}
	}
	return out
}

// moment is the zero time where Stripe has none.
func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func invoiceOf(i *stripe.Invoice) Invoice {
	out := Invoice{ID: i.ID, Number: i.Number, Status: string(i.Status), Total: i.Total, Currency: string(i.Currency), URL: i.HostedInvoiceURL, CreatedAt: moment(i.Created)}
	if i.Customer != nil {
		out.Customer = i.Customer.ID
	}
	return out
}

func (c *client) Invoice(ctx context.Context, id string) (out Invoice, err error) {
	params := &stripe.InvoiceParams{}
	err = ask(ctx, &params.Params, "", func() error {
		found, err := invoice.Client{B: c.backend, Key: c.key}.Get(id, params)
		if err == nil {
			out = invoiceOf(found)
		}
		return err
	})
	return out, err
}

func (c *client) Invoices(ctx context.Context, customer string) (found []Invoice, err error) {
	params := &stripe.InvoiceListParams{Customer: &customer}
	params.Single = true
	err = list(ctx, &params.ListParams, func() error {
		pages := invoice.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			found = append(found, invoiceOf(pages.Invoice()))
		}
		return pages.Err()
	})
	return found, err
}

func (c *client) ExpireCheckout(ctx context.Context, id string) error {
	params := &stripe.CheckoutSessionExpireParams{}
	return ask(ctx, &params.Params, "", func() error {
		_, err := checkout.Client{B: c.backend, Key: c.key}.Expire(id, params)
		return err
	})
}

func (c *client) CreateCheckout(ctx context.Context, wanted Checkout) (id, url string, err error) {
	params := &stripe.CheckoutSessionParams{
		Mode: new(string(stripe.CheckoutSessionModeSubscription)), Customer: &wanted.Customer, SuccessURL: &wanted.SuccessURL, CancelURL: &wanted.ReturnTo,
		TaxIDCollection:          &stripe.CheckoutSessionTaxIDCollectionParams{Enabled: new(true)},
		CustomerUpdate:           &stripe.CheckoutSessionCustomerUpdateParams{Name: new("auto"), Address: new("auto")},
		BillingAddressCollection: new("required"), AllowPromotionCodes: new(true),
	}
	for _, p := range wanted.Prices {
		item := &stripe.CheckoutSessionLineItemParams{Price: &p.ID}
		if p.Meter == "" {
			item.Quantity = new(int64(1))
		}
		params.LineItems = append(params.LineItems, item)
	}
	if wanted.TrialDays > 0 {
		params.SubscriptionData = &stripe.CheckoutSessionSubscriptionDataParams{TrialPeriodDays: new(int64(wanted.TrialDays))}
	}
	err = ask(ctx, &params.Params, "", func() error {
		made, err := checkout.Client{B: c.backend, Key: c.key}.New(params)
		if err == nil {
			id, url = made.ID, made.URL
		}
		return err
	})
	return id, url, err
}

// itemsFor puts prices in the place of those that a subscription has.
func itemsFor(s Subscription, prices []Price) []*stripe.SubscriptionItemsParams {
	var items []*stripe.SubscriptionItemsParams
	for _, p := range prices {
		item := &stripe.SubscriptionItemsParams{Price: &p.ID}
		if p.Meter == "" {
			item.ID = &s.BaseItem
		} else if s.UsageItem != "" {
			item.ID = &s.UsageItem
		}
		items = append(items, item)
	}
	return items
}

// prorationNow charges or credits the rest of the period at once.
const prorationNow = "always_invoice"

func (c *client) PreviewChange(ctx context.Context, s Subscription, prices []Price) (out Preview, err error) {
	params := &stripe.InvoiceUpcomingParams{Customer: &s.Customer, Subscription: &s.ID, SubscriptionItems: itemsFor(s, prices), SubscriptionProrationBehavior: new(prorationNow)}
	err = ask(ctx, &params.Params, "", func() error {
		found, err := invoice.Client{B: c.backend, Key: c.key}.Upcoming(params)
		if err == nil {
			out = Preview{Due: found.AmountDue, Currency: string(found.Currency)}
		}
		return err
	})
	return out, err
}

func (c *client) ChangeSubscription(ctx context.Context, s Subscription, prices []Price) error {
	params := &stripe.SubscriptionParams{Items: itemsFor(s, prices), ProrationBehavior: new(prorationNow), CancelAtPeriodEnd: new(false)}
	return ask(ctx, &params.Params, "", func() error {
		_, err := subscription.Client{B: c.backend, Key: c.key}.Update(s.ID, params)
		return err
	})
}

func (c *client) CancelAtPeriodEnd(ctx context.Context, id string, cancel bool) error {
	params := &stripe.SubscriptionParams{CancelAtPeriodEnd: &cancel}
	return ask(ctx, &params.Params, "", func() error {
		_, err := subscription.Client{B: c.backend, Key: c.key}.Update(id, params)
		return err
	})
}
