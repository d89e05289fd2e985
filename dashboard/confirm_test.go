package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// fieldsOf are the fields of a form as a browser would send them.
func fieldsOf(form *goquery.Selection) url.Values {
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, input *goquery.Selection) {
		values.Add(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	return values
}

// confirm types the password where a page asks for it.
func (b *browser) confirm(t *testing.T, page answer) answer {
	t.Helper()
	page.want(t, http.StatusForbidden)
	sent := fieldsOf(page.doc.Find(`main form:has(input[type=password])`))
	sent.Set("password", password)
	return b.do(t, http.MethodPost, "/dashboard/confirm", sent)
}

// longAgo makes every sign-in too old for what is dangerous.
func (s *site) longAgo(t *testing.T) {
	t.Helper()
	s.exec(t, `UPDATE member_sessions SET auth_time = now() - interval '16 minutes'`)
}

// Catalogue 228: long after the sign-in a dangerous act waits for a proof, and then happens with what was typed before.
func TestDangerousActsWaitForAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	w.longAgo(t)
	before := w.everything(t)
	page := b.post(t, w.of(t, "/servers/:server/remove"), "confirm", "Acme").want(t, http.StatusForbidden)
	if !strings.Contains(page.doc.Find("main").Text(), "You asked to remove an MCP server") {
		t.Error("the page does not say what waits")
	}
	sent := fieldsOf(page.doc.Find(`main form:has(input[type=password])`))
	sent.Set("password", "not the password")
	wrong := b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusUnprocessableEntity)
	if wrong.doc.Find("#password-error").Length() != 1 || w.everything(t) != before {
		t.Error("a wrong password is not refused, or something was written")
	}
	sent = fieldsOf(wrong.doc.Find(`main form:has(input[type=password])`))
	sent.Set("password", password)
	old := b.sessionCookie(t)
	b.do(t, http.MethodPost, "/dashboard/confirm", sent).wantRedirect(t, w.of(t, "/servers"))
	if b.sessionCookie(t) == old {
		t.Error("the session is the one from before the proof") // catalogue 106
	}
	if n := w.rows(t, `SELECT FROM mcp_servers WHERE project_id = $1`, w.project.String()); n != 0 {
		t.Errorf("%d servers are left", n)
	}
	done := w.everything(t)
	if b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusConflict); w.everything(t) != done {
		t.Error("sent once more, it happens once more")
	}
}

// Of proofs for one form that come at once, one begins a session and does the act; the others are told that nothing waits any more.
func TestOneProofOfManyGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "owner")
	w.longAgo(t)
	page := b.post(t, w.of(t, "/clients/access/tokens"), "name", "partner").want(t, http.StatusForbidden)
	sent := fieldsOf(page.doc.Find(`main form:has(input[type=password])`))
	sent.Set("password", password)
	cookie, before := b.sessionCookie(t), w.rows(t, `SELECT FROM initial_access_tokens`)
	answers := make(chan int, 6)
	for range cap(answers) {
		one := w.browser()
		one.setSession(t, cookie)
		go func() { answers <- one.do(t, http.MethodPost, "/dashboard/confirm", sent).StatusCode }()
	}
	went := 0
	for range cap(answers) {
		switch got := <-answers; got {
		case http.StatusSeeOther: // the act, or the way to sign-in for who came when the session was over
			went++
		case http.StatusConflict:
		default:
			t.Errorf("answered with %d, want 303 or 409", got)
		}
	}
	if went == 0 {
		t.Error("nobody went on")
	}
	if n := w.rows(t, `SELECT FROM initial_access_tokens`) - before; n != 1 {
		t.Errorf("one form made %d tokens, want 1", n)
	}
	if n := w.rows(t, `SELECT FROM member_sessions s JOIN members m ON m.id = s.account_id WHERE m.email = 'owner@example.com' AND ended_at IS NULL AND auth_time > now() - interval '5 minutes'`); n != 1 {
		t.Errorf("one form began %d sessions, want 1", n)
	}
}

// What waits is sealed, secrets included, for the session in which it was typed and a quarter of an hour; nothing of it stands in the
// page, the log or the database.
func TestFormsThatWaitAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.longAgo(t)
	ask := func(b *browser) (answer, url.Values) {
		page := b.post(t, w.of(t, "/sign-in/providers"), "kind", "google", "client_id", "the id", "client_secret", "secret of google").want(t, http.StatusForbidden)
		sent := fieldsOf(page.doc.Find(`main form:has(input[type=password])`))
		sent.Set("password", password)
		return page, sent
	}
	b := w.as(t, "developer")
	page, sent := ask(b)
	raw := must(secret.Decode(sent.Get("waiting")))
	if strings.Contains(page.text+string(raw)+w.log.String()+w.everything(t), "secret of google") {
		t.Error("the secret is in the page, the log or the database")
	}
	damaged := url.Values{"waiting": {sent.Get("waiting")[:len(sent.Get("waiting"))-2] + "AA"}, "how": {"password"}, "password": {password}}
	b.do(t, http.MethodPost, "/dashboard/confirm", damaged).want(t, http.StatusConflict)
	for _, who := range []string{"owner", "foreign"} {
		w.as(t, who).do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusConflict)
	}
	again := w.browser()
	again.post(t, "/dashboard/sign-in", "email", "developer@example.com", "password", password).wantRedirect(t, "/dashboard")
	again.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusConflict) // the same member in another session
	config := w.config
	config.Now = func() time.Time { return time.Now().Add(15*time.Minute + time.Second) }
	w.door.Store(dashboard.New(config))
	b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusConflict)
	w.door.Store(dashboard.New(w.config))
	if n := w.rows(t, `SELECT FROM upstream_providers WHERE client_id = 'the id'`); n != 0 {
		t.Errorf("%d providers were added", n)
	}
	b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusSeeOther)
	if n := w.rows(t, `SELECT FROM upstream_providers WHERE client_id = 'the id' AND length(sealed_secret) > 0`); n != 1 {
		t.Error("the act does not go on with all that was typed")
	}
}

// Whoever does not want to confirm is led back to the page of the form, and to no other site.
func TestConfirmLeadsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.longAgo(t)
	b, team := w.as(t, "admin"), w.team("")
	for from, want := range map[string]string{w.url + team: team, "": "/dashboard", "https://evil.example/x": "/dashboard", w.url + "//evil.example": "/dashboard", "mailto:x": "/dashboard"} {
		b.referer = from
		page := b.post(t, w.team("/invitations"), "email", "grace@example.com", "role", "viewer").want(t, http.StatusForbidden)
		b.referer = w.url + "/dashboard/confirm"
		sent := fieldsOf(page.doc.Find(`main form:has(input[type=password])`))
		sent.Set("password", "wrong")
		again := b.do(t, http.MethodPost, "/dashboard/confirm", sent).want(t, http.StatusUnprocessableEntity)
		for _, p := range []answer{page, again} {
			if got := p.doc.Find(`main a:contains("Cancel")`).AttrOr("href", ""); got != want {
				t.Errorf("from %q: leads to %q, want %q", from, got, want)
			}
		}
	}
}

// What waits is judged as if it were sent now: a refusal shows what was typed, and a right that was lost meanwhile is gone.
func TestWhatWaitedIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.longAgo(t)
	admin := w.as(t, "admin")
	refused := admin.confirm(t, admin.post(t, w.team("/invitations"), "email", "no address", "role", "viewer")).want(t, http.StatusUnprocessableEntity)
	if refused.doc.Find("#email-error").Length() != 1 || refused.doc.Find("#email").AttrOr("value", "") != "no address" {
		t.Error("what was typed is lost")
	}
	w.longAgo(t)
	page := admin.post(t, w.team("/invitations"), "email", "grace@example.com", "role", "viewer")
	w.exec(t, `UPDATE organization_members SET role = 'viewer' WHERE member_id = $1`, w.memberID(t, "admin@example.com"))
	admin.confirm(t, page).want(t, http.StatusForbidden)
	if n := w.rows(t, `SELECT FROM organization_invitations WHERE email = 'grace@example.com'`); n != 0 {
		t.Error("invited without the right")
	}
}

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

// However many browsers somebody is signed in with, this one alone stays (catalogue 135).
func TestSignOutEverywhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, member, _ := s.member(t, "ada@example.com")
	s.exec(t, `INSERT INTO member_sessions (id, token_hash, account_id, expires_at) SELECT gen_random_uuid(), sha256(convert_to(n::text, 'UTF8')), $1, now() + interval '1 day'
		FROM generate_series(1, 131) n`, member.String())
	if text := b.get(t, "/dashboard/account").want(t, http.StatusOK).doc.Find("main").Text(); !strings.Contains(text, "the latest 100. There may be more") {
		t.Error("the page does not say that it leaves some out")
	}
	b.post(t, "/dashboard/account/sessions", "others", "yes").wantRedirect(t, "/dashboard/account")
	page := b.get(t, "/dashboard/account").want(t, http.StatusOK)
	if n := s.rows(t, `SELECT FROM member_sessions WHERE ended_at IS NULL`); n != 1 || page.doc.Find("li[data-session]").Length() != 1 || strings.Contains(page.doc.Find("main").Text(), "There may be more") {
		t.Errorf("%d sessions are left, and the page shows %d", n, page.doc.Find("li[data-session]").Length())
	}
}

// Whoever has an old session cannot keep its member out: it ends at once what is as old as itself, and asks before what came later.
func TestOldSessionsEndNoLaterOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	thief, member, _ := s.member(t, "ada@example.com")
	earlier := s.browser()
	earlier.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	s.longAgo(t)
	owner := s.browser()
	owner.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	epoch := func() int { return s.rows(t, `SELECT FROM members WHERE id = $1 AND epoch = 1`, member.String()) }
	asked := thief.post(t, "/dashboard/account/sessions", "others", "yes").want(t, http.StatusForbidden)
	if !strings.Contains(asked.doc.Find("main").Text(), "You asked to sign out browsers that signed in after this one") {
		t.Error("the page does not say what waits")
	}
	newest := thief.get(t, "/dashboard/account").doc.Find("li[data-session] input[name=session]").First().AttrOr("value", "")
	thief.post(t, "/dashboard/account/sessions", "session", newest).want(t, http.StatusForbidden)
	owner.get(t, "/dashboard/account").want(t, http.StatusOK)
	earlier.get(t, "/dashboard/account").want(t, http.StatusSeeOther) // that stop did not wait
	if epoch() != 1 {
		t.Error("a sign-in under way would be refused")
	}
	thief.post(t, "/dashboard/account/sessions", "others", "yes") // however often
	owner.post(t, "/dashboard/account/sessions", "others", "yes").wantRedirect(t, "/dashboard/account")
	thief.get(t, "/dashboard/account").want(t, http.StatusSeeOther)
}

// A member whose own session is old signs later ones out once they have proved themselves.
func TestSignOutLaterOnesWithProof(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, _ := s.member(t, "ada@example.com")
	s.longAgo(t)
	thief := s.browser()
	thief.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	b.confirm(t, b.post(t, "/dashboard/account/sessions", "others", "yes")).wantRedirect(t, "/dashboard/account")
	thief.get(t, "/dashboard/account").want(t, http.StatusSeeOther)
	b.get(t, "/dashboard/account").want(t, http.StatusOK)
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

// A form of many small fields waits as well as one of a long field.
func TestFormsOfAnyShapeWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "owner")
	for name, form := range map[string]url.Values{
		"one long field":     {"name": {"partner"}, "long": {strings.Repeat("x", 31_000)}},
		"letters beyond a-z": {"name": {"partner"}, "long": {strings.Repeat("é", 5_000)}},
		"6000 tiny fields":   {"name": {"partner"}, "t": strings.Split(strings.Repeat("ab,", 6_000), ",")},
	} {
		w.longAgo(t)
		before := w.rows(t, `SELECT FROM initial_access_tokens`)
		b.confirm(t, b.do(t, http.MethodPost, w.of(t, "/clients/access/tokens"), form)).want(t, http.StatusSeeOther)
		if after := w.rows(t, `SELECT FROM initial_access_tokens`); after != before+1 {
			t.Errorf("%s, %d bytes: got %d tokens after the proof, want %d", name, len(form.Encode()), after, before+1)
		}
	}
}

// What waited is done with its own query, not with that of the page that took the proof.
func TestQueryOfWhatWaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "owner")
	w.longAgo(t)
	checkout := "/dashboard/" + w.organization.String() + "/billing/checkout?month=" + time.Now().UTC().Format("2006-01")
	page := b.post(t, checkout, "plan", "nothing").want(t, http.StatusForbidden)
	sent := fieldsOf(page.doc.Find(`main form:has(input[type=password])`))
	sent.Set("password", password)
	got := b.do(t, http.MethodPost, "/dashboard/confirm?month=zzz", sent)
	if want := b.post(t, checkout, "plan", "nothing"); got.StatusCode != want.StatusCode {
		t.Errorf("got %d after the proof, want %d as without it", got.StatusCode, want.StatusCode)
	}
}

// Catalogue 228: what people see of a brand, links among it, changes with a proof; the draft is kept meanwhile, its logo too.
func TestBrandIsShownWithAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	shown := func() int {
		return w.rows(t, `SELECT FROM projects p JOIN brands b ON b.project_id = p.id AND b.version = p.brand_version WHERE b::text LIKE '%support.acme.example%'`)
	}
	w.longAgo(t)
	page := b.upload(t, w.of(t, "/branding"), "logo", nil, "then", "publish", "title", "Sign in", "support_url", "https://support.acme.example/")
	if n := shown(); n != 0 {
		t.Errorf("got %d brands with the link shown without a proof, want none", n)
	}
	b.confirm(t, page).wantRedirect(t, w.of(t, "/branding"))
	if n := shown(); n != 1 {
		t.Errorf("got %d brands with the link shown after the proof, want 1", n)
	}
	w.longAgo(t)
	b.post(t, w.of(t, "/branding/show"), "version", "0").want(t, http.StatusForbidden)
}
