package templates

// PricingPage is what the hosted service costs.
type PricingPage struct {
	Site  Site
	Plans []PlanView
	// Charged says that this installation sells plans.
	Charged bool
}

// PlanView is a plan in words. Yearly is empty where it is the same.
type PlanView struct {
	Name, Monthly, Yearly, Users, Over, Projects, Servers, Domains, Seats, Timeline, Badge string
}

// price and period are what stands at the head of a plan.
func (p PlanView) price(yearly bool) string {
	if yearly && p.Yearly != "" {
		return p.Yearly
	}
	return p.Monthly
}

func (p PlanView) period(yearly bool) string {
	switch {
	case p.Monthly == "$0":
		return "free of charge"
	case p.Yearly == "":
		return ""
	case yearly:
		return "a month, paid by the year"
	default:
		return "a month"
	}
}

type planLine struct{ label, value string }

func (p PlanView) lines() []planLine {
	return []planLine{{"Users a month", p.Users}, {"Each further one", p.Over}, {"Production projects", p.Projects}, {"Servers a project", p.Servers}, {"Custom domains", p.Domains}, {"Seats", p.Seats},
		{"Timeline", p.Timeline}, {"Our name on your pages", p.Badge}}
}
