// Package stripefake plays Stripe for development and tests: customers, checkout, portal, subscriptions, invoices, meters and a clock that
// can be moved. It is stateful: what is fetched is the state at that moment, and events carry the state from when they were made, so that
// code which trusts the bodies of events goes wrong. Its answers have the shape of the API version 2023-10-16; a contract test holds it
// against Stripe's own mock.
//
// It must not be reachable by strangers: whoever reaches it pays with its cards.
package stripefake

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key is the API key that the fake takes.
const Key = "sk_test_stripefake"

// Fake is the state of one Stripe account. It is safe for concurrent use.
type Fake struct {
	mu     sync.Mutex
	base   string // URL it is reached at
	offset time.Duration
	now    func() time.Time
	next   int

	customers     map[string]*customer
	products      map[string]*product
	prices        map[string]*price
	meters        map[string]*meter
	usage         []usage
	sessions      map[string]*session
	portals       map[string]*portal
	settings      map[string]*settings
	subscriptions map[string]*subscription
	invoices      map[string]*invoice
	answers       map[string]answer // by idempotency key
	events        []Event
	wake          chan struct{}
}

type customer struct {
	id, name, email string
	declines        bool // its card
	credit          int64
	created         time.Time
}

type product struct {
	id, name, description string
	active                bool
	created               time.Time
}

type price struct {
	id, product, key, meter string
	amount                  float64 // in cents
	yearly, active          bool
	created                 time.Time
}

type meter struct {
	id, name, event string
	created         time.Time
}

type usage struct {
	event, identifier, customer string
	value                       int
	at                          time.Time
}

type session struct {
	id, customer, success, cancel string
	prices                        []string
	trialDays                     int
	done, expired                 bool
	created                       time.Time
}

type portal struct {
	id, customer, back string
	settings           *settings
	created            time.Time
}

// settings are what customers may do in a portal.
type settings struct {
	id, headline, mark      string
	updates                 []string
	cards, invoices, cancel bool
	created                 time.Time
}

type item struct{ id, price string }

type subscription struct {
	id, customer            string
	items                   []item
	status                  string
	start, end, trialEnd    time.Time
	created, ended, overdue time.Time
	cancelAtEnd             bool
	latest                  string // invoice
	usageFrom               time.Time
}

type invoice struct {
	id, customer, subscription, status string
	number                             int
	total                              int64
	attempts                           int
	created                            time.Time
	lines                              []string
}

// New returns an account with nothing in it. base is the URL under which browsers reach its pages. Events wait for Take or Deliver.
func New(base string, now func() time.Time) *Fake {
	return &Fake{base: base, now: now, wake: make(chan struct{}, 1), customers: map[string]*customer{}, products: map[string]*product{}, prices: map[string]*price{}, meters: map[string]*meter{},
		sessions: map[string]*session{}, portals: map[string]*portal{}, settings: map[string]*settings{}, subscriptions: map[string]*subscription{}, invoices: map[string]*invoice{}, answers: map[string]answer{}}
}

func (f *Fake) id(prefix string) string {
	f.next++
	return fmt.Sprintf("%s_fake%08d", prefix, f.next)
}

// time is the fake's own.
func (f *Fake) time() time.Time { return f.now().Add(f.offset).UTC().Truncate(time.Second) }

// Pay completes a checkout as its page does. declined: the card is refused, and nothing is made.
func (f *Fake) Pay(sessionID string, declined bool) (back string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[sessionID]
	if s == nil || s.done || s.expired {
		return "", fmt.Errorf("no open checkout session %q", sessionID)
	}
	f.customers[s.customer].declines = declined
	if declined {
		return "", fmt.Errorf("your card was declined")
	}
	s.done = true
	now := f.time()
	sub := &subscription{id: f.id("sub"), customer: s.customer, status: "active", start: now, created: now, usageFrom: now}
	for _, p := range s.prices {
		sub.items = append(sub.items, item{id: f.id("si"), price: p})
	}
	f.subscriptions[sub.id] = sub
	if s.trialDays > 0 {
		sub.status, sub.trialEnd = "trialing", now.AddDate(0, 0, s.trialDays)
		sub.end = sub.trialEnd
		f.emit("customer.subscription.created", f.subscriptionObject(sub))
	} else {
		sub.end = f.periodEnd(sub)
		f.emit("customer.subscription.created", f.subscriptionObject(sub))
		f.charge(sub, f.periodAmount(sub), "subscription")
	}
	f.emit("checkout.session.completed", f.sessionObject(s))
	return s.success, nil
}

// base is the price that is not metered.
func (f *Fake) basePrice(s *subscription) *price {
	for _, i := range s.items {
		if p := f.prices[i.price]; p.meter == "" {
			return p
		}
	}
	return nil
}

func (f *Fake) periodEnd(s *subscription) time.Time {
	if f.basePrice(s).yearly {
		return s.start.AddDate(1, 0, 0)
	}
	return s.start.AddDate(0, 1, 0)
}

// periodAmount is the price of a new period, with the usage since the last one.
func (f *Fake) periodAmount(s *subscription) int64 {
	total := f.basePrice(s).amount
	for _, i := range s.items {
		p := f.prices[i.price]
		if p.meter == "" {
			continue
		}
		for _, u := range f.usage {
			if m := f.meters[p.meter]; m != nil && m.event == u.event && u.customer == s.customer && !u.at.Before(s.usageFrom) {
				total += p.amount * float64(u.value)
			}
		}
	}
	s.usageFrom = f.time()
	return int64(total + 0.5)
}

// charge makes an invoice and tries to pay it.
func (f *Fake) charge(s *subscription, total int64, line string) {
	i := &invoice{id: f.id("in"), customer: s.customer, subscription: s.id, status: "open", total: total, number: len(f.invoices) + 1, created: f.time(), lines: []string{line}}
	f.invoices[i.id] = i
	s.latest = i.id
	f.emit("invoice.finalized", f.invoiceObject(i))
	f.try(s, i)
}

// try takes the money for an open invoice, and moves the subscription with it.
func (f *Fake) try(s *subscription, i *invoice) {
	c := f.customers[s.customer]
	due := i.total
	if due < 0 {
		c.credit -= due
		due = 0
	}
	use := min(c.credit, due)
	if due-use > 0 && c.declines {
		i.attempts++
		if s.status != "past_due" {
			s.status, s.overdue = "past_due", f.time()
			f.emit("customer.subscription.updated", f.subscriptionObject(s))
		}
		f.emit("invoice.payment_failed", f.invoiceObject(i))
		return
	}
	c.credit -= use
	if due > 0 {
		i.attempts++
	}
	i.status = "paid"
	f.emit("invoice.paid", f.invoiceObject(i))
	if s.status != "active" && s.status != "trialing" && s.status != "canceled" && len(f.open(s)) == 0 {
		s.status, s.overdue = "active", time.Time{}
		f.emit("customer.subscription.updated", f.subscriptionObject(s))
	}
}

// open lists the unpaid invoices of a subscription, the oldest first.
func (f *Fake) open(s *subscription) (found []*invoice) {
	for _, i := range f.invoices {
		if i.subscription == s.id && i.status == "open" {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *invoice) int { return strings.Compare(a.id, b.id) })
	return found
}

// SetCard gives a customer a card that is taken or declined, and tries it on what is open, as Stripe's portal does.
func (f *Fake) SetCard(customerID string, declines bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setCard(customerID, declines)
}

func (f *Fake) setCard(customerID string, declines bool) {
	c := f.customers[customerID]
	if c == nil {
		return
	}
	c.declines = declines
	for _, s := range f.of(customerID) {
		for _, i := range f.open(s) {
			f.try(s, i)
		}
	}
}

// of lists the subscriptions of a customer, the latest first.
func (f *Fake) of(customerID string) (found []*subscription) {
	for _, s := range f.subscriptions {
		if s.customer == customerID {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b *subscription) int { return strings.Compare(b.id, a.id) })
	return found
}

func (s *subscription) active() bool { return s.status != "canceled" }

// Cancel ends a subscription of a customer at once or at the end of the period, or takes the latter back.
func (f *Fake) Cancel(customerID string, now, takeBack bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel(customerID, now, takeBack)
}

func (f *Fake) cancel(customerID string, now, takeBack bool) {
	for _, s := range f.of(customerID) {
		switch {
		case !s.active():
		case now:
			f.end(s)
		default:
			s.cancelAtEnd = !takeBack
			f.emit("customer.subscription.updated", f.subscriptionObject(s))
		}
	}
}

func (f *Fake) end(s *subscription) {
	s.status, s.ended = "canceled", f.time()
	for _, i := range f.open(s) {
		i.status = "void"
		f.emit("invoice.voided", f.invoiceObject(i))
	}
	f.emit("customer.subscription.deleted", f.subscriptionObject(s))
}

// change puts a subscription on other prices at once and charges or credits the rest of the period.
func (f *Fake) change(s *subscription, items []item) {
	due := f.proration(s, items)
	yearly := f.basePrice(s).yearly
	s.items = items
	if f.basePrice(s).yearly != yearly {
		s.start = f.time()
		s.end = f.periodEnd(s)
	}
	f.emit("customer.subscription.updated", f.subscriptionObject(s))
	if due != 0 {
		f.charge(s, due, "proration")
	}
}

// proration is what a change costs at once; in a trial nothing.
func (f *Fake) proration(s *subscription, items []item) int64 {
	if s.status == "trialing" {
		return 0
	}
	was := f.basePrice(s)
	is := f.basePrice(&subscription{items: items})
	rest := float64(s.end.Sub(f.time())) / float64(s.end.Sub(s.start))
	if was.yearly != is.yearly { // a new period begins
		return int64(is.amount - was.amount*rest)
	}
	return int64((is.amount - was.amount) * rest)
}
