package billing

import "context"

// askAfterCheckout is for a checkout that was completed: the subscription it made is among the customer's.
func (s *Service) askAfterCheckout(ctx context.Context, _ event, account Account) (answer, error) {
	return s.ask(ctx, account)
}
