package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/internal/mail"
)

// askForReset asks for a new password, and returns the page that takes it and the message.
func (tn *tenant) askForReset(b *browser, client, email string) (*answer, mail.Message) {
	b.t.Helper()
	page := b.submit(b.get(tn.authorizeURL(tn.request(client))), `form[action$="/oauth/reset"] button`, nil)
	page = b.submit(page, "#email", url.Values{"email": {email}})
	if page.StatusCode != http.StatusOK || !page.has("#code") || !page.has("#password") {
		b.t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	return page, tn.w.lastMail()
}

const anotherPassword = "violet kettle orbit"

// Catalogue 109, 130: a code sets a new password once; every session, every connection and every other code ends with the old one.
func TestPasswordReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	elsewhere := newBrowser(t, w.door)
	a, held := tn.connected(elsewhere, client)
	b := newBrowser(t, w.door)
	_, older := tn.askForReset(newBrowser(t, w.door), client, tn.user)
	signInPage, signInCode := tn.askForCode(b, client, tn.user)
	page, message := tn.askForReset(b, client, tn.user)
	code := sixDigits.FindString(message.Text)
	if linkPattern.MatchString(message.Text) || older.Text == message.Text {
		t.Errorf("%+v", message)
	}
	for _, weak := range []string{"short", "", "password123"} {
		got := b.submit(page, "#code", url.Values{"code": {code}, "password": {weak}})
		if got.StatusCode != http.StatusUnprocessableEntity || !got.has("#password-error") {
			t.Errorf("%q: %d\n%s", weak, got.StatusCode, got.body)
		}
	}
	if !tn.active(held.access) {
		t.Error("a weak password ended the connection")
	}
	got := b.submit(page, "#code", url.Values{"code": {code}, "password": {anotherPassword}})
	if !got.has("button[value=allow]") || !strings.Contains(got.body, tn.user) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	if tn.active(held.access) {
		t.Error("the access token is active")
	}
	tn.token(a.refreshForm(held.refresh)).isError(http.StatusBadRequest, "invalid_grant")
	if page := elsewhere.get(tn.authorizeURL(tn.request(client))); !page.has("#password") {
		t.Error("another session lives")
	}
	for typed, status := range map[string]int{userPassword: http.StatusUnauthorized, anotherPassword: http.StatusOK} {
		seat := newBrowser(t, w.door)
		form := seat.get(tn.authorizeURL(tn.request(client)))
		if got := seat.submit(form, "#password", url.Values{"email": {tn.user}, "password": {typed}}); got.StatusCode != status {
			t.Errorf("%d", got.StatusCode)
		}
	}
	for name, again := range map[string]*answer{
		"the same code":  b.submit(page, "#code", url.Values{"code": {code}, "password": {"a third long password"}}),
		"a sign-in code": b.submit(signInPage, "#code", url.Values{"code": {sixDigits.FindString(signInCode.Text)}}),
	} {
		if again.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s works: %d", name, again.StatusCode)
		}
	}
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'user.password_reset'`); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}

// Catalogue 105, 128: a reset tells nothing about an address, takes five tries and no more, and skips nothing.
func TestPasswordResetRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	var shapes []string
	for _, email := range []string{tn.user, "not@demo.example"} {
		b := newBrowser(t, w.door)
		page, message := tn.askForReset(b, client, email)
		code := sixDigits.FindString(message.Text)
		if (code != "") != (email == tn.user) {
			t.Errorf("%+v", message)
		}
		wrong := "000000"
		if wrong == code {
			wrong = "000001"
		}
		var got *answer
		for range 5 {
			got = b.submit(page, "#code", url.Values{"code": {wrong}, "password": {anotherPassword}})
		}
		shapes = append(shapes, strings.ReplaceAll(normal(page.body)+normal(got.body), email, ""))
		if code != "" {
			if got := b.submit(page, "#code", url.Values{"code": {code}, "password": {anotherPassword}}); got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("a sixth try works: %d", got.StatusCode)
			}
		}
	}
	if shapes[0] != shapes[1] {
		t.Errorf("a known address is answered otherwise:\n%s\n%s", shapes[0], shapes[1])
	}
	b := newBrowser(t, w.door)
	page := b.get(tn.authorizeURL(tn.request(client)))
	_, fields := page.form("#password")
	fields.Set("password", anotherPassword)
	if got := b.post(tn.issuer+"/oauth/reset/code", fields); got.StatusCode != http.StatusUnprocessableEntity || got.has("button[value=allow]") { // no challenge at all
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
	if ok := value[bool](w, `SELECT bool_and(password_hash IS NOT NULL) FROM users WHERE email = $1`, tn.user); !ok {
		t.Error("the password is gone")
	}
}
