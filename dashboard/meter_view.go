package dashboard

import (
	"fmt"
	"time"

	"mcpauth.example/templates"
	"mcpauth.example/templates/ui"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// meterView draws a month: a bar for each day, by project, and where it leads.
func meterView(days []tenants.MonthlyActiveUsers, plan tenants.Plan, month, now time.Time) templates.MeterView {
	view := templates.MeterView{Tone: "ok", Chart: ui.BarsProps{Title: "New each day", Unit: "connected users", Hook: "connected"}}
	counts, projects, total := map[int]int{}, map[string]int{}, 0
	var order []string
	for _, d := range days {
		counts[d.Day.Day()] += d.Count
		if projects[d.Project] == 0 {
			order = append(order, d.Project)
		}
		projects[d.Project] += d.Count
		total += d.Count
	}
	current := month.Equal(tenants.MonthOf(now))
	last := month.AddDate(0, 1, -1)
	if current {
		last = now.UTC()
	}
	for day := month; !day.After(last); day = day.AddDate(0, 0, 1) {
		view.Chart.Days = append(view.Chart.Days, ui.DayCount{Day: day, Count: counts[day.Day()]})
	}
	view.Chart.Total, view.Used = total, amount(total, "")
	for _, project := range order {
		view.Projects = append(view.Projects, templates.ProjectUse{Project: project, Used: amount(projects[project], "")})
	}
	expected := total
	if current {
		expected = billing.Projection(days, now)
		view.Projected = amount(expected, "")
	}
	view.Sentence = "A person counts once a month in each production project, with the first access token that is issued or renewed."
	if plan.MonthlyActiveUsers == tenants.Unlimited {
		return view
	}
	view.Included = amount(plan.MonthlyActiveUsers, "")
	scale := max(plan.MonthlyActiveUsers, expected)
	view.Filled, view.Forecast, view.Full = total*100/scale, expected*100/scale, plan.MonthlyActiveUsers*100/scale
	switch {
	case plan.MostConnected() != tenants.Unlimited && total >= plan.MostConnected():
		view.Tone = "bad"
	case total*10 >= plan.MonthlyActiveUsers*8:
		view.Tone = "warn"
	}
	if plan.Overage > 0 {
		view.Sentence += fmt.Sprintf(" Each one beyond the plan costs $%.3f; nobody waits.", float64(plan.Overage)/1000)
		if more := expected - plan.MonthlyActiveUsers; more > 0 {
			view.Sentence += fmt.Sprintf(" At this pace that is about %s this month.", money(int64(more)*int64(plan.Overage)/10, "usd"))
		}
		return view
	}
	view.Sentence += fmt.Sprintf(" From %s on new people wait until the first of the month; whoever was connected before goes on as always.", amount(plan.MostConnected(), ""))
	return view
}
