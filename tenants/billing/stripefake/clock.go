package stripefake

import (
	"slices"
	"strings"
	"time"
)

// overdueMost is how long Stripe tries before it cancels.
const overdueMost = 28 * 24 * time.Hour

// Advance moves the clock and does what falls due: trials end, periods are renewed or end, open invoices are tried again.
func (f *Fake) Advance(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	target := f.offset + by
	for f.offset < target {
		f.offset = min(target, f.offset+24*time.Hour)
		for _, s := range f.inOrder() {
			f.tick(s)
		}
	}
}

func (f *Fake) inOrder() (all []*subscription) {
	for _, s := range f.subscriptions {
		if s.active() {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *subscription) int { return strings.Compare(a.id, b.id) })
	return all
}

func (f *Fake) tick(s *subscription) {
	now := f.time()
	if s.status == "past_due" {
		if now.Sub(s.overdue) >= overdueMost {
			f.end(s)
			return
		}
		if now.Sub(s.overdue)%(72*time.Hour) < 24*time.Hour {
			for _, i := range f.open(s) {
				f.try(s, i)
			}
		}
	}
	if s.end.After(now) {
		return
	}
	if s.cancelAtEnd {
		f.end(s)
		return
	}
	s.start = s.end
	s.end = f.periodEnd(s)
	if s.status == "trialing" {
		s.status = "active"
	}
	f.emit("customer.subscription.updated", f.subscriptionObject(s))
	f.charge(s, f.periodAmount(s), "subscription")
}
