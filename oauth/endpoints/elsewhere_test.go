package endpoints_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// beside sets whether people of the site may sign in with what this server keeps of them as well.
func (s *ownSite) beside(allowed bool) {
	s.tn.w.t.Helper()
	rules := tenants.ExternalLoginRules{WaysBeside: allowed, OrganizationSession: tenants.MaxOrganizationSession}
	if err := s.tn.w.projects.SetExternalLoginRules(s.tn.w.t.Context(), tenants.SystemActor, s.tn.w.org, s.tn.project.ID, rules); err != nil {
		s.tn.w.t.Fatal(err)
	}
	s.tn.w.forget()
}

// elsewhere is a project with every way, and the person of a tenant after they came through its own login once: with a password and a
// passkey from before.
func elsewhere(t *testing.T) (*world, *ownSite, *device) {
	t.Helper()
	w := newWorld(t)
	site := w.demo.ownSite()
	d := w.demo.withPasskeys()
	d.synced = true
	w.demo.enrolled(d, newBrowser(t, w.door))
	b := newBrowser(t, w.door)
	person := ownPerson("ada")
	person["email"] = w.demo.user
	if got := b.get(b.get(site.say(site.leave(b), person).text("redirect_to")).location()); !signsIn(got) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	return w, site, d
}

// ourWays are the ways in which a person proves themself by what this server keeps of them or sends to them.
func ourWays(w *world, d *device) map[string]func(b *browser) *answer {
	tn := w.demo
	return map[string]func(b *browser) *answer{
		"password": func(b *browser) *answer {
			return b.submit(b.get(tn.authorizeURL(tn.request(tn.client()))), "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
		},
		"passkey": func(b *browser) *answer {
			page := tn.passkeyPage(b)
			return b.submit(page, "button.passkey", d.answer(page))
		},
		"mailed code": func(b *browser) *answer {
			page, message := tn.askForCode(b, tn.client(), tn.user)
			w.exec(`UPDATE user_challenges SET created_at = now() - interval '2 hours'`) // an address is sent only so many
			return b.submit(page, "#code", url.Values{"code": {sixDigits.FindString(message.Text)}})
		},
		"reset": func(b *browser) *answer {
			page, message := tn.askForReset(b, tn.client(), tn.user)
			w.exec(`UPDATE user_challenges SET created_at = now() - interval '2 hours'`)
			return b.submit(page, "#code", url.Values{"code": {sixDigits.FindString(message.Text)}, "password": {userPassword}})
		},
	}
}

// Whoever came through the customer's own login comes through it always: a password, a passkey, a mailed code or a reset of ours lets them
// in only if the project says so, or while its own login is off. Nobody else is kept out.
func TestNothingGoesAroundTheOwnLogin(t *testing.T) {
	t.Parallel()
	w, site, d := elsewhere(t)
	hash := func() string {
		return value[string](w, `SELECT password_hash FROM users WHERE email = $1`, w.demo.user)
	}
	before := hash()
	for name, way := range ourWays(w, d) {
		b := newBrowser(t, w.door)
		got := way(b)
		if says := strings.TrimSpace(got.document().Find("[role=alert]").Text()); got.StatusCode != http.StatusForbidden || !strings.Contains(says, `"Continue with Acme"`) ||
			!got.has("#way-provider-"+site.id) || b.cookie(w.demo, "mcpauth_session") != "" {
			t.Errorf("%s: got %d %q, want 403 and the way to the site", name, got.StatusCode, says)
		}
	}
	if hash() != before {
		t.Error("a reset changed the password")
	}
	w.demo.addUser("other@demo.example")
	b := newBrowser(t, w.door)
	if got := b.submit(b.get(w.demo.authorizeURL(w.demo.request(w.demo.client()))), "#password", url.Values{"email": {"other@demo.example"}, "password": {userPassword}}); !got.has("#later") {
		t.Errorf("somebody else: got %d, want to be signed in and offered a passkey\n%s", got.StatusCode, got.body)
	}
	lets := func(when string) {
		t.Helper()
		for name, way := range ourWays(w, d) {
			b := newBrowser(t, w.door)
			if got := way(b); !signsIn(got) {
				t.Errorf("%s, %s: got %d, want the consent page\n%s", when, name, got.StatusCode, got.body)
			}
		}
	}
	site.beside(true)
	lets("when the project says so")
	site.beside(false)
	w.demo.offersOnly(tenants.SignInPasskey, tenants.SignInPassword, tenants.SignInEmailCode)
	lets("with the own login off")
}

// A person of the own login is offered no passkey and no password, and what a form brings all the same is refused.
func TestNoWayOfOursForPeopleOfTheOwnLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site := w.demo.ownSite()
	d := w.demo.withPasskeys()
	arrives := func() (*browser, *answer) {
		b := newBrowser(t, w.door)
		return b, site.follows(b, b.submit(b.get(w.demo.authorizeURL(w.demo.request(w.demo.client()))), "#way-provider-"+site.id, nil), "grace")
	}
	b, consent := arrives()
	account := b.get(w.demo.issuer + "/account")
	if !signsIn(consent) || account.StatusCode != http.StatusOK || account.has("#new-password") || account.has("passkey-form") {
		t.Errorf("signed in: got %d offering %t, the account page %d with password %t and passkey %t; want the consent page and neither",
			consent.StatusCode, consent.has("#later"), account.StatusCode, account.has("#new-password"), account.has("passkey-form"))
	}
	site.beside(true)
	b, offer := arrives()
	if !offer.has("#later") {
		t.Fatalf("when the project says so, no passkey is offered: %d\n%s", offer.StatusCode, offer.body)
	}
	account = b.get(w.demo.issuer + "/account")
	setTo, password := account.form("#password")
	password.Set("password", anotherPassword)
	addTo, passkey := account.form("button.passkey")
	passkey.Set("credential", newDevice(w.demo).create(account).Get("credential"))
	offered := d.create(offer)
	site.beside(false)
	before := w.rows()
	for name, got := range map[string]*answer{"password": b.post(setTo, password), "passkey": b.post(addTo, passkey)} {
		if got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d, want 403\n%s", name, got.StatusCode, got.body)
		}
	}
	if got := b.submit(offer, "button.passkey", offered); !signsIn(got) {
		t.Errorf("the passkey of a page from before: got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	w.unchanged(before)
	id, err := id.Parse(value[string](w, `SELECT account_id::text FROM user_identities WHERE subject = 'grace'`))
	if err == nil {
		err = w.store.Identities(w.demo.project.ID).AddPasskey(t.Context(), id, "localhost", signin.Passkey{ID: []byte("x"), Record: []byte(`{}`)})
	}
	if !errors.Is(err, signin.ErrElsewhere) {
		t.Errorf("at the store: got %v, want ErrElsewhere", err)
	}
}

// A passkey from before can be removed by a person who cannot sign in with it any more.
func TestOldPasskeyOfAPersonOfTheOwnLogin(t *testing.T) {
	t.Parallel()
	w, site, _ := elsewhere(t)
	b := newBrowser(t, w.door)
	person := ownPerson("ada")
	person["email"] = w.demo.user
	b.get(b.get(site.say(site.leave(b), person).text("redirect_to")).location())
	account := b.get(w.demo.issuer + "/account")
	if text := account.document().Find("section[aria-labelledby=passkeys]").Text(); !strings.Contains(text, "You sign in with Acme now") {
		t.Errorf("got %q, want that it does not sign in", text)
	}
	if got := b.submit(account, "[name=remove]", nil); got.StatusCode != http.StatusSeeOther || value[int](w, `SELECT count(*) FROM user_passkeys`) != 0 {
		t.Errorf("removing: got %d, want it gone\n%s", got.StatusCode, got.body)
	}
}
