package billing

import (
	"context"
	"slices"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/billingportal/configuration"
	portal "github.com/stripe/stripe-go/v76/billingportal/session"
)

// ownSettings is the metadata by which our settings of the portal are known among others.
const ownSettings = "mcpauth"

func (c *client) CreatePortal(ctx context.Context, customer, settings, returnTo string) (url string, err error) {
	params := &stripe.BillingPortalSessionParams{Customer: &customer, Configuration: &settings, ReturnURL: &returnTo}
	err = ask(ctx, &params.Params, "", func() error {
		made, err := portal.Client{B: c.backend, Key: c.key}.New(params)
		if err == nil {
			url = made.URL
		}
		return err
	})
	return url, err
}

func (c *client) PortalSettings(ctx context.Context) (found []PortalSettings, err error) {
	params := &stripe.BillingPortalConfigurationListParams{Active: new(true)}
	err = list(ctx, &params.ListParams, func() error {
		pages := configuration.Client{B: c.backend, Key: c.key}.List(params)
		for pages.Next() {
			if p := pages.BillingPortalConfiguration(); p.Metadata[ownSettings] != "" {
				found = append(found, settingsOf(p))
			}
		}
		return pages.Err()
	})
	return found, err
}

func settingsOf(p *stripe.BillingPortalConfiguration) PortalSettings {
	out := PortalSettings{ID: p.ID}
	if p.Features == nil {
		return out
	}
	if f := p.Features.CustomerUpdate; f != nil && f.Enabled {
		for _, update := range f.AllowedUpdates {
			out.Updates = append(out.Updates, string(update))
		}
		slices.Sort(out.Updates)
	}
	if f := p.Features.PaymentMethodUpdate; f != nil {
		out.Cards = f.Enabled
	}
	if f := p.Features.InvoiceHistory; f != nil {
		out.Invoices = f.Enabled
	}
	if f := p.Features.SubscriptionCancel; f != nil {
		out.Cancel = f.Enabled && f.Mode == stripe.BillingPortalConfigurationFeaturesSubscriptionCancelModeAtPeriodEnd
	}
	return out
}

func (c *client) StorePortalSettings(ctx context.Context, s PortalSettings) error {
	params := &stripe.BillingPortalConfigurationParams{
		BusinessProfile: &stripe.BillingPortalConfigurationBusinessProfileParams{Headline: new("mcpauth: cards, addresses, tax ids and invoices")},
		Features: &stripe.BillingPortalConfigurationFeaturesParams{
			CustomerUpdate:      &stripe.BillingPortalConfigurationFeaturesCustomerUpdateParams{Enabled: new(len(s.Updates) > 0), AllowedUpdates: stripe.StringSlice(s.Updates)},
			PaymentMethodUpdate: &stripe.BillingPortalConfigurationFeaturesPaymentMethodUpdateParams{Enabled: &s.Cards},
			InvoiceHistory:      &stripe.BillingPortalConfigurationFeaturesInvoiceHistoryParams{Enabled: &s.Invoices},
			SubscriptionCancel: &stripe.BillingPortalConfigurationFeaturesSubscriptionCancelParams{Enabled: &s.Cancel,
				Mode: new(string(stripe.BillingPortalConfigurationFeaturesSubscriptionCancelModeAtPeriodEnd))},
		},
	}
	params.AddMetadata(ownSettings, "portal")
	return ask(ctx, &params.Params, "", func() (err error) {
		api := configuration.Client{B: c.backend, Key: c.key}
		if s.ID == "" {
			_, err = api.New(params)
		} else {
			_, err = api.Update(s.ID, params)
		}
		return err
	})
}
