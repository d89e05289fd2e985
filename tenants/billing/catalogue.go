package billing

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"mcpauth.example/tenants"
)

// productPrefix begins the ids of our products in Stripe; the rest is the id of the plan. A subscription's plan is known by its product, not by
// its price, so that old prices go on meaning what they meant.
const productPrefix = "mcpauth_"

func ours(product string) bool { return strings.HasPrefix(product, productPrefix) }

// EventName is what usage is sent as. The meter adds up connected users beyond those that the plan includes: the calendar month is ours to
// count by, whatever the period of the subscription.
const EventName = "mcpauth_connected_users_over_plan"

const meterName = "Connected users over the plan"

// pricesOf lists what a plan costs. meter is the id of the meter.
func pricesOf(plan tenants.Plan, meter string) (prices []Price) {
	for _, yearly := range []bool{false, true} {
		period, months, perMonth := "monthly", 1, plan.Monthly
		if yearly {
			period, months, perMonth = "yearly", 12, plan.Yearly
		}
		base := Price{LookupKey: productPrefix + plan.ID + "_" + period, Product: productPrefix + plan.ID, Yearly: yearly, Amount: int64(perMonth) * int64(months) * 100_000, Active: true}
		over := base
		over.LookupKey, over.Amount, over.Meter = base.LookupKey+"_over", int64(plan.Overage)*100, meter
		prices = append(prices, base, over)
	}
	return prices
}

// wantedPortal is what customers do at Stripe. Plans are changed on our own pages, which say what a smaller one means.
func wantedPortal() PortalSettings {
	return PortalSettings{Updates: []string{"address", "email", "name", "tax_id"}, Cards: true, Invoices: true, Cancel: true}
}

// Step is one thing that sync does.
type Step struct {
	// Text says what, for the operator.
	Text string
	do   func(context.Context) error
}

// PlanSync compares the table of plans with Stripe and returns what has to be done to make them the same; nothing when they are. It changes
// nothing. Prices are never changed, only made and retired: who pays an old one goes on paying it.
func PlanSync(ctx context.Context, api Stripe) ([]Step, error) {
	var steps []Step
	meters, err := api.Meters(ctx)
	if err != nil {
		return nil, err
	}
	meter := ""
	if i := slices.IndexFunc(meters, func(m Meter) bool { return m.EventName == EventName }); i >= 0 {
		meter = meters[i].ID
	} else {
		steps = append(steps, Step{"create the meter " + EventName, func(ctx context.Context) (err error) {
			meter, err = api.CreateMeter(ctx, Meter{Name: meterName, EventName: EventName})
			return err
		}})
	}
	products, err := api.Products(ctx)
	if err != nil {
		return nil, err
	}
	prices, err := api.Prices(ctx)
	if err != nil {
		return nil, err
	}
	for _, plan := range tenants.PlanTable() {
		if plan.Monthly <= 0 {
			continue
		}
		steps = append(steps, productSteps(api, plan, products)...)
		for _, wanted := range pricesOf(plan, meter) {
			steps = append(steps, priceSteps(api, wanted, &meter, prices)...)
		}
	}
	more, err := portalSteps(ctx, api)
	return append(steps, more...), err
}

func portalSteps(ctx context.Context, api Stripe) ([]Step, error) {
	there, err := api.PortalSettings(ctx)
	if err != nil {
		return nil, err
	}
	wanted, text := wantedPortal(), "create the settings of the customer portal"
	if len(there) > 0 {
		wanted.ID, text = there[0].ID, "update the settings of the customer portal"
		if reflect.DeepEqual(there[0], wanted) {
			return nil, nil
		}
	}
	return []Step{{text, func(ctx context.Context) error { return api.StorePortalSettings(ctx, wanted) }}}, nil
}

func productSteps(api Stripe, plan tenants.Plan, there []Product) []Step {
	wanted := Product{ID: productPrefix + plan.ID, Name: "mcpauth " + plan.Name, Description: strconv.Itoa(plan.MonthlyActiveUsers) + " connected users a month", Active: true}
	switch i := slices.IndexFunc(there, func(p Product) bool { return p.ID == wanted.ID }); {
	case i < 0:
		return []Step{{"create the product " + wanted.ID, func(ctx context.Context) error { return api.CreateProduct(ctx, wanted) }}}
	case there[i] != wanted:
		return []Step{{"update the product " + wanted.ID, func(ctx context.Context) error { return api.UpdateProduct(ctx, wanted) }}}
	default:
		return nil
	}
}

// priceSteps takes the meter by reference: it may be made by a step before.
func priceSteps(api Stripe, wanted Price, meter *string, there []Price) (steps []Step) {
	metered := wanted.Meter != "" || strings.HasSuffix(wanted.LookupKey, "_over")
	i := slices.IndexFunc(there, func(p Price) bool { return p.LookupKey == wanted.LookupKey })
	if i >= 0 {
		same := there[i]
		same.ID = ""
		if same == wanted {
			return nil
		}
	}
	steps = append(steps, Step{fmt.Sprintf("create the price %s of %s", wanted.LookupKey, dollars(wanted.Amount)), func(ctx context.Context) error {
		made := wanted
		if metered {
			made.Meter = *meter
		}
		return api.CreatePrice(ctx, made)
	}})
	if i >= 0 {
		old := there[i]
		steps = append(steps, Step{"retire the price " + old.ID + " of " + dollars(old.Amount) + "; who pays it goes on paying it", func(ctx context.Context) error { return api.RetirePrice(ctx, old.ID) }})
	}
	return steps
}

// dollars writes an amount of thousandths of a cent.
func dollars(amount int64) string {
	text := fmt.Sprintf("$%d.%05d", amount/100_000, amount%100_000)
	whole, rest, _ := strings.Cut(text, ".")
	rest = strings.TrimRight(rest, "0")
	for len(rest) < 2 {
		rest += "0"
	}
	return whole + "." + rest
}

// Do carries a step out. A sync that broke off goes on where it was: what was done is not planned again.
func (s Step) Do(ctx context.Context) error {
	if err := s.do(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.Text, err)
	}
	return nil
}
