package endpoints_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/oauth"
)

// Catalogue 72, 73, 76, 83, 91, 99, 101, A13, P8: until client and redirect URI are known to be good nothing leads away from us.
func TestAuthorizeLocalErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	two := tn.register(`{"redirect_uris":["https://client.example/a","https://client.example/b"]}`)
	loopback := tn.register(`{"client_name":"One","redirect_uris":["` + registered + `"]}`)
	good := func(changes ...string) string { return tn.request(client, changes...).Encode() }
	before := w.rows()
	for name, query := range map[string]string{
		"unknown client (72)":                   good("client_id", "unknown"),
		"another project's client":              good("client_id", w.other.client()),
		"no client":                             good("client_id", ""),
		"client id of 3 KB":                     good("client_id", strings.Repeat("a", 3000)),
		"client id with NUL":                    good("client_id", client+"\x00"),
		"client id that is not UTF-8":           good("client_id", client+"\xff"),
		"redirect not registered (73)":          good("redirect_uri", "https://evil.example.com/"),
		"redirect differs by path (75)":         good("redirect_uri", testCallback+"2"),
		"redirect differs by query":             good("redirect_uri", testCallback+"?x=1"),
		"localhost for 127.0.0.1 (A11)":         good("redirect_uri", "http://localhost:33418/callback"),
		"redirect with NUL":                     good("redirect_uri", testCallback+"\x00"),
		"redirect to ourselves (23)":            good("redirect_uri", "http://127.0.0.1:8080/callback"),
		"none given, two registered (76)":       tn.request(two, "redirect_uri", "").Encode(),
		"none given, a port is needed":          tn.request(loopback, "redirect_uri", "").Encode(),
		"client_id twice (83)":                  good() + "&client_id=" + client,
		"redirect_uri twice (83)":               good() + "&redirect_uri=" + url.QueryEscape(testCallback),
		"state twice (83)":                      good() + "&state=x",
		"code_challenge twice (83)":             good() + "&code_challenge=x",
		"scope twice (83)":                      good() + "&scope=x",
		"prompt=none and a bad redirect (91)":   good("prompt", "none", "redirect_uri", "https://evil.example.com/"),
		"bad response_type and a bad redirect":  good("response_type", "token", "redirect_uri", "https://evil.example.com/"),
		"broken escape":                         good() + "&x=%zz",
		"semicolon":                             good() + ";x=1",
		"20 KB (101)":                           good("state", strings.Repeat("s", 20<<10)),
		"state with NUL":                        good("state", "a\x00"),
		"state that is not UTF-8":               good("state", "a\xff"),
		"nonce with NUL":                        good("nonce", "a\x00"),
		"an unknown parameter that is no UTF-8": good("x", "\xff"),
		"nothing":                               "",
	} {
		got := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathAuthorize+"?"+query, nil, "")
		if got.isLocal(400); got.StatusCode != http.StatusBadRequest || strings.Contains(got.body, "evil.example.com") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	w.exec(`UPDATE clients SET blocked_at = now() WHERE id = $1`, two)
	call(t, w.door, http.MethodGet, tn.authorizeURL(tn.request(two, "redirect_uri", "https://client.example/a")), nil, "").isLocal(403) // 99, P28
	w.exec(`UPDATE clients SET blocked_at = NULL WHERE id = $1`, two)
	for table, state := range w.rows() {
		if table != "public.clients" && table != "public.audit_log" && before[table] != state { // the other project's client was registered meanwhile
			t.Errorf("%s was written", table)
		}
	}
	page := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathAuthorize+"?"+good("client_id", "unknown"), nil, "")
	if !strings.Contains(page.body, "Add it again") || !page.has("#request-id") { // P8
		t.Errorf("%s", page.body)
	}
}

// Catalogue 77 to 82, 84 to 88, 92, A14, A15, P7, P30: what the client may be told goes to an app at once, with state and iss.
func TestAuthorizeRedirectErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	web := tn.register(`{"client_name":"Web App","redirect_uris":["https://client.example/cb?keep=1"]}`)
	app := tn.register(`{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback"]}`)
	before := w.rows()
	state := "a b&c=\"><script>\r\nSet-Cookie: x=y #ü" // 87
	for name, c := range map[string]struct {
		changes []string
		code    string
	}{
		"no PKCE (77)":                 {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"no challenge (80)":            {[]string{"code_challenge", ""}, "invalid_request"},
		"method omitted is plain (78)": {[]string{"code_challenge_method", ""}, "invalid_request"},
		"plain (78)":                   {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"s256 (78)":                    {[]string{"code_challenge_method", "s256"}, "invalid_request"},
		"S512 (78)":                    {[]string{"code_challenge_method", "S512"}, "invalid_request"},
		"challenge of 42 (79)":         {[]string{"code_challenge", strings.Repeat("a", 42)}, "invalid_request"},
		"padded challenge (79)":        {[]string{"code_challenge", strings.Repeat("a", 42) + "="}, "invalid_request"},
		"other alphabet (79)":          {[]string{"code_challenge", strings.Repeat("+", 43)}, "invalid_request"},
		"token (81)":                   {[]string{"response_type", "token"}, "unsupported_response_type"},
		"hybrid (81)":                  {[]string{"response_type", "code id_token"}, "unsupported_response_type"},
		"none (81)":                    {[]string{"response_type", "none"}, "unsupported_response_type"},
		"no response_type":             {[]string{"response_type", ""}, "invalid_request"},
		"fragment (82)":                {[]string{"response_mode", "fragment"}, "invalid_request"},
		"form_post (82, P30)":          {[]string{"response_mode", "form_post"}, "invalid_request"},
		"web_message (82)":             {[]string{"response_mode", "web_message"}, "invalid_request"},
		"unknown scope (84)":           {[]string{"scope", "admin"}, "invalid_scope"},
		"unknown resource (85)":        {[]string{"resource", "https://evil.example.com/mcp"}, "invalid_target"},
		"relative resource (85)":       {[]string{"resource", "/mcp"}, "invalid_target"},
		"fragment in resource (85)":    {[]string{"resource", tn.server.Resource + "#x"}, "invalid_target"},
		"another project's (85)":       {[]string{"resource", w.other.server.Resource}, "invalid_target"},
		"request object (86)":          {[]string{"request", "eyJ"}, "request_not_supported"},
		"request_uri (86)":             {[]string{"request_uri", "http://127.0.0.1:1/"}, "request_uri_not_supported"},
		"prompt=none (92)":             {[]string{"prompt", "none"}, "consent_required"},
		"unknown prompt":               {[]string{"prompt", "dance"}, "invalid_request"},
		"negative max_age":             {[]string{"max_age", "-1"}, "invalid_request"},
		"nonce of 1 KB":                {[]string{"nonce", strings.Repeat("n", 1000)}, "invalid_request"},
	} {
		for id, redirect := range map[string]string{client: testCallback, app: "cursor://anysphere.cursor-mcp/oauth/callback", web: "https://client.example/cb?keep=1"} {
			query := tn.request(id, append([]string{"redirect_uri", redirect, "state", state}, c.changes...)...)
			got := call(t, w.door, http.MethodGet, tn.authorizeURL(query), nil, "")
			location := got.Header.Get("Location")
			if id == web { // 93, A13: an open redirector without this
				if got.StatusCode != http.StatusBadRequest || location != "" || got.has("meta[http-equiv=refresh]") {
					t.Errorf("%s: an https redirect happens by itself: %d %s", name, got.StatusCode, location)
				}
				location = got.document().Find("a.button").AttrOr("href", "")
			} else if got.StatusCode != http.StatusSeeOther || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", name, got.StatusCode, got.Header)
			}
			u, err := url.Parse(location)
			if err != nil || !strings.HasPrefix(location, redirect) {
				t.Fatalf("%s: %q, %v", name, location, err)
			}
			if q := u.Query(); q.Get("error") != c.code || q.Get("state") != state || q.Get("iss") != tn.issuer || q.Has("code") || len(q["error"]) != 1 || q.Get("error_description") == "" {
				t.Errorf("%s: %s", name, location)
			}
		}
	}
	w.unchanged(before)
	twice := tn.request(client).Encode() + "&resource=https%3A%2F%2Fsecond.example.com"
	if got := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathAuthorize+"?"+twice, nil, ""); got.callback().Get("error") != "invalid_target" {
		t.Errorf("%s", got.location())
	}
}

// Catalogue 100, 102, 90: beginning writes nothing, and what was sent is shown escaped.
func TestAuthorizeWritesNothingAndEscapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.register(`{"client_name":"<script>alert(1)</script>\u202e","redirect_uris":["` + registered + `"],"client_uri":"https://client.example/\"><img src=x>"}`)
	before := w.rows()
	b := newBrowser(t, w.door)
	page := b.get(tn.authorizeURL(tn.request(client, "login_hint", `"><script>alert(2)</script>`, "state", `"><script>`, "nonce", "<b>")))
	if page.has("script") || strings.Contains(page.body, "<script") || !page.has("#password") {
		t.Errorf("%s", page.body)
	}
	w.unchanged(before)
	for _, header := range []string{"Referrer-Policy", "Content-Security-Policy"} {
		if page.Header.Get(header) == "" {
			t.Errorf("no %s", header)
		}
	}
	if page.Header.Get("Cache-Control") != "no-store" || page.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("%v", page.Header)
	}
	page.document().Find("[src], link[href]").Each(func(_ int, s *goquery.Selection) { // 90: nothing of anyone else's
		if source := s.AttrOr("src", s.AttrOr("href", "")); !strings.HasPrefix(source, "/static/") {
			t.Errorf("the page loads %s", source)
		}
	})
	consent := b.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	if consent.has("script") || consent.has("img") || strings.ContainsRune(consent.body, '\u202e') {
		t.Errorf("%s", consent.body)
	}
}

// Catalogue 97: a sign-in that is fresh enough, or another one.
func TestPromptLoginAndMaxAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	tn.signedIn(b, tn.request(client))
	for name, changes := range map[string][]string{"prompt=login": {"prompt", "login"}, "max_age=0": {"max_age", "0"}} {
		page := b.get(tn.authorizeURL(tn.request(client, changes...)))
		if !page.has("#password") {
			t.Fatalf("%s: no sign-in\n%s", name, page.body)
		}
		consent := b.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
		left := b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}})
		if left.callback().Get("code") == "" {
			t.Errorf("%s: %s", name, left.location())
		}
	}
	if page := b.get(tn.authorizeURL(tn.request(client, "max_age", "3600", "prompt", "consent select_account"))); !page.has("button[value=allow]") {
		t.Error("a session that is young enough is not accepted")
	}
	w.exec(`UPDATE user_sessions SET auth_time = now() - interval '2 hours'`)
	if page := b.get(tn.authorizeURL(tn.request(client, "max_age", "3600"))); !page.has("#password") {
		t.Error("a session that is too old is accepted")
	}
}

// Catalogue 96: a page older than ten minutes is over.
func TestStaleFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, w.door)
	consent := w.demo.signedIn(b, w.demo.request(w.demo.client()))
	w.clock.advance(9 * time.Minute)
	again := b.submit(consent, "button.link", nil)
	if !again.has("#password") {
		t.Fatalf("%d", again.StatusCode)
	}
	w.clock.advance(2 * time.Minute)
	before := w.rows()
	b.submit(consent, "button[value=allow]", url.Values{"decision": {"allow"}}).isLocal(400)
	b.submit(again, "#password", url.Values{"email": {w.demo.user}, "password": {userPassword}}).isLocal(400) // going on does not renew it
	w.unchanged(before)
}
