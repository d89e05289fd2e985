package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"mcpauth.example/oauth"
)

var allow = url.Values{"decision": {"allow"}}

// Catalogue 139, 261: a decision counts only when it comes from our own page, not from another site nor from a sibling project.
func TestConsentCSRF(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tn := range []*tenant{w.demo, w.demo.secure()} {
		b := newBrowser(t, w.door)
		page := tn.signedIn(b, tn.request(tn.client()))
		target, form := page.form("button[value=allow]")
		form.Set("decision", "allow")
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		own := u.Scheme + "://" + u.Host
		before := w.rows()
		for name, header := range map[string]http.Header{
			"cross-site":          {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example.com"}},
			"sibling subdomain":   {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://other.mcpauth.example"}},
			"foreign Origin":      {"Origin": {"https://evil.example.com"}},
			"null Origin":         {"Origin": {"null"}},
			"Origin of a sibling": {"Origin": {"https://other.mcpauth.example"}},
			"cross-site, own Origin forged by an old browser": {"Sec-Fetch-Site": {"cross-site"}, "Origin": {own}},
		} {
			for _, path := range []string{"/oauth/consent", "/oauth/sign-in", "/oauth/sign-up", "/oauth/sign-up/code", "/oauth/sign-in/email", "/oauth/sign-in/code", "/oauth/reset", "/oauth/reset/code", "/oauth/sign-in/upstream"} {
				if got := b.postAs(tn.issuer+path, form, header); got.StatusCode != http.StatusForbidden || got.location() != "" {
					t.Errorf("%s at %s: %d %s", name, path, got.StatusCode, got.location())
				}
			}
		}
		for name, approval := range map[string]string{"no approval": "", "random approval": strings.Repeat("A", 44), "flipped": flip(form.Get("approval"), 10)} { // also a browser that says nothing of origins
			forged := url.Values{"request": form["request"], "decision": form["decision"], "approval": {approval}}
			if got := b.postAs(target, forged, http.Header{}); got.StatusCode != http.StatusForbidden || got.location() != "" {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
		}
		got := call(t, w.door, http.MethodGet, target+"?"+form.Encode(), nil, "")
		if got.StatusCode != http.StatusMethodNotAllowed { // no change by GET
			t.Errorf("GET: %d", got.StatusCode)
		}
		w.unchanged(before)
		if left := b.submit(page, "button[value=allow]", allow); left.callback().Get("code") == "" {
			t.Errorf("the rightful decision: %d", left.StatusCode)
		}
	}
}

// Catalogue 94, 95, 142: the request belongs to its browser, its project and its issuer URL, byte for byte.
func TestSealedRequestCannotBeCarriedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	attacker, victim := newBrowser(t, w.door), newBrowser(t, w.door)
	theirs := tn.signedIn(attacker, tn.request(client))
	own := tn.signedIn(victim, tn.request(client))
	_, stolen := theirs.form("button[value=allow]")
	target, form := own.form("button[value=allow]")
	form.Set("decision", "allow")
	before := w.rows()
	for _, request := range map[string]string{
		"another browser's (95, 142)": stolen.Get("request"), "flipped (94)": flip(form.Get("request"), 60), "flipped last": flip(form.Get("request"), len(form.Get("request"))-2),
		"truncated": form.Get("request")[:100], "empty": "", "not base64": "!!!", "another kind": form.Get("approval"), "plain JSON": `{"f":"x"}`,
	} {
		for _, path := range []string{"/oauth/consent", "/oauth/sign-in", "/oauth/sign-up", "/oauth/sign-up/code", "/oauth/sign-in/email", "/oauth/sign-in/code", "/oauth/reset", "/oauth/reset/code"} {
			victim.post(tn.issuer+path, url.Values{"request": {request}, "approval": form["approval"], "decision": {"allow"}, "email": {tn.user}, "password": {userPassword}}).isLocal(400)
		}
	}
	both := changed(url.Values{"request": stolen["request"], "approval": stolen["approval"], "decision": {"allow"}}, nil)
	victim.post(target, both).isLocal(400) // request and approval of one browser, session of another
	for _, elsewhere := range []*tenant{tn.host(), w.other} {
		copied := newBrowser(t, w.door)
		u, _ := url.Parse(tn.issuer + "/")
		there, _ := url.Parse(elsewhere.issuer + "/")
		for _, cookie := range victim.jar.Cookies(u) { // whoever can copy cookies still cannot move the flow
			copied.jar.SetCookies(there, []*http.Cookie{{Name: strings.Replace(cookie.Name, "_demo", "_"+strings.TrimPrefix(there.Path, "/t/"), 1), Value: cookie.Value, Path: "/"}})
		}
		copied.post(elsewhere.issuer+"/oauth/consent", form).isLocal(400)
	}
	unknown := newBrowser(t, w.door)
	unknown.post(target, form).isLocal(400) // no pre-session cookie at all
	w.unchanged(before)
	// Fields beside the sealed request do not count (94, 145).
	form.Set("scope", "admin")
	form.Set("redirect_uri", "https://evil.example.com/")
	form.Set("client_id", "other")
	left := victim.post(target, form)
	a := approval{tn: tn, clientID: client, code: left.callback().Get("code")}
	if held := tn.token(a.codeForm()).tokens(); held.scope != "mcp:tools notes:write" || !strings.HasPrefix(left.location(), testCallback) {
		t.Errorf("%s %+v", left.location(), held)
	}
}

// Catalogue 148, P21: a double submit gives the same redirect while the code is unused, and a page of ours afterwards.
func TestDoubleSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	page := tn.signedIn(b, tn.request(client))
	locations := make([]string, 20)
	target, form := page.form("button[value=allow]")
	form.Set("decision", "allow")
	cookies := http.Header{"Content-Type": formHeader["Content-Type"], "Sec-Fetch-Site": {"same-origin"}}
	u, _ := url.Parse(target)
	for _, cookie := range b.jar.Cookies(u) {
		cookies.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	var wait sync.WaitGroup
	for i := range locations {
		wait.Go(func() {
			locations[i] = call(t, w.door, http.MethodPost, target, cookies, form.Encode()).location()
		})
	}
	wait.Wait()
	for _, location := range locations {
		if location == "" || location != locations[0] {
			t.Fatalf("%q and %q", location, locations[0])
		}
	}
	if n := value[int](w, `SELECT count(*) FROM grants`); n != 1 {
		t.Errorf("%d grants", n)
	}
	back, _ := url.Parse(locations[0])
	a := approval{tn: tn, clientID: client, code: back.Query().Get("code")}
	held := tn.token(a.codeForm()).tokens()
	before := w.rows()
	b.submit(page, "button[value=allow]", allow).isLocal(400)
	w.unchanged(before)
	if !tn.active(held.access) {
		t.Error("a late submit ended the connection")
	}
	w.exec(`UPDATE grants SET code_redeemed_at = NULL, code_expires_at = now()`)
	b.submit(page, "button[value=allow]", allow).isLocal(400) // expired
	deny := b.submit(page, "button[value=deny]", url.Values{"decision": {"deny"}})
	if deny.callback().Has("code") {
		t.Errorf("%s", deny.location())
	}
}

// Catalogue 148, P21: two tabs finish independently, in any order.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	first := b.get(tn.authorizeURL(tn.request(client, "state", "one")))
	second := b.get(tn.authorizeURL(tn.request(client, "state", "two")))
	secondConsent := b.submit(second, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	firstConsent := b.submit(first, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	leftFirst := b.submit(firstConsent, "button[value=allow]", allow)
	if leftFirst.callback().Get("state") != "one" {
		t.Errorf("%s", leftFirst.location())
	}
	// The second sign-in replaced the session (106), so the other tab asks again, in the same flow.
	stale := b.submit(secondConsent, "button[value=allow]", allow)
	if stale.StatusCode != http.StatusForbidden || stale.location() != "" {
		t.Fatalf("%d\n%s", stale.StatusCode, stale.body)
	}
	again := b.submit(second, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	leftSecond := b.submit(again, "button[value=allow]", allow)
	if leftSecond.callback().Get("state") != "two" || leftSecond.callback().Get("code") == leftFirst.callback().Get("code") {
		t.Errorf("%s", leftSecond.location())
	}
	for _, left := range []*answer{leftFirst, leftSecond} {
		tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens()
	}
	pages := []*answer{b.get(tn.authorizeURL(tn.request(client, "state", "three"))), b.get(tn.authorizeURL(tn.request(client, "state", "four")))}
	for i, state := range []string{"three", "four"} { // signed in before: both tabs at once
		if left := b.submit(pages[i], "button[value=allow]", allow); left.callback().Get("state") != state {
			t.Errorf("%s", left.location())
		}
	}
}

// Catalogue 146, 163, 133, 136: between the page and the decision the session may end and the person may change.
func TestApprovalAfterSomethingChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	tn.addUser("eve@demo.example")
	for name, c := range map[string]struct{ end, undo string }{
		"session ended":   {`UPDATE user_sessions SET ended_at = now() WHERE ended_at IS NULL`, ""},
		"session expired": {`UPDATE user_sessions SET expires_at = now()`, ""},
		"user blocked":    {`UPDATE users SET blocked_at = now()`, `UPDATE users SET blocked_at = NULL`},
	} {
		b := newBrowser(t, w.door)
		page := tn.signedIn(b, tn.request(client))
		w.exec(c.end)
		before := w.rows()
		got := b.submit(page, "button[value=allow]", allow)
		if !got.has("#password") || got.location() != "" {
			t.Errorf("%s: %d\n%s", name, got.StatusCode, got.body)
		}
		w.unchanged(before)
		if c.undo != "" {
			w.exec(c.undo)
		}
	}
	w.exec(`DELETE FROM user_sessions`)
	b := newBrowser(t, w.door)
	page := tn.signedIn(b, tn.request(client))
	switched := b.submit(page, "button.link", nil)
	consent := b.submit(switched, "#password", url.Values{"email": {"eve@demo.example"}, "password": {userPassword}})
	if !strings.Contains(consent.body, "eve@demo.example") {
		t.Fatalf("%d\n%s", consent.StatusCode, consent.body)
	}
	before := w.rows()
	if got := b.submit(page, "button[value=allow]", allow); got.StatusCode != http.StatusForbidden || got.location() != "" { // 146
		t.Errorf("the page of the person before: %d", got.StatusCode)
	}
	w.unchanged(before)
	if n := value[int](w, `SELECT count(*) FROM user_sessions s JOIN users u ON u.id = s.account_id WHERE u.email = $1 AND ended_at IS NULL AND expires_at > now()`, tn.user); n != 0 {
		t.Errorf("%d sessions of the person before live on", n) // 136
	}
	for _, c := range map[string]struct {
		end, undo string
		status    int
	}{
		"client blocked": {`UPDATE clients SET blocked_at = now()`, `UPDATE clients SET blocked_at = NULL`, 403},
		"server moved":   {`UPDATE mcp_servers SET resource = resource || '/moved'`, `UPDATE mcp_servers SET resource = left(resource, -6)`, 400}, // seen by the statement, not by memory
		"suspended":      {`UPDATE projects SET status = 'suspended'`, `UPDATE projects SET status = 'active'`, 400},
	} {
		w.exec(c.end)
		before := w.rows()
		b.submit(consent, "button[value=allow]", allow).isLocal(c.status)
		w.unchanged(before)
		w.exec(c.undo)
	}
	if left := b.submit(consent, "button[value=allow]", allow); left.callback().Get("code") == "" {
		t.Errorf("%d", left.StatusCode)
	}
	w.exec(`DELETE FROM mcp_servers WHERE project_id = $1::text::uuid`, tn.project.ID.String())
	w.forget()
	if got := b.get(tn.authorizeURL(tn.request(client))); got.callback().Get("error") != "invalid_target" {
		t.Errorf("%d %s", got.StatusCode, got.location())
	}
}

// Catalogue 141, 144: consent is asked for each time, since nobody verified the client.
func TestConsentIsNeverSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, client := newBrowser(t, w.door), w.demo.client()
	for range 2 {
		w.demo.connected(b, client)
	}
	if page := b.get(w.demo.authorizeURL(w.demo.request(client))); page.location() != "" || !page.has("button[value=allow]") {
		t.Errorf("%d %s", page.StatusCode, page.location())
	}
	if n := value[int](w, `SELECT count(*) FROM consents`); n != 1 {
		t.Errorf("%d rows remember one consent", n)
	}
	if got := call(t, w.door, http.MethodGet, w.demo.issuer+oauth.PathAuthorize, nil, ""); got.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", got.StatusCode)
	}
}
