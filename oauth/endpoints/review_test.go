package endpoints_test

import (
	"strings"
	"testing"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/tenants"
)

// Who consents is told that nobody has checked who runs the server, until the operator has; new words or another logo are looked at again,
// new colours are not; and a rejected brand is on no page, however often it is published (catalogue 275).
func TestReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store, w.door = w.newDoorWith(func(c *endpoints.Config, _ *postgres.Store) { c.Reviews = true })
	tn, operator := w.demo, tenants.Operator{Store: w.store}
	client := tn.client()
	look := func() (unchecked bool, title string) {
		t.Helper()
		w.forget()
		b := newBrowser(t, w.door)
		sign := b.get(tn.authorizeURL(tn.request(client)))
		consent := tn.signedIn(newBrowser(t, w.door), tn.request(client))
		facts := consent.document().Find(".facts").Text()
		if facts == "" {
			t.Fatalf("no consent page:\n%s", consent.body)
		}
		return strings.Contains(facts, "Acme, whom nobody has checked"), sign.document().Find("h1").Text()
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	queued := func() bool {
		t.Helper()
		found, err := operator.Store.ListReviews(t.Context())
		must(err)
		for _, r := range found {
			if r.Project.ID == tn.project.ID {
				return true
			}
		}
		return false
	}
	if unchecked, _ := look(); !unchecked || !queued() {
		t.Errorf("new: unchecked %v, queued %v", unchecked, queued())
	}
	must(operator.Approve(t.Context(), tn.project.ID))
	if unchecked, _ := look(); unchecked || queued() {
		t.Errorf("approved: unchecked %v, queued %v", unchecked, queued())
	}
	tn.publish(tenants.Brand{Accent: "#7a1fa2", Radius: -1}, nil)
	must(operator.Approve(t.Context(), tn.project.ID))
	tn.publish(tenants.Brand{Accent: "#1a5b20", Radius: -1}, nil)
	if unchecked, _ := look(); unchecked || queued() {
		t.Errorf("other colours: unchecked %v, queued %v", unchecked, queued())
	}
	tn.publish(tenants.Brand{Accent: "#1a5b20", Radius: -1, Title: "Sign in to your bank"}, nil)
	if unchecked, title := look(); !unchecked || !queued() || title != "Sign in to your bank" {
		t.Errorf("other words: unchecked %v, queued %v, %q", unchecked, queued(), title)
	}
	must(operator.Reject(t.Context(), tn.project.ID, "It is no bank"))
	if unchecked, title := look(); !unchecked || queued() || strings.Contains(title, "bank") {
		t.Errorf("rejected: unchecked %v, queued %v, %q", unchecked, queued(), title)
	}
	tn.publish(tenants.Brand{Accent: "#1a5b20", Radius: -1, Title: "Sign in to your bank!"}, nil)
	if unchecked, title := look(); !unchecked || !queued() || strings.Contains(title, "bank") {
		t.Errorf("published again: unchecked %v, queued %v, %q", unchecked, queued(), title)
	}
	must(operator.Approve(t.Context(), tn.project.ID))
	must(w.projects.Rename(t.Context(), tenants.SystemActor, w.org, tn.project.ID, "My bank"))
	if unchecked, _ := look(); !unchecked || !queued() {
		t.Errorf("renamed: unchecked %v, queued %v", unchecked, queued())
	}
}
