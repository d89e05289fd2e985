package endpoints_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/tenants"
)

// onePlan is the plan of everybody.
type onePlan struct{ tenants.Plan }

func (p *onePlan) PlanOf(context.Context, id.ID) (tenants.Plan, error) { return p.Plan, nil }

// A plan without overage stops new people when its connected users and the grace are used up, and nobody else: who was connected in any month
// signs in, refreshes and allows further apps as always.
func TestOnlyNewPeopleWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := &onePlan{tenants.Plan{MonthlyActiveUsers: 5}} // 6 with the grace
	w.store, w.door = w.newDoorWith(func(c *endpoints.Config, store *postgres.Store) {
		c.Admit = tenants.Admission{Store: store, Plans: plan, Now: w.clock.now}.Admit
	})
	tn := w.demo
	client := tn.client()
	w.exec(`UPDATE projects SET environment = 'production' WHERE id = $1`, tn.project.ID)
	known := newBrowser(t, w.door)
	first, held := tn.connected(known, client)
	w.exec(`UPDATE connected_users SET month = month - interval '1 month', counted_at = counted_at - interval '1 month'`) // last month
	for range 5 {
		w.exec(`INSERT INTO connected_users (project_id, month, user_id) VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, $2)`, tn.project.ID, id.New())
	}
	tn.addUser("new@demo.example")
	stranger := *tn
	stranger.user = "new@demo.example"
	b := newBrowser(t, w.door)
	open := stranger.signedIn(b, stranger.request(client)) // one place is left
	w.exec(`INSERT INTO connected_users (project_id, month, user_id) VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, $2)`, tn.project.ID, id.New())

	refused := func(page *answer) {
		t.Helper()
		back := page.document().Find(`a[href^="`+testCallback+`"]`).AttrOr("href", "")
		location, err := url.Parse(back)
		if err != nil || page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, "New people have to wait") || location.Query().Get("error") != "temporarily_unavailable" || location.Query().Get("state") == "" {
			t.Errorf("%d, back to %q\n%s", page.StatusCode, back, page.body)
		}
		if n := value[int](w, `SELECT count(*) FROM grants g JOIN users u ON u.id = g.user_id WHERE u.email = $1`, stranger.user); n != 0 {
			t.Errorf("%d grants of somebody who has to wait", n)
		}
	}
	refused(b.submit(open, "button[value=allow]", allow)) // a page from before is no way in
	again := newBrowser(t, w.door)
	refused(again.submit(again.get(stranger.authorizeURL(stranger.request(client))), "#password", url.Values{"email": {stranger.user}, "password": {userPassword}}))

	held = tn.token(first.refreshForm(held.refresh)).tokens()
	if !tn.active(held.access) {
		t.Error("the token of somebody connected is not active")
	}
	w.exec(`DELETE FROM connected_users WHERE month = date_trunc('month', now() AT TIME ZONE 'UTC')::date AND user_id IN (SELECT id FROM users)`)
	w.exec(`INSERT INTO connected_users (project_id, month, user_id) VALUES ($1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, $2)`, tn.project.ID, id.New())
	tn.connected(newBrowser(t, w.door), tn.client()) // known from last month, another app

	plan.Overage = 15
	stranger.connected(newBrowser(t, w.door), client)
	plan.Overage = 0
	w.exec(`UPDATE projects SET environment = 'development' WHERE id = $1`, tn.project.ID)
	w.exec(`DELETE FROM connected_users`)
	tn.addUser("third@demo.example")
	stranger.user = "third@demo.example"
	plan.MonthlyActiveUsers = 0
	stranger.connected(newBrowser(t, w.door), client) // projects for trying out are not counted
	w.exec(`UPDATE projects SET environment = 'production' WHERE id = $1`, tn.project.ID)
	stranger.connected(newBrowser(t, w.door), tn.client()) // and who was connected in one goes on
	tn.addUser("new2@demo.example")
	stranger.user = "new2@demo.example"
	again = newBrowser(t, w.door)
	refused(again.submit(again.get(stranger.authorizeURL(stranger.request(client))), "#password", url.Values{"email": {stranger.user}, "password": {userPassword}}))
}

// A development project holds 100 people: the next one is told so, nothing of them is stored, and in production there is no such bound.
func TestPeopleOfADevelopmentProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.charged = true
	w.store, w.door = w.newDoor()
	tn, client := w.demo, w.demo.client()
	signUp := func(email string) *answer {
		t.Helper()
		b := newBrowser(t, w.door)
		page := b.submit(tn.signUpPage(b, client), "#password", url.Values{"email": {email}, "password": {"a long enough password"}})
		return b.submit(page, "#code", url.Values{"code": {sixDigits.FindString(w.lastMail().Text)}})
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE project_id = $1`, tn.project.ID); n != 1 {
		t.Fatalf("%d people to begin with", n)
	}
	w.exec(`INSERT INTO users (project_id, id, email, email_verified_at) SELECT $1, gen_random_uuid(), n || '@demo.example', now() FROM generate_series(1, 98) AS n`, tn.project.ID)
	if page := signUp("hundredth@demo.example"); !page.has("button[value=allow]") {
		t.Fatalf("the hundredth: %d\n%s", page.StatusCode, page.body)
	}
	if page := signUp("next@demo.example"); page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, "for trying out") {
		t.Errorf("the next one: %d\n%s", page.StatusCode, page.body)
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE project_id = $1`, tn.project.ID); n != 100 {
		t.Errorf("%d people", n)
	}
	w.exec(`UPDATE projects SET environment = 'production' WHERE id = $1`, tn.project.ID)
	if page := signUp("next@demo.example"); !page.has("button[value=allow]") {
		t.Errorf("in production: %d\n%s", page.StatusCode, page.body)
	}
	// A project of many people is not called a development project again, so that nobody goes uncounted.
	if err := w.store.SetProduction(t.Context(), tenants.SystemActor, w.org, tn.project.ID, false, tenants.Limit{Max: tenants.Unlimited}); !errors.Is(err, tenants.ErrLimit) {
		t.Errorf("101 people in a development project: %v", err)
	}
}

// The name of the service is on the pages of the Free plan, and on no other; how long the timeline goes back follows the plan.
func TestBadgeAndRetention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.charged = true
	w.store, w.door = w.newDoor()
	tn, client := w.demo, w.demo.client()
	badge := func() bool {
		t.Helper()
		w.forget()
		return strings.Contains(newBrowser(t, w.door).get(tn.authorizeURL(tn.request(client))).body, "Secured by mcpauth")
	}
	steps := func(days int) int {
		t.Helper()
		for _, age := range []int{0, days - 1, days + 1} {
			at := time.Now().Add(-time.Duration(age) * 24 * time.Hour)
			w.exec(`INSERT INTO activity (project_id, id, at, step, outcome) VALUES ($1, $2, $3, 'token', 'ok')`, tn.project.ID, id.First(at), at)
		}
		if _, err := w.store.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := value[int](w, `SELECT count(*) FROM activity`)
		w.exec(`DELETE FROM activity`)
		return left
	}
	if !badge() {
		t.Error("Free: no badge")
	}
	if n := steps(3); n != 2 {
		t.Errorf("Free: %d of three steps are left, want those of the last 3 days", n)
	}
	w.exec(`INSERT INTO billing_accounts (organization_id, subscription, plan, state) VALUES ($1, 'sub_1', 'pro', 'active')`, w.org)
	if badge() {
		t.Error("Pro: a badge")
	}
	if n := steps(14); n != 2 {
		t.Errorf("Pro: %d of three steps are left, want those of the last 14 days", n)
	}
	w.exec(`UPDATE billing_accounts SET state = 'past_due', grace_until = now() - interval '1 minute'`)
	if !badge() {
		t.Error("after the grace: no badge")
	}
}
