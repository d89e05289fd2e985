package templates_test

import (
	"time"

	. "mcpauth.example/templates"
	"mcpauth.example/templates/ui"
)

// planSamples are the plans in words.
func planSamples() []PlanView {
	return []PlanView{
		{Name: "Free", Monthly: "$0", Users: "10,000", Over: "waits", Projects: "3", Servers: "5", Domains: "1", Seats: "3", Timeline: "3 days", Badge: "yes"},
		{Name: "Pro", Monthly: "$29", Yearly: "$24", Users: "25,000", Over: "$0.015", Projects: "10", Servers: "25", Domains: "3", Seats: "10", Timeline: "14 days", Badge: "no"},
		{Name: "Scale", Monthly: "$249", Yearly: "$199", Users: "150,000", Over: "$0.006", Projects: "unlimited", Servers: "unlimited", Domains: "15", Seats: "30", Timeline: "90 days", Badge: "no"},
		{Name: "Enterprise", Monthly: "by agreement", Users: "custom", Over: "custom", Projects: "unlimited", Servers: "unlimited", Domains: "unlimited", Seats: "unlimited", Timeline: "365 days", Badge: "no"},
	}
}

// billingSamples are the pages about what is used and paid.
func billingSamples() []sample {
	chart := ui.BarsProps{Title: "New each day", Unit: "connected users", Hook: "connected"}
	for day := range 23 {
		count := []int{900, 620, 410, 380, 130, 90, 400, 350, 330, 310, 290, 100, 80}[day%13]
		chart.Days = append(chart.Days, ui.DayCount{Day: time.Date(2026, 11, 1+day, 0, 0, 0, 0, time.UTC), Count: count})
		chart.Total += count
	}
	plans := planSamples()
	offers := []PlanOffer{
		{ID: "free", Plan: plans[0], Current: true, Period: "monthly"}, {ID: "pro", Plan: plans[1], Action: "/dashboard/checkout", Label: "Choose Pro", Period: "monthly", Trial: true},
		{ID: "scale", Plan: plans[2], Action: "/dashboard/checkout", Label: "Choose Scale", Period: "monthly", Trial: true}, {ID: "enterprise", Plan: plans[3]},
	}
	free := BillingPage{Shell: shell("Usage and billing", ""), Plan: "Free", Price: "Free of charge", State: "active", Tone: "ok", Month: "November 2026", Earlier: "/dashboard/billing?month=2026-10", ExportAction: "/dashboard/people", MonthValue: "2026-11",
		Meter: MeterView{Used: "8,310", Included: "10,000", Projected: "10,900", Filled: 75, Forecast: 100, Full: 92, Tone: "warn", Chart: chart, Projects: []ProjectUse{{Project: "acme-tools", Used: "7,972"}, {Project: "acme-docs", Used: "338"}},
			Sentence: "A person counts once a month in each production project, with the first access token that is issued or renewed. From 12,000 on new people wait until the first of the month; whoever was connected before goes on as always."},
		Limits:      []LimitLine{{What: "Production projects", Used: "2", Max: "3"}, {What: "MCP servers in the largest project", Used: "4", Max: "5"}, {What: "Custom domains", Used: "0", Max: "1"}, {What: "Seats", Used: "3", Max: "3"}},
		MonthlyHref: "/dashboard/billing?period=monthly", YearlyHref: "/dashboard/billing?period=yearly", Offers: offers}

	pro := free
	pro.Banner = "Payment overdue. The last payment failed. Nothing changes until 7 December 2026; use another card before then."
	pro.Plan, pro.Price, pro.State, pro.Tone, pro.Yearly = "Pro", "$24 a month, paid by the year", "payment overdue", "bad", true
	pro.Remark = "The last payment failed. Nothing changes until 7 December 2026; use another card before then."
	pro.PortalAction, pro.CancelAction = "/dashboard/portal", "/dashboard/cancel"
	pro.Offers = []PlanOffer{{ID: "free", Plan: plans[0]}, {ID: "pro", Plan: plans[1], Current: true}, {ID: "scale", Plan: plans[2], Href: "/dashboard/change", Label: "Change to Scale"}, {ID: "enterprise", Plan: plans[3]}}
	pro.Meter.Sentence = "A person counts once a month in each production project, with the first access token that is issued or renewed. Each one beyond the plan costs $0.015; nobody waits."
	pro.Meter.Included, pro.Meter.Filled, pro.Meter.Forecast, pro.Meter.Full, pro.Meter.Tone = "25,000", 33, 44, 100, "ok"
	pro.Limits = []LimitLine{{What: "Production projects", Used: "12", Max: "10", Over: true}, {What: "MCP servers in the largest project", Used: "4", Max: "25"}, {What: "Custom domains", Used: "1", Max: "3"}, {What: "Seats", Used: "3", Max: "10"}}
	pro.Invoices = []InvoiceLine{{Number: "ACME-0003", Total: "$288.00", Status: "open", Tone: "warn", Href: "https://stripe.example/i/3", At: now}, {Number: "ACME-0002", Total: "−$12.40", Status: "paid", Tone: "ok", Href: "https://stripe.example/i/2", At: now.Add(-720 * time.Hour)}}

	ending := pro
	ending.Banner = ""
	ending.State, ending.Tone, ending.Remark, ending.CancelAction, ending.KeepAction = "ends on 1 December 2026", "warn", "Until then nothing changes. Afterwards the limits of the Free plan hold; nothing is deleted, and everybody who is connected stays connected.", "", "/dashboard/keep"
	off := BillingPage{Shell: shell("Usage and billing", ""), Month: "November 2026", Meter: MeterView{Used: "0", Projected: "0", Chart: ui.BarsProps{Title: "New each day", Unit: "connected users", Hook: "connected"}, Sentence: "A person counts once a month in each production project, with the first access token that is issued or renewed."}}
	change := PlanChangePage{Shell: shell("Change the plan", ""), From: "Scale", To: "Pro", Price: "$29 a month", Due: "Nothing is charged now. What is left of the old price is credited to the next invoices.", Action: "/dashboard/change", BackHref: "/dashboard/billing", Plan: "pro", Period: "monthly",
		Exceeding: []LimitLine{{What: "Production projects", Used: "12", Max: "10"}, {What: "Seats", Used: "14", Max: "10"}}, Timeline: "The timeline of your projects goes back 90 days for 90 more days, and 14 days after that. The audit log stays whole."}
	return []sample{
		{"billing-free", dashboard, Billing(free)},
		{"billing-overdue", dashboard, Billing(pro)},
		{"billing-ending", dashboard, Billing(ending)},
		{"billing-off", dashboard, Billing(off)},
		{"billing-change", dashboard, PlanChange(change)},
		{"billing-leave", flow, Leave(LeavePage{ClientName: "Stripe", Location: "https://checkout.stripe.example/c/1", ToPay: true})},
	}
}
