package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// ErrSubscribed is returned for a checkout by an organization that has a subscription: it is changed instead.
var ErrSubscribed = errors.New("there is a subscription already")

// ErrNotSubscribed is returned for a change of a subscription that does not exist.
var ErrNotSubscribed = errors.New("there is no subscription")

// Sold finds a plan that can be bought. It returns a FieldError for "plan".
func Sold(id string) (tenants.Plan, error) {
	for _, plan := range tenants.PlanTable() {
		if plan.ID == id && plan.Monthly > 0 {
			return plan, nil
		}
	}
	return tenants.Plan{}, tenants.FieldError{Field: "plan", Message: "Choose Pro or Scale."}
}

// customer returns the customer of an organization, and makes it on the first time. The idempotency key is the organization with what is sent
// and the time, so that two first times make one, and a failure that Stripe keeps for the key is over soon; should two owners come at once, the
// first one's is linked.
func (s *Service) customer(ctx context.Context, organization tenants.Organization, email string) (string, error) {
	account, err := s.Store.BillingAccount(ctx, organization.ID)
	if err != nil || account.Customer != "" {
		return account.Customer, err
	}
	key := fmt.Sprintf("customer:%s:%s:%d", organization.ID, secret.Encode(secret.Hash(organization.Name + "\n" + email)[:12]), s.Now().Truncate(time.Minute).Unix())
	id, err := s.Stripe.CreateCustomer(ctx, key, organization.Name, email, organization.ID.String())
	if err != nil {
		return "", err
	}
	return s.Store.LinkCustomer(ctx, organization.ID, id)
}

// Checkout returns the URL of a page at Stripe's on which a first subscription is paid for. Coming back from it gives nothing (catalogue
// 246): what Stripe says does. An earlier checkout cannot be paid any more, so that nobody pays twice. email is where Stripe sends invoices. It
// returns ErrSubscribed.
func (s *Service) Checkout(ctx context.Context, actor tenants.Actor, organization tenants.Organization, email string, plan tenants.Plan, yearly bool, page string) (string, error) {
	customer, err := s.customer(ctx, organization, email)
	if err != nil {
		return "", err
	}
	prices, err := s.prices(ctx, plan, yearly)
	if err != nil {
		return "", err
	}
	wanted := Checkout{Customer: customer, Prices: prices, SuccessURL: page + "?checkout=done", ReturnTo: page}
	for range checkoutTries {
		account, err := s.payable(ctx, organization.ID)
		if err != nil {
			return "", err
		}
		wanted.TrialDays = TrialDays
		if account.TrialUsed {
			wanted.TrialDays = 0
		}
		id, url, err := s.Stripe.CreateCheckout(ctx, wanted)
		if err != nil {
			return "", err
		}
		placed, err := s.Store.PlaceCheckout(ctx, organization.ID, account.Checkout, id)
		if err != nil {
			return "", err
		}
		if placed {
			return url, s.Store.RecordBilling(ctx, actor, organization.ID, "billing.checkout_opened", map[string]string{"plan": planName(plan.ID, yearly)})
		}
		// Another owner's came first, and nobody has seen the address of this one.
		if err := s.Stripe.ExpireCheckout(ctx, id); err != nil {
			s.Log.WarnContext(ctx, "a checkout that nobody saw stays open at Stripe until it expires by itself", "error", err)
		}
	}
	return "", fmt.Errorf("%w: other owners opened a checkout at the same moment", ErrStripe)
}

// checkoutTries is how often a checkout begins again because another owner's came first.
const checkoutTries = 10

// payable returns the account of an organization that has no subscription, and whose last checkout cannot be paid any more.
func (s *Service) payable(ctx context.Context, organization id.ID) (Account, error) {
	account, err := s.fetched(ctx, organization)
	if err != nil || account.Checkout == "" {
		return account, err
	}
	ended := account.Checkout
	err = s.Stripe.ExpireCheckout(ctx, ended)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrMissing) {
		account, err = s.fetched(ctx, organization) // it may have been paid a moment ago
	}
	account.Checkout = ended // another one, opened meanwhile, can be paid
	return account, err
}

// fetched returns the account as Stripe has it now, or ErrSubscribed.
func (s *Service) fetched(ctx context.Context, organization id.ID) (Account, error) {
	if err := s.Refresh(ctx, organization); err != nil {
		return Account{}, err
	}
	account, err := s.Store.BillingAccount(ctx, organization)
	if err == nil && account.Living() {
		err = ErrSubscribed
	}
	return account, err
}

// Portal returns the URL of Stripe's page for cards, addresses, tax ids and invoices. It returns ErrNotSubscribed for who never was a customer.
func (s *Service) Portal(ctx context.Context, actor tenants.Actor, organization id.ID, page string) (string, error) {
	account, err := s.Store.BillingAccount(ctx, organization)
	if err != nil {
		return "", err
	}
	if account.Customer == "" {
		return "", ErrNotSubscribed
	}
	settings, err := s.Stripe.PortalSettings(ctx)
	if err == nil && len(settings) == 0 {
		err = fmt.Errorf("%w: it has no settings of the customer portal; run `mcpauth billing sync`", ErrRefused)
	}
	if err != nil {
		return "", err
	}
	if err := s.Store.RecordBilling(ctx, actor, organization, "billing.portal_opened", nil); err != nil {
		return "", err
	}
	return s.Stripe.CreatePortal(ctx, account.Customer, settings[0].ID, page)
}

// Refresh fetches the state of one account.
func (s *Service) Refresh(ctx context.Context, organization id.ID) error {
	question, err := s.Store.Ask(ctx, organization)
	if err != nil || question.Number == 0 {
		return err
	}
	found, err := s.ask(ctx, question.Account)
	if err != nil {
		return err
	}
	if found.invoices, err = s.Stripe.Invoices(ctx, question.Account.Customer); err != nil {
		return err
	}
	return s.Store.Answer(ctx, question, func(account Account) Change { return s.follow(ctx, account, found) })
}

// active returns the subscription of an organization as Stripe has it now.
func (s *Service) active(ctx context.Context, organization id.ID) (Subscription, error) {
	if err := s.Refresh(ctx, organization); err != nil {
		return Subscription{}, err
	}
	account, err := s.Store.BillingAccount(ctx, organization)
	if err != nil {
		return Subscription{}, err
	}
	if !account.Living() {
		return Subscription{}, ErrNotSubscribed
	}
	found, err := s.Stripe.Subscriptions(ctx, account.Customer)
	for _, f := range found {
		if f.ID == account.Subscription {
			return f, err
		}
	}
	if err == nil {
		err = ErrNotSubscribed
	}
	return Subscription{}, err
}

// PreviewChange says what another plan would cost at once; below zero is a credit.
func (s *Service) PreviewChange(ctx context.Context, organization id.ID, plan tenants.Plan, yearly bool) (Preview, error) {
	subscription, err := s.active(ctx, organization)
	if err != nil {
		return Preview{}, err
	}
	prices, err := s.prices(ctx, plan, yearly)
	if err != nil {
		return Preview{}, err
	}
	return s.Stripe.PreviewChange(ctx, subscription, prices)
}

// Change puts a subscription on another plan at once; the rest of the period is charged or credited. It returns ErrNotSubscribed.
func (s *Service) Change(ctx context.Context, actor tenants.Actor, organization id.ID, plan tenants.Plan, yearly bool) error {
	subscription, err := s.active(ctx, organization)
	if err != nil {
		return err
	}
	prices, err := s.prices(ctx, plan, yearly)
	if err != nil {
		return err
	}
	if err := s.Stripe.ChangeSubscription(ctx, subscription, prices); err != nil {
		return err
	}
	return s.asked(ctx, actor, organization, "billing.change_asked", map[string]string{"to": planName(plan.ID, yearly)})
}

// asked records who asked Stripe for something, and fetches what came of it.
func (s *Service) asked(ctx context.Context, actor tenants.Actor, organization id.ID, action string, detail map[string]string) error {
	return errors.Join(s.Store.RecordBilling(ctx, actor, organization, action, detail), s.Refresh(ctx, organization))
}

// Cancel ends a subscription at the end of what is paid for, or takes that back. It returns ErrNotSubscribed.
func (s *Service) Cancel(ctx context.Context, actor tenants.Actor, organization id.ID, cancel bool) error {
	subscription, err := s.active(ctx, organization)
	if err != nil {
		return err
	}
	if err := s.Stripe.CancelAtPeriodEnd(ctx, subscription.ID, cancel); err != nil {
		return err
	}
	action := "billing.keep_asked"
	if cancel {
		action = "billing.cancel_asked"
	}
	return s.asked(ctx, actor, organization, action, nil)
}

// prices finds what a plan costs in Stripe, as sync made it.
func (s *Service) prices(ctx context.Context, plan tenants.Plan, yearly bool) ([]Price, error) {
	var keys []string
	for _, p := range pricesOf(plan, "") {
		if p.Yearly == yearly {
			keys = append(keys, p.LookupKey)
		}
	}
	found, err := s.Stripe.Prices(ctx, keys...)
	if err == nil && len(found) < len(keys) {
		err = fmt.Errorf("%w: it does not know the prices %s; run `mcpauth billing sync`", ErrRefused, strings.Join(keys, ", "))
	}
	return found, err
}

// Exceeding is what an organization has more of than a plan allows. Nothing of it is ever deleted.
type Exceeding struct {
	What      tenants.Countable
	Used, Max int
}

// Exceeding compares what an organization has with a plan.
func (u Use) Exceeding(plan tenants.Plan) (out []Exceeding) {
	for _, what := range []tenants.Countable{tenants.CountProjects, tenants.CountServers, tenants.CountDomains, tenants.CountSeats} {
		if most := plan.Max(what); most != tenants.Unlimited && u.Of(what) > most {
			out = append(out, Exceeding{What: what, Used: u.Of(what), Max: most})
		}
	}
	return out
}
