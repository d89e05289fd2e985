package billing

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// NoticeKind is what a mail to the owners is about.
type NoticeKind string

// What owners hear of.
const (
	NoticePlanStarted      NoticeKind = "plan started"
	NoticePlanChanged      NoticeKind = "plan changed"
	NoticePlanEnded        NoticeKind = "plan ended"
	NoticeCancellation     NoticeKind = "cancellation"
	NoticePaymentFailed    NoticeKind = "payment failed"
	NoticePaymentRecovered NoticeKind = "payment recovered"
	NoticeGraceEnded       NoticeKind = "grace ended"
	NoticeUsageNear        NoticeKind = "80 percent"
	NoticeUsageReached     NoticeKind = "100 percent"
	NoticeUsageOver        NoticeKind = "over the grace"
)

// Notice is a mail to the owners of an organization, before it is put into words. Which fields are set depends on the kind.
type Notice struct {
	Kind         NoticeKind
	Organization string // its name
	Plan         tenants.Plan
	Until        time.Time // the end of the grace or of the period
	Counted      int
	URL          string
}

// Mail puts a notice into words.
type Mail func(ctx context.Context, notice Notice) (subject, text, html string, err error)

// worded gives effects that have a notice their mail.
func (s *Service) worded(ctx context.Context, account id.ID, effects ...Effect) []Effect {
	for i, effect := range effects {
		if effect.Notice == nil {
			continue
		}
		effects[i].Mail = func(organization string) (subject, text, html string, err error) {
			notice := *effect.Notice
			notice.Organization, notice.URL = organization, s.BaseURL+"/dashboard/"+account.String()+"/billing"
			return s.Mail(ctx, notice)
		}
	}
	return effects
}

// subscribed is the plan that a subscription pays for, grace or not.
func (a Account) subscribed() (plan string, yearly bool) {
	if a.State == StateActive || a.State == StateTrialing || a.State == StatePastDue {
		return a.Plan, a.Yearly
	}
	return tenants.PlanFree, false
}

func (a Account) overdue() bool { return a.State == StatePastDue || a.State == StateUnpaid }

// effects says what follows from the difference of two states. It is a function of the states alone, so that whatever is seen twice happens
// once.
func effects(before, after Account) (out []Effect) {
	add := func(action string, detail map[string]string, notice Notice) {
		out = append(out, Effect{Action: action, Detail: detail, Notice: &notice})
	}
	was, wasYearly := before.subscribed()
	is, isYearly := after.subscribed()
	if was != is || wasYearly != isYearly {
		kind := NoticePlanChanged
		switch {
		case is == tenants.PlanFree:
			kind = NoticePlanEnded
		case was == tenants.PlanFree:
			kind = NoticePlanStarted
		}
		add("billing.plan_changed", map[string]string{"from": planName(was, wasYearly), "to": planName(is, isYearly)}, Notice{Kind: kind, Plan: tenants.PlanByID(is), Until: after.PeriodEnd})
	}
	switch {
	case after.overdue() && !before.overdue():
		add("billing.payment_failed", nil, Notice{Kind: NoticePaymentFailed, Plan: tenants.PlanByID(after.Plan), Until: after.GraceUntil})
	case before.overdue() && (after.State == StateActive || after.State == StateTrialing):
		add("billing.payment_recovered", nil, Notice{Kind: NoticePaymentRecovered, Plan: tenants.PlanByID(after.Plan)})
	}
	asked := after.CancelAtPeriodEnd && after.State.active()
	switch wasAsked := before.CancelAtPeriodEnd && before.State.active(); {
	case asked && !wasAsked:
		add("billing.cancellation_asked", nil, Notice{Kind: NoticeCancellation, Plan: tenants.PlanByID(after.Plan), Until: after.PeriodEnd})
	case wasAsked && !asked && after.State.active():
		out = append(out, Effect{Action: "billing.cancellation_withdrawn"})
	}
	return out
}

// planName names a plan and how it is paid for in the audit log.
func planName(id string, yearly bool) string {
	if yearly {
		return id + ", yearly"
	}
	return id
}
