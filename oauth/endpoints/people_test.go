package endpoints_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/internal/mail"
)

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// lastMail opens the message that was queued last.
func (w *world) lastMail() mail.Message {
	w.t.Helper()
	var args struct{ Sealed []byte }
	if err := json.Unmarshal(value[[]byte](w, `SELECT args FROM river_job WHERE kind = 'mail' ORDER BY id DESC LIMIT 1`), &args); err != nil {
		w.t.Fatal(err)
	}
	plain, err := w.keys.Open("queued-mail", args.Sealed, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var message mail.Message
	if err := json.Unmarshal(plain, &message); err != nil {
		w.t.Fatal(err)
	}
	return message
}

// signUpPage leads to the empty form.
func (tn *tenant) signUpPage(b *browser, client string) *answer {
	b.t.Helper()
	page := b.get(tn.authorizeURL(tn.request(client)))
	return b.submit(page, `form.other[action$="/oauth/sign-up"] button`, nil)
}

// A stranger signs up with a code by e-mail and goes on with the same flow (P29, catalogue 106, 112).
func TestSignUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	form := tn.signUpPage(b, client)
	weak := b.submit(form, "#password", url.Values{"email": {"new@demo.example"}, "password": {"short"}})
	if weak.StatusCode != http.StatusUnprocessableEntity || !weak.has("#password-error") || weak.document().Find("#email").AttrOr("value", "") != "new@demo.example" {
		t.Errorf("%d\n%s", weak.StatusCode, weak.body)
	}
	page := b.submit(form, "#password", url.Values{"email": {" New@Demo.example "}, "password": {"a long enough password"}})
	if page.StatusCode != http.StatusOK || !page.has("#code") || !strings.Contains(page.body, "New@Demo.example") {
		t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	message := w.lastMail()
	code := sixDigits.FindString(message.Text)
	if message.To != "new@demo.example" || code == "" || !strings.Contains(message.HTML, code) || strings.Contains(page.body, code) {
		t.Fatalf("%+v", message)
	}
	if value[bool](w, `SELECT bool_or(args::text LIKE '%' || $1 || '%') FROM river_job`, code) {
		t.Error("the queue can be read")
	}
	wrong := "000000"
	if wrong == code {
		wrong = "000001"
	}
	for typed, status := range map[string]int{wrong: 422, "12345": 422, "": 422, "abcdef": 422} {
		if got := b.submit(page, "#code", url.Values{"code": {typed}}); got.StatusCode != status || !got.has("#code-error") {
			t.Errorf("%q: %d", typed, got.StatusCode)
		}
	}
	thief := newBrowser(t, w.door) // 112: the same code in another browser, in its own flow
	stolen := thief.submit(tn.signUpPage(thief, client), "#password", url.Values{"email": {"thief@demo.example"}, "password": {"a long enough password"}})
	_, fields := page.form("#code")
	if got := thief.submit(stolen, "#code", url.Values{"challenge": fields["challenge"], "code": {code}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("another browser: %d", got.StatusCode)
	}
	consent := b.submit(page, "#code", url.Values{"code": {code[:3] + " " + code[3:]}})
	if !consent.has("button[value=allow]") || !strings.Contains(consent.body, "new@demo.example") {
		t.Fatalf("%d\n%s", consent.StatusCode, consent.body)
	}
	if got := b.submit(page, "#code", url.Values{"code": {code}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the code works twice: %d", got.StatusCode)
	}
	left := b.submit(consent, "button[value=allow]", allow)
	held := tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	if tn.introspect(tn.guard, held.access).text("username") != "new@demo.example" {
		t.Error("another person's token")
	}
}

// Catalogue 105, 115, 137: nobody learns who has an account, an address is not flooded, and closed is closed.
func TestSignUpTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	var pages []string
	for _, email := range []string{tn.user, "not@demo.example"} {
		b := newBrowser(t, w.door)
		page := b.submit(tn.signUpPage(b, client), "#password", url.Values{"email": {email}, "password": {"a long enough password"}})
		if message := w.lastMail(); message.To != email || sixDigits.MatchString(message.Text) != (email != tn.user) {
			t.Errorf("%+v", message)
		}
		got := b.submit(page, "#code", url.Values{"code": {"000000"}})
		shape := strings.ReplaceAll(normal(page.body)+normal(got.body), email, "")
		pages = append(pages, shape)
		if page.StatusCode != http.StatusOK || got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%d %d", page.StatusCode, got.StatusCode)
		}
	}
	if pages[0] != pages[1] {
		t.Errorf("a known address is answered otherwise:\n%s\n%s", pages[0], pages[1])
	}
	b := newBrowser(t, w.door)
	form := tn.signUpPage(b, client)
	for range 4 {
		b.submit(form, "#password", url.Values{"email": {"not@demo.example"}, "password": {"a long enough password"}})
	}
	if got := b.submit(form, "#password", url.Values{"email": {"not@demo.example"}, "password": {"a long enough password"}}); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("%d", got.StatusCode)
	}
	w.exec(`UPDATE projects SET sign_up_open = false`)
	w.forget()
	if page := b.get(tn.authorizeURL(tn.request(client))); page.has(`form[action$="/oauth/sign-up"]`) {
		t.Error("a closed project offers accounts")
	}
	before := w.rows()
	b.submit(form, "#password", url.Values{"email": {"late@demo.example"}, "password": {"a long enough password"}}).isLocal(403)
	w.unchanged(before)
}

// Catalogue 105, 123, 132: wrong password, unknown address and blocked account are one answer.
func TestSignInRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	tn.addUser("blocked@demo.example")
	w.exec(`UPDATE users SET blocked_at = now() WHERE email = 'blocked@demo.example'`)
	b := newBrowser(t, w.door)
	page := b.get(tn.authorizeURL(tn.request(tn.client())))
	before := w.rows()
	var shapes []string
	for _, c := range [][2]string{{tn.user, "wrong password!"}, {"nobody@demo.example", userPassword}, {"blocked@demo.example", userPassword}, {w.other.user, userPassword}} {
		got := b.submit(page, "#password", url.Values{"email": {c[0]}, "password": {c[1]}})
		if got.StatusCode != http.StatusUnauthorized || got.has("button[value=allow]") {
			t.Errorf("%s: %d", c[0], got.StatusCode)
		}
		shapes = append(shapes, strings.ReplaceAll(normal(got.body), c[0], ""))
	}
	if slices.Sort(shapes); len(slices.Compact(shapes)) != 1 {
		t.Errorf("the answers differ: %q", shapes)
	}
	for _, email := range []string{"", "ada", "ada@@demo.example", "ada@demo.example,eve@demo.example", "ada@dеmo.example"} {
		if got := b.submit(page, "#password", url.Values{"email": {email}, "password": {userPassword}}); got.StatusCode != http.StatusUnprocessableEntity || !got.has("#email-error") {
			t.Errorf("%q: %d", email, got.StatusCode)
		}
	}
	w.unchanged(before)
	got := b.submit(page, "#password", url.Values{"email": {"ADA@DEMO.example"}, "password": {userPassword}})
	if !got.has("button[value=allow]") {
		t.Errorf("%d", got.StatusCode)
	}
}

// Catalogue 259, 260, 106: what cookies say about themselves, in each form of issuer.
func TestCookies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		tn                     *tenant
		browser, session, path string
		secure                 bool
	}{
		{w.demo, "mcpauth_browser_demo", "mcpauth_session_demo", "/t/demo", false},
		{w.demo.host(), "mcpauth_browser", "mcpauth_session", "", false},
		{w.demo.secure(), "__Host-mcpauth_browser", "__Host-mcpauth_session", "/", true},
	} {
		b := newBrowser(t, w.door)
		page := b.get(c.tn.authorizeURL(c.tn.request(c.tn.client())))
		consent := b.submit(page, "#password", url.Values{"email": {c.tn.user}, "password": {userPassword}})
		for answered, name := range map[*answer]string{page: c.browser, consent: c.session} {
			cookies := answered.Cookies()
			if len(cookies) != 1 {
				t.Fatalf("%s: %v", c.tn.issuer, cookies)
			}
			k := cookies[0]
			if k.Name != name || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Domain != "" || k.Secure != c.secure || (c.path != "" && k.Path != c.path) || len(k.Value) < 43 {
				t.Errorf("%s: %+v", c.tn.issuer, k)
			}
			if (name == c.session) != (k.MaxAge > 0) {
				t.Errorf("%s lives %d seconds", name, k.MaxAge)
			}
		}
		if stored := value[int](w, `SELECT count(*) FROM user_sessions WHERE token_hash = $1`, []byte(consent.Cookies()[0].Value)); stored != 0 {
			t.Error("the database holds a session token")
		}
		if again := b.get(c.tn.authorizeURL(c.tn.request(c.tn.client()))); len(again.Cookies()) != 0 {
			t.Errorf("a second flow changes cookies: %v", again.Cookies()) // parallel tabs
		}
		// 260: two different cookies of one name, one of them somebody else's, count as none.
		u := c.tn.authorizeURL(c.tn.request(c.tn.client()))
		good := c.session + "=" + consent.Cookies()[0].Value
		for name, sent := range map[string][]string{"tossed session": {good, c.session + "=mcpauth_ss_" + strings.Repeat("A", 43)}, "unprefixed": {strings.TrimPrefix(good, "__Host-") + "x"}} {
			if got := call(t, w.door, http.MethodGet, u, http.Header{"Cookie": {strings.Join(sent, "; ")}}, ""); !got.has("#password") {
				t.Errorf("%s: %s", c.tn.issuer, name)
			}
		}
		if got := call(t, w.door, http.MethodGet, u, http.Header{"Cookie": {good}}, ""); !got.has("button[value=allow]") {
			t.Errorf("%s: the session does not count", c.tn.issuer)
		}
		fixed := call(t, w.door, http.MethodGet, u, http.Header{"Cookie": {c.browser + "=short"}}, "") // no value of an attacker's making
		if len(fixed.Cookies()) != 1 {
			t.Errorf("%s: a short pre-session value is kept", c.tn.issuer)
		}
	}
}
