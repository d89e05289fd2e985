package endpoints_test

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/pquerna/otp/totp"

	"mcpauth.example/internal/signin"
)

// app shows one-time passwords.
type app struct {
	w   *world
	key string // base32
}

func (a app) code(away time.Duration) string {
	a.w.t.Helper()
	code, err := totp.GenerateCode(a.key, a.w.clock.now().Add(away))
	if err != nil {
		a.w.t.Fatal(err)
	}
	return code
}

// setUpTwoStep turns the second step on for the person who is signed in, and returns the app and the recovery codes.
func (tn *tenant) setUpTwoStep(b *browser) (app, []string) {
	b.t.Helper()
	page := b.submit(tn.account(b), "#two-step-on", nil)
	key := strings.ReplaceAll(page.document().Find("#key").Text(), " ", "")
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key); err != nil || len(raw) != 20 || !page.has(`img[src^="data:image/png"]`) {
		b.t.Fatalf("%d %v\n%s", page.StatusCode, err, page.body)
	}
	a := app{w: tn.w, key: key}
	if got := b.submit(page, "#code", url.Values{"code": {"000000"}}); got.StatusCode != http.StatusUnprocessableEntity || strings.ReplaceAll(got.document().Find("#key").Text(), " ", "") != key {
		b.t.Fatalf("a wrong code: %d", got.StatusCode)
	}
	done := b.done(b.submit(page, "#code", url.Values{"code": {a.code(0)}}))
	codes := done.document().Find(".recovery li").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if len(codes) != signin.RecoveryCodes {
		b.t.Fatalf("%d %q\n%s", done.StatusCode, codes, done.body)
	}
	if done.Header.Get("Cache-Control") != "no-store" {
		b.t.Errorf("Cache-Control of the page with the codes: %q", done.Header.Get("Cache-Control"))
	}
	if again := b.get(tn.issuer + "/account/done"); again.location() != tn.issuer+"/account" || strings.Contains(again.body, codes[0]) {
		b.t.Errorf("the page with the codes, loaded again: %d to %q", again.StatusCode, again.location())
	}
	return a, codes
}

// secondFactorPage takes the first step in a new browser.
func (tn *tenant) secondPage(b *browser) *answer {
	b.t.Helper()
	page := tn.signIn(b, b.get(tn.authorizeURL(tn.request(tn.client()))))
	if !page.has(`form[action$="/oauth/sign-in/second"]`) || page.has("button[value=allow]") {
		b.t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	return page
}

// Catalogue 128, 129: no session without the second step, each password and recovery code once, nobody else's, and no guessing.
func TestTwoStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a, recovery := tn.setUpTwoStep(newBrowser(t, w.door))
	w.clock.advance(time.Minute)
	b := newBrowser(t, w.door)
	page := tn.secondPage(b)
	if b.cookie(tn, "mcpauth_session") != "" || b.get(tn.issuer+"/account").has("[name=session]") {
		t.Error("signed in after the first step")
	}
	code := a.code(0)
	if got := b.submit(page, "#code", url.Values{"code": {code}}); !got.has("button[value=allow]") || !strings.Contains(got.body, tn.user) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	other := newBrowser(t, w.door)
	page = tn.secondPage(other)
	for name, typed := range map[string]string{"used": code, "empty": "", "letters": "abcdef", "recovery code of nobody": "aaaaa-aaaaa"} {
		if got := other.submit(page, "#code", url.Values{"code": {typed}}); got.StatusCode != http.StatusUnprocessableEntity || !got.has("#code-error") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if got := other.submit(page, "#code", url.Values{"code": {strings.ToUpper(recovery[0])}}); !got.has("button[value=allow]") {
		t.Errorf("a recovery code: %d", got.StatusCode)
	}
	third := newBrowser(t, w.door)
	page = tn.secondPage(third)
	if got := third.submit(page, "#code", url.Values{"code": {recovery[0]}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a recovery code twice: %d", got.StatusCode)
	}
	account := other.get(tn.issuer + "/account")
	if !strings.Contains(account.body, "9 recovery codes left") {
		t.Error(account.body)
	}
	if off := other.submit(account, "[name=off]", url.Values{"off": {"yes"}}); off.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", off.StatusCode)
	}
	if got := tn.signIn(third, third.get(tn.authorizeURL(tn.request(tn.client())))); !got.has("button[value=allow]") {
		t.Errorf("off is off: %d", got.StatusCode)
	}
}

// Catalogue 128: the second step belongs to the first one, its browser and its flow, and ends after five wrong tries, also in parallel.
func TestTwoStepCannotBeSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a, _ := tn.setUpTwoStep(newBrowser(t, w.door))
	tn.addUser("eve@demo.example")
	eve := *tn
	eve.user = "eve@demo.example"
	eves, _ := eve.setUpTwoStep(newBrowser(t, w.door))
	w.clock.advance(time.Minute)
	b, thief := newBrowser(t, w.door), newBrowser(t, w.door)
	page, theirs := tn.secondPage(b), eve.secondPage(thief)
	_, fields := page.form("#code")
	for name, typed := range map[string]url.Values{
		"nothing before":                {"pending": {""}, "code": {a.code(0)}},
		"made up":                       {"pending": {strings.Repeat("A", len(fields.Get("pending")))}, "code": {a.code(0)}},
		"of another browser":            {"pending": fields["pending"], "code": {a.code(0)}},
		"of another browser, own codes": {"pending": fields["pending"], "code": {eves.code(0)}},
	} {
		if got := thief.submit(theirs, "#code", typed); got.StatusCode != http.StatusForbidden || got.has("button[value=allow]") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if got := thief.submit(theirs, "#code", url.Values{"code": {a.code(0)}}); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the second step of another person: %d", got.StatusCode)
	}
	again := tn.secondPage(b) // another flow of the same browser
	_, next := again.form("#code")
	if got := b.submit(page, "#code", url.Values{"pending": next["pending"], "code": {a.code(0)}}); got.StatusCode != http.StatusForbidden {
		t.Errorf("of another flow: %d", got.StatusCode)
	}
	var wrong, stopped atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			switch got := b.submit(page, "#code", url.Values{"code": {"000000"}}); got.StatusCode {
			case http.StatusUnprocessableEntity:
				wrong.Add(1)
			case http.StatusTooManyRequests:
				stopped.Add(1)
			}
		})
	}
	group.Wait()
	if wrong.Load() != signin.MaxSecondFailures || stopped.Load() != 20-signin.MaxSecondFailures {
		t.Errorf("%d wrong, %d stopped", wrong.Load(), stopped.Load())
	}
	if got := b.submit(page, "#code", url.Values{"code": {a.code(0)}}); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right one, too late: %d", got.StatusCode)
	}
	w.exec(`UPDATE user_second_factors SET failed_at = failed_at - interval '16 minutes'`)
	w.clock.advance(signin.SecondFactorLifetime)
	if got := b.submit(page, "#code", url.Values{"code": {a.code(0)}}); got.StatusCode != http.StatusForbidden {
		t.Errorf("after five minutes: %d", got.StatusCode)
	}
	if got := b.submit(tn.secondPage(b), "#code", url.Values{"code": {a.code(0)}}); !got.has("button[value=allow]") {
		t.Errorf("the refusals prove nothing: %d", got.StatusCode)
	}
}

// A passkey verifies the person on the device, so it is both steps; a provider's answer is one.
func TestTwoStepBesideOtherWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	d := tn.withPasskeys()
	b := newBrowser(t, w.door)
	tn.enrolled(d, b)
	a, _ := tn.setUpTwoStep(b)
	w.clock.advance(time.Minute)
	fresh := newBrowser(t, w.door)
	page := tn.passkeyPage(fresh)
	if got := fresh.submit(page, "button.passkey", d.answer(page)); !got.has("button[value=allow]") {
		t.Errorf("%d", got.StatusCode)
	}
	p := newPeer(t)
	p.claims = map[string]any{"email": tn.user}
	third := newBrowser(t, w.door)
	second := third.arrive(p.answer(tn.leaveFor(third, tn.offer(p, "oidc"), tn.request(tn.client()))))
	if second.has("button[value=allow]") || third.cookie(tn, "mcpauth_session") != "" {
		t.Fatalf("the provider's answer skips the second step: %d", second.StatusCode)
	}
	if got := third.submit(second, "#code", url.Values{"code": {a.code(0)}}); !got.has("button[value=allow]") {
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
}

// Whoever took the first step before every browser was signed out takes the second one in vain (catalogue 135).
func TestFirstStepEndsWithTheSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	owner, thief := newBrowser(t, w.door), newBrowser(t, w.door)
	a, _ := tn.setUpTwoStep(owner)
	w.clock.advance(time.Minute)
	page := tn.secondPage(thief)
	if got := owner.submit(tn.account(owner), "#password", url.Values{"password": {"another long password"}}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	got := thief.submit(page, "#code", url.Values{"code": {a.code(0)}})
	if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "signed out everywhere") || thief.cookie(tn, "mcpauth_session") != "" {
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
}
