package lookalike_test

import (
	"testing"

	"mcpauth.example/internal/lookalike"
)

// A name that borrows a known one is noticed, however it is spelled (catalogue 275).
func TestOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Google": "google", "G00gle": "google", "Gооgle login": "google", "go-ogle": "google", "googel": "google", "Mlcrosoft": "microsoft",
		"rnicrosoft": "microsoft", "PayPaI": "paypal", "paypall": "paypal", "Claude": "claude", "claude-login": "claude", "mcp auth": "mcpauth", "Anthropic Support": "anthropic",
		"Acme Tools": "", "Harbour": "", "North Wind": "", "goggles": "", "applied": "", "Crude": "", "Weather": "",
	} {
		if got := lookalike.Of(name); got != want {
			t.Errorf("%q: %q, expected %q", name, got, want)
		}
	}
}
