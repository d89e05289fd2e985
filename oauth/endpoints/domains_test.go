package endpoints_test

import (
	"net/http"
	"testing"
	"time"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// Catalogue 265, 267: at a custom domain the issuer is that domain; its tokens are good at the project's other addresses, which are declared,
// and at no other project; and when the project gives it up, nothing answers there and what was connected there has ended.
func TestCustomDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const domain = "login.customer.example"
	ctx, actor := t.Context(), tenants.SystemActor
	at := w.demo.at("https://" + domain)
	metadata := func() *answer {
		w.forget()
		return call(t, w.door, http.MethodGet, at.issuer+oauth.PathMetadata, nil, "")
	}
	if got := metadata(); got.StatusCode != http.StatusNotFound {
		t.Fatalf("before it is proved: %d", got.StatusCode)
	}
	if err := w.store.AddDomain(ctx, actor, w.org, w.demo.project.ID, domain, "token", tenants.Limit{Max: tenants.Unlimited}); err != nil {
		t.Fatal(err)
	}
	if got := metadata(); got.StatusCode != http.StatusNotFound {
		t.Errorf("a claim alone answers: %d", got.StatusCode)
	}
	if err := w.store.RecordDomain(ctx, actor, w.org, w.demo.project.ID, domain, "", time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := metadata(); got.StatusCode != http.StatusOK || got.text("issuer") != "https://"+domain {
		t.Fatalf("proved: %d, issuer %q", got.StatusCode, got.text("issuer"))
	}
	_, got := at.connected(newBrowser(t, w.door), at.client())
	for name, other := range map[string]*tenant{"itself": at, "the primary address": w.demo, "an alias": w.demo.host()} {
		introspected := other.introspect(w.demo.guard, got.access)
		if active, _ := introspected.json()["active"].(bool); !active || introspected.text("iss") != "https://"+domain {
			t.Errorf("at %s: %s", name, introspected.body)
		}
	}
	if w.other.active(got.access) {
		t.Error("another project takes the token")
	}
	if err := w.store.RemoveDomain(ctx, actor, w.org, w.demo.project.ID, domain, ""); err != nil {
		t.Fatal(err)
	}
	if got := metadata(); got.StatusCode != http.StatusNotFound {
		t.Errorf("given up: %d", got.StatusCode)
	}
	if w.demo.active(got.access) {
		t.Error("a token of the domain that was given up is active")
	}
}
