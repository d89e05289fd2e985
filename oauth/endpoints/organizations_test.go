package endpoints_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// follows takes a browser that was led to the site back from there, as the person says they are.
func (s *ownSite) follows(b *browser, left *answer, subject string, organizations ...string) *answer {
	b.t.Helper()
	u, err := url.Parse(left.location())
	if err != nil || left.StatusCode != http.StatusOK || u.Host != "acme.example" || u.Query().Get("request") == "" {
		b.t.Fatalf("got %d %q, want the way to the site\n%s", left.StatusCode, left.location(), left.body)
	}
	return b.get(b.get(s.answer(u.Query().Get("request"), subject, organizations...)).location())
}

// comes signs a person of the site in, in a browser of their own, for an app.
func (s *ownSite) comes(client, subject string, organizations ...string) (*browser, *answer) {
	s.tn.w.t.Helper()
	b := newBrowser(s.tn.w.t, s.tn.w.door)
	left := b.submit(b.get(s.tn.authorizeURL(s.tn.request(client))), "#way-provider-"+s.id, nil)
	return b, s.follows(b, left, subject, organizations...)
}

// member is a connection of a person for an organization.
type member struct {
	approval
	held tokens
	b    *browser
}

// connects comes and allows an app to act for an organization, the first one of those named.
func (s *ownSite) connects(subject string, organizations ...string) member {
	s.tn.w.t.Helper()
	client := s.tn.client()
	b, consent := s.comes(client, subject, organizations...)
	made := approval{tn: s.tn, clientID: client}
	decision := url.Values{"decision": {"allow"}}
	if len(organizations) > 0 {
		decision.Set("organization", organizations[0])
	}
	made.code = b.submit(consent, "button[value=allow]", decision).callback().Get("code")
	return member{approval: made, held: s.tn.token(made.codeForm()).tokens(), b: b}
}

// organization is what the access token names.
func (m member) organization() string {
	m.tn.w.t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(m.held.access, claims); err != nil {
		m.tn.w.t.Fatal(err)
	}
	name, _ := claims["org_id"].(string)
	return name
}

// ended reports whether the connection is over in every way: its access token, and what a refresh would give.
func (m member) ended() bool {
	m.tn.w.t.Helper()
	active := m.tn.active(m.held.access)
	refresh := m.tn.token(m.refreshForm(m.held.refresh))
	if over := refresh.StatusCode == http.StatusBadRequest && refresh.text("error") == "invalid_grant"; over == active {
		m.tn.w.t.Errorf("access token active %t, but a refresh gives %d %s", active, refresh.StatusCode, refresh.body)
	}
	return !active
}

// share puts a second person of the site on the account of the first one, as it was before each became an account of their own.
func (s *ownSite) share(first, second string) {
	s.tn.w.t.Helper()
	s.tn.w.exec(`UPDATE user_identities SET account_id = (SELECT account_id FROM user_identities WHERE subject = $1) WHERE subject = $2`, first, second)
}

// Organizations are one person's at the site, not an account's: the sign-in of another person on the same account offers theirs, ends
// nothing of the first one's, and gives their app nothing of the first one's.
func TestOrganizationsOfTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	site := tn.ownSite()
	ada := site.connects("ada", "north")
	site.connects("eve", "south")
	site.share("ada", "eve")

	client := tn.client()
	b, consent := site.comes(client, "eve", "south", "west")
	options := consent.document().Find("#organization option").Map(func(_ int, o *goquery.Selection) string { return o.AttrOr("value", "") })
	if got := strings.Join(options, " "); got != " south west" {
		t.Errorf("the second person chooses among %q, want south and west", got)
	}
	before := w.rows()
	if got := b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {"north"}}); got.StatusCode != http.StatusBadRequest {
		t.Errorf("the first person's organization in the second one's session: got %d, want 400", got.StatusCode)
	}
	w.unchanged(before)
	if ada.organization() != "north" || ada.ended() {
		t.Error("the second person's sign-in ended the first one's connection")
	}
	eve := site.connects("eve", "west")
	if eve.organization() != "west" {
		t.Errorf("org_id: got %q, want west", eve.organization())
	}
	site.comes(tn.client(), "ada", "east")
	if !ada.ended() || eve.ended() {
		t.Errorf("after the first person left north: theirs ended %t, the other one's %t, want true and false", ada.ended(), eve.ended())
	}
}

// A connection of which it is not known for whom of an account it was made ends when none of the account's people has its organization.
func TestOrganizationOfAnOldConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	old := site.connects("ada", "north")
	site.connects("eve", "north")
	site.share("ada", "eve")
	w.exec(`UPDATE grants SET identity_id = NULL`)
	if site.comes(w.demo.client(), "ada", "south"); old.ended() {
		t.Error("ended while another person of the account has the organization")
	}
	if site.comes(w.demo.client(), "eve"); !old.ended() {
		t.Error("goes on although nobody of the account has the organization")
	}
}

// Choosing an organization needs a sign-in at the site that is young enough. Any other session leads there, and back to the same consent.
func TestOrganizationNeedsAYoungSession(t *testing.T) {
	t.Parallel()
	for name, makeOld := range map[string]func(w *world, b *browser){
		"older than a day": func(w *world, _ *browser) {
			w.exec(`UPDATE user_sessions SET auth_time = now() - interval '25 hours'`)
		},
		"older than the project wants": func(w *world, _ *browser) {
			w.exec(`UPDATE projects SET organization_session = 3600`)
			w.exec(`UPDATE user_sessions SET auth_time = now() - interval '61 minutes'`)
		},
		"from before it was kept how it began": func(w *world, _ *browser) {
			w.exec(`UPDATE user_sessions SET method = '', identity_id = NULL`)
		},
		"begun in another way": func(w *world, _ *browser) {
			w.exec(`UPDATE user_sessions SET method = 'upstream', identity_id = NULL`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tn := w.demo
			site := tn.ownSite()
			client := tn.client()
			b, consent := site.comes(client, "ada", "north", "south")
			makeOld(w, b)
			before := value[int](w, `SELECT count(*) FROM grants`)
			late := b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {"south"}})
			again := site.follows(b, late, "ada", "north", "south")
			if !again.has("#organization") || value[int](w, `SELECT count(*) FROM grants`) != before {
				t.Fatalf("after a decision in an old session: got %d, want the consent page again and nothing allowed\n%s", again.StatusCode, again.body)
			}
			makeOld(w, b)
			again = site.follows(b, b.get(tn.authorizeURL(tn.request(client))), "ada", "north", "south")
			left := b.submit(again, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {"south"}})
			made := approval{tn: tn, clientID: client, code: left.callback().Get("code")}
			if got := (member{approval: made, held: tn.token(made.codeForm()).tokens()}).organization(); got != "south" {
				t.Errorf("org_id: got %q, want south", got)
			}
		})
	}
}

// Who belongs to no organization, and whoever signs in where the site does not any more, is not sent anywhere.
func TestNoOrganizationNeedsNoSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	site := tn.ownSite()
	client := tn.client()
	b, _ := site.comes(client, "ada")
	w.exec(`UPDATE user_sessions SET auth_time = now() - interval '25 hours'`)
	if got := b.get(tn.authorizeURL(tn.request(client))); !signsIn(got) || got.has("#organization") {
		t.Errorf("without organizations: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	b, _ = site.comes(client, "eve", "north", "south")
	w.exec(`UPDATE user_sessions SET auth_time = now() - interval '25 hours'`)
	tn.offersOnly(tenants.SignInPassword)
	got := b.get(tn.authorizeURL(tn.request(client)))
	if !signsIn(got) || got.has("#organization") {
		t.Fatalf("with the site's login off: got %d, want the consent page without organizations\n%s", got.StatusCode, got.body)
	}
	if left := b.submit(got, "button[value=allow]", allow); !left.callback().Has("code") {
		t.Errorf("allowing with the site's login off: got %d\n%s", left.StatusCode, left.body)
	}
}

// Sign-ins of one person at once, as from two tabs, all succeed.
func TestOwnLoginsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	site.connects("ada", "north")
	var group sync.WaitGroup
	faults := make([]error, 12)
	for i := range faults {
		answered := site.keeps(signin.ExternalLogin{Subject: "ada", Email: "ada@acme.example", Organizations: []signin.Organization{{ID: "north"}}})
		group.Go(func() { _, faults[i] = answered() })
	}
	group.Wait()
	for i, err := range faults {
		if err != nil {
			t.Errorf("sign-in %d: got %v, want none", i, err)
		}
	}
}

// keeps stores an answer of the site, and returns the sign-in for which it waits.
func (s *ownSite) keeps(login signin.ExternalLogin) func() (signin.Account, error) {
	s.tn.w.t.Helper()
	t, identities := s.tn.w.t, s.tn.w.store.Identities(s.tn.project.ID)
	provider, err := id.Parse(s.id)
	visit := id.New()
	if err == nil {
		err = identities.StoreExternalLogin(t.Context(), provider, visit, secret.Hash(visit.String()), login)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() (signin.Account, error) {
		return identities.SignInExternal(t.Context(), provider, visit, secret.Hash(visit.String()))
	}
}

// Whoever leaves an organization while they allow an app to act for it does not keep that connection: the decision waits for the sign-in
// that is under way, and sees what it said.
func TestOrganizationLeftWhileAllowing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	b, consent := site.comes(w.demo.client(), "ada", "north")
	target, fields := consent.form("button[value=allow]")
	fields.Set("decision", "allow")
	tx, err := w.super.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `UPDATE users SET name = 'A' WHERE email = 'ada@acme.example'`)
	}
	if err == nil {
		_, err = tx.Exec(t.Context(), `UPDATE user_identities SET organizations = '[]' WHERE subject = 'ada'`)
	}
	if err != nil {
		t.Fatal(err)
	}
	decided := make(chan *answer, 1)
	go func() { decided <- b.post(target, fields) }()
	for value[int](w, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
		runtime.Gosched()
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-decided; got.StatusCode != http.StatusBadRequest || value[int](w, `SELECT count(*) FROM grants`) != 0 {
		t.Errorf("got %d, want 400 and no connection\n%s", got.StatusCode, got.body)
	}
}

// left is what the site's backend sends when somebody left.
func (s *ownSite) left(body string) *answer {
	s.tn.w.t.Helper()
	return call(s.tn.w.t, s.tn.w.door, http.MethodPost, s.tn.issuer+"/api/oauth/login/left", jsonHeader(bearer(s.secret)), body)
}

// The site tells that a person left: their connections for that organization end, nobody else's do, and it can be told any number of times.
func TestSiteSaysWhoLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	eve, none := site.connects("eve", "north"), site.connects("ada")
	north, south := site.connects("ada", "north", "south", "west"), site.connects("ada", "south", "west", "north")
	for range 2 {
		got := site.left(`{"subject":"ada","organization":"north"}`)
		if want := `{"organizations":[{"id":"south","name":"SOUTH"},{"id":"west","name":"WEST"}],"subject":"ada"}`; got.StatusCode != http.StatusOK || !sameJSON(got.body, want) {
			t.Errorf("got %d %s, want %s", got.StatusCode, got.body, want)
		}
	}
	if !north.ended() || south.ended() || eve.ended() || none.ended() {
		t.Errorf("ended: north %t, south %t, another person's north %t, for none %t; want only the first", north.ended(), south.ended(), eve.ended(), none.ended())
	}
	audited := `SELECT coalesce(string_agg(target || ' ' || detail::text, '; ' ORDER BY at), '') FROM audit_log WHERE action = 'user.organization_left' AND actor = $1`
	account := value[string](w, `SELECT account_id::text FROM user_identities WHERE subject = 'ada'`)
	want := `user:` + account + ` {"organization": "north"}`
	if got := value[string](w, audited, "provider:"+site.id); got != want {
		t.Errorf("audit log: got %q, want %q, once", got, want)
	}
	consent := north.b.get(w.demo.authorizeURL(w.demo.request(w.demo.client())))
	if options := consent.document().Find("#organization option").Length(); options == 4 {
		t.Error("the organization can still be chosen in a session that is older")
	}
	if got := site.left(`{"subject":"ada","all":true}`); got.StatusCode != http.StatusOK || !sameJSON(got.body, `{"subject":"ada","organizations":[]}`) {
		t.Errorf("all: got %d %s, want no organization", got.StatusCode, got.body)
	}
	if !south.ended() || eve.ended() || none.ended() {
		t.Errorf("after all: south ended %t, another person's %t, for none %t; want only the first", south.ended(), eve.ended(), none.ended())
	}
	if got := value[string](w, audited, "provider:"+site.id); got != want+`; user:`+account+` {"organizations": "all"}` {
		t.Errorf("audit log: got %q", got)
	}
	before := w.rows()
	if got := site.left(`{"subject":"nobody","organization":"north"}`); got.StatusCode != http.StatusOK || !sameJSON(got.body, `{"subject":"nobody","organizations":[]}`) {
		t.Errorf("a subject that never came: got %d %s, want 200", got.StatusCode, got.body)
	}
	w.unchanged(before)
}

// What the site said before a person left counts for nobody any more, whether the browser has brought it or not.
func TestLeavingTakesAnswersBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	b := newBrowser(t, w.door)
	back := site.answer(site.leave(b), "ada", "north")
	signsInLater := site.keeps(signin.ExternalLogin{Subject: "ada", Email: "ada@acme.example", Organizations: []signin.Organization{{ID: "north"}}})
	other := site.answer(site.leave(newBrowser(t, w.door)), "eve", "north")
	if got := site.left(`{"subject":"ada","organization":"north"}`); got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	if got := b.get(back); got.StatusCode != http.StatusForbidden || b.cookie(w.demo, "mcpauth_session") != "" {
		t.Errorf("an answer from before: got %d, want 403 and no session", got.StatusCode)
	}
	if _, err := signsInLater(); !errors.Is(err, signin.ErrNotFound) {
		t.Errorf("an answer from before, at the store: got %v, want ErrNotFound", err)
	}
	if n := value[int](w, `SELECT count(*) FROM own_logins WHERE sealed <> ''`); n != 1 || other == "" {
		t.Errorf("answers that wait: got %d, want the other person's", n)
	}
	if _, again := site.comes(w.demo.client(), "ada"); !signsIn(again) {
		t.Errorf("signing in anew: got %d, want the consent page", again.StatusCode)
	}
}

// Only the site itself says it, for its own project; what is wrong with a request is said in words, and changes nothing.
func TestSiteSaysWhoLeftRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, elsewhere := w.demo.ownSite(), w.other.ownSite()
	held, there := site.connects("ada", "north"), elsewhere.connects("ada", "north")
	before := w.rows()
	for body, member := range map[string]string{
		`{}`: "subject", `{"subject":"ada"}`: "organization", `{"subject":"","organization":"north"}`: "subject", `{"subject":"ada","organization":""}`: "organization",
		`{"subject":"ada","organization":"north","all":true}`: "organization", `{"subject":"ada","all":false}`: "organization", `{"subject":"ada","organization":null}`: "organization",
		`{"subject":"ada","organizations":["north"]}`: "body", `{"subject":1,"all":true}`: "body", `[]`: "body", `{"subject":"ada","all":true}{}`: "body",
		`{"subject":"ada","organization":"` + strings.Repeat("n", 101) + `"}`: "organization", `{"subject":"` + strings.Repeat("a", 256) + `","all":true}`: "subject",
		`{"subject":"a\u0000da","all":true}`: "subject",
	} {
		got := site.left(body)
		if got.StatusCode != http.StatusBadRequest || got.text("error") != "invalid_request" || !strings.Contains(got.text("error_description"), "xpected") {
			t.Errorf("%s: got %d %s, want 400 about %s", body, got.StatusCode, got.body, member)
		}
	}
	for name, wrong := range map[string]string{"none": "", "a registration secret": w.demo.guard, "made up": tenants.ExternalLoginSecretPrefix + randomText(43), "another project's": elsewhere.secret} {
		impostor := *site
		impostor.secret = wrong
		if got := impostor.left(`{"subject":"ada","all":true}`); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("secret %s: got %d %s, want 401", name, got.StatusCode, got.body)
		}
	}
	w.unchanged(before)
	if got := elsewhere.left(`{"subject":"ada","all":true}`); got.StatusCode != http.StatusOK || held.ended() || !there.ended() {
		t.Errorf("another project's person of the same name: got %d, ended here %t, there %t; want 200, false, true", got.StatusCode, held.ended(), there.ended())
	}
	w.demo.offersOnly(tenants.SignInPassword)
	if got := site.left(`{"subject":"ada","all":true}`); got.StatusCode != http.StatusOK || !held.ended() {
		t.Errorf("with the login switched off: got %d, ended %t; want 200 and true", got.StatusCode, held.ended())
	}
}

// offersOnly switches every other way to sign in off.
func (tn *tenant) offersOnly(methods ...string) {
	tn.w.t.Helper()
	if err := tn.w.projects.SetSignInMethods(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, methods); err != nil {
		tn.w.t.Fatal(err)
	}
	tn.w.forget()
}

// sameJSON compares what two texts say.
func sameJSON(a, b string) bool {
	var left, right any
	return json.Unmarshal([]byte(a), &left) == nil && json.Unmarshal([]byte(b), &right) == nil && reflect.DeepEqual(left, right)
}
