package endpoints_test

import (
	"net/http"
	"net/url"
	"testing"

	"mcpauth.example/oauth"
)

// P20, R8: a step-up asks for what is missing and keeps what was allowed before, and the page says which is which. Refreshing cannot
// widen a grant.
func TestStepUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client, b := tn.client(), newBrowser(t, w.door)
	first := tn.signedIn(b, tn.request(client, "scope", "mcp:tools"))
	if len(first.document().Find(".scopes").Nodes) != 1 || first.has(`[data-scope="notes:write"]`) {
		t.Errorf("the first time: %s", first.body)
	}
	approved, held := tn.connected(b, client, "scope", "mcp:tools")
	refused := tn.token(approved.refreshForm(held.refresh, "scope", "mcp:tools notes:write"))
	refused.isError(http.StatusBadRequest, string(oauth.InvalidScope))

	page := tn.signedIn(b, tn.request(client, "scope", "notes:write"))
	groups := page.document().Find(".scopes")
	if groups.Length() != 2 || groups.First().Find(`[data-scope="notes:write"]`).Length() != 1 || groups.Last().Find(`[data-scope="mcp:tools"]`).Length() != 1 {
		t.Errorf("the page does not tell new from known: %s", page.body)
	}
	_, more := tn.connected(b, client, "scope", "notes:write")
	if got := jwtPart(more.access, 1)["scope"]; got != "mcp:tools notes:write" {
		t.Errorf("after the step-up: %q", got)
	}
	// Another person of the same client, and this person at another client, begin anew.
	tn.addUser("bob@demo.example")
	other := *tn
	other.user = "bob@demo.example"
	_, theirs := other.connected(newBrowser(t, w.door), client, "scope", "mcp:tools")
	if got := jwtPart(theirs.access, 1)["scope"]; got != "mcp:tools" {
		t.Errorf("another person gets %q", got)
	}
}

// Catalogue 145, P20: what one person allowed before is not in the decision of another who signs in instead, in the same flow.
func TestStepUpOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client, b := tn.client(), newBrowser(t, w.door)
	tn.connected(b, client, "scope", "notes:write")
	page := tn.signedIn(b, tn.request(client, "scope", "mcp:tools"))
	if !page.has(`[data-scope="notes:write"]`) {
		t.Fatalf("not remembered: %s", page.body)
	}
	target, form := page.form("button[value=allow]")
	form.Set("decision", "allow")
	tn.addUser("bob@demo.example")
	switched := b.submit(page, ".who button", nil)
	theirs := b.submit(switched, "#password", url.Values{"email": {"bob@demo.example"}, "password": {userPassword}})
	if !theirs.has(`[data-scope="mcp:tools"]`) || theirs.has(`[data-scope="notes:write"]`) {
		t.Errorf("another person is shown %s", theirs.body)
	}
	if got := b.post(target, form); got.StatusCode != http.StatusForbidden {
		t.Errorf("the decision of the first page: %d", got.StatusCode)
	}
	// The request that was sealed for the first person, with the approval of the second one's page.
	_, own := theirs.form("button[value=allow]")
	form.Set("approval", own.Get("approval"))
	if got := b.post(target, form); got.StatusCode != http.StatusForbidden {
		t.Errorf("a request with what another person allowed: %d", got.StatusCode)
	}
}
