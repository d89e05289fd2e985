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
