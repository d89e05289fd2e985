package dashboard_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/descope/virtualwebauthn"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// gitHub is a server of GitHub's as an OAuth app sees it.
type gitHub struct {
	*httptest.Server
	id       int
	email    string
	verified bool
	verifier string // that came with the code
}

func (s *site) withGitHub(t *testing.T) *gitHub {
	t.Helper()
	g := &gitHub{id: 7, email: "octo@example.com", verified: true}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		g.verifier = r.PostForm.Get("code_verifier")
		w.Header().Set("Content-Type", "application/json")
		if r.PostForm.Get("code") != "good" || r.PostForm.Get("client_secret") != "app secret" || r.PostForm.Get("redirect_uri") != localURL+"/dashboard/sign-in/github/callback" {
			_, _ = w.Write([]byte(`{"error":"bad_verification_code"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"of github","token_type":"bearer"}`))
	})
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"id": g.id})
	})
	mux.HandleFunc("GET /api/v3/user/emails", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode([]map[string]any{{"email": "other@example.com", "verified": true}, {"email": g.email, "primary": true, "verified": g.verified}})
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	s.config.GitHub = &signin.Provider{Kind: signin.ProviderGitHub, Issuer: g.URL, ClientID: "app", ClientSecret: "app secret"}
	s.door.Store(dashboard.New(s.config))
	return g
}

// leave follows the button and returns the state that has to come back.
func (b *browser) leave(t *testing.T, g *gitHub) string {
	t.Helper()
	got := b.get(t, "/dashboard/sign-in/github?next=%2Fdashboard%2Faccount").want(t, http.StatusSeeOther)
	u := must(url.Parse(got.Header.Get("Location")))
	q := u.Query()
	if !strings.HasPrefix(u.String(), g.URL+"/login/oauth/authorize?") || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "user:email" || q.Get("redirect_uri") != localURL+"/dashboard/sign-in/github/callback" {
		t.Fatalf("leads to %s", u)
	}
	return q.Get("state")
}

// Members sign in and sign up with GitHub; an answer without its beginning in this browser, used twice or about an address that nobody
// verified signs nobody in (catalogue 117, 118, 120, 122).
func TestGitHub(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.withGitHub(t)
	back := func(b *browser, state, code string) answer {
		t.Helper()
		return b.get(t, "/dashboard/sign-in/github/callback?"+url.Values{"state": {state}, "code": {code}}.Encode())
	}
	known, _, _ := s.member(t, "ada@example.com")
	known.post(t, "/dashboard/sign-out")
	if page := s.browser().get(t, "/dashboard/sign-in").want(t, http.StatusOK); page.doc.Find(`a[href="/dashboard/sign-in/github"]`).Length() != 1 {
		t.Error("it is not offered")
	}
	if page := s.browser().get(t, "/dashboard/sign-up").want(t, http.StatusOK); page.doc.Find(`a[href="/dashboard/sign-in/github"]`).Length() != 1 {
		t.Error("it is not offered to who is new")
	}

	b := s.browser()
	state := b.leave(t, g)
	for name, refused := range map[string]func() answer{
		"another browser": func() answer { return back(s.browser(), state, "good") },
		"another state":   func() answer { other := s.browser(); other.leave(t, g); return back(other, "other", "good") },
		"a wrong code":    func() answer { other := s.browser(); return back(other, other.leave(t, g), "bad") },
		"an unverified address": func() answer {
			other := s.browser()
			g.verified = false
			defer func() { g.verified = true }()
			return back(other, other.leave(t, g), "good")
		},
	} {
		if got := refused().want(t, http.StatusUnprocessableEntity); got.doc.Find("[role=alert]").Length() != 1 || len(got.Header["Set-Cookie"]) > 0 && strings.Contains(strings.Join(got.Header["Set-Cookie"], " "), "mcpauth_member=") {
			t.Errorf("%s: %s", name, got.text)
		}
	}
	if n := s.rows(t, `SELECT FROM members WHERE email = 'octo@example.com'`); n != 0 {
		t.Fatal("a refused answer made an account")
	}
	back(b, state, "good").wantRedirect(t, "/dashboard/account")
	if g.verifier == "" {
		t.Error("no code_verifier was sent")
	}
	b.get(t, "/dashboard/account").want(t, http.StatusOK)
	if n := s.rows(t, `SELECT FROM members m JOIN organization_members o ON o.member_id = m.id WHERE m.email = 'octo@example.com' AND m.email_verified_at IS NOT NULL AND o.role = 'owner'`); n != 1 {
		t.Error("the new member has no organization")
	}

	// The address may change: the subject says who it is. An address that somebody has here is theirs, because both sides verified it.
	g.email = "renamed@example.com"
	again := s.browser()
	back(again, again.leave(t, g), "good").wantRedirect(t, "/dashboard/account")
	g.id, g.email = 8, "ada@example.com"
	ada := s.browser()
	back(ada, ada.leave(t, g), "good").wantRedirect(t, "/dashboard/account")
	if n := s.rows(t, `SELECT FROM members`); n != 2 {
		t.Errorf("%d members, expected 2", n)
	}
	// One state signs in once, however often its cookie is presented.
	replay := s.browser()
	state = replay.leave(t, g)
	cookie := ""
	for _, c := range replay.client.Jar.Cookies(must(url.Parse(s.url))) {
		if c.Name == "mcpauth_github" {
			cookie = c.Value
		}
	}
	back(replay, state, "good").wantRedirect(t, "/dashboard/account")
	twice := s.browser()
	twice.cookie(t, "mcpauth_github", cookie)
	back(twice, state, "good").want(t, http.StatusUnprocessableEntity)
}

// Without an app at GitHub there is nothing of it.
func TestWithoutGitHub(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.browser().get(t, "/dashboard/sign-in/github").want(t, http.StatusNotFound)
	s.browser().get(t, "/dashboard/sign-in/github/callback?state=x&code=y").want(t, http.StatusNotFound)
}

// wholeKey makes a key whose coordinates fill their 32 bytes: the library leaves leading zeros out, which authenticators do not (RFC 9053
// section 7.1.1), so that one key in 128 would be refused.
func wholeKey() virtualwebauthn.Credential {
	for {
		if key := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(key.Key.AttestationData()) == 77 {
			return key
		}
	}
}

// device is an authenticator with the passkey of a member.
type device struct {
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
}

var relyingParty = virtualwebauthn.RelyingParty{Name: "mcpauth", ID: "localhost", Origin: localURL}

// enrolled gives a member a passkey.
func (s *site) enrolled(t *testing.T, b *browser, member id.ID) *device {
	t.Helper()
	d := &device{auth: virtualwebauthn.NewAuthenticator(), key: wholeKey()}
	d.auth.Options.UserHandle = member[:]
	form := b.get(t, "/dashboard/account").want(t, http.StatusOK).doc.Find("passkey-form")
	made := virtualwebauthn.CreateAttestationResponse(relyingParty, d.auth, d.key, *must(virtualwebauthn.ParseAttestationOptions(form.AttrOr("data-options", ""))))
	ceremony, _ := form.Find("input[name=ceremony]").Attr("value")
	b.post(t, "/dashboard/account/passkeys", "ceremony", ceremony, "credential", made).want(t, http.StatusSeeOther)
	d.auth.AddCredential(d.key)
	return d
}

// assert answers a challenge.
func (d *device) assert(t *testing.T, options string) string {
	t.Helper()
	d.key.Counter++
	return virtualwebauthn.CreateAssertionResponse(relyingParty, d.auth, d.key, *must(virtualwebauthn.ParseAssertionOptions(options)))
}

// A member adds a passkey, signs in with it without a word about who comes, and removes it; its answers are for one browser, one purpose
// and one use (catalogue 126).
func TestMemberPasskeys(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, member, _ := s.member(t, "ada@example.com")
	auth, key := virtualwebauthn.NewAuthenticator(), wholeKey()
	here := virtualwebauthn.RelyingParty{Name: "mcpauth", ID: "localhost", Origin: localURL}
	auth.Options.UserHandle = member[:]
	challenge := func(page answer) (options, ceremony string) {
		form := page.doc.Find("passkey-form")
		ceremony, _ = form.Find("input[name=ceremony]").Attr("value")
		return form.AttrOr("data-options", ""), ceremony
	}
	options, ceremony := challenge(b.get(t, "/dashboard/account").want(t, http.StatusOK))
	made := virtualwebauthn.CreateAttestationResponse(here, auth, key, *must(virtualwebauthn.ParseAttestationOptions(options)))
	eve, _, _ := s.member(t, "eve@example.com")
	eve.post(t, "/dashboard/account/passkeys", "ceremony", ceremony, "credential", made).want(t, http.StatusUnprocessableEntity)
	b.post(t, "/dashboard/account/passkeys", "ceremony", ceremony, "credential", made).want(t, http.StatusSeeOther)
	if shown := b.get(t, "/dashboard/account").doc.Find("[data-passkey]"); shown.Length() != 1 {
		t.Fatalf("%d passkeys are shown", shown.Length())
	}
	auth.AddCredential(key)

	fresh := s.browser()
	options, ceremony = challenge(fresh.get(t, "/dashboard/sign-in").want(t, http.StatusOK))
	key.Counter++
	answered := virtualwebauthn.CreateAssertionResponse(here, auth, key, *must(virtualwebauthn.ParseAssertionOptions(options)))
	sign := func(b *browser) answer {
		t.Helper()
		return b.post(t, "/dashboard/sign-in/passkey", "ceremony", ceremony, "credential", answered, "next", "/dashboard/account")
	}
	sign(s.browser()).want(t, http.StatusUnprocessableEntity) // another browser
	sign(fresh).wantRedirect(t, "/dashboard/account")
	fresh.get(t, "/dashboard/account").want(t, http.StatusOK)
	sign(fresh).want(t, http.StatusUnprocessableEntity) // twice
	evil := here
	evil.Origin = "http://evil.localhost:8080"
	other := s.browser()
	options, ceremony = challenge(other.get(t, "/dashboard/sign-in"))
	key.Counter++
	answered = virtualwebauthn.CreateAssertionResponse(evil, auth, key, *must(virtualwebauthn.ParseAssertionOptions(options)))
	sign(other).want(t, http.StatusUnprocessableEntity) // another origin

	id := base64.RawURLEncoding.EncodeToString(key.ID)
	eve.post(t, "/dashboard/account/passkeys", "remove", id)
	if n := s.rows(t, `SELECT FROM member_passkeys`); n != 1 {
		t.Error("somebody else removes it")
	}
	b.post(t, "/dashboard/account/passkeys", "remove", id).want(t, http.StatusSeeOther)
	options, ceremony = challenge(other.get(t, "/dashboard/sign-in"))
	key.Counter++
	answered = virtualwebauthn.CreateAssertionResponse(here, auth, key, *must(virtualwebauthn.ParseAssertionOptions(options)))
	sign(other).want(t, http.StatusUnprocessableEntity) // removed
	if n := s.rows(t, `SELECT FROM organization_audit_log WHERE action IN ('member.passkey_added', 'member.passkey_removed')`); n != 2 {
		t.Errorf("%d rows of the log tell it", n)
	}
}

// Catalogue 120, 122: a second person at GitHub with the address of a member who signs in there is somebody else: a member without an
// address, who sees and does what members do, except for what goes by mail. Nobody's invitations are theirs, and no code is sent anywhere.
func TestSecondPersonAtGitHub(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	g := s.withGitHub(t)
	comes := func(id int, email string) *browser {
		t.Helper()
		g.id, g.email = id, email
		b := s.browser()
		b.get(t, "/dashboard/sign-in/github/callback?"+url.Values{"state": {b.leave(t, g)}, "code": {"good"}}.Encode()).wantRedirect(t, "/dashboard/account")
		return b
	}
	owner, _, organization := s.member(t, "ada@example.com")
	comes(7, "ada@example.com") // both sides verified the address, and nobody of GitHub was there
	if n := s.rows(t, `SELECT FROM members`); n != 1 {
		t.Fatalf("members: got %d, want 1", n)
	}
	owner.post(t, "/dashboard/"+organization.String()+"/team/invitations", "email", "grace@example.com", "role", "viewer").want(t, http.StatusSeeOther)
	b := comes(8, "ada@example.com")
	for range 2 {
		comes(8, "grace@example.com") // what GitHub says later opens nothing
	}
	if n, own := s.rows(t, `SELECT FROM members`), s.rows(t, `SELECT FROM member_identities i JOIN members m ON m.id = i.account_id WHERE i.subject = '8' AND m.email IS NULL`); n != 2 || own != 1 {
		t.Fatalf("members: got %d, of whom %d are the second person without an address; want 2 and 1", n, own)
	}
	account := b.get(t, "/dashboard/account").want(t, http.StatusOK)
	if called := "grace@example.com at GitHub"; !strings.Contains(account.text, called) || account.doc.Find(`input[name="password"]`).Length() != 0 || !strings.Contains(account.text, "No address") {
		t.Errorf("the account page: called so %t, a password %d; want %q and none", strings.Contains(account.text, called), account.doc.Find(`input[name="password"]`).Length(), called)
	}
	if page := b.get(t, "/dashboard/invitations").want(t, http.StatusOK); page.doc.Find(`form[action*="invitations"]`).Length() != 0 {
		t.Error("the invitation of the address that GitHub says is offered")
	}
	b.get(t, "/dashboard/"+organization.String()+"/projects").want(t, http.StatusNotFound)
	var own string
	if err := s.super.QueryRow(t.Context(), `SELECT o.organization_id::text FROM organization_members o JOIN members m ON m.id = o.member_id WHERE m.email IS NULL`).Scan(&own); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/projects", "/team", "/audit", "/settings"} {
		b.get(t, "/dashboard/"+own+path).want(t, http.StatusOK)
	}
	if team := b.get(t, "/dashboard/"+own+"/team"); !strings.Contains(team.text, "grace@example.com at GitHub") {
		t.Error("the team does not say who they are")
	}
	mails := s.rows(t, `SELECT FROM river_job`)
	s.exec(t, `UPDATE member_sessions SET auth_time = now() - interval '16 minutes'`)
	asked := b.post(t, "/dashboard/"+own+"/team/invitations", "email", "new@example.com", "role", "viewer").want(t, http.StatusForbidden)
	if asked.doc.Find(`a[href="/dashboard/sign-in/github"]`).Length() != 1 || asked.doc.Find(`input[name="how"][value="send"]`).Length() != 0 {
		t.Errorf("the page that asks who they are offers a code, or not GitHub:\n%s", asked.doc.Find("main").Text())
	}
	b.post(t, "/dashboard/confirm", "waiting", "x", "how", "send")
	b.post(t, "/dashboard/account/password", "password", "another long password")
	if n := s.rows(t, `SELECT FROM river_job`); n != mails {
		t.Errorf("messages: got %d more, want none", n-mails)
	}
	if n := s.rows(t, `SELECT FROM members WHERE email IS NULL AND password_hash IS NOT NULL`); n != 0 {
		t.Error("a member without an address got a password")
	}
}

// Of first sign-ins at once with GitHub, one person gets one account, and each of many with one address gets their own.
func TestFirstSignInsAtGitHubAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	atOnce := func(subject func(i int) string, address string) int {
		t.Helper()
		var group sync.WaitGroup
		accounts, faults := make([]signin.Account, 8), make([]error, 8)
		for i := range accounts {
			group.Go(func() {
				identity := signin.Identity{Issuer: "github:https://github.com", Subject: subject(i), Email: address, EmailVerified: true}
				accounts[i], faults[i] = s.store.MemberWays().SignInGitHub(t.Context(), identity, secret.Hash(secret.Token("")), "Acme")
			})
		}
		group.Wait()
		found := map[id.ID]bool{}
		for i, account := range accounts {
			if faults[i] != nil {
				t.Errorf("sign-in %d: got %v, want none", i, faults[i])
			}
			found[account.ID] = true
		}
		return len(found)
	}
	if n := atOnce(func(int) string { return "7" }, "one@example.com"); n != 1 {
		t.Errorf("one person: got %d accounts, want 1", n)
	}
	if n := atOnce(func(i int) string { return "2" + string(rune('0'+i)) }, "many@example.com"); n != 8 || s.rows(t, `SELECT FROM members WHERE email = 'many@example.com'`) != 1 {
		t.Errorf("eight people with one address: got %d accounts, want 8, of which one has the address", n)
	}
}
