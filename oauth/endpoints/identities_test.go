package endpoints_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// comesFrom signs a person in at the peer, as the claims say, in a browser of their own.
func (tn *tenant) comesFrom(p *peer, provider string, claims map[string]any) *answer {
	tn.w.t.Helper()
	p.mu.Lock()
	p.claims = claims
	p.mu.Unlock()
	b := newBrowser(tn.w.t, tn.w.door)
	page := b.submit(b.get(tn.authorizeURL(tn.request(tn.client()))), "#way-provider-"+provider, nil)
	u, err := url.Parse(page.document().Find("#continue").AttrOr("href", ""))
	if err != nil || u.Host == "" {
		tn.w.t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	return b.arrive(p.answer(u.Query()))
}

// Catalogue 122: with another issuer the same subject is somebody else. A provider whose issuer or kind changes is a new one, which needs
// its own secret: the one that is kept never reaches the new issuer, and back at the old one people are who they were.
func TestProviderAtAnotherIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, first, second := w.demo, newPeer(t), newPeer(t)
	id := tn.offer(first, "oidc")
	if got := tn.comesFrom(first, id.String(), nil); !signsIn(got) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	moved := tenants.Provider{ID: id, Kind: "oidc", Name: "Peer", Issuer: second.url, ClientID: "client-of-demo", Enabled: true}
	other := moved
	other.Kind, other.Issuer = "github", first.url
	for name, change := range map[string]tenants.Provider{"issuer": moved, "kind": other} {
		_, err := w.projects.SetProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, change)
		if field, ok := errors.AsType[tenants.FieldError](err); !ok || field.Field != "client_secret" {
			t.Errorf("another %s with the old secret: got %v, want a demand for client_secret", name, err)
		}
	}
	if got := value[string](w, `SELECT issuer FROM upstream_providers`); got != first.url {
		t.Errorf("issuer: got %q, want %q", got, first.url)
	}
	moved.ClientSecret = "the-secret"
	fresh, err := w.projects.SetProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, moved)
	if err != nil || fresh == id {
		t.Fatalf("got %s %v, want a new id", fresh, err)
	}
	w.forget()
	second.now = w.clock.now
	got := tn.comesFrom(second, fresh.String(), map[string]any{"email": "mallory@demo.example"}) // the subject is grace, as at the first
	if !signsIn(got) || strings.Contains(got.body, "grace@demo.example") || !strings.Contains(got.body, "mallory@demo.example") {
		t.Errorf("the same subject at another issuer: got %d, want an account of mallory's own\n%s", got.StatusCode, got.body)
	}
	moved.ID, moved.Issuer = fresh, first.url
	back, err := w.projects.SetProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, moved)
	if err != nil {
		t.Fatal(err)
	}
	w.forget()
	if got := tn.comesFrom(first, back.String(), map[string]any{"email": "new@demo.example"}); !signsIn(got) || !strings.Contains(got.body, "grace@demo.example") {
		t.Errorf("back at the first issuer: got %d, want grace\n%s", got.StatusCode, got.body)
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE email IN ('grace@demo.example', 'mallory@demo.example', 'new@demo.example')`); n != 2 {
		t.Errorf("accounts: got %d, want 2", n)
	}
}

// Catalogue 120, 122: a second subject with the address of an account that has a subject of this provider is another person, with an
// account without address. What a provider says later of an address opens nothing, and a code to the address opens the first account.
func TestTwoSubjectsWithOneAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id := tn.offer(p, "oidc").String()
	tn.comesFrom(p, id, map[string]any{"sub": "ada", "email": tn.user}) // joins the account of its address
	ada := value[string](w, `SELECT id::text FROM users WHERE email = $1`, tn.user)
	got := tn.comesFrom(p, id, map[string]any{"sub": "eve", "email": tn.user})
	if !signsIn(got) || !strings.Contains(got.body, tn.user+" at Peer") {
		t.Errorf("a second subject: got %d, want an account of its own that says where it is from\n%s", got.StatusCode, got.body)
	}
	if owner := value[string](w, `SELECT account_id::text FROM user_identities WHERE subject = 'eve'`); owner == ada {
		t.Error("a second subject has the first one's account")
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE email = $1`, tn.user); n != 1 {
		t.Errorf("accounts of the address: got %d, want 1", n)
	}
	tn.comesFrom(p, id, nil) // grace, whose address becomes ada's later
	moved := tn.comesFrom(p, id, map[string]any{"email": tn.user})
	if !signsIn(moved) || !strings.Contains(moved.body, "grace@demo.example") {
		t.Errorf("another address of a known person: got %d, want grace\n%s", moved.StatusCode, moved.body)
	}
	b := newBrowser(t, w.door)
	page := b.submit(b.get(tn.authorizeURL(tn.request(tn.client()))), "#way-email-code", url.Values{"email": {tn.user}})
	b.submit(page, "#code", url.Values{"code": {sixDigits.FindString(w.lastMail().Text)}})
	if latest := value[string](w, `SELECT account_id::text FROM user_sessions ORDER BY created_at DESC LIMIT 1`); latest != ada {
		t.Errorf("a code to the address opens %s, want %s", latest, ada)
	}
	w.exec(`UPDATE projects SET sign_up_open = false`)
	w.forget()
	texts := map[string]string{}
	for name, claims := range map[string]map[string]any{
		"taken": {"sub": "third", "email": tn.user}, "free": {"sub": "fourth", "email": "nobody@demo.example"},
	} {
		refused := tn.comesFrom(p, id, claims)
		texts[name] = refused.document().Find(".alert").Text()
		if refused.StatusCode != http.StatusForbidden {
			t.Errorf("%s, sign-up closed: got %d, want 403", name, refused.StatusCode)
		}
	}
	if texts["taken"] != texts["free"] || texts["free"] == "" {
		t.Errorf("refusals differ by whether the address has an account (catalogue 105): %q", texts)
	}
}

// The customer's own site names persons by its subjects as well.
func TestTwoSubjectsOfTheOwnLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	site := tn.ownSite()
	arrives := func(subject string) *answer {
		b := newBrowser(t, w.door)
		person := ownPerson(subject)
		person["email"] = "shared@acme.example"
		return b.get(b.get(site.say(site.leave(b), person).text("redirect_to")).location())
	}
	if got := arrives("ada"); !signsIn(got) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	if got := arrives("eve"); !signsIn(got) || !strings.Contains(got.body, "as <bdi>shared@acme.example at Acme</bdi>") {
		t.Errorf("a second subject: got %d, want shared@acme.example at Acme\n%s", got.StatusCode, got.body)
	}
	if n := value[int](w, `SELECT count(DISTINCT account_id) FROM user_identities WHERE issuer = 'own'`); n != 2 {
		t.Errorf("accounts: got %d, want 2", n)
	}
	again := tn.ownSite() // another secret, the same people
	site.secret = again.secret
	arrives("eve")
	if n := value[int](w, `SELECT count(*) FROM user_identities`); n != 2 {
		t.Errorf("identities: got %d, want 2", n)
	}
}

// Of any number of first sign-ins at once, one subject gets one account, and each of many subjects with one address gets its own.
func TestFirstSignInsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id := tn.offer(p, "oidc")
	atOnce := func(identity func(i int) signin.Identity) map[string]int {
		t.Helper()
		const many = 12
		var group sync.WaitGroup
		accounts, faults := make([]signin.Account, many), make([]error, many)
		for i := range many {
			group.Go(func() {
				accounts[i], faults[i] = w.store.Identities(tn.project.ID).SignInIdentity(t.Context(), id, identity(i), true)
			})
		}
		group.Wait()
		found := map[string]int{}
		for i, account := range accounts {
			if faults[i] != nil {
				t.Errorf("sign-in %d: %v", i, faults[i])
			}
			found[account.ID.String()]++
		}
		return found
	}
	one := atOnce(func(int) signin.Identity {
		return signin.Identity{Issuer: p.url, Subject: "same", Email: "same@demo.example", EmailVerified: true}
	})
	if len(one) != 1 {
		t.Errorf("one subject: got %d accounts, want 1", len(one))
	}
	for name, address := range map[string]string{"new": "shared@demo.example", "of an account": tn.user} {
		each := atOnce(func(i int) signin.Identity {
			return signin.Identity{Issuer: p.url, Subject: name + string(rune('a'+i)), Email: address, EmailVerified: true}
		})
		if len(each) != 12 {
			t.Errorf("twelve subjects with an address that is %s: got %d accounts, want 12", name, len(each))
		}
		if n := value[int](w, `SELECT count(*) FROM users WHERE email = $1`, address); n != 1 {
			t.Errorf("accounts with the address that is %s: got %d, want 1", name, n)
		}
	}
}

// Whoever came from Microsoft before issuers were kept is bound to their tenant's at the next sign-in there, by provider and subject, and by
// nothing else afterwards: not at another provider, not from another tenant, and not once the provider was replaced.
func TestMicrosoftIsBoundAtTheNextSignIn(t *testing.T) {
	t.Parallel()
	const cloud = "https://login.microsoftonline.com/"
	w := newWorld(t)
	tn := w.demo
	set := func(p tenants.Provider) id.ID {
		t.Helper()
		p.Kind, p.ClientID, p.ClientSecret, p.Enabled = "microsoft", "client", "the-secret", true
		id, err := w.projects.SetProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, p)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	comes := func(provider id.ID, tenant, subject string) string {
		t.Helper()
		account, err := w.store.Identities(tn.project.ID).SignInIdentity(t.Context(), provider, signin.Identity{Issuer: cloud + tenant + "/v2.0", Subject: tenant + ":" + subject, Email: tn.user, EmailVerified: true}, true)
		if err != nil {
			t.Fatal(err)
		}
		return account.ID.String()
	}
	first, second := set(tenants.Provider{}), set(tenants.Provider{Issuer: cloud + "organizations/v2.0"})
	ada, grace := tn.addUser(tn.user).String(), tn.addUser("grace@demo.example").String()
	before := func(subject, account string) {
		t.Helper()
		w.exec(`INSERT INTO user_identities (project_id, provider_id, subject, account_id) VALUES ($1::text::uuid, $2::text::uuid, $3, $4::text::uuid)`, tn.project.ID.String(), first.String(), subject, account)
	}
	before("one:ada", ada)
	before("one:grace", grace)
	if got := comes(second, "one", "ada"); got == ada || got == grace {
		t.Errorf("the same subject at another provider, whose tenant is not known to be the same: got an account that is there, want a new one")
	}
	w.exec(`DELETE FROM user_identities WHERE provider_id = $1::text::uuid`, second.String())
	for range 2 {
		if got := comes(first, "one", "ada"); got != ada {
			t.Errorf("the next sign-in: got %s, want %s", got, ada)
		}
	}
	if got := value[string](w, `SELECT issuer FROM user_identities WHERE subject = 'one:ada'`); got != cloud+"one/v2.0" {
		t.Errorf("issuer: got %q, want the tenant's", got)
	}
	if got := comes(second, "one", "ada"); got != ada {
		t.Errorf("at another provider, from the same tenant: got %s, want %s", got, ada)
	}
	if got := comes(first, "two", "ada"); got == ada || got == grace {
		t.Error("the same subject of another tenant has the first one's account")
	}
	moved := set(tenants.Provider{ID: first, Issuer: cloud + "consumers/v2.0"})
	if got := comes(moved, "one", "grace"); moved == first || got == grace || got == ada {
		t.Error("who never came back before the provider was replaced is taken for the one before")
	}
	if got := comes(moved, "one", "ada"); got != ada {
		t.Errorf("who was bound before the provider was replaced: got %s, want %s", got, ada)
	}
}

// A person without an address sees and does on their own page what everybody does, except for passwords; and no token names the address.
func TestAccountWithoutAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id := tn.offer(p, "oidc")
	tn.comesFrom(p, id.String(), map[string]any{"sub": "ada", "email": tn.user})
	b, client := newBrowser(t, w.door), tn.client()
	p.claims = map[string]any{"sub": "eve", "email": tn.user}
	left := b.submit(b.arrive(p.answer(tn.leaveFor(b, id, tn.request(client)))), "button[value=allow]", allow)
	held := tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	if got := tn.introspect(tn.guard, held.access); got.text("active") == "false" || got.text("username") != "" || strings.Contains(got.body, tn.user) {
		t.Errorf("introspection: got %s, want an active token that names no address", got.body)
	}
	page := b.get(tn.issuer + "/account")
	called := tn.user + " at Peer"
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, called) || !strings.Contains(page.body, "no proven address") || page.has("#new-password") || !page.has(".cards li") {
		t.Errorf("the account page: %d\n%s", page.StatusCode, page.body)
	}
	if got := b.submit(page, "#email", url.Values{"email": {tn.user}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("deleting with somebody else's address: got %d, want 422", got.StatusCode)
	}
	if got := b.done(b.submit(page, "#email", url.Values{"email": {called}})); got.StatusCode != http.StatusOK {
		t.Errorf("deleting: got %d, want 200\n%s", got.StatusCode, got.body)
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE email = $1`, tn.user); n != 1 {
		t.Errorf("the other account of the address: got %d, want 1", n)
	}
	if n := value[int](w, `SELECT count(*) FROM user_identities WHERE subject = 'eve'`); n != 0 || tn.active(held.access) {
		t.Errorf("after deletion: got %d identities, token active %v", n, tn.active(held.access))
	}
}
