package billing

import "context"

// askAfterInvoice asks for the invoice as it is now, and for the subscription, whose state follows from payments. An invoice of somebody
// else's is left alone, whatever the event said of its customer (catalogue 245).
func (s *Service) askAfterInvoice(ctx context.Context, e event, account Account) (answer, error) {
	found, err := s.ask(ctx, account)
	if err != nil {
		return answer{}, err
	}
	invoice, err := s.Stripe.Invoice(ctx, e.object)
	if err != nil {
		return answer{}, err
	}
	if invoice.Customer == account.Customer {
		found.invoices = append(found.invoices, invoice)
	}
	return found, nil
}
