package templates

import (
	"strconv"
	"time"

	"mcpauth.example/templates/ui"
)

// BillingPage is what an organization uses and pays for. Without Plan billing is off, and only the use is shown.
type BillingPage struct {
	Shell
	Alert string
	// RefreshAction asks Stripe, for who comes back from there; PageHref is this page without that.
	RefreshAction, PageHref string
	Plan                    string // name
	Price                   string // such as "$29 a month"
	// State is a word about the payment, with a tone of ui.State, and Remark what happens next.
	State, Tone, Remark string
	Month               string // such as "November 2026"
	Earlier, Later      string // links to the months beside it; empty: none
	Meter               MeterView
	Limits              []LimitLine
	Offers              []PlanOffer
	OwnersOnly          bool // the reader may look, and owners choose
	Yearly              bool // offers are shown as paid by the year
	MonthlyHref         string
	YearlyHref          string
	Invoices            []InvoiceLine
	// Actions are empty for who may not, or where there is nothing to do.
	PortalAction, CancelAction, KeepAction, ExportAction string
	MonthValue                                           string // for ExportAction
	CancelExceeding                                      []LimitLine
	CancelTimeline                                       string // what becomes of the timeline after CancelAction
}

// MeterView is the count of connected users in a month. Numbers are in words; Included is empty where there is no limit.
type MeterView struct {
	Used, Included, Projected string
	Sentence                  string
	// Filled and Forecast are percent of the bar's length; Full is where the plan's number lies on it.
	Filled, Forecast, Full int
	Tone                   string // "ok", "warn" or "bad"
	Chart                  ui.BarsProps
	Projects               []ProjectUse
}

// ProjectUse is one project's part.
type ProjectUse struct{ Project, Used string }

// LimitLine is one thing that a plan counts.
type LimitLine struct {
	What, Used, Max string
	Over            bool
}

// PlanOffer is one plan to choose. Action or Href is empty for the one that is in force and those that are talked about.
type PlanOffer struct {
	Plan                PlanView
	ID                  string
	Current             bool
	Action, Href, Label string
	Period              string // "monthly" or "yearly", posted with Action
	Trial               bool
}

// InvoiceLine is one invoice.
type InvoiceLine struct {
	Number, Total, Status, Tone, Href string
	At                                time.Time
}

// PlanChangePage is what a change of the plan would mean, before it is made.
type PlanChangePage struct {
	Shell
	From, To, Price string
	// Due is what is charged or credited at once, in a sentence.
	Due       string
	Exceeding []LimitLine
	Timeline  string // what becomes of the timeline; empty: nothing
	Action    string
	BackHref  string
	Plan      string
	Period    string
}

func percentOf(n int) string { return strconv.Itoa(max(0, min(100, n))) + "%" }
