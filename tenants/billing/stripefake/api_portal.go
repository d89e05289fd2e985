package stripefake

import "net/url"

// createPortal demands settings: an account has none of its own until somebody saves them at Stripe.
func (f *Fake) createPortal(c call) (map[string]any, error) {
	p := &portal{id: f.id("bps"), customer: c.form.Get("customer"), back: c.form.Get("return_url"), settings: f.settings[c.form.Get("configuration")], created: f.time()}
	if f.customers[p.customer] == nil {
		return nil, missing("customer", p.customer)
	}
	if p.settings == nil {
		return nil, invalid("No configuration provided and your test mode default configuration has not been created.")
	}
	f.portals[p.id] = p
	return f.portalObject(p), nil
}

func (f *Fake) listSettings(call) (map[string]any, error) {
	var data []any
	for _, id := range sorted(f.settings) {
		data = append(data, f.settingsObject(f.settings[id]))
	}
	return listObject("/v1/billing_portal/configurations", data), nil
}

func (f *Fake) createSettings(c call) (map[string]any, error) {
	made := &settings{id: f.id("bpc"), created: f.time()}
	if !c.form.Has("business_profile[headline]") {
		return nil, invalid("Missing required param: business_profile.")
	}
	made.read(c.form)
	f.settings[made.id] = made
	return f.settingsObject(made), nil
}

func (f *Fake) updateSettings(c call) (map[string]any, error) {
	s := f.settings[c.PathValue("id")]
	if s == nil {
		return nil, missing("configuration", c.PathValue("id"))
	}
	s.read(c.form)
	return f.settingsObject(s), nil
}

func (s *settings) read(form url.Values) {
	enabled := func(feature string) bool { return form.Get("features["+feature+"][enabled]") == "true" }
	s.headline, s.mark, s.updates = form.Get("business_profile[headline]"), form.Get("metadata[mcpauth]"), nil
	if enabled("customer_update") {
		s.updates = values(form, "features[customer_update][allowed_updates]")
	}
	s.cards, s.invoices, s.cancel = enabled("payment_method_update"), enabled("invoice_history"), enabled("subscription_cancel")
}
