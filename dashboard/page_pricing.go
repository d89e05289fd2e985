package dashboard

import (
	"fmt"
	"net/http"
	"strconv"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/templates/ui"
	"mcpauth.example/tenants"
)

// pricing shows the table of plans.
func (d *dashboard) pricing(v *request) error {
	site, _ := d.site(v, "pricing")
	view := templates.PricingPage{Site: site}
	for _, plan := range tenants.PlanTable() {
		view.Plans = append(view.Plans, planView(plan))
	}
	view.Charged = d.Billing != nil
	return web.Render(v, http.StatusOK, templates.Pricing(view))
}

// planView puts a plan into words.
func planView(plan tenants.Plan) templates.PlanView {
	view := templates.PlanView{Name: plan.Name, Monthly: dollars(plan.Monthly), Yearly: yearly(plan), Users: amount(plan.MonthlyActiveUsers, "custom"), Over: "waits", Timeline: strconv.Itoa(plan.Retention) + " days", Badge: "no",
		Projects: amount(plan.Max(tenants.CountProjects), "unlimited"), Servers: amount(plan.Max(tenants.CountServers), "unlimited"), Domains: amount(plan.Max(tenants.CountDomains), "unlimited"), Seats: amount(plan.Max(tenants.CountSeats), "unlimited")}
	switch {
	case plan.Overage > 0:
		view.Over = fmt.Sprintf("$%.3f", float64(plan.Overage)/1000)
	case plan.MonthlyActiveUsers == tenants.Unlimited:
		view.Over = "custom"
	}
	if plan.Badge {
		view.Badge = "yes"
	}
	return view
}

func dollars(n int) string {
	if n == tenants.Unlimited {
		return "by agreement"
	}
	return "$" + strconv.Itoa(n)
}

func yearly(plan tenants.Plan) string {
	if plan.Yearly == plan.Monthly {
		return ""
	}
	return dollars(plan.Yearly)
}

// amount writes a number with its thousands apart.
func amount(n int, unlimited string) string {
	if n == tenants.Unlimited {
		return unlimited
	}
	return ui.Number(n)
}
