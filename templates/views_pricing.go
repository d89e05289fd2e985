package templates

// PricingPage is what the hosted service costs.
type PricingPage struct {
	Site  Site
	Plans []PlanView
}

// PlanView is a plan in words. Yearly is empty where it is the same.
type PlanView struct{ Name, Monthly, Yearly, Users, Projects, Servers, Domains, Seats string }

type planLine struct{ label, value string }

func (p PlanView) lines() []planLine {
	return []planLine{{"Connected users a month", p.Users}, {"Production projects", p.Projects}, {"MCP servers in a project", p.Servers}, {"Custom domains", p.Domains}, {"Seats", p.Seats}}
}
