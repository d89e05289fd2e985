package billing

import "context"

// checkoutEvent is about a checkout that was completed: the subscription it made is among the customer's.
func (s *Service) checkoutEvent(ctx context.Context, _ event, account Account) (Change, error) {
	return s.fetch(ctx, account)
}
