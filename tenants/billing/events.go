package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
)

// MaxEvent bounds what the webhook reads, in bytes. Stripe's events are a few kilobytes.
const MaxEvent = 256 << 10

// signatureTolerance is how old or how far ahead a signature may be.
const signatureTolerance = 5 * time.Minute

// What is wrong with what came to the webhook. Both are answered with 400, so that Stripe tries again and shows that something is wrong.
var (
	ErrSignature = errors.New("expected a Stripe-Signature header over the body, made with the webhook's secret within the last five minutes")
	ErrVersion   = errors.New("expected an event of API version " + APIVersion + ": create the webhook endpoint with this version")
)

// eventType says what Stripe is asked after which events.
type eventType struct {
	names []string
	ask   func(*Service, context.Context, event, Account) (answer, error)
}

// eventTypes lists what is acted on. Whatever else comes is noted and acknowledged.
var eventTypes = []eventType{
	{[]string{"checkout.session.completed"}, (*Service).askAfterCheckout},
	{[]string{"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted", "customer.subscription.trial_will_end"}, (*Service).askAfterSubscription},
	{[]string{"invoice.finalized", "invoice.paid", "invoice.payment_failed", "invoice.voided", "invoice.marked_uncollectible"}, (*Service).askAfterInvoice},
}

// EventNames lists the events that the webhook endpoint has to be subscribed to.
func EventNames() (names []string) {
	for _, t := range eventTypes {
		names = append(names, t.names...)
	}
	return names
}

// event is what is taken from an event: whom and what to ask about.
type event struct{ id, kind, customer, object string }

// Receive verifies and applies one event of the webhook. payload is the body as it came, signature the Stripe-Signature header. The state is
// fetched, then stored with its effects and the note that the event came, in one transaction; an event that came before changes nothing.
func (s *Service) Receive(ctx context.Context, payload []byte, signature string) (Outcome, error) {
	if err := s.verify(payload, signature); err != nil {
		return "", err
	}
	var raw stripe.Event
	if json.Unmarshal(payload, &raw) != nil || raw.ID == "" || raw.Data == nil {
		return "", fmt.Errorf("%w: the body is no event", ErrSignature)
	}
	if raw.APIVersion != APIVersion {
		s.Log.ErrorContext(ctx, "an event of Stripe has another API version", "version", raw.APIVersion, "expected", APIVersion, "event", raw.ID)
		return "", ErrVersion
	}
	e := event{id: raw.ID, kind: string(raw.Type)}
	e.customer, e.object = subject(raw.Data.Raw)
	if raw.Livemode != s.Live || raw.Account != "" {
		s.Log.ErrorContext(ctx, "an event of Stripe is of another mode or account", "event", e.id, "live", raw.Livemode, "expected_live", s.Live, "account", raw.Account)
		return s.Store.NoteEvent(ctx, e.id, e.kind, OutcomeOtherMode)
	}
	i := slices.IndexFunc(eventTypes, func(t eventType) bool { return slices.Contains(t.names, e.kind) })
	if i < 0 {
		return s.Store.NoteEvent(ctx, e.id, e.kind, OutcomeUnknownType)
	}
	if e.customer == "" {
		return s.Store.NoteEvent(ctx, e.id, e.kind, OutcomeUnknownCustomer)
	}
	select {
	case s.working <- struct{}{}:
		defer func() { <-s.working }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return s.apply(ctx, e, eventTypes[i].ask)
}

// apply asks Stripe about the account that an event is about, and stores what it says.
func (s *Service) apply(ctx context.Context, e event, ask func(*Service, context.Context, event, Account) (answer, error)) (Outcome, error) {
	question, outcome, err := s.Store.EventQuestion(ctx, e.id, e.customer)
	switch {
	case err != nil || outcome == OutcomeDuplicate:
		return outcome, err
	case outcome == OutcomeUnknownCustomer:
		s.Log.WarnContext(ctx, "an event of Stripe is about a customer that no organization has", "event", e.id, "type", e.kind)
		return s.Store.NoteEvent(ctx, e.id, e.kind, outcome)
	}
	found, err := ask(s, ctx, e, question.Account)
	if err != nil {
		return "", err
	}
	return s.Store.AnswerEvent(ctx, e.id, e.kind, question, func(account Account) Change { return s.follow(ctx, account, found) })
}

// verify checks the signature against each secret. The library leaves timestamps of the future alone (catalogue 240).
func (s *Service) verify(payload []byte, signature string) error {
	for part := range strings.SplitSeq(signature, ",") {
		if at, ok := strings.CutPrefix(strings.TrimSpace(part), "t="); ok {
			seconds, err := strconv.ParseInt(at, 10, 64)
			if err != nil || time.Unix(seconds, 0).After(s.Now().Add(signatureTolerance)) {
				return ErrSignature
			}
		}
	}
	for _, key := range s.Secrets {
		if webhook.ValidatePayloadWithTolerance(payload, signature, key, signatureTolerance) == nil {
			return nil
		}
	}
	return ErrSignature
}

// subject takes from an event's object whom it is about, and its id.
func subject(object json.RawMessage) (customer, id string) {
	var o struct {
		ID       string          `json:"id"`
		Customer json.RawMessage `json:"customer"`
	}
	if json.Unmarshal(object, &o) != nil {
		return "", ""
	}
	if json.Unmarshal(o.Customer, &customer) != nil {
		var expanded struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(o.Customer, &expanded) // stays empty: nobody's
		customer = expanded.ID
	}
	return customer, o.ID
}
