package endpoints_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// connectsFew connects an app for the first organization named, with fewer rights than it may ask for.
func (s *ownSite) connectsFew(client, subject string, organizations ...string) member {
	s.tn.w.t.Helper()
	b := newBrowser(s.tn.w.t, s.tn.w.door)
	asked := s.tn.request(client)
	asked.Set("scope", "mcp:tools")
	consent := s.follows(b, b.submit(b.get(s.tn.authorizeURL(asked)), "#way-provider-"+s.id, nil), subject, organizations...)
	decision := url.Values{"decision": {"allow"}}
	if len(organizations) > 0 {
		decision.Set("organization", organizations[0])
	}
	made := approval{tn: s.tn, clientID: client, code: b.submit(consent, "button[value=allow]", decision).callback().Get("code")}
	return member{approval: made, held: s.tn.token(made.codeForm()).tokens(), b: b}
}

// moreLink is the link with which an app asks for notes:write.
func (tn *tenant) moreLink(client string) string {
	return tn.issuer + "/account/allow?" + url.Values{"client": {client}, "server": {tn.server.Resource}, "scope": {"notes:write"}}.Encode()
}

// mayAfter is what the app may do after its next refresh.
func mayAfter(m *member) string {
	m.tn.w.t.Helper()
	m.held = m.tn.token(m.refreshForm(m.held.refresh)).tokens()
	scope, _ := jwtPart(m.held.access, 1)["scope"].(string)
	return scope
}

// More for an app that acts for an organization takes what choosing the organization takes: a sign-in at the site, of the same person,
// that is young enough. Any other session leads there, from the page as well as from a decision, and back to the page.
func TestAllowMoreForAnOrganization(t *testing.T) {
	t.Parallel()
	for name, unfit := range map[string]func(w *world, site *ownSite, m member) *browser{
		"older than the project wants": func(w *world, _ *ownSite, m member) *browser {
			w.exec(`UPDATE user_sessions SET auth_time = now() - interval '25 hours'`)
			return m.b
		},
		"begun with a password": func(w *world, site *ownSite, m member) *browser {
			w.exec(`UPDATE user_sessions SET method = 'password', identity_id = NULL`)
			return m.b
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			site, client := w.demo.ownSite(), w.demo.client()
			m := site.connectsFew(client, "ada", "north")
			shown := m.b.get(w.demo.moreLink(client))
			b := unfit(w, site, m)
			late := b.submit(shown, "button[value=allow]", allow)
			if got := mayAfter(&m); got != "mcp:tools" {
				t.Errorf("after a decision in such a session: the app may %q, want only what it might before", got)
			}
			session, _ := id.Parse(value[string](w, `SELECT id::text FROM user_sessions WHERE ended_at IS NULL`))
			user, _ := id.Parse(value[string](w, `SELECT account_id::text FROM user_identities WHERE subject = 'ada'`))
			err := w.store.ExtendConnection(t.Context(), w.demo.project.ID, user, session, client, w.demo.server.Resource, []string{"notes:write"})
			if got := mayAfter(&m); !errors.Is(err, oauth.ErrNotFound) || got != "mcp:tools" {
				t.Errorf("at the store: got %v and %q, want ErrNotFound and no more than before", err, got)
			}
			if again := b.done(site.follows(b, late, "ada", "north")); !again.has("button[value=allow]") {
				t.Fatalf("back from the site: got %d, want the page that asks\n%s", again.StatusCode, again.body)
			}
			unfit(w, site, m)
			page := b.done(site.follows(b, b.get(w.demo.moreLink(client)), "ada", "north"))
			if got := b.done(b.submit(page, "button[value=allow]", allow)); got.StatusCode != http.StatusOK {
				t.Errorf("after the site: got %d\n%s", got.StatusCode, got.body)
			}
			if got := mayAfter(&m); got != "mcp:tools notes:write" || m.organization() != "north" {
				t.Errorf("the app may %q for %q, want both rights for north", got, m.organization())
			}
		})
	}
}

// Another person of an account neither sees nor widens what the first one's app may do for an organization, while their own page goes on.
func TestAllowMoreForAnotherPersonsOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, client := w.demo.ownSite(), w.demo.client()
	ada := site.connectsFew(client, "ada", "north")
	site.connects("eve", "south")
	site.share("ada", "eve")
	shown := ada.b.get(w.demo.moreLink(client))
	b, _ := site.comes(w.demo.client(), "eve", "south", "north")
	if got := b.get(w.demo.moreLink(client)); got.StatusCode != http.StatusNotFound || got.has("button[value=allow]") {
		t.Errorf("the other person's page: got %d, want 404", got.StatusCode)
	}
	before := w.rows()
	target, fields := shown.form("button[value=allow]")
	_, own := b.get(w.demo.issuer + "/account").form("[name=all]")
	if got := b.post(target, with(with(fields, "decision", "allow"), "token", own.Get("token"))); got.StatusCode != http.StatusNotFound {
		t.Errorf("a decision by hand: got %d, want 404\n%s", got.StatusCode, got.body)
	}
	w.unchanged(before)
	eve := site.connectsFew(client, "eve", "south")
	page := eve.b.get(w.demo.moreLink(client))
	if got := eve.b.done(eve.b.submit(page, "button[value=allow]", allow)); got.StatusCode != http.StatusOK {
		t.Errorf("for their own: got %d\n%s", got.StatusCode, got.body)
	}
	if got := mayAfter(&eve); got != "mcp:tools notes:write" {
		t.Errorf("the other person's app: got %q, want both rights", got)
	}
	if got := mayAfter(&ada); got != "mcp:tools" || ada.organization() != "north" {
		t.Errorf("the first person's app: got %q, want what it might before", got)
	}
}

// Where the site signs nobody in, nobody is sent there.
func TestAllowMoreForAnOrganizationWithoutTheSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, client := w.demo.ownSite(), w.demo.client()
	m := site.connectsFew(client, "ada", "north")
	w.demo.offersOnly(tenants.SignInPassword)
	if got := m.b.get(w.demo.moreLink(client)); got.StatusCode != http.StatusNotFound || got.has("button[value=allow]") {
		t.Errorf("got %d, want 404\n%s", got.StatusCode, got.body)
	}
}
