package billing

import (
	"context"
	"errors"
	"time"
)

// APIVersion is the version of Stripe's API that requests are made in and events are expected in.
const APIVersion = "2023-10-16"

// What Stripe answers besides success.
var (
	// ErrStripe is an outage of Stripe, or an answer that was not understood: the same request may succeed later.
	ErrStripe = errors.New("stripe cannot be reached")
	// ErrRefused is a request that Stripe will not accept, with its reason.
	ErrRefused = errors.New("stripe refused the request")
	// ErrMissing is an object that Stripe does not have.
	ErrMissing = errors.New("stripe has no such object")
)

// Subscription is what a customer subscribed to. Product is the id of a product of the catalogue.
type Subscription struct {
	ID, Customer, Product string
	BaseItem, UsageItem   string // ids of the items; UsageItem is empty where nothing is metered
	Yearly                bool
	State                 State
	CreatedAt             time.Time
	PeriodEnd, TrialEnd   time.Time
	CancelAtPeriodEnd     bool
}

// Product is a plan, as Stripe knows it.
type Product struct {
	ID, Name, Description string
	Active                bool
}

// Price is what a product costs. Amount is in thousandths of a cent; a price with a meter is per unit of it.
type Price struct {
	ID, LookupKey, Product string
	Amount                 int64
	Yearly                 bool
	Meter                  string // id
	Active                 bool
}

// Meter adds up numbers per customer.
type Meter struct{ ID, Name, EventName string }

// Checkout is a page of Stripe's on which a customer begins a subscription.
type Checkout struct {
	Customer             string
	Prices               []Price
	TrialDays            int
	SuccessURL, ReturnTo string
}

// PortalSettings says what customers may do on Stripe's page for what they pay.
type PortalSettings struct {
	ID      string
	Updates []string // of their data, in Stripe's words, sorted
	// Cards and Invoices are for paying and for what was paid; Cancel is at the end of the period.
	Cards, Invoices, Cancel bool
}

// Preview is what a change would cost now.
type Preview struct {
	Due      int64
	Currency string
}

// Stripe is all that is asked of Stripe. Calls that create take an idempotency key: the same key makes one object. Every method returns
// ErrStripe, ErrRefused or ErrMissing besides success.
type Stripe interface {
	CreateCustomer(ctx context.Context, key, name, email, organization string) (id string, err error)
	// Subscriptions lists a customer's, ended ones included, the latest first.
	Subscriptions(ctx context.Context, customer string) ([]Subscription, error)
	Invoice(ctx context.Context, id string) (Invoice, error)
	// Invoices lists a customer's latest hundred.
	Invoices(ctx context.Context, customer string) ([]Invoice, error)
	CreateCheckout(ctx context.Context, checkout Checkout) (id, url string, err error)
	// ExpireCheckout makes sure that a checkout cannot be paid any more. ErrRefused: it was paid, or has expired.
	ExpireCheckout(ctx context.Context, id string) error
	CreatePortal(ctx context.Context, customer, settings, returnTo string) (url string, err error)
	// PreviewChange says what ChangeSubscription would ask for at once.
	PreviewChange(ctx context.Context, subscription Subscription, prices []Price) (Preview, error)
	// ChangeSubscription replaces the prices and charges or credits the rest of the period; a cancellation that was asked for is withdrawn.
	// Asked twice it does nothing the second time.
	ChangeSubscription(ctx context.Context, subscription Subscription, prices []Price) error
	CancelAtPeriodEnd(ctx context.Context, subscription string, cancel bool) error

	Products(ctx context.Context) ([]Product, error)
	CreateProduct(ctx context.Context, product Product) error
	UpdateProduct(ctx context.Context, product Product) error
	Prices(ctx context.Context, keys ...string) ([]Price, error)
	// CreatePrice takes the lookup key over from the price that has it.
	CreatePrice(ctx context.Context, price Price) error
	RetirePrice(ctx context.Context, id string) error
	// PortalSettings lists those that StorePortalSettings made.
	PortalSettings(ctx context.Context) ([]PortalSettings, error)
	// StorePortalSettings makes them, or changes those with the ID.
	StorePortalSettings(ctx context.Context, settings PortalSettings) error
	Meters(ctx context.Context) ([]Meter, error)
	CreateMeter(ctx context.Context, meter Meter) (id string, err error)
	// SendUsage adds to a meter; the same identifier adds once.
	SendUsage(ctx context.Context, event, identifier, customer string, value int, at time.Time) error
	// SumUsage adds up what a meter got of a customer from (inclusive) to (exclusive).
	SumUsage(ctx context.Context, meter, customer string, from, to time.Time) (int, error)
}
