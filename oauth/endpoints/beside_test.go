package endpoints_test

import (
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// A provider beside the customer's own login does not lead around it either: somebody with the address of a person of the site becomes an
// account of their own, and a provider's identity that was on the account before signs nobody in to it any more.
func TestNoProviderGoesAroundTheOwnLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id := tn.offer(p, "oidc").String()
	site := tn.ownSite()
	tn.offersOnly(tenants.SignInExternal, tenants.SignInProvider)
	if got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"}); !signsIn(got) {
		t.Fatalf("before the site knew anybody: %d\n%s", got.StatusCode, got.body)
	}
	site.comes(tn.client(), "grace")
	site.comes(tn.client(), "ada")
	accounts := `SELECT string_agg(subject || ' ' || coalesce(u.email, 'none'), ', ' ORDER BY subject) FROM user_identities i JOIN users u ON u.project_id = i.project_id AND u.id = i.account_id`
	sessions := `SELECT count(*) FROM user_sessions WHERE method = 'upstream' AND account_id = (SELECT account_id FROM user_identities WHERE subject = $1)`
	before := value[int](w, sessions, "grace")
	got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"})
	if says := strings.TrimSpace(got.document().Find("[role=alert]").Text()); got.StatusCode != http.StatusForbidden || !strings.Contains(says, `"Continue with Acme"`) ||
		value[int](w, sessions, "grace") != before {
		t.Errorf("an identity from before the site: got %d %q, want 403 and the way to the site", got.StatusCode, says)
	}
	if got := tn.comesFrom(p, id, map[string]any{"sub": "new", "email": "ada@acme.example"}); !signsIn(got) {
		t.Errorf("a new subject with the address of a person of the site: got %d, want to be somebody\n%s", got.StatusCode, got.body)
	}
	want := "ada ada@acme.example, grace grace@acme.example, new none, old grace@acme.example"
	if is := value[string](w, accounts); is != want || value[int](w, sessions, "ada") != 0 {
		t.Errorf("got %s, want %s", is, want)
	}
	site.beside(true)
	if got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"}); !signsIn(got) {
		t.Errorf("when the project says so: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	site.beside(false)
	tn.offersOnly(tenants.SignInProvider)
	if got := tn.comesFrom(p, id, map[string]any{"sub": "old", "email": "grace@acme.example"}); !signsIn(got) {
		t.Errorf("with the own login off: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
}

// alive reports whether a browser is signed in.
func (tn *tenant) alive(b *browser) bool {
	tn.w.t.Helper()
	return signsIn(b.get(tn.authorizeURL(tn.request(tn.client()))))
}

// withPassword signs the tenant's person in with their password, in a browser of their own.
func (tn *tenant) withPassword() *browser {
	tn.w.t.Helper()
	b := newBrowser(tn.w.t, tn.w.door)
	if got := b.submit(b.get(tn.authorizeURL(tn.request(tn.client()))), "#password", url.Values{"email": {tn.user}, "password": {userPassword}}); !signsIn(got) {
		tn.w.t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	return b
}

// brings lets a person of the site come who has the address of the tenant's person.
func (s *ownSite) brings(subject string) *browser {
	s.tn.w.t.Helper()
	b, person := newBrowser(s.tn.w.t, s.tn.w.door), ownPerson(subject)
	person["email"] = s.tn.user
	if got := b.get(b.get(s.say(s.leave(b), person).text("redirect_to")).location()); !signsIn(got) {
		s.tn.w.t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	return b
}

// Whoever comes through the customer's own login for the first time is signed out wherever they signed in in other ways before, unless
// the project allows those ways beside it. Their next sign-in there ends nothing.
func TestOwnLoginEndsOlderSessions(t *testing.T) {
	t.Parallel()
	for beside, want := range map[bool]bool{false: false, true: true} {
		w := newWorld(t)
		site := w.demo.ownSite()
		site.beside(beside)
		w.demo.addUser(w.demo.user)
		before := w.demo.withPassword()
		first := site.brings("ada")
		second := site.brings("ada")
		if got := w.demo.alive(before); got != want || !w.demo.alive(first) || !w.demo.alive(second) {
			t.Errorf("other ways allowed %t: the session from before alive %t, those of the site %t and %t; want %t, true and true",
				beside, got, w.demo.alive(first), w.demo.alive(second), want)
		}
	}
}

// Other ways that are not allowed any more end the sessions that they began, of people of the own login and nobody else.
func TestOtherWaysSwitchedOffEndTheirSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	site.beside(true)
	w.demo.addUser(w.demo.user)
	stranger := *w.demo
	stranger.user = "other@demo.example"
	w.demo.addUser(stranger.user)
	own, password, others := site.brings("ada"), w.demo.withPassword(), stranger.withPassword()
	site.beside(false)
	if w.demo.alive(password) || !w.demo.alive(own) || !w.demo.alive(others) {
		t.Errorf("alive: the password's %t, the site's %t, somebody else's %t; want false, true, true", w.demo.alive(password), w.demo.alive(own), w.demo.alive(others))
	}
}

// A sign-in that is under way while the other ways are switched off is refused, or ended with the others.
func TestOtherWaysSwitchedOffDuringASignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	site.beside(true)
	w.demo.addUser(w.demo.user)
	site.brings("ada")
	b := newBrowser(t, w.door)
	target, fields := b.get(w.demo.authorizeURL(w.demo.request(w.demo.client()))).form("#password")
	fields.Set("email", w.demo.user)
	fields.Set("password", userPassword)
	tx, err := w.super.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `UPDATE projects SET ways_beside_own = false`)
	}
	if err != nil {
		t.Fatal(err)
	}
	tried := make(chan *answer, 1)
	go func() { tried <- b.post(target, fields) }()
	for len(tried) == 0 && value[int](w, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 0 {
		runtime.Gosched()
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-tried; got.StatusCode != http.StatusForbidden || b.cookie(w.demo, "mcpauth_session") != "" {
		t.Errorf("got %d, want 403 and no session", got.StatusCode)
	}
}

// Who left everything, or the last organization, is signed out: their next approval goes through the site. Who left one of several goes on.
func TestLeavingEverythingSignsOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left  string
		alive bool
	}{
		"one of two":            {`{"subject":"ada","organization":"north"}`, true},
		"the last one":          {`{"subject":"ada","organization":"only"}`, false},
		"all":                   {`{"subject":"ada","all":true}`, false},
		"one they did not have": {`{"subject":"ada","organization":"east"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			site := w.demo.ownSite()
			organizations := []string{"north", "south"}
			if name == "the last one" {
				organizations = []string{"only"}
			}
			b, consent := site.comes(w.demo.client(), "ada", organizations...)
			eve, _ := site.comes(w.demo.client(), "eve", "north")
			if got := site.left(c.left); got.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", got.StatusCode, got.body)
			}
			if got := w.demo.alive(b); got != c.alive || !w.demo.alive(eve) {
				t.Errorf("signed in still %t, another person %t; want %t and true", got, w.demo.alive(eve), c.alive)
			}
			if c.alive {
				return
			}
			grants := value[int](w, `SELECT count(*) FROM grants`)
			got := b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}, "organization": {""}})
			if !got.has("#way-provider-"+site.id) || value[int](w, `SELECT count(*) FROM grants`) != grants {
				t.Errorf("a page from before: got %d, want the way to the site and nothing allowed", got.StatusCode)
			}
			if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'user.signed_out' AND actor = $1`, "provider:"+site.id); n != 1 {
				t.Errorf("audit log: got %d rows, want one", n)
			}
		})
	}
}

// A person who has no organization to leave is signed out by a departure from all as well, and by a second one nothing is written down.
func TestLeavingWithoutOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	b, _ := site.comes(w.demo.client(), "ada")
	site.left(`{"subject":"ada","all":true}`)
	if w.demo.alive(b) {
		t.Error("signed in still, want signed out")
	}
	rows := value[int](w, `SELECT count(*) FROM audit_log`)
	if got := site.left(`{"subject":"ada","all":true}`); got.StatusCode != http.StatusOK || value[int](w, `SELECT count(*) FROM audit_log`) != rows {
		t.Errorf("a second time: got %d and %d rows of the audit log, want 200 and %d", got.StatusCode, value[int](w, `SELECT count(*) FROM audit_log`), rows)
	}
}
