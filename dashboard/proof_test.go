package dashboard_test

import (
	"net/http"
	"testing"

	"mcpauth.example/dashboard"
)

// Catalogue 228: every POST says whether it asks for a proof; those that do not say why, and only a page to look at may say nothing.
func TestEveryPostStatesItsProof(t *testing.T) {
	t.Parallel()
	for _, r := range dashboard.Routes() {
		if post := r.Method != http.MethodGet; post != (r.Act != "") || post && r.Recent == (r.Why != "") {
			t.Errorf("%s %s: recent %t, act %q, reason %q", r.Method, r.Path, r.Recent, r.Act, r.Why)
		}
		if r.Recent && r.Access == "anyone" {
			t.Errorf("%s %s asks nobody for a proof", r.Method, r.Path)
		}
	}
}
