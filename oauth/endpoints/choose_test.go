package endpoints_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

// Where the project allows it people allow some of what is asked for: the token has just that, a tool that needs more is refused, and
// what was refused is asked for anew (catalogue 144, 145).
func TestChosenScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	query := tn.request(client, "scope", "mcp:tools notes:write offline_access")
	if all := tn.signedIn(b, query); all.has("input[type=checkbox]") {
		t.Error("people choose although the project did not say so")
	}
	if err := w.projects.SetScopesSelectable(t.Context(), tenants.SystemActor, w.org, tn.project.ID, true); err != nil {
		t.Fatal(err)
	}
	w.forget()
	consent := b.get(tn.authorizeURL(query))
	boxes := consent.document().Find(`input[type=checkbox][form=decide][checked]`)
	if boxes.Length() != 2 || boxes.Eq(1).AttrOr("name", "") != "scope:notes:write" {
		t.Fatalf("%s", consent.body)
	}
	before := w.rows()
	if none := b.submit(consent, "button[value=allow]", allow); none.StatusCode != http.StatusBadRequest || !strings.Contains(none.body, "at least one") {
		t.Errorf("nothing chosen: %d", none.StatusCode)
	}
	w.unchanged(before)
	choose := func(page *answer, scopes ...string) string {
		t.Helper()
		fields := url.Values{"decision": {"allow"}}
		for _, scope := range scopes {
			fields.Set("scope:"+scope, "yes")
		}
		left := b.submit(page, "button[value=allow]", fields)
		again := b.submit(page, "button[value=allow]", fields) // 148
		if left.location() == "" || left.location() != again.location() {
			t.Fatalf("%d %q %q\n%s", left.StatusCode, left.location(), again.location(), left.body)
		}
		return tn.token(approval{tn: tn, clientID: client, code: left.callback().Get("code")}.codeForm()).tokens().access
	}
	scopes := func(token string) []string { return strings.Fields(tn.introspect(tn.guard, token).text("scope")) }
	if got := scopes(choose(consent, "mcp:tools", "admin", "openid")); !slices.Equal(got, []string{"mcp:tools", "offline_access"}) && !slices.Equal(got, []string{"mcp:tools"}) {
		t.Errorf("%q", got)
	}
	next := b.get(tn.authorizeURL(query))
	if added := next.document().Find(".scopes").First(); !strings.Contains(added.Text(), "asks to be able to do more") || added.Find(`[data-scope="notes:write"]`).Length() != 1 {
		t.Errorf("what was refused is taken for allowed:\n%s", next.body)
	}
	if got := scopes(choose(next, "notes:write")); slices.Contains(got, "mcp:tools") || !slices.Contains(got, "notes:write") {
		t.Errorf("%q", got)
	}
	third := b.get(tn.authorizeURL(query))
	if known := third.document().Find(".scopes").Last(); !strings.Contains(known.Text(), "already allowed") || known.Find(`[data-scope="notes:write"]`).Length() != 1 || known.Find(`[data-scope="mcp:tools"]`).Length() != 0 {
		t.Errorf("%s", third.body)
	}
}

// Catalogue 141: whoever allowed an app before is asked again, wherever the request comes from. Only the page says what is known.
func TestConsentIsNeverSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	tn.approve(b, client)
	for _, site := range []string{"cross-site", "same-site", "same-origin", "none", ""} {
		header := http.Header{"Sec-Fetch-Mode": {"navigate"}}
		if site != "" {
			header.Set("Sec-Fetch-Site", site)
		}
		got := b.send(http.MethodGet, tn.authorizeURL(tn.request(client)), header, "")
		if got.StatusCode != http.StatusOK || !got.has("button[value=allow]") || got.location() != "" {
			t.Errorf("%q: %d", site, got.StatusCode)
		}
	}
}

// An imitated name is said to above the decision, and no brand can take that away (catalogue 151, 152).
func TestNameWarningIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	tn.publish(tenants.Brand{Accent: "#ffffff", Page: "#ffffff", PageDark: "#000000", Radius: 0}, nil)
	client := tn.register(`{"client_name":"Claude","redirect_uris":["https://evil.example/callback"]}`)
	page := tn.signedIn(newBrowser(t, w.door), tn.request(client, "redirect_uri", "https://evil.example/callback"))
	if warning := page.document().Find(".warning").First().Text(); !strings.Contains(warning, "belongs to evil.example") {
		t.Errorf("%q\n%s", warning, page.body)
	}
	if deny := page.document().Find("button.deny"); deny.Length() != 1 || page.document().Find(`.facts`).Text() == "" {
		t.Error("no way to deny")
	}
}
