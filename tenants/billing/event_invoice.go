package billing

import "context"

// invoiceEvent keeps the invoice as it is now, and looks at the subscription, whose state follows from payments. An invoice of somebody
// else's is left alone, whatever the event said of its customer (catalogue 245).
func (s *Service) invoiceEvent(ctx context.Context, e event, account Account) (Change, error) {
	change, err := s.fetch(ctx, account)
	if err != nil {
		return Change{}, err
	}
	invoice, err := s.Stripe.Invoice(ctx, e.object)
	if err != nil {
		return Change{}, err
	}
	if invoice.Customer == account.Customer {
		change.Invoices = append(change.Invoices, invoice)
	}
	return change, nil
}
