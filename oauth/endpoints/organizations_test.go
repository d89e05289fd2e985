package endpoints_test

import (
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/golang-jwt/jwt/v5"

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
	if err := w.projects.SetSignInMethods(t.Context(), tenants.SystemActor, w.org, tn.project.ID, []string{tenants.SignInPassword}); err != nil {
		t.Fatal(err)
	}
	w.forget()
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
	provider, err := secret.ParseID(site.id)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	faults := make([]error, 12)
	for i := range faults {
		group.Go(func() {
			_, faults[i] = w.store.Identities(w.demo.project.ID).SignInIdentity(t.Context(), provider, signin.Identity{
				Issuer: signin.OwnIssuer, Subject: "ada", Email: "ada@acme.example", EmailVerified: true, FromOwn: true, Organizations: []signin.Organization{{ID: "north"}}}, true)
		})
	}
	group.Wait()
	for i, err := range faults {
		if err != nil {
			t.Errorf("sign-in %d: got %v, want none", i, err)
		}
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
