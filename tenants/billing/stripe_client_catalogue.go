package billing

import (
	"context"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/billing/meter"
	"github.com/stripe/stripe-go/v76/billing/meterevent"
	"github.com/stripe/stripe-go/v76/billing/metereventsummary"
	"github.com/stripe/stripe-go/v76/price"
	"github.com/stripe/stripe-go/v76/product"
)

func (c *client) Products(ctx context.Context) (found []Product, err error) {
	params := &stripe.ProductListParams{}
	err = list(ctx, &params.ListParams, func() error {
		pages := product.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			p := pages.Product()
			found = append(found, Product{ID: p.ID, Name: p.Name, Description: p.Description, Active: p.Active})
		}
		return pages.Err()
	})
	return found, err
}

func (c *client) CreateProduct(ctx context.Context, p Product) error {
	params := &stripe.ProductParams{ID: &p.ID, Name: &p.Name, Description: &p.Description}
	return ask(ctx, &params.Params, "", func() error {
		_, err := product.Client{B: c.backend, Key: c.key}.New(params)
		return err
	})
}

func (c *client) UpdateProduct(ctx context.Context, p Product) error {
	params := &stripe.ProductParams{Name: &p.Name, Description: &p.Description, Active: &p.Active}
	return ask(ctx, &params.Params, "", func() error {
		_, err := product.Client{B: c.backend, Key: c.key}.Update(p.ID, params)
		return err
	})
}

// Prices finds those with the lookup keys given; without any, all active ones.
func (c *client) Prices(ctx context.Context, keys ...string) (found []Price, err error) {
	params := &stripe.PriceListParams{Active: new(true)}
	if len(keys) > 0 { // an empty list would be sent as an empty string
		params.LookupKeys = stripe.StringSlice(keys)
	}
	err = list(ctx, &params.ListParams, func() error {
		pages := price.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			p := pages.Price()
			out := Price{ID: p.ID, LookupKey: p.LookupKey, Amount: int64(p.UnitAmountDecimal*1000 + 0.5), Active: p.Active}
			if p.Product != nil {
				out.Product = p.Product.ID
			}
			if p.Recurring != nil {
				out.Yearly, out.Meter = p.Recurring.Interval == stripe.PriceRecurringIntervalYear, p.Recurring.Meter
			}
			found = append(found, out)
		}
		return pages.Err()
	})
	return found, err
}

func (c *client) CreatePrice(ctx context.Context, p Price) error {
	params := &stripe.PriceParams{
		Product: &p.Product, Currency: new(currency), LookupKey: &p.LookupKey, TransferLookupKey: new(true), TaxBehavior: new("exclusive"),
		UnitAmountDecimal: new(float64(p.Amount) / 1000), Recurring: &stripe.PriceRecurringParams{Interval: new(string(stripe.PriceRecurringIntervalMonth))},
	}
	if p.Yearly {
		params.Recurring.Interval = new(string(stripe.PriceRecurringIntervalYear))
	}
	if p.Meter != "" {
		params.Recurring.Meter, params.Recurring.UsageType = &p.Meter, new(string(stripe.PriceRecurringUsageTypeMetered))
	}
	return ask(ctx, &params.Params, "", func() error {
		_, err := price.Client{B: c.backend, Key: c.key}.New(params)
		return err
	})
}

func (c *client) RetirePrice(ctx context.Context, id string) error {
	params := &stripe.PriceParams{Active: new(false)}
	return ask(ctx, &params.Params, "", func() error {
		_, err := price.Client{B: c.backend, Key: c.key}.Update(id, params)
		return err
	})
}

func (c *client) Meters(ctx context.Context) (found []Meter, err error) {
	params := &stripe.BillingMeterListParams{Status: new("active")}
	err = list(ctx, &params.ListParams, func() error {
		pages := meter.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			m := pages.BillingMeter()
			found = append(found, Meter{ID: m.ID, Name: m.DisplayName, EventName: m.EventName})
		}
		return pages.Err()
	})
	return found, err
}

// Fields of a meter event.
const (
	fieldCustomer = "stripe_customer_id"
	fieldValue    = "value"
)

func (c *client) CreateMeter(ctx context.Context, m Meter) (id string, err error) {
	params := &stripe.BillingMeterParams{
		DisplayName: &m.Name, EventName: &m.EventName, DefaultAggregation: &stripe.BillingMeterDefaultAggregationParams{Formula: new("sum")},
		CustomerMapping: &stripe.BillingMeterCustomerMappingParams{Type: new("by_id"), EventPayloadKey: new(fieldCustomer)},
		ValueSettings:   &stripe.BillingMeterValueSettingsParams{EventPayloadKey: new(fieldValue)},
	}
	err = ask(ctx, &params.Params, "", func() error {
		made, err := meter.Client{B: c.backend, Key: c.key}.New(params)
		if err == nil {
			id = made.ID
		}
		return err
	})
	return id, err
}

// SendUsage has the moment in its idempotency key, since Stripe answers a key as it did the first time, for a day and also when it failed, and
// refuses it with another moment. The identifier keeps later attempts from adding again.
func (c *client) SendUsage(ctx context.Context, event, identifier, customer string, value int, at time.Time) error {
	params := &stripe.BillingMeterEventParams{EventName: &event, Identifier: &identifier, Timestamp: new(at.Unix()),
		Payload: map[string]string{fieldCustomer: customer, fieldValue: strconv.Itoa(value)}}
	return ask(ctx, &params.Params, identifier+":"+strconv.FormatInt(at.Unix(), 10), func() error {
		_, err := meterevent.Client{B: c.backend, Key: c.key}.New(params)
		return err
	})
}

func (c *client) SumUsage(ctx context.Context, id, customer string, from, to time.Time) (sum int, err error) {
	params := &stripe.BillingMeterEventSummaryListParams{ID: &id, Customer: &customer, StartTime: new(from.Unix()), EndTime: new(to.Unix())}
	err = list(ctx, &params.ListParams, func() error {
		pages := metereventsummary.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			sum += int(pages.BillingMeterEventSummary().AggregatedValue)
		}
		return pages.Err()
	})
	return sum, err
}
