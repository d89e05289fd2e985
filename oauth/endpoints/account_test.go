package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// account signs a person in at their own page.
func (tn *tenant) account(b *browser) *answer {
	b.t.Helper()
	page := b.get(tn.issuer + "/account")
	if page.has("#way-email-code") {
		moved := b.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
		if moved.has("#later") {
			moved = b.submit(moved, "#later", nil)
		}
		if moved.StatusCode != http.StatusSeeOther || moved.location() != tn.issuer+"/account" {
			b.t.Fatalf("%d %s\n%s", moved.StatusCode, moved.location(), moved.body)
		}
		page = b.get(moved.location())
	}
	if page.StatusCode != http.StatusOK || !page.has(`form[action$="/account/sessions"]`) {
		b.t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	return page
}

// done follows the redirect of a form.
func (b *browser) done(got *answer) *answer {
	b.t.Helper()
	if got.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	return b.get(got.location())
}

// Catalogue 155: a person sees what they connected, in words, and takes it back: the token is inactive at once, the refresh token is
// gone, and the app has to ask again.
func TestConnectedApps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	other := tn.register(`{"client_name":"Other <b>App</b>","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]}`)
	a, held := tn.connected(b, client)
	_, kept := tn.connected(b, other)
	tn.report(held, "list_notes", "ok", "")
	tn.report(held, "add_note", "ok", "")
	page := tn.account(b)
	text := strings.Join(strings.Fields(page.document().Find("main").Text()), " ")
	for _, want := range []string{"Test App", "Other <b>App</b>", "nobody checked its name", "Use the tools", "Add notes in your name", "demo.example.com", "add_note, list_notes",
		"of " + tn.user, "this browser"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Count(text, "not yet") != 1 { // the other one was never used
		t.Errorf("last used: %s", text)
	}
	form := `form:has(input[value="` + client + `"]) button`
	after := b.done(b.submit(page, form, nil))
	if !strings.Contains(after.body, `role="status"`) || strings.Contains(after.document().Find(".cards").Text(), "Test App") {
		t.Errorf("%s", after.body)
	}
	if tn.active(held.access) || !tn.active(kept.access) {
		t.Error("the wrong app lost its access")
	}
	tn.token(a.refreshForm(held.refresh)).isError(http.StatusBadRequest, "invalid_grant")
	if n := value[int](w, `SELECT count(*) FROM consents WHERE client_id = $1`, client); n != 0 {
		t.Error("the consent is remembered")
	}
	tn.connected(b, client) // it may ask again
	page = b.get(tn.issuer + "/account")
	b.done(b.submit(page, `button[name=all][value=yes]`, url.Values{"all": {"yes"}}))
	if tn.active(kept.access) {
		t.Error("an app kept its access")
	}
	if left := b.get(tn.issuer + "/account"); !strings.Contains(left.body, "No app has access") {
		t.Error(left.body)
	}
}

// Catalogue 133, 135, 136: one's own sessions are listed and ended on the server; nobody else's are.
func TestSessionsOfAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	here, there, stranger := newBrowser(t, w.door), newBrowser(t, w.door), newBrowser(t, w.door)
	tn.account(there)
	tn.addUser("eve@demo.example")
	eve := tn.at(tn.issuer)
	eve.user = "eve@demo.example"
	theirs := eve.account(stranger)
	page := tn.account(here)
	if n := page.document().Find(".lines li").Length(); n != 2 {
		t.Fatalf("%d sessions\n%s", n, page.body)
	}
	foreign := theirs.document().Find(".lines input[name=session]").AttrOr("value", "")
	_, form := page.form(".lines input[name=session]")
	form.Set("session", foreign)
	here.done(here.post(tn.issuer+"/account/sessions", form)) // nothing to end, and no word about whose it is
	if !stranger.get(tn.issuer + "/account").has(".lines") {
		t.Error("a stranger's session was ended")
	}
	other := ""
	for _, id := range page.document().Find(".lines input[name=session]").EachIter() {
		if !strings.Contains(id.Closest("li").Text(), "this browser") {
			other = id.AttrOr("value", "")
		}
	}
	form.Set("session", other)
	after := here.done(here.post(tn.issuer+"/account/sessions", form))
	if after.document().Find(".lines li").Length() != 1 || there.get(tn.issuer+"/account").has(".lines") {
		t.Error("the other browser is signed in")
	}
	stolen := here.cookie(tn, "mcpauth_session")
	gone := here.done(here.submit(after, `button[name=all][value=yes]`, url.Values{"all": {"yes"}}))
	if gone.StatusCode != http.StatusOK || !strings.Contains(gone.body, "You are signed out") || here.cookie(tn, "mcpauth_session") != "" {
		t.Errorf("%d\n%s", gone.StatusCode, gone.body)
	}
	back := call(t, w.door, http.MethodGet, tn.issuer+"/account", http.Header{"Cookie": {"mcpauth_session_demo=" + stolen}}, "")
	if back.has(".lines") || back.Header.Get("Cache-Control") != "no-store" {
		t.Error("the server did not forget the session")
	}
}

// Catalogue 106, 129: a new password and the deletion take a recent sign-in; the password ends every other session, the deletion all there is.
func TestPasswordAndDeletionOfAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, elsewhere := newBrowser(t, w.door), newBrowser(t, w.door)
	_, held := tn.connected(elsewhere, tn.client())
	page := tn.account(b)
	if weak := b.submit(page, "#password", url.Values{"password": {"password123"}}); weak.StatusCode != http.StatusUnprocessableEntity || !weak.has("#password-error") {
		t.Errorf("%d\n%s", weak.StatusCode, weak.body)
	}
	w.exec(`UPDATE user_sessions SET auth_time = auth_time - interval '11 minutes'`)
	for selector, fields := range map[string]url.Values{"#password": {"password": {anotherPassword}}, `#email`: {"email": {tn.user}}} {
		if old := b.submit(page, selector, fields); !old.has("#way-email-code") || !strings.Contains(old.body, "Sign in again") {
			t.Errorf("%s: %d\n%s", selector, old.StatusCode, old.body)
		}
	}
	w.exec(`UPDATE user_sessions SET auth_time = now()`)
	after := b.done(b.submit(page, "#password", url.Values{"password": {anotherPassword}}))
	if !after.has(".notice") || elsewhere.get(tn.issuer+"/account").has(".lines") || !tn.active(held.access) {
		t.Error("after the new password")
	}
	if got := b.submit(after, "#email", url.Values{"email": {"not@demo.example"}}); got.StatusCode != http.StatusUnprocessableEntity || !got.has("#email-error") {
		t.Errorf("%d\n%s", got.StatusCode, got.body)
	}
	left := b.done(b.submit(after, "#email", url.Values{"email": {strings.ToUpper(tn.user)}}))
	if left.StatusCode != http.StatusOK || !strings.Contains(left.body, "Your account is deleted") || tn.active(held.access) {
		t.Errorf("%d\n%s", left.StatusCode, left.body)
	}
	if n := value[int](w, `SELECT (SELECT count(*) FROM users WHERE email = $1) + (SELECT count(*) FROM grants) + (SELECT count(*) FROM consents) + (SELECT count(*) FROM user_sessions)`, tn.user); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if n := value[int](w, `SELECT count(*) FROM revocations`); n != 1 {
		t.Errorf("guards hear of %d revocations", n)
	}
}

// Catalogue 134, 139, 146, 261: the forms of the page count only from the page itself, for the session that saw it.
func TestAccountForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b := newBrowser(t, w.door)
	tn.connected(b, tn.client())
	page := tn.account(b)
	before := w.rows()
	for _, path := range []string{"/account/disconnect", "/account/sessions", "/account/password", "/account/delete"} {
		target, form := page.form(`form[action$="` + path + `"] button`)
		form.Set("all", "yes")
		form.Set("email", tn.user)
		form.Set("password", anotherPassword)
		for name, header := range map[string]http.Header{
			"cross-site": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example.com"}}, "sibling": {"Sec-Fetch-Site": {"same-site"}},
			"null origin": {"Origin": {"null"}},
		} {
			if got := b.postAs(target, form, header); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s at %s: %d", name, path, got.StatusCode)
			}
		}
		for name, token := range map[string]string{"none": "", "random": strings.Repeat("A", 44), "flipped": flip(form.Get("token"), 10)} {
			forged := url.Values{"all": {"yes"}, "email": {tn.user}, "password": {anotherPassword}, "token": {token}}
			if got := b.postAs(target, forged, http.Header{}); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s token at %s: %d", name, path, got.StatusCode)
			}
		}
		if got := call(t, w.door, http.MethodGet, target+"?"+form.Encode(), nil, ""); got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, got.StatusCode)
		}
	}
	w.unchanged(before)
	_, fields := b.get(tn.issuer + "/account").form(".lines button")
	fields.Set("all", "yes")
	tn.signedOut(b)
	tn.account(b) // another session in the same browser
	if got := b.post(tn.issuer+"/account/disconnect", fields); got.StatusCode != http.StatusForbidden {
		t.Errorf("the form of an older session: %d", got.StatusCode)
	}
	_, request := newBrowser(t, w.door).get(tn.issuer + "/account").form("#password")
	if got := b.post(tn.issuer+"/oauth/consent", url.Values{"request": request["request"], "decision": {"allow"}}); got.StatusCode != http.StatusBadRequest {
		t.Errorf("a sign-in without an app leads to consent: %d", got.StatusCode)
	}
}

func (tn *tenant) signedOut(b *browser) {
	b.t.Helper()
	b.submit(tn.account(b), `.part button[name=all]`, url.Values{"all": {"yes"}})
}

// The consent page leads to the page where access is taken back.
func TestConsentNamesTheAccountPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.demo.signedIn(newBrowser(t, w.door), w.demo.request(w.demo.client()))
	if href := page.document().Find("p.other a").AttrOr("href", ""); href != w.demo.issuer+"/account" {
		t.Errorf("it leads to %q", href)
	}
}

// Whoever has an old session cannot keep its person out: it ends what is as old as itself, and signs in again before what came later.
func TestOldSessionsOfAPersonEndNoLaterOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	thief, earlier, owner := newBrowser(t, w.door), newBrowser(t, w.door), newBrowser(t, w.door)
	tn.account(earlier)
	tn.account(thief)
	w.exec(`UPDATE user_sessions SET auth_time = now() - interval '11 minutes'`)
	tn.account(owner)
	page := thief.get(tn.issuer + "/account")
	var ids []string // the latest first
	for _, id := range page.document().Find(".lines input[name=session]").EachIter() {
		if !strings.Contains(id.Closest("li").Text(), "this browser") {
			ids = append(ids, id.AttrOr("value", ""))
		}
	}
	if len(ids) != 2 {
		t.Fatalf("%d other sessions, want 2", len(ids))
	}
	_, form := page.form(".lines input[name=session]")
	form.Set("session", ids[0])
	if asked := thief.post(tn.issuer+"/account/sessions", form); !strings.Contains(asked.body, "Sign in again to sign it out") || !asked.has("input[type=password]") {
		t.Errorf("it is not asked who they are: %d\n%s", asked.StatusCode, asked.body)
	}
	form.Set("session", ids[1])
	thief.done(thief.post(tn.issuer+"/account/sessions", form))
	if !owner.get(tn.issuer+"/account").has(".lines") || earlier.get(tn.issuer+"/account").has(".lines") {
		t.Error("the later session was ended, or the earlier one was not")
	}
}
