// Package api is the door for programs: so far what Stripe calls. Errors are problem details (RFC 9457).
//
// A handler parses, calls tenants or tenants/billing, and answers; the package must not import another door or internal/postgres.
package api

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"mcpauth.example/tenants/billing"
)

// PathStripe is where Stripe delivers events, on the root host.
const PathStripe = "/api/stripe/webhook"

// Config is what the door needs.
type Config struct {
	Billing *billing.Service // nil: billing is off, and nothing answers at PathStripe
	Log     *slog.Logger
}

// New returns the door. It answers below /api.
func New(c Config) http.Handler {
	mux := http.NewServeMux()
	if c.Billing != nil {
		mux.Handle("POST "+PathStripe, stripeWebhook(c))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "Nothing answers at this address.")
	})
	return mux
}

// details are the members of RFC 9457 section 3.1.
type details struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// problem writes an error.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(details{"about:blank", http.StatusText(status), status, detail}) //nolint:errchkjson // who is gone is not told
}
