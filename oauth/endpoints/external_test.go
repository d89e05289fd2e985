package endpoints_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/tenants"
)

// ownSite is the customer's own site, as the tests play it.
type ownSite struct {
	tn         *tenant
	id, secret string
}

// ownSite lets a site of its own sign the tenant's people in.
func (tn *tenant) ownSite() *ownSite {
	tn.w.t.Helper()
	id, shown, err := tn.w.projects.SetExternalLogin(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, "Acme", "https://acme.example/login")
	if err == nil {
		err = tn.w.projects.SetSignInMethods(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, []string{tenants.SignInPassword, tenants.SignInEmailCode, tenants.SignInExternal, tenants.SignInTOTP})
	}
	if err != nil {
		tn.w.t.Fatal(err)
	}
	tn.w.forget()
	return &ownSite{tn: tn, id: id.String(), secret: shown}
}

// leave goes to the site in a browser, and returns the request that it brings there.
func (s *ownSite) leave(b *browser) string {
	b.t.Helper()
	left := b.submit(b.get(s.tn.authorizeURL(s.tn.request(s.tn.client()))), "#way-provider-"+s.id, nil)
	u, err := url.Parse(left.location())
	if err != nil || left.StatusCode != http.StatusOK || u.Host != "acme.example" || u.Path != "/login" || u.Query().Get("iss") != s.tn.issuer {
		b.t.Fatalf("%d %q %v\n%s", left.StatusCode, left.location(), err, left.body)
	}
	return u.Query().Get("request")
}

// ownPerson is somebody as the site knows them.
func ownPerson(subject string, organizations ...string) map[string]any {
	list := []map[string]string{}
	for _, o := range organizations {
		list = append(list, map[string]string{"id": o, "name": strings.ToUpper(o)})
	}
	return map[string]any{"subject": subject, "email": subject + "@acme.example", "name": "Ada Lovelace", "organizations": list}
}

// say is what the site's backend sends.
func (s *ownSite) say(request string, person map[string]any) *answer {
	s.tn.w.t.Helper()
	body := maps.Clone(person)
	body["request"] = request
	encoded, err := json.Marshal(body)
	if err != nil {
		s.tn.w.t.Fatal(err)
	}
	return call(s.tn.w.t, s.tn.w.door, http.MethodPost, s.tn.issuer+"/api/oauth/login", jsonHeader(bearer(s.secret)), string(encoded))
}

// answer says who came, and returns where the site sends the browser.
func (s *ownSite) answer(request, subject string, organizations ...string) string {
	s.tn.w.t.Helper()
	got := s.say(request, ownPerson(subject, organizations...))
	if got.StatusCode != http.StatusOK {
		s.tn.w.t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	return got.text("redirect_to")
}

// The customer's site signs a person in; who they are never travels through a browser, and each request and answer counts once
// (catalogue 118, 122, 125, 138, 142).
func TestOwnLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	site, b := tn.ownSite(), newBrowser(t, w.door)
	request := site.leave(b)
	back := site.answer(request, "ada")
	if strings.Contains(back, "ada") || !strings.HasPrefix(back, tn.issuer+"/oauth/sign-in/own/callback?") {
		t.Errorf("%s", back)
	}
	if again := site.say(request, ownPerson("eve")); again.StatusCode != http.StatusBadRequest {
		t.Errorf("a request is answered twice: %d", again.StatusCode)
	}
	if thief := newBrowser(t, w.door).get(back); thief.StatusCode != http.StatusBadRequest || thief.has("button[value=allow]") {
		t.Errorf("another browser: %d", thief.StatusCode)
	}
	arrived := b.get(back)
	if strings.Contains(arrived.location(), "answer") {
		t.Errorf("the answer stays in the address: %s", arrived.location())
	}
	if consent := b.get(arrived.location()); !consent.has("button[value=allow]") || !strings.Contains(consent.body, "ada@acme.example") || consent.has("#organization") {
		t.Fatalf("%d\n%s", consent.StatusCode, consent.body)
	}
	if replay := b.get(back); replay.StatusCode == http.StatusSeeOther {
		t.Error("an answer counts twice")
	}
	second := newBrowser(t, w.door) // the same person with another address, and a person with the same address but another subject
	person := ownPerson("ada")
	person["email"] = "countess@acme.example"
	moved := site.say(site.leave(second), person)
	if got := second.get(second.get(moved.text("redirect_to")).location()); !strings.Contains(got.body, "ada@acme.example") {
		t.Errorf("the address decides who it is: %d\n%s", got.StatusCode, got.body)
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE email LIKE '%@acme.example'`); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if value[bool](w, `SELECT bool_or(sealed::text LIKE '%lovelace%') FROM own_logins`) {
		t.Error("the database can be read")
	}
}

// Of 20 answers at once to one request one counts, and a blocked person is refused (catalogue 123, 125).
func TestOwnLoginOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, b := w.demo.ownSite(), newBrowser(t, w.door)
	request := site.leave(b)
	var group sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		group.Go(func() { statuses[i] = site.say(request, ownPerson("ada")).StatusCode })
	}
	group.Wait()
	slices.Sort(statuses)
	if statuses[0] != 200 || statuses[1] != 400 || statuses[19] != 400 {
		t.Errorf("%v", statuses)
	}
	signsIn(b.get(site.answer(site.leave(b), "ada")))
	w.exec(`UPDATE users SET blocked_at = now() WHERE email = 'ada@acme.example'`)
	blocked := newBrowser(t, w.door)
	if got := blocked.get(site.answer(site.leave(blocked), "ada")); got.StatusCode != http.StatusForbidden || blocked.cookie(w.demo, "mcpauth_session") != "" {
		t.Errorf("%d", got.StatusCode)
	}
}

// Bad answers say what was expected; nothing is used up by them.
func TestOwnLoginRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, b := w.demo.ownSite(), newBrowser(t, w.door)
	request := site.leave(b)
	many := make([]map[string]string, 51)
	for i := range many {
		many[i] = map[string]string{"id": string(rune('a'+i/26)) + string(rune('a'+i%26)), "name": "x"}
	}
	for name, change := range map[string]map[string]any{
		"subject": {"subject": ""}, "subject too long": {"subject": strings.Repeat("a", 256)}, "email": {"email": "ada"}, "email missing": {"email": nil},
		"name": {"name": strings.Repeat("a", 101)}, "name line": {"name": "a\nb"}, "organization id": {"organizations": []map[string]string{{"id": "", "name": "x"}}},
		"organization twice": {"organizations": []map[string]string{{"id": "a"}, {"id": "a"}}}, "organizations": {"organizations": many},
		"organizations type": {"organizations": "acme"}, "unknown member": {"admin": true}, "request": {"request": "x"},
	} {
		person := ownPerson("ada")
		maps.Copy(person, change)
		if changed, ok := change["request"].(string); ok {
			if got := site.say(changed, ownPerson("ada")); got.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
			continue
		}
		got := site.say(request, person)
		if got.StatusCode != http.StatusBadRequest || !strings.Contains(got.text("error_description"), "xpected") {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	for name, wrong := range map[string]string{"registration secret": w.demo.guard, "none": "", "made up": tenants.ExternalLoginSecretPrefix + randomText(43), "before it was replaced": site.secret} {
		impostor := *site
		if impostor.secret = wrong; name == "before it was replaced" {
			site = w.demo.ownSite()
		}
		if got := impostor.say(request, ownPerson("ada")); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	w.clock.advance(11 * time.Minute)
	if got := site.say(request, ownPerson("ada")); got.StatusCode != http.StatusBadRequest {
		t.Errorf("an old request: %d", got.StatusCode)
	}
	for _, bad := range []string{"javascript:alert(1)", "http://acme.example/login", "https://acme.example/login?x=1", "https://u:p@acme.example/", ""} { // 153
		if _, _, err := w.projects.SetExternalLogin(t.Context(), tenants.SystemActor, w.org, w.demo.project.ID, "Acme", bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// The person chooses an organization; it is in every token of the grant, and the access ends when they leave it (catalogue 145, 146).
func TestOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	site, b := tn.ownSite(), newBrowser(t, w.door)
	query := tn.request(tn.client())
	come := func(organizations ...string) *answer {
		left := b.submit(b.get(tn.authorizeURL(query)), "form.who button, #way-provider-"+site.id, nil)
		if left.location() == "" {
			left = b.submit(left, "#way-provider-"+site.id, nil)
		}
		u, err := url.Parse(left.location())
		if err != nil {
			t.Fatal(err)
		}
		return b.get(b.get(site.answer(u.Query().Get("request"), "ada", organizations...)).location())
	}
	consent := come("north", "south")
	options := consent.document().Find("#organization option")
	if options.Length() != 3 || options.Eq(2).Text() != "SOUTH" || consent.document().Find("#organization").AttrOr("required", "no") == "no" {
		t.Fatalf("%s", consent.body)
	}
	for _, chosen := range []string{"west", ""} {
		before := w.rows()
		if got := b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {chosen}}); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", chosen, got.StatusCode)
		}
		w.unchanged(before)
	}
	left := b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {"south"}})
	made := approval{tn: tn, clientID: query.Get("client_id"), code: left.callback().Get("code")}
	held := tn.token(made.codeForm()).tokens()
	refreshed := tn.token(made.refreshForm(held.refresh)).tokens()
	for _, token := range []string{held.access, refreshed.access} {
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil || claims["org_id"] != "south" || tn.introspect(tn.guard, token).text("org_id") != "south" {
			t.Errorf("%v %v", claims, err)
		}
	}
	if one := come("south"); !strings.Contains(one.document().Find(".acts").Text(), "SOUTH") || !tn.active(refreshed.access) {
		t.Errorf("%s", one.body)
	}
	if come("north"); tn.active(refreshed.access) {
		t.Error("the access for an organization outlives the membership")
	}
}

// accountLink is the query of a link that the site puts into its own settings.
func (s *ownSite) accountLink(subject string) url.Values {
	s.tn.w.t.Helper()
	back, err := url.Parse(s.answer("account", subject))
	if err != nil || !strings.HasPrefix(back.String(), s.tn.issuer+"/account/enter?") {
		s.tn.w.t.Fatalf("%s %v", back, err)
	}
	return back.Query()
}

// From the customer's own settings a person gets to their connected apps with a link and one click, once; looking at the link signs
// nobody in, and an answer that belongs to a browser's flow is none of these links (catalogue 111, 113, 134, 142).
func TestAccountLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	site, b := tn.ownSite(), newBrowser(t, w.door)
	link := tn.issuer + "/account/enter?" + site.accountLink("ada").Encode()
	for range 2 {
		if got := newBrowser(t, w.door).get(link); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "ada@acme.example") {
			t.Errorf("%d", got.StatusCode)
		}
	}
	page := b.get(link)
	if b.cookie(tn, "mcpauth_session") != "" {
		t.Error("a link signs in")
	}
	target, fields := page.form("[name=answer]")
	before := w.rows()
	if got := b.postAs(target, fields, http.Header{"Sec-Fetch-Site": {"same-site"}}); got.StatusCode != http.StatusForbidden {
		t.Errorf("a sibling's form: %d", got.StatusCode)
	}
	w.unchanged(before)
	if account := b.done(b.post(target, fields)); !account.has(`form[action$="/account/sessions"]`) || !strings.Contains(account.body, "ada@acme.example") {
		t.Errorf("%d\n%s", account.StatusCode, account.body)
	}
	if again := newBrowser(t, w.door).post(target, fields); again.StatusCode != http.StatusBadRequest {
		t.Errorf("a link counts twice: %d", again.StatusCode)
	}
	flow, err := url.Parse(site.answer(site.leave(newBrowser(t, w.door)), "ada"))
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []*answer{b.get(tn.issuer + "/account/enter?" + flow.RawQuery), newBrowser(t, w.door).post(target, flow.Query())} {
		if got.StatusCode != http.StatusBadRequest {
			t.Errorf("the answer of a flow opens the account page: %d", got.StatusCode)
		}
	}
	old := site.accountLink("ada").Encode()
	w.exec(`UPDATE own_logins SET expires_at = now() - interval '1 second'`)
	if got := b.get(tn.issuer + "/account/enter?" + old); got.StatusCode != http.StatusBadRequest {
		t.Errorf("an old link: %d", got.StatusCode)
	}
}
