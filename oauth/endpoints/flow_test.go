package endpoints_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/oauth"
)

// The six steps in each form of issuer: A1, A14 to A18, A21, A24, A26, A27, A29, P7, catalogue 88, 173, 176.
func TestFullFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tn := range []*tenant{w.demo, w.demo.host(), w.demo.secure()} {
		b := newBrowser(t, w.door)
		metadata := call(t, w.door, http.MethodGet, oauth.MetadataURL(tn.issuer), nil, "").json()
		if metadata["issuer"] != tn.issuer || metadata["authorization_endpoint"] != tn.issuer+oauth.PathAuthorize {
			t.Fatalf("metadata of %s: %v", tn.issuer, metadata)
		}
		client := tn.client()
		page := b.get(tn.authorizeURL(tn.request(client, "login_hint", tn.user)))
		if page.StatusCode != http.StatusOK || page.document().Find("#email").AttrOr("value", "") != tn.user {
			t.Fatalf("%d\n%s", page.StatusCode, page.body)
		}
		page = b.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
		consent := page.document().Find("main").Text()
		for _, shown := range []string{"Test App", "127.0.0.1", tn.user, "Use the tools", "Add notes in your name", tn.server.Resource} { // A19
			if !strings.Contains(consent, shown) {
				t.Errorf("the consent page does not show %q:\n%s", shown, consent)
			}
		}
		left := b.submit(page, "button[value=allow]", url.Values{"decision": {"allow"}})
		query := left.callback()
		if left.StatusCode != http.StatusOK || !strings.HasPrefix(left.location(), testCallback+"?") || len(query) != 3 || !slices.Equal(query["state"], []string{"the state"}) ||
			!slices.Equal(query["iss"], []string{tn.issuer}) || len(query["code"]) != 1 { // A15, A16
			t.Fatalf("%d %s", left.StatusCode, left.location())
		}
		a := approval{tn: tn, clientID: client, code: query.Get("code")}
		got := tn.token(a.codeForm())
		held := got.tokens()
		if held.scope != "mcp:tools notes:write" || held.refresh == "" || got.json()["expires_in"] != float64(3600) {
			t.Errorf("%s", got.body)
		}
		checkAccessToken(t, tn, client, held.access)
		introspected := tn.introspect(tn.guard, held.access).json()
		if introspected["active"] != true || introspected["username"] != tn.user || introspected["aud"] != tn.server.Resource || introspected["iss"] != tn.issuer ||
			introspected["scope"] != held.scope || introspected["client_id"] != client || introspected["token_type"] != "Bearer" {
			t.Errorf("%v", introspected)
		}
		next := tn.token(a.refreshForm(held.refresh)).tokens()
		if !strings.HasPrefix(next.access, tokenBegins) {
			t.Errorf("access tokens begin otherwise: %.12s", next.access)
		}
		if next.refresh == held.refresh || next.access == held.access || !tn.active(next.access) || !tn.active(held.access) {
			t.Error("refresh does not go on")
		}
		if got := tn.revoke(client, next.refresh); got.StatusCode != http.StatusOK || got.body != "" || tn.active(next.access) || tn.active(held.access) {
			t.Errorf("revocation: %d %s", got.StatusCode, got.body)
		}
		tn.token(a.refreshForm(next.refresh)).isError(400, "invalid_grant")
	}
	for _, secret := range []string{w.demo.guard, userPassword, "mcpauth_ac_", "mcpauth_rt_", "mcpauth_ss_", tokenBegins, testVerifier, w.demo.user} { // catalogue 171
		if strings.Contains(w.logged.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// tokenBegins begins every access token: {"alg": in base64. Less of it occurs in random ids of requests.
const tokenBegins = "eyJhbGciOi"

// checkAccessToken verifies a token with the published key alone (catalogue 173, RFC 9068 section 2).
func checkAccessToken(t *testing.T, tn *tenant, client, access string) {
	t.Helper()
	keys := publishedKeys(t, tn)
	claims := jwt.MapClaims{}
	token, err := jwt.ParseWithClaims(access, claims, func(token *jwt.Token) (any, error) { return keys[token.Header["kid"].(string)], nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(tn.issuer), jwt.WithAudience(tn.server.Resource), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		t.Fatal(err)
	}
	if token.Header["typ"] != "at+jwt" || claims["client_id"] != client || claims["aud"] != tn.server.Resource || claims["scope"] != "mcp:tools notes:write" {
		t.Errorf("%v %v", token.Header, claims)
	}
	issued, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	if expires-issued != 3600 || len(claims) != 9 || claims["jti"] == "" || claims["sid"] == "" || claims["sub"] == "" {
		t.Errorf("%v", claims)
	}
}

// Deny tells the client and writes nothing (catalogue 147).
func TestDeny(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, w.door)
	page := w.demo.signedIn(b, w.demo.request(w.demo.client()))
	before := w.rows()
	left := b.submit(page, "button[value=deny]", url.Values{"decision": {"deny"}})
	query := left.callback()
	if query.Get("error") != "access_denied" || query.Get("state") != "the state" || query.Get("iss") != w.demo.issuer || query.Has("code") {
		t.Errorf("%s", left.location())
	}
	w.unchanged(before)
	got := b.submit(page, "button[value=deny]", url.Values{"decision": {"perhaps"}})
	got.isLocal(400)
	w.unchanged(before)
}

func (w *world) unchanged(before map[string]string) {
	w.t.Helper()
	for table, state := range w.rows() {
		if before[table] != state {
			w.t.Errorf("%s was written: %s before, %s now", table, before[table], state)
		}
	}
}

// P6, P12, P13, A28, A29.
func TestScopeAndRefreshTokenChoices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, w.door)
	without := w.demo.register(`{"client_name":"No refresh","redirect_uris":["` + registered + `"],"scope":"mcp:tools"}`)
	for name, c := range map[string]struct {
		client, asked, scope string
		refresh              bool
	}{
		"nothing asked":                     {without, "", "mcp:tools", false},
		"more than registered":              {without, "notes:write", "notes:write", false},
		"unknown scope dropped":             {without, "mcp:read notes:write", "notes:write", false},
		"offline_access":                    {without, "mcp:tools offline_access", "mcp:tools offline_access", true},
		"registered for refresh":            {w.demo.client(), "mcp:tools", "mcp:tools", true},
		"offline_access alone is a default": {without, "offline_access", "mcp:tools offline_access", true},
	} {
		a := w.demo.approve(b, c.client, "scope", c.asked, "resource", "")
		w.exec(`DELETE FROM consents`) // what one case allowed would come back in the next (P20)
		held := w.demo.token(a.codeForm("resource", "")).tokens()
		if held.scope != c.scope || (held.refresh != "") != c.refresh || jwtPart(held.access, 1)["aud"] != w.demo.server.Resource {
			t.Errorf("%s: %+v", name, held)
		}
		if c.refresh {
			if again := w.demo.token(a.refreshForm(held.refresh)).tokens(); again.scope != c.scope {
				t.Errorf("%s: refreshed to %q", name, again.scope)
			}
		}
	}
}
