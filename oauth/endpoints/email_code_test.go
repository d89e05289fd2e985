package endpoints_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"mcpauth.example/internal/mail"
	"mcpauth.example/tenants"
)

var linkPattern = regexp.MustCompile(`https?://[^\s"]+/oauth/sign-in/link\?[^\s"]+`)

// askForCode asks on the sign-in page for a code, and returns the page that takes it and the message.
func (tn *tenant) askForCode(b *browser, client, email string) (*answer, mail.Message) {
	b.t.Helper()
	page := b.submit(b.get(tn.authorizeURL(tn.request(client))), "#way-email-code", url.Values{"email": {email}})
	if page.StatusCode != http.StatusOK || !page.has("#code") {
		b.t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	return page, tn.w.lastMail()
}

func linkIn(t *testing.T, message mail.Message) string {
	t.Helper()
	link := linkPattern.FindString(message.Text)
	if link == "" || !strings.Contains(message.HTML, strings.ReplaceAll(link, "&", "&amp;")) {
		t.Fatalf("no link in both bodies: %+v", message)
	}
	return link
}

// Catalogue 105, 106, 110: a code signs in whoever has an account and makes one for whoever has none; it works once, and its message is
// the project's own.
func TestEmailCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	for _, email := range []string{tn.user, "new@demo.example"} {
		b := newBrowser(t, w.door)
		page, message := tn.askForCode(b, client, " "+strings.ToUpper(email[:1])+email[1:])
		code := sixDigits.FindString(message.Text)
		if message.To != email || code == "" || message.FromName != "Demo" || strings.Contains(page.body, code) {
			t.Fatalf("%+v", message)
		}
		before := b.cookie(tn, "mcpauth_session")
		got := b.submit(page, "#code", url.Values{"code": {code[:3] + " " + code[3:]}})
		if got.StatusCode != http.StatusOK || !got.has("button[value=allow]") || !strings.Contains(got.body, email) || b.cookie(tn, "mcpauth_session") == before {
			t.Fatalf("%d\n%s", got.StatusCode, got.body)
		}
		if again := b.submit(page, "#code", url.Values{"code": {code}}); again.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("the code works twice: %d", again.StatusCode)
		}
		left := b.submit(got, "button[value=allow]", url.Values{"decision": {"allow"}})
		tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE email = 'new@demo.example' AND password_hash IS NULL AND email_verified_at IS NOT NULL`); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

// Catalogue 105, 137: where nobody may sign up, an address without account is answered alike, and its message holds no code.
func TestEmailCodeTellsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	w.exec(`UPDATE projects SET sign_up_open = false`)
	w.forget()
	var shapes []string
	for _, email := range []string{tn.user, "not@demo.example"} {
		b := newBrowser(t, w.door)
		page, message := tn.askForCode(b, client, email)
		if has := sixDigits.MatchString(message.Text); has != (email == tn.user) || linkPattern.MatchString(message.Text) != has {
			t.Errorf("%+v", message)
		}
		got := b.submit(page, "#code", url.Values{"code": {"000000"}})
		shapes = append(shapes, strings.ReplaceAll(normal(page.body)+normal(got.body), email, ""))
	}
	if shapes[0] != shapes[1] {
		t.Errorf("a known address is answered otherwise:\n%s\n%s", shapes[0], shapes[1])
	}
	if n := value[int](w, `SELECT count(*) FROM users WHERE email = 'not@demo.example'`); n != 0 {
		t.Error("an account was made")
	}
}

// Catalogue 111, 112, 114, 138, 142: the link stands at the issuer's own address; opening it changes nothing; in the browser that began it
// goes on with the same connection, and in another one it shows the code and no way on.
func TestEmailLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	b := newBrowser(t, w.door)
	page := b.get(tn.authorizeURL(tn.request(client)))
	target, form := page.form("#way-email-code")
	form.Set("email", tn.user)
	poisoned := http.Header{"Sec-Fetch-Site": {"same-origin"}, "X-Forwarded-Host": {"evil.example"}, "Forwarded": {"host=evil.example"}}
	b.postAs(target, form, poisoned)
	link := linkIn(t, w.lastMail())
	code := sixDigits.FindString(w.lastMail().Text)
	if !strings.HasPrefix(link, tn.issuer+"/oauth/sign-in/link?") {
		t.Fatalf("the link leads to %s", link)
	}
	before := w.rows()
	for range 8 { // a scanner, then the person, more often than a code may be tried
		other := newBrowser(t, w.door)
		shown := other.get(link)
		if shown.StatusCode != http.StatusOK || strings.TrimSpace(shown.document().Find("#digits").Text()) != code || shown.has("form") {
			t.Fatalf("%d\n%s", shown.StatusCode, shown.body)
		}
		if own := b.get(link); own.StatusCode != http.StatusOK || own.has("#digits") || !own.has("form button") {
			t.Fatalf("%d\n%s", own.StatusCode, own.body)
		}
	}
	w.unchanged(before)
	shown := b.get(link)
	if shown.Header.Get("Referrer-Policy") != "no-referrer" || shown.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the address may travel: %v", shown.Header)
	}
	stolen := newBrowser(t, w.door) // all that the page holds, elsewhere
	stolen.get(tn.authorizeURL(tn.request(client)))
	action, fields := shown.form("button")
	stolen.post(action, fields).isLocal(http.StatusBadRequest)
	got := b.submit(shown, "button", nil)
	if !got.has("button[value=allow]") || !strings.Contains(got.body, tn.user) {
		t.Fatalf("%d\n%s", got.StatusCode, got.body)
	}
	left := b.submit(got, "button[value=allow]", url.Values{"decision": {"allow"}})
	tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	if used := b.get(link); !used.has("#digits") || used.has("form") {
		t.Errorf("a used link goes on: %s", used.body)
	}
}

// Catalogue 110: fifty at once with the same code start one session.
func TestEmailCodeRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b := newBrowser(t, w.door)
	page, message := tn.askForCode(b, tn.client(), tn.user)
	action, fields := page.form("#code")
	fields.Set("code", sixDigits.FindString(message.Text))
	sessions := value[int](w, `SELECT count(*) FROM user_sessions`)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { b.post(action, fields) })
	}
	group.Wait()
	if n := value[int](w, `SELECT count(*) FROM user_sessions`) - sessions; n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// Catalogue 113, 123, 258: a code that is old, another tenant's, another purpose's or a blocked person's signs nobody in.
func TestEmailCodeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	refused := func(t *testing.T, got *answer, status int) {
		t.Helper()
		if got.StatusCode != status || got.has("button[value=allow]") {
			t.Errorf("%d\n%s", got.StatusCode, got.body)
		}
	}
	client := tn.client()
	b := newBrowser(t, w.door)
	page, message := tn.askForCode(b, client, tn.user)
	code := sixDigits.FindString(message.Text)
	action, fields := page.form("#code")
	fields.Set("code", code)
	for _, path := range []string{"/oauth/sign-up/code", "/oauth/reset/code"} { // another purpose
		fields.Set("password", "another long password")
		refused(t, b.post(tn.issuer+path, fields), http.StatusUnprocessableEntity)
	}
	foreign, theirs := newBrowser(t, w.door), w.other
	theirForm, _ := theirs.askForCode(foreign, theirs.client(), theirs.user)
	_, otherFields := theirForm.form("#code")
	otherFields.Set("challenge", fields.Get("challenge"))
	otherFields.Set("code", code)
	refused(t, foreign.post(theirs.issuer+"/oauth/sign-in/code", otherFields), http.StatusUnprocessableEntity)
	w.exec(`UPDATE users SET blocked_at = now() WHERE email = $1`, tn.user)
	refused(t, b.post(action, fields), http.StatusForbidden)
	w.exec(`UPDATE users SET blocked_at = NULL WHERE email = $1`, tn.user)
	page, message = tn.askForCode(b, client, tn.user)
	w.exec(`UPDATE user_challenges SET expires_at = expires_at - interval '10 minutes' WHERE finished_at IS NULL`)
	refused(t, b.submit(page, "#code", url.Values{"code": {sixDigits.FindString(message.Text)}}), http.StatusUnprocessableEntity)
}

// What a project switched off is neither offered nor taken (catalogue 137).
func TestSignInMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, client := w.demo, w.demo.client()
	set := func(methods ...string) {
		t.Helper()
		if err := w.projects.SetSignInMethods(t.Context(), tenants.SystemActor, w.org, tn.project.ID, methods); err != nil {
			t.Fatal(err)
		}
		w.forget()
	}
	b := newBrowser(t, w.door)
	both := b.get(tn.authorizeURL(tn.request(client)))
	if !both.has("#password") || !both.has("#way-email-code") || !both.has(`form[action$="/oauth/reset"]`) {
		t.Fatal(both.body)
	}
	_, fields := both.form("#password")
	set(tenants.SignInEmailCode)
	page := b.get(tn.authorizeURL(tn.request(client)))
	if page.has("#password") || page.has(`form[action$="/oauth/reset"]`) || page.has(`form[action$="/oauth/sign-up"]`) || !page.has("#way-email-code") || !page.has("#email") {
		t.Error(page.body)
	}
	fields.Set("email", tn.user)
	fields.Set("password", userPassword)
	if got := b.post(tn.issuer+"/oauth/sign-in", fields); got.has("button[value=allow]") {
		t.Error("a password signs in")
	}
	for _, path := range []string{"/oauth/sign-up", "/oauth/reset", "/oauth/reset/code"} {
		b.post(tn.issuer+path, fields).isLocal(http.StatusForbidden)
	}
	set(tenants.SignInPassword)
	if got := b.get(tn.authorizeURL(tn.request(client))); got.has("#way-email-code") {
		t.Error(got.body)
	}
	b.post(tn.issuer+"/oauth/sign-in/email", fields).isLocal(http.StatusForbidden)
	b.post(tn.issuer+"/oauth/sign-in/code", fields).isLocal(http.StatusForbidden)
	for _, methods := range [][]string{nil, {"telepathy"}, {tenants.SignInPassword, "x"}} {
		if err := w.projects.SetSignInMethods(t.Context(), tenants.SystemActor, w.org, tn.project.ID, methods); err == nil {
			t.Errorf("%v is accepted", methods)
		}
	}
}
