package dashboard

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// Values of the field period.
const (
	periodMonthly = "monthly"
	periodYearly  = "yearly"
)

// invoicesShown is how many invoices the page lists; Stripe's has all.
const invoicesShown = 12

// usageAndBilling shows the meter and, when billing is on, what was paid when Stripe was last asked.
func (d *dashboard) usageAndBilling(v *request) error {
	return d.renderBilling(v, http.StatusOK, "")
}

// refreshBilling asks Stripe, for who comes back from there: what the address says gives nothing (catalogue 246).
func (d *dashboard) refreshBilling(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	if err := d.Billing.Refresh(v.ctx(), v.org()); err != nil {
		return d.billingFailed(v, err)
	}
	return seeOther(v, v.href(pathBilling))
}

const stripeAway = "Stripe does not answer at the moment. Nothing was changed; try again in a minute."

func (d *dashboard) renderBilling(v *request, status int, alert string) error {
	now := d.Now().UTC()
	month, err := monthOf(v.QueryParam("month"), now)
	if err != nil {
		return err
	}
	view := templates.BillingPage{Shell: d.layout(v, "Usage and billing", pathBilling), Alert: alert, Month: month.Format("January 2006"), MonthValue: month.Format("2006-01")}
	here := v.href(pathBilling)
	if org, first := v.org(), id.First(month); bytes.Compare(org[:], first[:]) < 0 { // it was there before this month
		view.Earlier = here + "?month=" + month.AddDate(0, -1, 0).Format("2006-01")
	}
	if month.Before(tenants.MonthOf(now)) {
		view.Later = here + "?month=" + month.AddDate(0, 1, 0).Format("2006-01")
	}
	if v.membership.Role.CanChangeMembers() {
		view.ExportAction = v.href(pathExportUsage)
	}
	plan := tenants.Plan{MonthlyActiveUsers: tenants.Unlimited}
	if d.Billing != nil {
		if v.Request().Method == http.MethodGet && v.QueryParam("checkout") != "" {
			view.RefreshAction, view.PageHref = v.href(pathRefreshBilling), v.href(pathBilling)
		}
		account, err := d.Billing.Store.BillingAccount(v.ctx(), v.org())
		if err != nil {
			return err
		}
		plan = account.PlanAt(now)
		if err := d.showAccount(v, &view, account, plan); err != nil {
			return err
		}
	}
	days, err := d.Usage.MonthlyActiveUsers(v.ctx(), v.org(), month)
	if err != nil {
		return err
	}
	view.Meter = meterView(days, plan, month, now)
	return web.Render(v, status, templates.Billing(view))
}

// monthOf reads the month of an address; empty is the current one. Nobody looks into the future.
func monthOf(text string, now time.Time) (time.Time, error) {
	current := tenants.MonthOf(now)
	if text == "" {
		return current, nil
	}
	month, err := time.Parse("2006-01", text)
	if err != nil || month.After(current) {
		return time.Time{}, tenants.ErrNotFound
	}
	return month, nil
}

// showAccount fills in the plan, the limits, what else there is to buy, and invoices.
func (d *dashboard) showAccount(v *request, view *templates.BillingPage, account billing.Account, plan tenants.Plan) error {
	use, err := d.Billing.Store.LimitUse(v.ctx(), v.org())
	if err != nil {
		return err
	}
	view.Plan, view.Price = plan.Name, priceOf(plan, account.Yearly)
	view.State, view.Tone, view.Remark = accountState(account, plan, d.Now())
	for _, what := range []tenants.Countable{tenants.CountProjects, tenants.CountServers, tenants.CountDomains, tenants.CountSeats} {
		most := plan.Max(what)
		view.Limits = append(view.Limits, templates.LimitLine{What: limitName(what), Used: amount(use.Of(what), ""), Max: amount(most, "any number"), Over: most != tenants.Unlimited && use.Of(what) > most})
	}
	view.Yearly = v.QueryParam("period") == periodYearly || v.QueryParam("period") == "" && account.Living() && account.Yearly
	view.MonthlyHref, view.YearlyHref = v.href(pathBilling)+"?period="+periodMonthly+"#plans", v.href(pathBilling)+"?period="+periodYearly+"#plans"
	owner := v.membership.Role == tenants.RoleOwner
	for _, offered := range tenants.PlanTable() {
		view.Offers = append(view.Offers, d.offer(v, account, offered, view.Yearly, owner))
	}
	invoices, err := d.Billing.Store.ListInvoices(v.ctx(), v.org(), invoicesShown)
	if err != nil {
		return err
	}
	for _, i := range invoices {
		line := templates.InvoiceLine{Number: cmp.Or(i.Number, i.ID), Total: money(i.Total, i.Currency), Status: i.Status, Tone: "warn", At: i.CreatedAt}
		switch i.Status {
		case billing.InvoicePaid:
			line.Tone = "ok"
		case "void", "draft":
			line.Tone = "idle"
		}
		if owner {
			line.Href = i.URL
		}
		view.Invoices = append(view.Invoices, line)
	}
	view.OwnersOnly = !owner
	if !owner {
		return nil
	}
	if account.Customer != "" {
		view.PortalAction = v.href(pathPortal)
	}
	switch {
	case account.Living() && account.CancelAtPeriodEnd:
		view.KeepAction = v.href(pathKeepPlan)
	case account.Living():
		view.CancelAction = v.href(pathCancelPlan)
		free := tenants.PlanByID(tenants.PlanFree)
		view.CancelExceeding, view.CancelTimeline = exceedingLines(use, free), timelineLine(account, free, d.Now())
	}
	return nil
}

// offer is one plan of the table, with what can be done about it.
func (d *dashboard) offer(v *request, account billing.Account, plan tenants.Plan, yearly, owner bool) templates.PlanOffer {
	subscribed := account.Living()
	offer := templates.PlanOffer{ID: plan.ID, Plan: planView(plan), Period: periodMonthly}
	if yearly {
		offer.Period = periodYearly
	}
	switch {
	case account.Agreed != "":
		offer.Current = plan.ID == account.Agreed
	case subscribed:
		offer.Current = plan.ID == account.Plan && account.Yearly == yearly
	default:
		offer.Current = plan.ID == tenants.PlanFree
	}
	if offer.Current || !owner || account.Agreed != "" || plan.Monthly <= 0 {
		return offer
	}
	if !subscribed {
		offer.Action, offer.Label, offer.Trial = v.href(pathCheckout), "Choose "+plan.Name, !account.TrialUsed
		return offer
	}
	offer.Label = "Change to " + plan.Name
	if plan.ID == account.Plan {
		offer.Label = "Pay " + offer.Period
	}
	offer.Href = v.href(pathChangePlan) + "?" + url.Values{"plan": {plan.ID}, "period": {offer.Period}}.Encode()
	return offer
}

// planOf reads which plan, and whether by the year, a form or an address names.
func planOf(form url.Values) (plan tenants.Plan, yearly bool, err error) {
	period := form.Get("period")
	if period != periodMonthly && period != periodYearly {
		return tenants.Plan{}, false, tenants.FieldError{Field: "period", Message: "Choose monthly or yearly."}
	}
	plan, err = billing.Sold(form.Get("plan"))
	return plan, period == periodYearly, err
}

// checkout leads to Stripe's page for a first subscription.
func (d *dashboard) checkout(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	plan, yearly, err := planOf(form)
	if err != nil {
		return d.billingFailed(v, err)
	}
	address, err := d.Billing.Checkout(v.ctx(), v.actor(), v.membership.Organization, v.session.Account.Email, plan, yearly, d.BaseURL+v.href(pathBilling))
	if errors.Is(err, billing.ErrSubscribed) {
		return seeOther(v, v.href(pathChangePlan)+"?"+url.Values{"plan": {plan.ID}, "period": {form.Get("period")}}.Encode())
	}
	return d.leaveToPay(v, address, err)
}

// portal leads to Stripe's page for cards, tax ids and invoices.
func (d *dashboard) portal(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	address, err := d.Billing.Portal(v.ctx(), v.actor(), v.org(), d.BaseURL+v.href(pathBilling)+"?checkout=back")
	return d.leaveToPay(v, address, err)
}

// leaveToPay goes to Stripe by a page: browsers hold a redirect after a form post against the form's policy.
func (d *dashboard) leaveToPay(v *request, address string, err error) error {
	if err != nil {
		return d.billingFailed(v, err)
	}
	return web.RenderLeaving(v, templates.Leave(templates.LeavePage{ClientName: "Stripe", Location: address, ToPay: true}))
}

// billingFailed shows the page with what went wrong.
func (d *dashboard) billingFailed(v *request, err error) error {
	problems, isField := fieldErrors(err)
	switch {
	case isField:
		return d.renderBilling(v, http.StatusUnprocessableEntity, cmp.Or(problems["plan"], problems["period"]))
	case errors.Is(err, billing.ErrNotSubscribed):
		return d.renderBilling(v, http.StatusConflict, "There is no subscription to change. Choose a plan below.")
	case errors.Is(err, billing.ErrStripe):
		d.Log.WarnContext(v.ctx(), "stripe", "error", err)
		return d.renderBilling(v, http.StatusServiceUnavailable, stripeAway)
	case errors.Is(err, billing.ErrRefused), errors.Is(err, billing.ErrMissing):
		d.Log.ErrorContext(v.ctx(), "stripe", "error", err)
		return d.renderBilling(v, http.StatusBadGateway, "Stripe did not take the request. Nothing was changed, and it has been recorded.")
	default:
		return err
	}
}

// showPlanChange says what another plan costs now and what would exceed it.
func (d *dashboard) showPlanChange(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	query := v.Request().URL.Query()
	plan, yearly, err := planOf(query)
	if err != nil {
		return d.billingFailed(v, err)
	}
	preview, err := d.Billing.PreviewChange(v.ctx(), v.org(), plan, yearly)
	if err != nil {
		return d.billingFailed(v, err)
	}
	account, err := d.Billing.Store.BillingAccount(v.ctx(), v.org())
	if err != nil {
		return err
	}
	use, err := d.Billing.Store.LimitUse(v.ctx(), v.org())
	if err != nil {
		return err
	}
	from := tenants.PlanByID(account.Plan)
	view := templates.PlanChangePage{Shell: d.layout(v, "Change the plan", pathBilling), From: from.Name, To: plan.Name, Price: priceOf(plan, yearly), Action: v.href(pathChangePlan), BackHref: v.href(pathBilling), Plan: plan.ID, Period: query.Get("period")}
	switch {
	case preview.Due > 0:
		view.Due = money(preview.Due, preview.Currency) + " is charged now: the new price less what is left of the old one. The limits of " + plan.Name + " hold at once."
	case account.State == billing.StateTrialing:
		view.Due = "Nothing is charged now; the trial goes on."
	default:
		view.Due = "Nothing is charged now. What is left of the old price is credited to the next invoices."
	}
	view.Exceeding = exceedingLines(use, plan)
	view.Timeline = timelineLine(account, plan, d.Now())
	return web.Render(v, http.StatusOK, templates.PlanChange(view))
}

func (d *dashboard) changePlan(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	plan, yearly, err := planOf(form)
	if err == nil {
		err = d.Billing.Change(v.ctx(), v.actor(), v.org(), plan, yearly)
	}
	return d.billingDone(v, err, "The plan is "+plan.Name+" now.")
}

func (d *dashboard) cancelPlan(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	return d.billingDone(v, d.Billing.Cancel(v.ctx(), v.actor(), v.org(), true), "The plan ends with what is paid for.")
}

func (d *dashboard) cancelPlanChange(v *request) error {
	if d.Billing == nil {
		return tenants.ErrNotFound
	}
	return d.billingDone(v, d.Billing.Cancel(v.ctx(), v.actor(), v.org(), false), "The plan stays.")
}

func (d *dashboard) billingDone(v *request, err error, done string) error {
	if err != nil {
		return d.billingFailed(v, err)
	}
	return d.done(v, v.href(pathBilling), done)
}

// exportUsage streams who was counted in a month.
func (d *dashboard) exportUsage(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	month, err := monthOf(form.Get("month"), d.Now())
	if err != nil {
		return err
	}
	if err := d.Organizations.Store.RecordExport(v.ctx(), v.actor(), v.org()); err != nil {
		return err
	}
	name := "connected-users-" + month.Format("2006-01") + ".csv"
	return d.downloadCSV(v, name, []string{"project", "user", "email", "counted_at"}, func(row func(...string) error) error {
		return d.Usage.CountedPeople(v.ctx(), v.org(), month, func(p tenants.CountedPerson) error {
			return row(p.Project, p.User.String(), p.Email, p.CountedAt.UTC().Format(time.RFC3339))
		})
	})
}
