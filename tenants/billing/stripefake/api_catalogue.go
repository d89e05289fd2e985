package stripefake

import (
	"slices"
	"strconv"
	"time"
)

func (f *Fake) listProducts(call) (map[string]any, error) {
	var data []any
	for _, id := range sorted(f.products) {
		data = append(data, f.productObject(f.products[id]))
	}
	return listObject("/v1/products", data), nil
}

func (f *Fake) createProduct(c call) (map[string]any, error) {
	id := c.form.Get("id")
	if f.products[id] != nil {
		return nil, invalid("Product already exists.")
	}
	f.products[id] = &product{id: id, name: c.form.Get("name"), description: c.form.Get("description"), active: true, created: f.time()}
	return f.productObject(f.products[id]), nil
}

func (f *Fake) updateProduct(c call) (map[string]any, error) {
	p := f.products[c.PathValue("id")]
	if p == nil {
		return nil, missing("product", c.PathValue("id"))
	}
	p.name, p.description, p.active = c.form.Get("name"), c.form.Get("description"), c.form.Get("active") != "false"
	return f.productObject(p), nil
}

func (f *Fake) listPrices(c call) (map[string]any, error) {
	keys := values(c.form, "lookup_keys")
	var data []any
	for _, id := range sorted(f.prices) {
		if p := f.prices[id]; p.active && (len(keys) == 0 || slices.Contains(keys, p.key)) {
			data = append(data, f.priceObject(p))
		}
	}
	return listObject("/v1/prices", data), nil
}

func (f *Fake) createPrice(c call) (map[string]any, error) {
	amount, err := strconv.ParseFloat(c.form.Get("unit_amount_decimal"), 64)
	if err != nil || f.products[c.form.Get("product")] == nil {
		return nil, invalid("expected a product and an amount")
	}
	key := c.form.Get("lookup_key")
	for _, p := range f.prices {
		if p.key == key && key != "" {
			if c.form.Get("transfer_lookup_key") != "true" {
				return nil, invalid("A price (`%s`) already uses that lookup key.", p.id)
			}
			p.key = ""
		}
	}
	made := &price{id: f.id("price"), product: c.form.Get("product"), key: key, meter: c.form.Get("recurring[meter]"), amount: amount, yearly: c.form.Get("recurring[interval]") == "year", active: true, created: f.time()}
	if made.meter != "" && f.meters[made.meter] == nil {
		return nil, missing("meter", made.meter)
	}
	f.prices[made.id] = made
	return f.priceObject(made), nil
}

func (f *Fake) updatePrice(c call) (map[string]any, error) {
	p := f.prices[c.PathValue("id")]
	if p == nil {
		return nil, missing("price", c.PathValue("id"))
	}
	p.active = c.form.Get("active") != "false"
	return f.priceObject(p), nil
}

func (f *Fake) listMeters(call) (map[string]any, error) {
	var data []any
	for _, id := range sorted(f.meters) {
		data = append(data, f.meterObject(f.meters[id]))
	}
	return listObject("/v1/billing/meters", data), nil
}

func (f *Fake) createMeter(c call) (map[string]any, error) {
	for _, m := range f.meters {
		if m.event == c.form.Get("event_name") {
			return nil, invalid("A meter with this event name exists already.")
		}
	}
	made := &meter{id: f.id("mtr"), name: c.form.Get("display_name"), event: c.form.Get("event_name"), created: f.time()}
	f.meters[made.id] = made
	return f.meterObject(made), nil
}

func (f *Fake) createUsage(c call) (map[string]any, error) {
	value, err := strconv.Atoi(c.form.Get("payload[value]"))
	seconds, err2 := strconv.ParseInt(c.form.Get("timestamp"), 10, 64)
	to := c.form.Get("payload[stripe_customer_id]")
	if err != nil || err2 != nil || f.customers[to] == nil {
		return nil, invalid("expected a value, a timestamp and a customer")
	}
	made := usage{event: c.form.Get("event_name"), identifier: c.form.Get("identifier"), customer: to, value: value, at: time.Unix(seconds, 0)}
	if slices.ContainsFunc(f.usage, func(u usage) bool { return u.identifier == made.identifier }) {
		return nil, invalid("An event already exists with identifier %s.", made.identifier)
	}
	f.usage = append(f.usage, made)
	return map[string]any{"object": "billing.meter_event", "event_name": made.event, "identifier": made.identifier, "created": f.time().Unix(), "timestamp": seconds, "livemode": false,
		"payload": map[string]any{"stripe_customer_id": to, "value": strconv.Itoa(value)}}, nil
}

func (f *Fake) sumUsage(c call) (map[string]any, error) {
	m := f.meters[c.PathValue("id")]
	if m == nil {
		return nil, missing("meter", c.PathValue("id"))
	}
	from, _ := strconv.ParseInt(c.form.Get("start_time"), 10, 64)
	to, _ := strconv.ParseInt(c.form.Get("end_time"), 10, 64)
	sum := 0
	for _, u := range f.usage {
		if u.event == m.event && u.customer == c.form.Get("customer") && u.at.Unix() >= from && u.at.Unix() < to {
			sum += u.value
		}
	}
	return listObject("/v1/billing/meters/"+m.id+"/event_summaries", []any{map[string]any{
		"id": "mtrusg_" + m.id, "object": "billing.meter_event_summary", "aggregated_value": sum, "start_time": from, "end_time": to, "meter": m.id, "livemode": false,
	}}), nil
}
