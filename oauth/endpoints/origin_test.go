package endpoints_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// submitOld does what submit does in a browser without Fetch Metadata: the page's referrer policy decides what the form says of its origin (WHATWG
// Fetch, append a request Origin header).
func (b *browser) submitOld(page *answer, selector string, fields url.Values) *answer {
	b.t.Helper()
	target, form := page.form(selector)
	maps.Copy(form, fields)
	u, err := url.Parse(target)
	if err != nil {
		b.t.Fatal(err)
	}
	origin := u.Scheme + "://" + u.Host
	if page.Header.Get("Referrer-Policy") == "no-referrer" {
		origin = "null"
	}
	return b.postAs(target, form, http.Header{"Origin": {origin}})
}

// Catalogue 139: a browser that sends no Fetch Metadata gets through sign-in and consent, and what others forge in its name does not.
func TestBrowserWithoutFetchMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	b := newBrowser(t, w.door)
	page := b.get(tn.authorizeURL(tn.request(client)))
	right := url.Values{"email": {tn.user}, "password": {userPassword}}
	target, form := page.form("#password")
	maps.Copy(form, right)
	for _, origin := range []string{"null", "https://evil.example", "http://" + strings.ToUpper(tn.project.Slug) + ".evil.example"} {
		if got := b.postAs(target, form, http.Header{"Origin": {origin}}); got.StatusCode != http.StatusForbidden || len(got.Cookies()) != 0 {
			t.Errorf("from %s: got %d, want 403", origin, got.StatusCode)
		}
	}
	page = b.submitOld(page, "#password", url.Values{"email": {tn.user}, "password": {"mistyped"}})
	page = b.submitOld(page, "#password", right)
	left := b.submitOld(page, "button[value=allow]", url.Values{"decision": {"allow"}})
	if left.callback().Get("code") == "" {
		t.Fatalf("no code: %d\n%s", left.StatusCode, left.body)
	}
	if got := left.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("the page that leaves for the client: got %q, want no-referrer", got)
	}
	if page := b.get(tn.issuer + "/account"); page.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("the account page: got %q, want same-origin", page.Header.Get("Referrer-Policy"))
	}
	if page := newBrowser(t, w.door).get(tn.issuer + "/account/enter?ticket=x"); page.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("a page with a secret in its address: got %q, want no-referrer", page.Header.Get("Referrer-Policy"))
	}
}
