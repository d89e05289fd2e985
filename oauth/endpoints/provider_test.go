package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

func signsIn(got *answer) bool {
	return got.StatusCode == http.StatusOK && got.has("button[value=allow]")
}

// Catalogue 118, 122, 138, 143: with another provider a person signs in, is asked all the same what the app may do, and the provider's code
// is not in the address of that page. Who they are is their subject there, whatever their address becomes.
func TestUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id, client := tn.offer(p, "oidc"), tn.client()
	b := newBrowser(t, w.door)
	came := tn.leaveFor(b, id, tn.request(client))
	if came.Get("state") == "" || came.Get("nonce") == "" || came.Get("code_challenge_method") != "S256" || came.Get("redirect_uri") != tn.issuer+"/oauth/sign-in/upstream/callback" {
		t.Fatalf("%v", came)
	}
	moved := b.get(p.answer(came))
	if moved.StatusCode != http.StatusSeeOther || strings.Contains(moved.location(), "code=") {
		t.Fatalf("%d %s\n%s", moved.StatusCode, moved.location(), moved.body)
	}
	page := b.get(moved.location())
	if !signsIn(page) || !strings.Contains(page.body, "grace@demo.example") {
		t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	left := b.submit(page, "button[value=allow]", allow)
	tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()

	p.claims = map[string]any{"email": "renamed@demo.example", "email_verified": false}
	again := newBrowser(t, w.door)
	if got := again.arrive(p.answer(tn.leaveFor(again, id, tn.request(client)))); !signsIn(got) || !strings.Contains(got.body, "grace@demo.example") {
		t.Errorf("the same subject: %d\n%s", got.StatusCode, got.body)
	}
	p.claims = map[string]any{"email": tn.user} // another subject with the address of an account
	p.claims["sub"] = "ada"
	third := newBrowser(t, w.door)
	if got := third.arrive(p.answer(tn.leaveFor(third, id, tn.request(client)))); !signsIn(got) || !strings.Contains(got.body, tn.user) {
		t.Errorf("linked by an address that both verified: %d\n%s", got.StatusCode, got.body)
	}
	if users, ties := value[int](w, `SELECT count(*) FROM users WHERE project_id = $1::text::uuid`, tn.project.ID.String()), value[int](w, `SELECT count(*) FROM user_identities`); users != 2 || ties != 2 {
		t.Errorf("%d users, %d identities", users, ties)
	}
	if stored := value[string](w, `SELECT string_agg(p::text, '') FROM upstream_providers p`); strings.Contains(stored, "the-secret") {
		t.Error("the provider's secret can be read")
	}
}

// Catalogue 118, 119, 125: answers that lie, are somebody else's, or come twice sign nobody in and leave nothing behind.
func TestUpstreamLies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	provider, client := tn.offer(p, "oidc"), tn.client()
	other := w.other
	theirs := other.offer(p, "oidc")
	hour := time.Now().Add(-time.Hour).Unix()
	honest := p.sign
	cases := map[string]struct {
		claims map[string]any
		sign   func(jwt.MapClaims) string
	}{
		"issuer":           {claims: map[string]any{"iss": "https://evil.example"}},
		"audience":         {claims: map[string]any{"aud": "client-of-other"}},
		"two audiences":    {claims: map[string]any{"aud": []string{"client-of-demo", "another"}}},
		"authorized party": {claims: map[string]any{"azp": "another"}},
		"expired":          {claims: map[string]any{"exp": hour}},
		"not yet valid":    {claims: map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}},
		"no nonce":         {claims: map[string]any{"nonce": nil}},
		"another nonce":    {claims: map[string]any{"nonce": "another"}},
		"no subject":       {claims: map[string]any{"sub": ""}},
		"alg none": {sign: func(c jwt.MapClaims) string {
			s, _ := jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType)
			return s
		}},
		"HS256 with the secret": {sign: func(c jwt.MapClaims) string {
			s, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte("the-secret"))
			return s
		}},
		"another key": {sign: func(c jwt.MapClaims) string {
			stranger := newPeer(t)
			return stranger.sign(c)
		}},
		"no token":          {sign: func(jwt.MapClaims) string { return "" }},
		"broken signature":  {sign: func(c jwt.MapClaims) string { s := honest(c); return s[:len(s)-4] + "AAAA" }},
		"unverified":        {claims: map[string]any{"email_verified": false, "sub": "x1"}},
		"verified as text":  {claims: map[string]any{"email_verified": "true", "sub": "x2"}},
		"verified as one":   {claims: map[string]any{"email_verified": 1, "sub": "x3"}},
		"verified unsaid":   {claims: map[string]any{"email_verified": nil, "sub": "x4"}},
		"no address":        {claims: map[string]any{"email": nil, "sub": "x5"}},
		"two at signs":      {claims: map[string]any{"email": "ada@demo.example@evil.example", "sub": "x6"}},
		"unverified victim": {claims: map[string]any{"email": tn.user, "email_verified": "1", "sub": "x7"}},
	}
	users := value[int](w, `SELECT count(*) FROM users`)
	for name, c := range cases { // one after the other: they share the peer
		b := newBrowser(t, w.door)
		came := tn.leaveFor(b, provider, tn.request(client))
		p.mu.Lock()
		if p.claims, p.sign = c.claims, honest; c.sign != nil {
			p.sign = c.sign
		}
		p.mu.Unlock()
		if got := b.arrive(p.answer(came)); got.StatusCode != http.StatusForbidden || got.has("button[value=allow]") || !got.has("#password") || b.cookie(tn, "mcpauth_session") != "" {
			t.Errorf("%s: %d\n%s", name, got.StatusCode, got.body)
		}
	}
	p.claims, p.sign = nil, honest
	b, seat := newBrowser(t, w.door), newBrowser(t, w.door)
	came := tn.leaveFor(b, provider, tn.request(client))
	seat.get(tn.authorizeURL(tn.request(client)))
	for name, got := range map[string]*answer{
		"another browser":   seat.arrive(p.answer(came)),
		"no state":          b.arrive(p.answer(came, "state", "")),
		"another state":     b.arrive(p.answer(came, "state", id.New().String())),
		"another tenant":    b.arrive(strings.Replace(p.answer(came), tn.issuer, other.issuer, 1)),
		"straight to done":  b.arrive(tn.issuer + "/oauth/sign-in/upstream/done?state=" + came.Get("state")),
		"done of a browser": seat.arrive(tn.issuer + "/oauth/sign-in/upstream/done?state=" + came.Get("state")),
	} {
		if got.StatusCode != http.StatusBadRequest || got.has("form") {
			t.Errorf("%s: %d\n%s", name, got.StatusCode, got.body)
		}
	}
	cookie := b.cookie(tn, "mcpauth_upstream_"+came.Get("state"))
	if iss := b.arrive(p.answer(came, "iss", "https://evil.example")); iss.StatusCode != http.StatusForbidden {
		t.Errorf("another iss: %d", iss.StatusCode)
	}
	b.setCookie(tn, "mcpauth_upstream_"+came.Get("state"), cookie) // a browser that kept its cookie
	if replay := b.arrive(p.answer(came)); replay.StatusCode != http.StatusForbidden || replay.has("button[value=allow]") {
		t.Errorf("the same state twice: %d", replay.StatusCode)
	}
	cancelled := tn.leaveFor(b, provider, tn.request(client))
	if got := b.arrive(p.answer(cancelled, "error", "access_denied", "code", "")); got.StatusCode != http.StatusOK || !got.has(".alert") {
		t.Errorf("cancelled: %d\n%s", got.StatusCode, got.body)
	}
	_, form := b.get(tn.authorizeURL(tn.request(client))).form("#way-provider-" + provider.String())
	form.Set("provider", theirs.String())
	b.post(tn.issuer+"/oauth/sign-in/upstream", form).isLocal(http.StatusForbidden)
	if n := value[int](w, `SELECT count(*) FROM users`); n != users || value[int](w, `SELECT count(*) FROM user_identities`) != 0 {
		t.Errorf("%d users", n-users)
	}
}

// Catalogue 123, 124, 137: blocked people, providers that were switched off meanwhile, and projects without sign-up.
func TestUpstreamRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id, client := tn.offer(p, "oidc"), tn.client()
	refused := func(name string, change func()) {
		t.Helper()
		b := newBrowser(t, w.door)
		came := tn.leaveFor(b, id, tn.request(client))
		change()
		if got := b.arrive(p.answer(came)); got.StatusCode != http.StatusForbidden || !got.has(".alert") || got.has("button[value=allow]") {
			t.Errorf("%s: %d\n%s", name, got.StatusCode, got.body)
		}
	}
	refused("sign-up closed", func() {
		w.exec(`UPDATE projects SET sign_up_open = false`)
		w.forget()
	})
	p.claims = map[string]any{"email": tn.user}
	refused("blocked", func() { w.exec(`UPDATE users SET blocked_at = now() WHERE email = $1`, tn.user) })
	w.exec(`UPDATE users SET blocked_at = NULL WHERE email = $1`, tn.user)
	b := newBrowser(t, w.door)
	if got := b.arrive(p.answer(tn.leaveFor(b, id, tn.request(client)))); !signsIn(got) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	refused("blocked, tied before", func() { w.exec(`UPDATE users SET blocked_at = now() WHERE email = $1`, tn.user) })
	w.exec(`UPDATE users SET blocked_at = NULL WHERE email = $1`, tn.user)
	provider := tenants.Provider{ID: id, Kind: "oidc", Name: "Peer", Issuer: p.url, ClientID: "client-of-demo"}
	refused("switched off", func() {
		if _, err := w.projects.SetProvider(t.Context(), tenants.SystemActor, w.org, tn.project.ID, provider); err != nil {
			t.Fatal(err)
		}
	})
	w.forget()
	if page := newBrowser(t, w.door).get(tn.authorizeURL(tn.request(client))); page.has("#way-provider-" + id.String()) {
		t.Error("it is offered")
	}
}

// Catalogue 119: a key that the provider made a moment ago is asked for, at most once for a token.
func TestUpstreamKeyRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id, client := tn.offer(p, "oidc"), tn.client()
	for _, kid := range []string{"1", "2", "3"} {
		p.rotate(kid)
		b := newBrowser(t, w.door)
		if got := b.arrive(p.answer(tn.leaveFor(b, id, tn.request(client)))); !signsIn(got) {
			t.Errorf("key %s: %d\n%s", kid, got.StatusCode, got.body)
		}
	}
	if p.asked != 3 {
		t.Errorf("keys were asked for %d times", p.asked)
	}
}

// Catalogue 120: of GitHub only the primary address counts, and only if GitHub verified it.
func TestUpstreamGitHub(t *testing.T) {
	t.Parallel()
	for emails, want := range map[string]string{
		`[{"email":"grace@demo.example","primary":true,"verified":true},{"email":"ada@demo.example","primary":false,"verified":true}]`:  "grace@demo.example",
		`[{"email":"ada@demo.example","primary":true,"verified":false},{"email":"grace@demo.example","primary":false,"verified":true}]`: "",
		`[]`: "", `{}`: "",
	} {
		w := newWorld(t)
		tn, p := w.demo, newPeer(t)
		id := tn.offer(p, "github")
		p.emails = emails
		b := newBrowser(t, w.door)
		got := b.arrive(p.answer(tn.leaveFor(b, id, tn.request(tn.client()))))
		if signsIn(got) != (want != "") || want != "" && !strings.Contains(got.body, want) {
			t.Errorf("%s: %d\n%s", emails, got.StatusCode, got.body)
		}
	}
}

// A person's own page is reached in this way too, and a request that no cookie holds is told so.
func TestUpstreamToTheAccountPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, p := w.demo, newPeer(t)
	id := tn.offer(p, "oidc")
	b := newBrowser(t, w.door)
	page := b.submit(b.get(tn.issuer+"/account"), "#way-provider-"+id.String(), nil)
	u, err := url.Parse(page.document().Find("#continue").AttrOr("href", ""))
	if err != nil {
		t.Fatal(err)
	}
	moved := b.get(b.get(p.answer(u.Query())).location())
	if moved.location() != tn.issuer+"/account" || !b.get(moved.location()).has(".lines") {
		t.Errorf("%d\n%s", moved.StatusCode, moved.body)
	}
	large := tn.request(tn.client(), "state", strings.Repeat("s", 3000))
	if got := b.submit(newBrowserPage(b, tn, large), "#way-provider-"+id.String(), nil); got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "too large") {
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
}

// newBrowserPage is the sign-in page of a request, in a browser that is signed out first.
func newBrowserPage(b *browser, tn *tenant, query url.Values) *answer {
	b.t.Helper()
	b.submit(b.get(tn.issuer+"/account"), `.part button[name=all]`, url.Values{"all": {"yes"}})
	return b.get(tn.authorizeURL(query))
}

// Catalogue 121: whoever begins an account with somebody else's address has nothing of it once the owner signs in: neither the password
// nor the code that was on its way counts.
func TestAccountBegunBeforeItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	p := newPeer(t)
	id := tn.offer(p, "oidc")
	thief, owner := newBrowser(t, w.door), newBrowser(t, w.door)
	code := thief.submit(tn.signUpPage(thief, tn.client()), "#password", url.Values{"email": {"grace@demo.example"}, "password": {"the thief's long password"}})
	digits := sixDigits.FindString(w.lastMail().Text)
	if !signsIn(owner.arrive(p.answer(tn.leaveFor(owner, id, tn.request(tn.client()))))) {
		t.Fatal("the owner does not get in")
	}
	if got := thief.submit(code, "#code", url.Values{"code": {digits}}); signsIn(got) {
		t.Error("the code makes the thief's password count")
	}
	page := thief.get(tn.authorizeURL(tn.request(tn.client())))
	if got := thief.submit(page, "#password", url.Values{"email": {"grace@demo.example"}, "password": {"the thief's long password"}}); signsIn(got) || got.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d", got.StatusCode)
	}
	if value[bool](w, `SELECT password_hash IS NOT NULL FROM users WHERE email = 'grace@demo.example'`) {
		t.Error("the owner's account has a password")
	}
}
