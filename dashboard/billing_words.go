package dashboard

import (
	"fmt"
	"strings"
	"time"

	"mcpauth.example/templates"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// exceedingLines lists what there is more of than a plan includes.
func exceedingLines(use billing.Use, plan tenants.Plan) (lines []templates.LimitLine) {
	for _, e := range use.Exceeding(plan) {
		lines = append(lines, templates.LimitLine{What: limitName(e.What), Used: amount(e.Used, ""), Max: amount(e.Max, "")})
	}
	return lines
}

// timelineLine is what a smaller plan means for the timeline; empty: nothing.
func timelineLine(account billing.Account, to tenants.Plan, now time.Time) string {
	days := account.KeptOn(to, now)
	if days == 0 {
		return ""
	}
	return fmt.Sprintf("The timeline of your projects goes back %d days for %d more days, and %d days after that. The audit log stays whole.", days, days, to.Retention)
}

// limitName is what is counted, as the head of a row.
func limitName(what tenants.Countable) string {
	text := string(what)
	if what == tenants.CountServers {
		text = "MCP servers in the largest project"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func priceOf(plan tenants.Plan, yearly bool) string {
	switch {
	case plan.Monthly == 0:
		return "Free of charge"
	case plan.Monthly == tenants.Unlimited:
		return "By agreement"
	case yearly:
		return dollars(plan.Yearly) + " a month, paid by the year"
	default:
		return dollars(plan.Monthly) + " a month"
	}
}

// accountState is the state of the payment in a word, and what happens next.
func accountState(account billing.Account, plan tenants.Plan, now time.Time) (state, tone, remark string) {
	day := func(t time.Time) string { return t.UTC().Format("2 January 2006") }
	switch {
	case account.Agreed != "":
		return "by agreement", "ok", ""
	case account.CancelAtPeriodEnd && account.Living():
		return "ends on " + day(account.PeriodEnd), "warn", "Until then nothing changes. Afterwards the limits of the Free plan hold; no project is deleted, and everybody who is connected stays connected."
	case account.State == billing.StateTrialing:
		return "trial", "ok", "Free until " + day(account.TrialEnd) + ", then " + priceOf(plan, account.Yearly) + "."
	case account.State == billing.StateActive:
		return "paid", "ok", "Renews on " + day(account.PeriodEnd) + "."
	case account.State == billing.StatePastDue && now.Before(account.GraceUntil):
		return "payment overdue", "bad", "The last payment failed. Nothing changes until " + day(account.GraceUntil) + "; use another card before then."
	case account.State == billing.StatePastDue, account.State == billing.StateUnpaid:
		return "payment overdue", "bad", "The limits of the Free plan hold until the open invoice is paid. Then " + tenants.PlanByID(account.Plan).Name + " is back at once."
	default:
		return "active", "ok", ""
	}
}

// billingBanner is the trouble with payments or limits that every page tells; empty: none.
func (d *dashboard) billingBanner(v *request) string {
	if d.Billing == nil {
		return ""
	}
	account, err := d.Billing.Store.BillingAccount(v.ctx(), v.org())
	if err != nil {
		return "" // the page itself will say it
	}
	plan := account.PlanAt(d.Now())
	if state, tone, remark := accountState(account, plan, d.Now()); tone == "bad" {
		return strings.ToUpper(state[:1]) + state[1:] + ". " + remark
	}
	if plan.MostConnected() == tenants.Unlimited {
		return ""
	}
	used, err := d.Usage.CountConnected(v.ctx(), v.org(), tenants.MonthOf(d.Now()))
	if err != nil || used < plan.MonthlyActiveUsers {
		return ""
	}
	if used < plan.MostConnected() {
		return fmt.Sprintf("%s people were connected this month, and %s includes %s. From %s on new people have to wait; whoever was connected before goes on as always.", amount(used, ""), plan.Name, amount(plan.MonthlyActiveUsers, ""), amount(plan.MostConnected(), ""))
	}
	return fmt.Sprintf("New people have to wait: %s people were connected this month, and %s includes %s and a fifth of grace. A larger plan lets them in at once.", amount(used, ""), plan.Name, amount(plan.MonthlyActiveUsers, ""))
}

// money writes an amount of the smallest unit of a currency with two digits.
func money(total int64, currency string) string {
	sign := ""
	if total < 0 {
		sign, total = "−", -total
	}
	if currency == "usd" {
		return fmt.Sprintf("%s$%s.%02d", sign, amount(int(total/100), ""), total%100)
	}
	return fmt.Sprintf("%s%s.%02d %s", sign, amount(int(total/100), ""), total%100, strings.ToUpper(currency))
}
