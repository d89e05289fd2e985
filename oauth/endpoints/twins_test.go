package endpoints_test

import (
	"net/http"
	"strings"
	"testing"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// Two projects with the same names of everything keep their own: what is remembered is kept by project (catalogue 268), a person may have
// an account in each (catalogue 270), and one that uses up its limits leaves the other's alone (catalogue 272).
func TestSameNamesInTwoProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const email = "twin@example.com"
	w.demo.addUser(email)
	w.other.addUser(email)
	words := map[*tenant]string{w.demo: "Read what Demo keeps", w.other: "Read what Other keeps"}
	for tn, text := range words {
		tn.user = email
		tn.setScope(tenants.Scope{Name: "read", Description: text, Default: true})
	}
	w.forget()
	for range 2 { // the second round is answered from memory
		for _, tn := range []*tenant{w.demo, w.other} {
			page := tn.signedIn(newBrowser(t, w.door), tn.request(tn.client(), "scope", "read"))
			if text := page.document().Find(`[data-scope="read"]`).Text(); !strings.Contains(text, words[tn]) {
				t.Errorf("%s shows %q", tn.project.Name, text)
			}
		}
	}
	w.limit()
	flood := func(tn *tenant) (refused bool) {
		for range 200 {
			got := w.from("192.0.2.7:1", http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}}, `{"client_name":"x","redirect_uris":["`+registered+`"]}`)
			if got.StatusCode == http.StatusTooManyRequests {
				return true
			}
		}
		return false
	}
	if !flood(w.demo) {
		t.Error("nothing limits a flood")
	}
	if got := w.from("192.0.2.7:1", http.MethodPost, w.other.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}}, `{"client_name":"x","redirect_uris":["`+registered+`"]}`); got.StatusCode == http.StatusTooManyRequests {
		t.Error("the flood at one project closes the other")
	}
}
