package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/internal/signin"
)

// A member with a passkey confirms with it; one of somebody else, or an answer for another session, confirms nothing.
func TestConfirmWithPasskey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, member, _ := s.member(t, "ada@example.com")
	eve, eveID, _ := s.member(t, "eve@example.com")
	ada, other := s.enrolled(t, b, member), s.enrolled(t, eve, eveID)
	s.longAgo(t)
	page := b.post(t, "/dashboard/account/password", "password", "another long password").want(t, http.StatusForbidden)
	answer := func(d *device, page answer) url.Values {
		form := page.doc.Find("passkey-form")
		sent := fieldsOf(form)
		sent.Set("credential", d.assert(t, form.AttrOr("data-options", "")))
		return sent
	}
	theirs := b.do(t, http.MethodPost, "/dashboard/confirm", answer(other, page)).want(t, http.StatusUnprocessableEntity)
	if theirs.doc.Find("main [role=alert]").Length() != 1 {
		t.Error("the passkey of somebody else is not refused in words")
	}
	sent := answer(ada, theirs)
	foreign := eve.post(t, "/dashboard/account/password", "password", "another long password").want(t, http.StatusForbidden)
	mixed := answer(ada, theirs)
	mixed.Set("waiting", fieldsOf(foreign.doc.Find("main passkey-form")).Get("waiting"))
	eve.do(t, http.MethodPost, "/dashboard/confirm", mixed).want(t, http.StatusUnprocessableEntity)
	toSignIn := answer(ada, b.get(t, "/dashboard/sign-in").want(t, http.StatusOK))
	toSignIn.Set("waiting", sent.Get("waiting"))
	toSignIn.Set("how", "passkey")
	b.do(t, http.MethodPost, "/dashboard/confirm", toSignIn).want(t, http.StatusUnprocessableEntity)
	b.do(t, http.MethodPost, "/dashboard/confirm", sent).wantRedirect(t, "/dashboard/account")
	if n := s.rows(t, `SELECT FROM organization_audit_log WHERE action = 'member.password_set'`); n != 1 {
		t.Errorf("%d passwords were set", n)
	}
}

// coded is a member without password or passkey whose sign-in is long ago, in front of the page that asks them.
func (s *site) coded(t *testing.T) (*browser, answer) {
	t.Helper()
	b, member, _ := s.member(t, "grace@example.com")
	s.exec(t, `UPDATE members SET password_hash = NULL WHERE id = $1`, member.String())
	s.longAgo(t)
	return b, b.post(t, "/dashboard/account/password", "password", "a password of hers").want(t, http.StatusForbidden)
}

// sendCode asks for a code and returns the form that takes it.
func (b *browser) sendCode(t *testing.T, page answer) (fields url.Values, code string) {
	t.Helper()
	sent := b.do(t, http.MethodPost, "/dashboard/confirm", fieldsOf(page.doc.Find(`main form:has(input[name=how][value=send])`))).want(t, http.StatusOK)
	return fieldsOf(sent.doc.Find(`main form:has(input[name=code])`)), sixDigits.FindString((<-b.site.mails).Text)
}

// Whoever has neither a password nor a passkey confirms with a code by mail: once, in the session that asked for it, with few tries
// (catalogue 110, 112, 228).
func TestConfirmWithCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	b, page := s.coded(t)
	if page.doc.Find("main input[type=password], main passkey-form").Length() != 0 {
		t.Error("something is asked for that does not exist")
	}
	fields, code := b.sendCode(t, page)
	with := func(code string) url.Values {
		return url.Values{"waiting": fields["waiting"], "challenge": fields["challenge"], "how": {"code"}, "code": {code}}
	}
	for range 5 {
		wrong := b.do(t, http.MethodPost, "/dashboard/confirm", with("0"+code[1:5]+string('0'+(code[5]-'0'+1)%10))).want(t, http.StatusUnprocessableEntity)
		if wrong.doc.Find("#code-error").Length() != 1 {
			t.Error("a wrong code is not refused in words")
		}
	}
	b.do(t, http.MethodPost, "/dashboard/confirm", with(code)).want(t, http.StatusUnprocessableEntity) // after five tries
	fields, code = b.sendCode(t, page)
	b.post(t, "/dashboard/sign-in/code", "challenge", fields.Get("challenge"), "code", code).want(t, http.StatusUnprocessableEntity) // it signs nobody in
	b.do(t, http.MethodPost, "/dashboard/confirm", with(code)).wantRedirect(t, "/dashboard/account")
	if n := s.rows(t, `SELECT FROM organization_audit_log WHERE action = 'member.password_set'`); n != 1 {
		t.Errorf("%d passwords were set", n)
	}
	s.longAgo(t)
	next := b.post(t, "/dashboard/account/delete", "confirm", "grace@example.com").want(t, http.StatusForbidden)
	used := with(code)
	used.Set("waiting", fieldsOf(next.doc.Find("main form")).Get("waiting"))
	b.do(t, http.MethodPost, "/dashboard/confirm", used).want(t, http.StatusUnprocessableEntity) // the session that asked is over, and so is the code
}

// However many codes strangers have sent to an address, whoever is signed in there is sent theirs, and the other way round (catalogue 115).
func TestStrangersUseUpNoConfirmation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	b, page := s.coded(t)
	send := fieldsOf(page.doc.Find(`main form:has(input[name=how][value=send])`))
	stranger := s.browser()
	for range signin.MaxChallenges {
		stranger.post(t, "/dashboard/sign-in/email", "email", "grace@example.com").want(t, http.StatusSeeOther)
		<-s.mails
	}
	stranger.post(t, "/dashboard/sign-in/email", "email", "grace@example.com").want(t, http.StatusTooManyRequests)
	fields, code := b.sendCode(t, page)
	for range signin.MaxChallenges - 1 {
		b.do(t, http.MethodPost, "/dashboard/confirm", send).want(t, http.StatusOK)
		<-s.mails
	}
	b.do(t, http.MethodPost, "/dashboard/confirm", send).want(t, http.StatusTooManyRequests)
	s.exec(t, `UPDATE member_challenges SET created_at = now() - interval '61 minutes' WHERE purpose <> 'confirm'`)
	stranger.post(t, "/dashboard/sign-in/email", "email", "grace@example.com").want(t, http.StatusSeeOther)
	<-s.mails
	fields.Set("code", code)
	b.do(t, http.MethodPost, "/dashboard/confirm", fields).wantRedirect(t, "/dashboard/account")
}

// A code that was sent to sign in confirms nothing, nor does one that was sent to another session.
func TestCodesConfirmInTheirSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	b, page := s.coded(t)
	b.post(t, "/dashboard/sign-in/email", "email", "grace@example.com").want(t, http.StatusSeeOther)
	code := sixDigits.FindString((<-s.mails).Text)
	challenge, _ := b.get(t, "/dashboard/sign-in/code").doc.Find("input[name=challenge]").Attr("value")
	sent := fieldsOf(page.doc.Find(`main form:has(input[name=how][value=send])`))
	sent.Set("how", "code")
	sent.Set("challenge", challenge)
	sent.Set("code", code)
	b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusUnprocessableEntity)
	fields, mailed := b.sendCode(t, page)
	b.post(t, "/dashboard/sign-in/code", "challenge", challenge, "code", code).wantRedirect(t, "/dashboard") // another session in this browser
	s.longAgo(t)
	other := b.post(t, "/dashboard/account/password", "password", "a password of hers").want(t, http.StatusForbidden)
	fields.Set("waiting", fieldsOf(other.doc.Find("main form")).Get("waiting"))
	fields.Set("code", mailed)
	b.do(t, http.MethodPost, "/dashboard/confirm", fields).want(t, http.StatusUnprocessableEntity)
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
	fields, code := b.sendCode(t, confirm)
	fields.Set("code", code)
	done := b.do(t, http.MethodPost, "/dashboard/confirm", fields).want(t, http.StatusConflict)
	if !strings.Contains(done.doc.Find("main").Text(), "only owner of Harbour") {
		t.Error("the last owner is not told")
	}
}
