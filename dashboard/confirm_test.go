package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// fieldsOf are the fields of a form as a browser would send them.
func fieldsOf(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		values.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	return values
}

// follow repeats a form where the answer says so (RFC 9110 section 15.4.8), as browsers do.
func (b *browser) follow(t *testing.T, got answer, sent url.Values) answer {
	t.Helper()
	got.want(t, http.StatusTemporaryRedirect)
	return b.do(t, http.MethodPost, got.Header.Get("Location"), sent)
}

// Catalogue 228: long after the sign-in a dangerous act waits for a proof, and then happens with what was typed before.
func TestDangerousActsWaitForAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	w.exec(t, `UPDATE member_sessions SET auth_time = now() - interval '16 minutes'`)
	before := w.everything(t)
	page := b.post(t, w.of(t, "/servers/:server/remove"), "confirm", "Acme").want(t, http.StatusForbidden)
	form := page.doc.Find(`main form:has(input[type=password])`)
	sent := fieldsOf(form)
	sent.Set("again_password", "not the password")
	wrong := b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusUnprocessableEntity)
	if wrong.doc.Find("#again_password-error").Length() != 1 || w.everything(t) != before {
		t.Error("a wrong password is not refused, or something was written")
	}
	sent = fieldsOf(wrong.doc.Find(`main form:has(input[type=password])`))
	if sent.Get("confirm") != "Acme" {
		t.Fatalf("what was typed is lost: %v", sent)
	}
	sent.Set("again_password", password)
	old := b.sessionCookie(t)
	proved := b.do(t, http.MethodPost, "/dashboard/confirm", sent)
	if b.sessionCookie(t) == old {
		t.Error("the session is the one from before the proof") // catalogue 106
	}
	b.follow(t, proved, sent).wantRedirect(t, w.of(t, "/servers"))
	if n := w.rows(t, `SELECT FROM mcp_servers WHERE project_id = $1`, w.project.String()); n != 0 {
		t.Errorf("%d servers are left", n)
	}
	sent.Set("again_to", "https://evil.example/x") // catalogue 117
	for _, to := range []string{"https://evil.example/x", "//evil.example", "/oauth/consent"} {
		sent.Set("again_to", to)
		if got := b.do(t, http.MethodPost, "/dashboard/confirm", sent); got.StatusCode == http.StatusTemporaryRedirect {
			t.Errorf("%s: repeated at %s", to, got.Header.Get("Location"))
		}
	}
}

// A member without a password signs up, signs in and confirms with codes by mail; a code works in the browser that asked for it only
// (catalogue 105, 112).
func TestCodesInPlaceOfPasswords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	b := s.browser()
	b.post(t, "/dashboard/sign-up", "name", "Harbour", "email", "grace@example.com").wantRedirect(t, "/dashboard/sign-up/code")
	code := sixDigits.FindString((<-s.mails).Text)
	challenge, _ := b.get(t, "/dashboard/sign-up/code").doc.Find("input[name=challenge]").Attr("value")
	b.post(t, "/dashboard/sign-up/code", "challenge", challenge, "code", code).wantRedirect(t, "/dashboard")
	b.post(t, "/dashboard/sign-out").want(t, http.StatusSeeOther)

	b.post(t, "/dashboard/sign-in/email", "email", "grace@example.com", "next", "/dashboard/account").wantRedirect(t, "/dashboard/sign-in/code?next=%2Fdashboard%2Faccount")
	code = sixDigits.FindString((<-s.mails).Text)
	page := b.get(t, "/dashboard/sign-in/code?next=%2Fdashboard%2Faccount").want(t, http.StatusOK)
	challenge, _ = page.doc.Find("input[name=challenge]").Attr("value")
	action, _ := page.doc.Find("main form").Attr("action")
	s.browser().post(t, "/dashboard/sign-in/code", "challenge", challenge, "code", code).want(t, http.StatusUnprocessableEntity)
	b.post(t, action, "challenge", challenge, "code", code).wantRedirect(t, "/dashboard/account")
	b.get(t, "/dashboard/account").want(t, http.StatusOK)

	stranger := s.browser()
	stranger.post(t, "/dashboard/sign-in/email", "email", "nobody@example.com").wantRedirect(t, "/dashboard/sign-in/code")
	if text := (<-s.mails).Text; sixDigits.MatchString(text) || !strings.Contains(text, "no account") {
		t.Errorf("an address without an account got %q", text)
	}

	s.exec(t, `UPDATE member_sessions SET auth_time = now() - interval '16 minutes'`)
	confirm := b.post(t, "/dashboard/account/delete", "confirm", "grace@example.com").want(t, http.StatusForbidden)
	if confirm.doc.Find("main input[type=password]").Length() != 0 {
		t.Error("a password is asked for that does not exist")
	}
	sent := b.do(t, http.MethodPost, "/dashboard/confirm", fieldsOf(confirm.doc.Find("main form"))).want(t, http.StatusOK)
	fields := fieldsOf(sent.doc.Find("main form"))
	fields.Set("again_code", sixDigits.FindString((<-s.mails).Text))
	done := b.follow(t, b.do(t, http.MethodPost, "/dashboard/confirm", fields), fields).want(t, http.StatusConflict)
	if !strings.Contains(done.doc.Find("main").Text(), "only owner of Harbour") {
		t.Error("the last owner is not told")
	}
}

// However many browsers somebody is signed in with, this one alone stays (catalogue 135).
func TestSignOutEverywhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, member, _ := s.member(t, "ada@example.com")
	s.exec(t, `INSERT INTO member_sessions (id, token_hash, account_id, expires_at) SELECT gen_random_uuid(), sha256(convert_to(n::text, 'UTF8')), $1, now() + interval '1 day'
		FROM generate_series(1, 131) n`, member.String())
	b.post(t, "/dashboard/account/sessions", "others", "yes").wantRedirect(t, "/dashboard/account")
	page := b.get(t, "/dashboard/account").want(t, http.StatusOK)
	if n := s.rows(t, `SELECT FROM member_sessions WHERE ended_at IS NULL`); n != 1 || page.doc.Find("li[data-session]").Length() != 1 {
		t.Errorf("%d sessions are left, and the page shows %d", n, page.doc.Find("li[data-session]").Length())
	}
}

// Sessions are listed and ended by their member alone (catalogue 135).
func TestAccountSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, _, _ := s.member(t, "ada@example.com")
	second := s.browser()
	second.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	eve, _, _ := s.member(t, "eve@example.com")
	list := first.get(t, "/dashboard/account").want(t, http.StatusOK).doc.Find("li[data-session]")
	if list.Length() != 2 {
		t.Fatalf("%d sessions", list.Length())
	}
	other, _ := list.Find("input[name=session]").Attr("value")
	eve.post(t, "/dashboard/account/sessions", "session", other)
	second.get(t, "/dashboard/account").want(t, http.StatusOK)
	first.post(t, "/dashboard/account/sessions", "session", other).want(t, http.StatusSeeOther)
	second.get(t, "/dashboard/account").want(t, http.StatusSeeOther)
	first.get(t, "/dashboard/account").want(t, http.StatusOK)
}
