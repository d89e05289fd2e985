package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// A link that the error of a tool carries lets a person allow more for an app that cannot ask by itself: they see what is new, sign in
// if need be, and the app's next refresh has it (P20, catalogue 117, 139, 145).
func TestAllowMoreByLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	made, held := tn.connected(b, client, "scope", "mcp:tools")
	link := tn.issuer + "/account/allow?" + url.Values{"client": {client}, "server": {tn.server.Resource}, "scope": {"notes:write no:such"}}.Encode()
	fresh := newBrowser(t, w.door)
	arrived := fresh.submit(fresh.get(link), "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	if !strings.HasPrefix(arrived.location(), tn.issuer+"/account/allow?") {
		t.Fatalf("%d %s", arrived.StatusCode, arrived.location())
	}
	page := fresh.done(arrived)
	groups := page.document().Find(".scopes")
	if groups.Length() != 2 || groups.First().Find("li").Length() != 1 || groups.First().Find(`[data-scope="notes:write"]`).Length() != 1 || groups.Last().Find(`[data-scope="mcp:tools"]`).Length() != 1 {
		t.Fatalf("%s", page.body)
	}
	target, fields := page.form("button[value=allow]")
	before := w.rows()
	for name, header := range map[string]http.Header{"another site": {"Sec-Fetch-Site": {"cross-site"}}, "a sibling": {"Sec-Fetch-Site": {"same-site"}}} {
		if got := fresh.postAs(target, with(fields, "decision", "allow"), header); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if got := b.post(target, with(fields, "decision", "allow")); got.StatusCode != http.StatusForbidden { // the token of another session
		t.Errorf("another session: %d", got.StatusCode)
	}
	fresh.submit(page, "button[value=deny]", url.Values{"decision": {"deny"}})
	w.unchanged(before)
	if got := fresh.done(fresh.submit(page, "button[value=allow]", allow)); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "may do more now") {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	refreshed := tn.token(made.refreshForm(held.refresh)).tokens()
	if got := jwtPart(refreshed.access, 1)["scope"]; got != "mcp:tools notes:write" {
		t.Errorf("%q", got)
	}
	if again := fresh.get(link); again.has("button[value=allow]") || !strings.Contains(again.body, "allowed already") {
		t.Errorf("%s", again.body)
	}
	tn.addUser("bob@demo.example")
	bob := *tn
	bob.user = "bob@demo.example"
	stranger := newBrowser(t, w.door)
	bob.account(stranger)
	if got := stranger.get(link); got.StatusCode != http.StatusNotFound || got.has("button[value=allow]") {
		t.Errorf("another person's connection: %d", got.StatusCode)
	}
}

// A block that comes between the page and the decision wins.
func TestAllowMoreAfterABlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	tn.connected(b, client, "scope", "mcp:tools")
	page := b.get(tn.issuer + "/account/allow?" + url.Values{"client": {client}, "server": {tn.server.Resource}, "scope": {"notes:write"}}.Encode())
	user := tn.addUser(tn.user)
	if err := w.projects.EndUserGrants(t.Context(), tenants.SystemActor, w.org, tn.project.ID, user, user); err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE clients SET blocked_at = now() WHERE id = $1`, client)
	before := w.rows()
	if got := b.submit(page, "button[value=allow]", allow); got.StatusCode != http.StatusNotFound {
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
	w.unchanged(before)
}
