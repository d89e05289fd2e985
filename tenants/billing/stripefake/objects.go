package stripefake

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

const apiVersion = "2023-10-16"

// Objects in the shape of the API. Only what somebody reads is there.

func unix(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.Unix()
}

func listObject(url string, data []any) map[string]any {
	if data == nil {
		data = []any{}
	}
	return map[string]any{"object": "list", "url": url, "has_more": false, "data": data}
}

func (f *Fake) customerObject(c *customer) map[string]any {
	return map[string]any{"id": c.id, "object": "customer", "name": c.name, "email": c.email, "balance": -c.credit, "created": c.created.Unix(), "livemode": false, "metadata": map[string]any{}}
}

func (f *Fake) productObject(p *product) map[string]any {
	return map[string]any{"id": p.id, "object": "product", "name": p.name, "description": p.description, "active": p.active, "created": p.created.Unix(), "livemode": false, "metadata": map[string]any{}}
}

func (f *Fake) priceObject(p *price) map[string]any {
	interval := "month"
	if p.yearly {
		interval = "year"
	}
	recurring := map[string]any{"interval": interval, "interval_count": 1, "usage_type": "licensed", "aggregate_usage": nil}
	if p.meter != "" {
		recurring["usage_type"], recurring["meter"] = "metered", p.meter
	}
	var whole any
	if p.amount == math.Trunc(p.amount) {
		whole = int64(p.amount)
	}
	return map[string]any{"id": p.id, "object": "price", "product": p.product, "lookup_key": p.key, "active": p.active, "currency": "usd", "type": "recurring", "billing_scheme": "per_unit",
		"recurring": recurring, "unit_amount": whole, "unit_amount_decimal": strconv.FormatFloat(p.amount, 'f', -1, 64), "created": p.created.Unix(), "livemode": false, "metadata": map[string]any{}}
}

func (f *Fake) meterObject(m *meter) map[string]any {
	return map[string]any{"id": m.id, "object": "billing.meter", "display_name": m.name, "event_name": m.event, "status": "active", "created": m.created.Unix(), "updated": m.created.Unix(), "livemode": false,
		"customer_mapping": map[string]any{"type": "by_id", "event_payload_key": "stripe_customer_id"}, "default_aggregation": map[string]any{"formula": "sum"}, "value_settings": map[string]any{"event_payload_key": "value"}}
}

func (f *Fake) sessionObject(s *session) map[string]any {
	status := "open"
	switch {
	case s.done:
		status = "complete"
	case s.expired:
		status = "expired"
	}
	return map[string]any{"id": s.id, "object": "checkout.session", "customer": s.customer, "mode": "subscription", "status": status, "url": f.base + "/checkout/" + s.id, "success_url": s.success, "cancel_url": s.cancel,
		"created": s.created.Unix(), "livemode": false, "metadata": map[string]any{}}
}

func (f *Fake) portalObject(p *portal) map[string]any {
	return map[string]any{"id": p.id, "object": "billing_portal.session", "customer": p.customer, "configuration": p.settings.id, "return_url": p.back, "url": f.base + "/portal/" + p.id, "created": p.created.Unix(), "livemode": false}
}

func (f *Fake) settingsObject(s *settings) map[string]any {
	updates := []any{}
	for _, update := range s.updates {
		updates = append(updates, update)
	}
	return map[string]any{"id": s.id, "object": "billing_portal.configuration", "active": true, "is_default": false, "business_profile": map[string]any{"headline": s.headline}, "created": s.created.Unix(), "livemode": false,
		"metadata": map[string]any{"mcpauth": s.mark}, "features": map[string]any{
			"customer_update": map[string]any{"enabled": len(updates) > 0, "allowed_updates": updates}, "payment_method_update": map[string]any{"enabled": s.cards},
			"invoice_history": map[string]any{"enabled": s.invoices}, "subscription_cancel": map[string]any{"enabled": s.cancel, "mode": "at_period_end"},
		}}
}

func (f *Fake) subscriptionObject(s *subscription) map[string]any {
	var items []any
	for _, i := range s.items {
		p := f.prices[i.price]
		object := map[string]any{"id": i.id, "object": "subscription_item", "subscription": s.id, "price": f.priceObject(p), "created": s.created.Unix(), "metadata": map[string]any{}}
		if p.meter == "" {
			object["quantity"] = 1
		}
		items = append(items, object)
	}
	var latest any
	if s.latest != "" {
		latest = s.latest
	}
	return map[string]any{"id": s.id, "object": "subscription", "customer": s.customer, "status": s.status, "items": listObject("/v1/subscription_items?subscription="+s.id, items),
		"current_period_start": s.start.Unix(), "current_period_end": s.end.Unix(), "trial_end": unix(s.trialEnd), "cancel_at_period_end": s.cancelAtEnd, "ended_at": unix(s.ended),
		"created": s.created.Unix(), "latest_invoice": latest, "currency": "usd", "livemode": false, "metadata": map[string]any{}}
}

func (f *Fake) invoiceObject(i *invoice) map[string]any {
	due := max(0, i.total)
	paid := int64(0)
	if i.status == "paid" {
		paid = due
	}
	return map[string]any{"id": i.id, "object": "invoice", "number": fmt.Sprintf("FAKE-%04d", i.number), "customer": i.customer, "subscription": i.subscription, "status": i.status,
		"total": i.total, "amount_due": due, "amount_paid": paid, "amount_remaining": due - paid, "currency": "usd", "attempted": i.attempts > 0, "attempt_count": i.attempts,
		"hosted_invoice_url": f.base + "/invoice/" + i.id, "created": i.created.Unix(), "livemode": false, "metadata": map[string]any{}}
}
