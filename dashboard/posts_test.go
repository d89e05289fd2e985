package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/secret"
)

// stays are the POSTs that do not lead to a page to look at, with the reason.
var stays = map[string]string{
	"POST /dashboard/confirm":                         "nothing waits for it in this test; the tests of proofs have forms that wait, whose own answers lead on",
	"POST /dashboard/account/passkeys":                "the form of this test has no passkey; the tests of passkeys have one",
	"POST /dashboard/account/password":                "the form of this test is refused; the tests of members have a good one",
	"POST /dashboard/account/delete":                  "refused to the only owner; the tests of members delete one",
	"POST /dashboard/:organization/audit/export":      "a file",
	"POST /dashboard/:organization/billing/people":    "a file",
	"POST /dashboard/:organization/billing/portal":    "leaves for Stripe",
	"POST /dashboard/:organization/settings/delete":   "refused while there are projects; the tests of organizations have none",
	"POST /dashboard/:organization/team/leave":        "refused to the only owner; the tests of teams leave as others",
	"POST " + below + "/scopes/of/:scope/delete":      "refused for the only scope that is given to whoever asks for none; the tests of scopes delete another",
	"POST " + below + "/branding/preview":             "a part of the page that shows a draft; nothing is saved",
	"POST " + below + "/test/run":                     "a report of what was read; nothing is made",
	"POST " + below + "/test/begin":                   "no issuer answers in this world; TestTryoutLeads has one",
	"POST " + below + "/sign-in/own/simulator/answer": "shows a link that works once; the issuer refuses the same request again",
}

// ledToAPage fails for a form whose answer, loaded again, would do again what the form did (post, redirect, get).
func ledToAPage(t *testing.T, w *world, r dashboard.Route, got answer) {
	t.Helper()
	if _, listed := stays[r.Method+" "+r.Path]; listed {
		if got.StatusCode == http.StatusSeeOther {
			t.Errorf("%s %s is listed as one that leads nowhere, and leads to %s", r.Method, r.Path, got.Header.Get("Location"))
		}
		return
	}
	to := got.Header.Get("Location")
	if got.StatusCode != http.StatusSeeOther || to == "" {
		t.Errorf("%s %s: %d, expected 303 to a page\n%s", r.Method, r.Path, got.StatusCode, got.doc.Find("main").Text())
		return
	}
	if page := w.as(t, "owner").get(t, to); page.StatusCode >= http.StatusBadRequest {
		t.Errorf("%s %s leads to %s, which answers %d", r.Method, r.Path, to, page.StatusCode)
	}
}

// What is made by a form that shows a secret, and where on the page it stands.
var secretForms = map[string]struct {
	path, shown string
	form        url.Values
}{
	"project":              {"/dashboard/:organization/projects", "secret", url.Values{"name": {"New"}, "server_url": {"https://new.example.com/mcp"}}},
	"production project":   {below + "/launch/production", "secret", url.Values{"name": {"Live"}, "server_url": {"https://live.example.com/mcp"}}},
	"MCP server":           {below + "/servers", "secret", url.Values{"name": {"Other"}, "server_url": {"https://other-tools.example.com/mcp"}}},
	"registration secret":  {below + "/servers/:server/secrets", "secret", nil},
	"initial access token": {below + "/clients/access/tokens", "initial-access-token", url.Values{"name": {"partner"}}},
	"client":               {below + "/clients", "client-secret", url.Values{"name": {"Server"}, "kind": {"confidential"}, "redirect_uris": {"https://app.example/callback"}}},
	"reviewer":             {below + "/users/reviewer", "reviewer-code", url.Values{"email": {"reviewer@acme.example"}, "days": {"30"}}},
	"own login":            {below + "/sign-in/own", "own-login-secret", url.Values{"name": {"Acme"}, "url": {"https://acme.example/login"}}},
}

// Catalogue 222: a secret is on the page that its form leads to, once: loading that page again, or the answer to the form, makes nothing
// and shows nothing. On the way it is sealed: it stands in no address, no log and no cookie that anybody could read.
func TestSecretsAreShownOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, made := range secretForms {
		b := w.as(t, "owner")
		got := b.do(t, http.MethodPost, w.path(t, made.path), made.form).want(t, http.StatusSeeOther)
		to := got.Header.Get("Location")
		before := w.everything(t)
		page := b.get(t, to).want(t, http.StatusOK)
		shown := strings.TrimSpace(page.doc.Find(`[data-testid="` + made.shown + `"]`).Text())
		if shown == "" || page.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the page shows %q, Cache-Control %q", name, shown, page.Header.Get("Cache-Control"))
			continue
		}
		again := b.get(t, to).want(t, http.StatusOK)
		if after := w.everything(t); after != before || strings.Contains(again.text, shown) {
			t.Errorf("%s: loaded again, the page shows the secret or changes rows:\n%s", name, difference(before, after))
		}
		for _, cookie := range got.Cookies() {
			raw, _ := secret.Decode(cookie.Value)
			if strings.Contains(cookie.Value+string(raw), shown) || !cookie.HttpOnly || cookie.MaxAge > 300 {
				t.Errorf("%s: cookie %v", name, cookie)
			}
		}
		if strings.Contains(to+w.log.String()+got.text+before, shown) {
			t.Errorf("%s: the secret %.12s… is in the address, the log, the answer to the form or the database", name, shown)
		}
	}
}

// What waits for one page is for that page, that session and five minutes.
func TestSecretsWaitForTheirPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := w.of(t, "/clients/access")
	makeOne := func(t *testing.T) (b *browser, sealed string) {
		t.Helper()
		b = w.as(t, "owner")
		for _, cookie := range b.post(t, tokens+"/tokens", "name", "partner").want(t, http.StatusSeeOther).Cookies() {
			if cookie.Name == "mcpauth_once" {
				sealed = cookie.Value
			}
		}
		return b, sealed
	}
	shows := func(t *testing.T, b *browser) bool {
		t.Helper()
		return b.get(t, tokens).want(t, http.StatusOK).doc.Find(`[data-testid="initial-access-token"]`).Length() > 0
	}
	owner, sealed := makeOne(t)
	for _, other := range []string{"/keys", "/users", "/sign-in/own"} {
		if page := owner.get(t, w.of(t, other)).want(t, http.StatusOK); regexp.MustCompile(`mcpauth_it_\w+`).MatchString(page.text) {
			t.Errorf("%s shows the secret of another page", other)
		}
	}
	for _, who := range []string{"developer", "viewer"} {
		b := w.as(t, who)
		b.cookie(t, "mcpauth_once", sealed)
		if shows(t, b) {
			t.Errorf("a %s with the cookie of the owner sees the secret", who)
		}
	}
	damaged := w.as(t, "owner")
	damaged.cookie(t, "mcpauth_once", sealed[:len(sealed)-2]+"AA")
	if shows(t, damaged) {
		t.Error("a damaged cookie is read")
	}
	if !shows(t, owner) {
		t.Error("the page that it waits for does not show it")
	}
	late, _ := makeOne(t)
	config := w.config
	config.Now = func() time.Time { return time.Now().Add(5*time.Minute + time.Second) }
	w.door.Store(dashboard.New(config))
	if shows(t, late) {
		t.Error("shown after five minutes")
	}
}

// The prepared authorization is on a page that may be loaded again: it is the same one, and it is gone once it was used.
func TestTryoutLeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var address string
	issuer := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(must(json.Marshal(map[string]any{"issuer": address, "authorization_endpoint": address + "/oauth/authorize", "token_endpoint": address + "/api/oauth/token",
			"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}})))
	}))
	defer issuer.Close()
	address = issuer.URL
	w.exec(t, `UPDATE project_issuers SET url = $1 WHERE project_id = $2 AND is_primary`, address, w.project.String())
	b := w.as(t, "developer")
	begun := b.post(t, w.of(t, "/test/begin"), "server", w.params[":server"], "profile", "claude-code").want(t, http.StatusSeeOther)
	links := map[string]bool{}
	for range 2 {
		page := b.get(t, begun.Header.Get("Location")).want(t, http.StatusOK)
		page.doc.Find("main a").Each(func(_ int, a *goquery.Selection) {
			if href, _ := a.Attr("href"); strings.HasPrefix(href, address+"/oauth/authorize?") {
				links[href] = true
			}
		})
	}
	if len(links) != 1 {
		t.Errorf("links to the authorization: %v, expected one, the same twice", links)
	}
}
