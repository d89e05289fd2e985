package endpoints_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// device holds passkeys, as a phone does.
type device struct {
	t    *testing.T
	auth virtualwebauthn.Authenticator
	key  virtualwebauthn.Credential
	at   virtualwebauthn.RelyingParty
	// synced passkeys do not count their uses.
	synced bool
}

// withPasskeys lets the tenant's people sign in with passkeys, and gives one of them a device.
func (tn *tenant) withPasskeys() *device {
	tn.w.t.Helper()
	methods := []string{tenants.SignInPasskey, tenants.SignInPassword, tenants.SignInEmailCode, tenants.SignInProvider, tenants.SignInExternal, tenants.SignInTOTP}
	if err := tn.w.projects.SetSignInMethods(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, methods); err != nil {
		tn.w.t.Fatal(err)
	}
	tn.w.forget()
	return newDevice(tn)
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

func newDevice(tn *tenant) *device {
	u, err := url.Parse(tn.issuer)
	if err != nil {
		tn.w.t.Fatal(err)
	}
	return &device{t: tn.w.t, auth: virtualwebauthn.NewAuthenticator(), key: wholeKey(),
		at: virtualwebauthn.RelyingParty{Name: tn.project.Name, ID: u.Hostname(), Origin: u.Scheme + "://" + u.Host}}
}

func passkeyOptions(page *answer) string {
	return page.document().Find("passkey-form").AttrOr("data-options", "")
}

// create is what the form is filled in with for a new passkey.
func (d *device) create(page *answer) url.Values {
	d.t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(passkeyOptions(page))
	if err != nil {
		d.t.Fatal(err)
	}
	made := virtualwebauthn.CreateAttestationResponse(d.at, d.auth, d.key, *options)
	var handle struct {
		PublicKey struct{ User struct{ ID string } } `json:"publicKey"`
	}
	if err := json.Unmarshal([]byte(passkeyOptions(page)), &handle); err != nil {
		d.t.Fatal(err)
	}
	if d.auth.Options.UserHandle, err = base64.RawURLEncoding.DecodeString(handle.PublicKey.User.ID); err != nil {
		d.t.Fatal(err)
	}
	return url.Values{"credential": {made}}
}

// answer is what the form is filled in with to sign in.
func (d *device) answer(page *answer) url.Values {
	d.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(passkeyOptions(page))
	if err != nil {
		d.t.Fatal(err)
	}
	if !d.synced {
		d.key.Counter++
	}
	return url.Values{"credential": {virtualwebauthn.CreateAssertionResponse(d.at, d.auth, d.key, *options)}}
}

// enrolled signs the tenant's user in with the password and takes the passkey that is offered; it returns what comes then.
func (tn *tenant) enrolled(d *device, b *browser) *answer {
	d.t.Helper()
	offer := tn.signIn(b, b.get(tn.authorizeURL(tn.request(tn.client()))))
	if !offer.has("#later") {
		d.t.Fatalf("no passkey is offered: %d\n%s", offer.StatusCode, offer.body)
	}
	return b.submit(offer, "button.passkey", d.create(offer))
}

func (tn *tenant) passkeyPage(b *browser) *answer {
	b.t.Helper()
	return b.get(tn.authorizeURL(tn.request(tn.client())))
}

// A passkey is offered once, signs in without a word about who comes, and can be removed (catalogue 104, 123, 126).
func TestPasskeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	d, b := tn.withPasskeys(), newBrowser(t, w.door)
	if consent := tn.enrolled(d, b); !consent.has("button[value=allow]") {
		t.Fatalf("%d\n%s", consent.StatusCode, consent.body)
	}
	d.synced = true
	fresh := newBrowser(t, w.door)
	page := tn.passkeyPage(fresh)
	if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "; script-src 'self'") || !strings.Contains(passkeyOptions(page), `"userVerification":"required"`) ||
		strings.Contains(passkeyOptions(page), "allowCredentials") {
		t.Errorf("%s\n%s", csp, passkeyOptions(page))
	}
	typed := d.answer(page)
	consent := fresh.submit(page, "button.passkey", typed)
	if !consent.has("button[value=allow]") || !strings.Contains(consent.body, tn.user) || strings.Contains(consent.Header.Get("Content-Security-Policy"), "script-src") {
		t.Fatalf("%d\n%s", consent.StatusCode, consent.body)
	}
	if again := fresh.submit(page, "button.passkey", typed); again.StatusCode != http.StatusUnauthorized {
		t.Errorf("one answer signs in twice: %d", again.StatusCode)
	}
	account := fresh.get(tn.issuer + "/account")
	remove := fresh.submit(account, "[name=remove]", nil)
	if remove.StatusCode != http.StatusSeeOther || fresh.get(tn.issuer+"/account").has("[name=remove]") {
		t.Errorf("%d", remove.StatusCode)
	}
	late := newBrowser(t, w.door)
	page = tn.passkeyPage(late)
	if got := late.submit(page, "button.passkey", d.answer(page)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a removed passkey signs in: %d", got.StatusCode)
	}
}

// "Not now" is asked once; a blocked person's passkey is refused (catalogue 123); the offer needs no script to leave.
func TestPasskeyOffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	d, b := tn.withPasskeys(), newBrowser(t, w.door)
	offer := tn.signIn(b, tn.passkeyPage(b))
	if consent := b.submit(offer, "#later", nil); !consent.has("button[value=allow]") {
		t.Fatalf("%d\n%s", consent.StatusCode, consent.body)
	}
	signInAgain := b.submit(b.get(tn.authorizeURL(tn.request(tn.client()))), "form.who button", nil)
	if consent := tn.signIn(b, signInAgain); !consent.has("button[value=allow]") {
		t.Errorf("it is offered again: %d", consent.StatusCode)
	}
	other := newBrowser(t, w.door)
	tn.enrolled(d, other)
	w.exec(`UPDATE users SET blocked_at = now() WHERE email = $1`, tn.user)
	blocked := newBrowser(t, w.door)
	page := tn.passkeyPage(blocked)
	if got := blocked.submit(page, "button.passkey", d.answer(page)); got.StatusCode != http.StatusForbidden {
		t.Errorf("%d", got.StatusCode)
	}
}

// Catalogue 126, 127: what is not a fresh, verified answer to this browser's challenge, made at exactly this host, signs nobody in.
func TestPasskeyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo.host()
	tn.withPasskeys()
	good := newDevice(tn)
	tn.enrolled(good, newBrowser(t, w.door))
	sibling := w.other.host()
	for name, change := range map[string]func(*device){
		"origin of a sibling":        func(d *device) { d.at.Origin = "http://other.localhost:8080" },
		"another port":               func(d *device) { d.at.Origin = "http://demo.localhost:8081" },
		"another scheme":             func(d *device) { d.at.Origin = "https://demo.localhost:8080" },
		"parent domain":              func(d *device) { d.at.ID = "localhost" },
		"host of a sibling":          func(d *device) { d.at.ID = "other.localhost" },
		"nobody verified the person": func(d *device) { d.auth.Options.UserNotVerified = true },
		"nobody was there":           func(d *device) { d.auth.Options.UserNotPresent = true },
		"another person's handle":    func(d *device) { d.auth.Options.UserHandle = []byte("0123456789abcdef") },
		"no handle":                  func(d *device) { d.auth.Options.UserHandle = nil },
		"another key": func(d *device) {
			id := d.key.ID
			d.key = wholeKey()
			d.key.ID = id
		},
		"an unknown passkey": func(d *device) { d.key.ID = []byte("unknown credential") },
	} {
		d := *good
		change(&d)
		b := newBrowser(t, w.door)
		page := tn.passkeyPage(b)
		if got := b.submit(page, "button.passkey", d.answer(page)); got.StatusCode != http.StatusUnauthorized || got.has("button[value=allow]") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	d := *good
	b, thief := newBrowser(t, w.door), newBrowser(t, w.door)
	page, theirs := tn.passkeyPage(b), tn.passkeyPage(thief)
	_, form := page.form("button.passkey")
	typed := d.answer(page)
	if got := thief.submit(theirs, "button.passkey", url.Values{"ceremony": form["ceremony"], "credential": typed["credential"]}); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the challenge of another browser: %d", got.StatusCode)
	}
	if got := b.submit(page, "button.passkey", url.Values{"credential": {strings.Replace(typed.Get("credential"), `"signature":"`, `"signature":"AA`, 1)}}); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a changed signature: %d", got.StatusCode)
	}
	// 258: the same passkey at another tenant, by its own host and, in path form, by a host that both have.
	sibling.withPasskeys()
	elsewhere := newBrowser(t, w.door)
	page = sibling.passkeyPage(elsewhere)
	if got := elsewhere.submit(page, "button.passkey", d.answer(page)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("another tenant: %d", got.StatusCode)
	}
	shared := newDevice(w.demo)
	w.exec(`DELETE FROM user_passkeys`)
	w.demo.enrolled(shared, newBrowser(t, w.door))
	page = w.other.passkeyPage(elsewhere)
	if got := elsewhere.submit(page, "button.passkey", shared.answer(page)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("another tenant at the same host: %d", got.StatusCode)
	}
	page = tn.passkeyPage(elsewhere) // 127: the same project at another of its hosts
	if got := elsewhere.submit(page, "button.passkey", shared.answer(page)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("another host: %d", got.StatusCode)
	}
	page = w.demo.passkeyPage(elsewhere)
	if got := elsewhere.submit(page, "button.passkey", shared.answer(page)); got.StatusCode != http.StatusOK {
		t.Errorf("the refusals prove nothing: %d", got.StatusCode)
	}
	shared.key.Counter = 0 // a copy
	page = w.demo.passkeyPage(thief)
	if got := thief.submit(page, "button.passkey", shared.answer(page)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a counter that went back: %d", got.StatusCode)
	}
}

// A challenge is good for five minutes (catalogue 126). The library judges by the wall clock, so the sealed one is made old.
func TestPasskeyChallengeExpires(t *testing.T) {
	t.Parallel()
	ceremony, err := signin.BeginPasskeySignIn("https://demo.mcpauth.example", "Demo")
	if err != nil {
		t.Fatal(err)
	}
	var session map[string]any
	if err := json.Unmarshal(ceremony.State, &session); err != nil {
		t.Fatal(err)
	}
	text, _ := session["expires"].(string)
	expires, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || time.Until(expires) > signin.PasskeyLifetime || time.Until(expires) < signin.PasskeyLifetime-time.Minute {
		t.Fatalf("%v %v", session, err)
	}
	w := newWorld(t)
	d := w.demo.withPasskeys()
	w.demo.enrolled(d, newBrowser(t, w.door))
	b := newBrowser(t, w.door)
	page := w.demo.passkeyPage(b)
	answer := d.answer(page).Get("credential")
	var challenge struct {
		PublicKey struct{ Challenge string } `json:"publicKey"`
	}
	if err := json.Unmarshal([]byte(passkeyOptions(page)), &challenge); err != nil {
		t.Fatal(err)
	}
	for age, good := range map[time.Duration]bool{-time.Minute: true, time.Second: false} {
		state, err := json.Marshal(map[string]any{"challenge": challenge.PublicKey.Challenge, "rpId": "localhost", "userVerification": "required", "expires": time.Now().Add(-age)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = signin.FinishPasskeySignIn(t.Context(), w.store.Identities(w.demo.project.ID), w.demo.issuer, "Demo", state, answer)
		if (err == nil) != good {
			t.Errorf("%v after its end: %v", age, err)
		}
	}
}
