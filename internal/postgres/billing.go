package postgres

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

var _ billing.Store = (*Store)(nil)

// billingRow is a row of billing_accounts.
type billingRow struct {
	OrganizationID                                  id.ID
	Customer                                        *string
	Subscription, Plan, State, Checkout, AgreedPlan string
	Yearly, CancelAtPeriodEnd, TrialUsed            bool
	KeptDays                                        int
	PeriodEnd, TrialEnd, GraceUntil, KeptUntil      *time.Time
}

const billingColumns = `organization_id, customer, subscription, plan, state, checkout, agreed_plan, yearly, cancel_at_period_end, trial_used, period_end, trial_end, grace_until, kept_days, kept_until`

func (r billingRow) account() billing.Account {
	a := billing.Account{Organization: r.OrganizationID, Subscription: r.Subscription, Plan: r.Plan, Yearly: r.Yearly, State: billing.State(r.State), PeriodEnd: or(r.PeriodEnd), TrialEnd: or(r.TrialEnd),
		CancelAtPeriodEnd: r.CancelAtPeriodEnd, GraceUntil: or(r.GraceUntil), TrialUsed: r.TrialUsed, Checkout: r.Checkout, Agreed: r.AgreedPlan, KeptDays: r.KeptDays, KeptUntil: or(r.KeptUntil)}
	if r.Customer != nil {
		a.Customer = *r.Customer
	}
	return a
}

// billingAccount reads the account of an organization; without a row it is the zero one.
func billingAccount(tx *gorm.DB, organization id.ID, lock string) (billing.Account, error) {
	row := billingRow{OrganizationID: organization}
	err := tx.Raw(`SELECT `+billingColumns+` FROM billing_accounts WHERE organization_id = ? `+lock, organization).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = nil
	}
	return row.account(), err
}

// BillingAccount implements billing.Store.
func (s *Store) BillingAccount(ctx context.Context, organization id.ID) (billing.Account, error) {
	account, err := billingAccount(s.db.WithContext(ctx), organization, "")
	return account, translate(err)
}

// LinkCustomer implements billing.Store.
func (s *Store) LinkCustomer(ctx context.Context, organization id.ID, customer string) (string, error) {
	var linked struct{ Customer string }
	err := s.inTransaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error { return lockOrganization(tx, organization) },
			func() error {
				return tx.Raw(`INSERT INTO billing_accounts AS b (organization_id, customer) VALUES (?, ?)
					ON CONFLICT (organization_id) DO UPDATE SET customer = coalesce(b.customer, excluded.customer) RETURNING customer`, organization, customer).Take(&linked).Error
			},
		)
	})
	return linked.Customer, err
}

// Ask implements billing.Store.
func (s *Store) Ask(ctx context.Context, organization id.ID) (billing.Question, error) {
	return ask(s.db.WithContext(ctx), `organization_id = ? AND customer IS NOT NULL`, organization)
}

// EventQuestion implements billing.Store.
func (s *Store) EventQuestion(ctx context.Context, event, customer string) (question billing.Question, outcome billing.Outcome, err error) {
	var noted []struct{ ID string }
	if err := s.db.WithContext(ctx).Raw(`SELECT id FROM billing_events WHERE id = ?`, event).Scan(&noted).Error; err != nil {
		return question, "", translate(err)
	}
	if len(noted) > 0 {
		return question, billing.OutcomeDuplicate, nil
	}
	question, err = ask(s.db.WithContext(ctx), `customer = ?`, customer)
	outcome = billing.OutcomeApplied
	if question.Number == 0 {
		outcome = billing.OutcomeUnknownCustomer
	}
	return question, outcome, err
}

// ask numbers a question about the account that a condition names; zero: there is none.
func ask(db *gorm.DB, condition string, value any) (billing.Question, error) {
	var rows []struct {
		Row   billingRow `gorm:"embedded"`
		Asked int64
	}
	err := db.Raw(`UPDATE billing_accounts SET asked = asked + 1 WHERE `+condition+` RETURNING asked, `+billingColumns, value).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return billing.Question{}, translate(err)
	}
	return billing.Question{Account: rows[0].Row.account(), Number: rows[0].Asked}, nil
}

// Answer implements billing.Store.
func (s *Store) Answer(ctx context.Context, question billing.Question, decide func(billing.Account) billing.Change) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error { return s.applyAnswer(tx, question, decide) })
}

// AnswerEvent implements billing.Store. Who comes second with an event waits for the first one's transaction, and finds the event noted or
// takes its place (catalogue 242, 247).
func (s *Store) AnswerEvent(ctx context.Context, id, kind string, question billing.Question, decide func(billing.Account) billing.Change) (outcome billing.Outcome, err error) {
	err = s.inTransaction(ctx, func(tx *gorm.DB) error {
		if outcome, err = noteEvent(tx, id, kind, billing.OutcomeApplied); err != nil || outcome == billing.OutcomeDuplicate {
			return err
		}
		return s.applyAnswer(tx, question, decide)
	})
	if err != nil {
		return "", err
	}
	return outcome, nil
}

// NoteEvent implements billing.Store.
func (s *Store) NoteEvent(ctx context.Context, id, kind string, outcome billing.Outcome) (billing.Outcome, error) {
	outcome, err := noteEvent(s.db.WithContext(ctx), id, kind, outcome)
	return outcome, translate(err)
}

func noteEvent(tx *gorm.DB, id, kind string, outcome billing.Outcome) (billing.Outcome, error) {
	result := tx.Exec(`INSERT INTO billing_events (id, type, outcome) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`, id, kind, string(outcome))
	if result.Error == nil && result.RowsAffected == 0 {
		outcome = billing.OutcomeDuplicate
	}
	return outcome, result.Error
}

// applyAnswer stores what decide makes of an answer about a locked account, with what follows from it.
func (s *Store) applyAnswer(tx *gorm.DB, question billing.Question, decide func(billing.Account) billing.Change) error {
	var row struct {
		Row      billingRow `gorm:"embedded"`
		Answered int64
	}
	err := tx.Raw(`SELECT answered, `+billingColumns+` FROM billing_accounts WHERE organization_id = ? FOR UPDATE`, question.Account.Organization).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil // deleted while Stripe was asked
	}
	if err != nil {
		return err
	}
	account := row.Row.account()
	change := decide(account)
	if row.Answered > question.Number {
		change.Account, change.Effects = account, nil
	} else if err := tx.Exec(`UPDATE billing_accounts SET answered = ? WHERE organization_id = ?`, question.Number, account.Organization).Error; err != nil {
		return err
	}
	if !change.Account.Equal(account) {
		if err := storeAccount(tx, account, change.Account); err != nil {
			return err
		}
	}
	for _, invoice := range change.Invoices {
		if err := recordInvoice(tx, account.Organization, invoice, question.Number); err != nil {
			return err
		}
	}
	for _, effect := range change.Effects {
		if err := s.applyEffect(tx, account.Organization, effect); err != nil {
			return err
		}
	}
	return nil
}

// PlaceCheckout implements billing.Store.
func (s *Store) PlaceCheckout(ctx context.Context, organization id.ID, before, checkout string) (placed bool, err error) {
	err = s.inTransaction(ctx, func(tx *gorm.DB) error {
		account, err := billingAccount(tx, organization, "FOR UPDATE")
		if err != nil || account.Living() || account.Checkout != before {
			return err
		}
		placed = true
		return mustChange(tx.Exec(`UPDATE billing_accounts SET checkout = ?, updated_at = now() WHERE organization_id = ?`, checkout, organization))
	})
	return placed && err == nil, err
}

// storeAccount replaces what was fetched before, and tells every node, since pages show the plan. What the larger plan included stays
// included for the month, and what it kept of the timeline stays for as long as it said.
func storeAccount(tx *gorm.DB, before, a billing.Account) error {
	a = a.Keeping(before, time.Now())
	return firstError(
		func() error {
			if included := billing.Included(before.PlanAt(time.Now())); included > 0 {
				return rememberIncluded(tx, a.Organization, tenants.MonthOf(time.Now()), included)
			}
			return nil
		},
		func() error {
			return mustChange(tx.Exec(`UPDATE billing_accounts SET subscription = @subscription, plan = @plan, yearly = @yearly, state = @state, period_end = @period_end, trial_end = @trial_end,
					cancel_at_period_end = @cancel, grace_until = @grace, trial_used = @trial_used, checkout = @checkout, agreed_plan = @agreed, kept_days = @kept_days, kept_until = @kept_until,
					updated_at = now() WHERE organization_id = @organization`,
				map[string]any{"organization": a.Organization, "subscription": a.Subscription, "plan": a.Plan, "yearly": a.Yearly, "state": string(a.State), "period_end": orNull(a.PeriodEnd), "trial_end": orNull(a.TrialEnd),
					"cancel": a.CancelAtPeriodEnd, "grace": orNull(a.GraceUntil), "trial_used": a.TrialUsed, "checkout": a.Checkout, "agreed": a.Agreed, "kept_days": a.KeptDays, "kept_until": orNull(a.KeptUntil)}))
		},
		func() error {
			return tx.Exec(`SELECT pg_notify(?, id::text) FROM projects WHERE organization_id = ?`, projectsChannel, a.Organization).Error
		},
	)
}

// orNull is NULL for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// recordInvoice stores an invoice as the answer to a question has it, unless a later one was stored. That it was paid goes to the log, once.
func recordInvoice(tx *gorm.DB, organization id.ID, i billing.Invoice, question int64) error {
	var before struct {
		Status   string
		Answered int64
	}
	err := tx.Raw(`SELECT status, answered FROM billing_invoices WHERE organization_id = ? AND id = ?`, organization, i.ID).Take(&before).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	if before.Answered > question {
		return nil
	}
	if before.Status == i.Status {
		return tx.Exec(`UPDATE billing_invoices SET answered = ? WHERE organization_id = ? AND id = ? AND answered < ?`, question, organization, i.ID, question).Error
	}
	err = tx.Exec(`INSERT INTO billing_invoices (organization_id, id, number, status, total, currency, url, created_at, answered) VALUES (@organization, @id, @number, @status, @total, @currency, @url, @created, @question)
		ON CONFLICT (organization_id, id) DO UPDATE SET number = excluded.number, status = excluded.status, total = excluded.total, url = excluded.url, answered = excluded.answered`,
		map[string]any{"question": question, "organization": organization, "id": i.ID, "number": i.Number, "status": i.Status, "total": i.Total, "currency": i.Currency, "url": i.URL, "created": i.CreatedAt}).Error
	if err != nil || i.Status != billing.InvoicePaid {
		return err
	}
	return auditOrganization(tx, organization, change{actor: tenants.SystemActor, action: "billing.invoice_paid", target: "invoice:" + i.ID, detail: map[string]string{"number": i.Number}})
}

// applyEffect writes the log and queues the mails.
func (s *Store) applyEffect(tx *gorm.DB, organization id.ID, effect billing.Effect) error {
	err := auditOrganization(tx, organization, change{actor: tenants.SystemActor, action: effect.Action, target: organizationTarget(organization), detail: effect.Detail})
	if err != nil || effect.Mail == nil {
		return err
	}
	return s.mailOwners(tx, organization, effect.Mail)
}

// RecordBilling implements billing.Store.
func (s *Store) RecordBilling(ctx context.Context, actor tenants.Actor, organization id.ID, action string, detail map[string]string) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		return auditOrganization(tx, organization, change{actor: actor, action: action, target: organizationTarget(organization), detail: detail})
	})
}

// OverridePlan implements billing.Store.
func (s *Store) OverridePlan(ctx context.Context, organization id.ID, plan string) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error { return lockOrganization(tx, organization) },
			func() error {
				return tx.Exec(`INSERT INTO billing_accounts (organization_id) VALUES (?) ON CONFLICT DO NOTHING`, organization).Error
			},
			func() error {
				before, err := billingAccount(tx, organization, "FOR UPDATE")
				if err != nil {
					return err
				}
				after := before
				after.Agreed = plan
				return storeAccount(tx, before, after)
			},
			func() error {
				return auditOrganization(tx, organization, change{actor: tenants.SystemActor, action: "billing.plan_agreed", target: organizationTarget(organization), detail: map[string]string{"plan": plan}})
			},
		)
	})
}

// ListInvoices implements billing.Store.
func (s *Store) ListInvoices(ctx context.Context, organization id.ID, most int) ([]billing.Invoice, error) {
	type row struct {
		ID, Number, Status, Currency, URL string
		Total                             int64
		CreatedAt                         time.Time
	}
	var rows []row
	err := s.db.WithContext(ctx).Raw(`SELECT id, number, status, total, currency, url, created_at FROM billing_invoices WHERE organization_id = ? ORDER BY created_at DESC, id DESC LIMIT ?`, organization, most).Scan(&rows).Error
	return mapRows(rows, func(r row) billing.Invoice {
		return billing.Invoice{ID: r.ID, Number: r.Number, Status: r.Status, Total: r.Total, Currency: r.Currency, URL: r.URL, CreatedAt: r.CreatedAt}
	}), translate(err)
}

// TakeAccounts implements billing.Store. Rows that are being changed are left out: their state is being fetched.
func (s *Store) TakeAccounts(ctx context.Context, at time.Time, most int) ([]id.ID, error) {
	var rows []idRow
	err := s.db.WithContext(ctx).Raw(`UPDATE billing_accounts SET looked_at = @at WHERE organization_id IN (SELECT organization_id FROM billing_accounts
			WHERE customer IS NOT NULL AND looked_at < @at ORDER BY looked_at LIMIT @most FOR UPDATE SKIP LOCKED) RETURNING organization_id AS id`,
		map[string]any{"at": at, "most": most}).Scan(&rows).Error
	return mapRows(rows, func(r idRow) id.ID { return r.ID }), translate(err)
}

// CountEvents implements billing.Store.
func (s *Store) CountEvents(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Outcome string
		Count   int
	}
	err := s.db.WithContext(ctx).Raw(`SELECT outcome || ': ' || type AS outcome, count(*) AS count FROM billing_events GROUP BY outcome, type`).Scan(&rows).Error
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Outcome] = r.Count
	}
	return counts, translate(err)
}

// Notify implements billing.Store.
func (s *Store) Notify(ctx context.Context, organization id.ID, month time.Time, name string, effect billing.Effect) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`INSERT INTO billing_notices (organization_id, month, notice) VALUES (?, ?::date, ?) ON CONFLICT DO NOTHING`, organization, month.Format(time.DateOnly), name)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return s.applyEffect(tx, organization, effect)
	})
}
