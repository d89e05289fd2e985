package api

import (
	"errors"
	"io"
	"net/http"

	"mcpauth.example/tenants/billing"
)

// stripeWebhook takes an event of Stripe. 2xx says that it is stored with its effect; everything else makes Stripe try again, for three days.
// The size is checked before anything is computed (catalogue 241).
func stripeWebhook(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, billing.MaxEvent))
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			problem(w, http.StatusRequestEntityTooLarge, "Expected an event of at most 256 KiB.")
			return
		}
		if err != nil {
			problem(w, http.StatusBadRequest, "The body could not be read.")
			return
		}
		outcome, err := c.Billing.Receive(r.Context(), payload, r.Header.Get("Stripe-Signature"))
		switch {
		case errors.Is(err, billing.ErrSignature), errors.Is(err, billing.ErrVersion):
			problem(w, http.StatusBadRequest, err.Error())
		case err != nil:
			c.Log.WarnContext(r.Context(), "an event of Stripe was not applied, and will come again", "error", err)
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusServiceUnavailable, "The event could not be stored now. Send it again.")
		default:
			c.Log.DebugContext(r.Context(), "event of Stripe", "outcome", string(outcome))
			w.WriteHeader(http.StatusNoContent)
		}
	})
}
