package endpoints_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"mcpauth.example/oauth"
)

var formHeader = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// register registers a public client and returns its id.
func (tn *tenant) register(body string) string {
	tn.w.t.Helper()
	got := call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}}, body)
	if got.StatusCode != http.StatusCreated {
		tn.w.t.Fatalf("registration: %d %s", got.StatusCode, got.body)
	}
	return got.text("client_id")
}

func (tn *tenant) client() string {
	tn.w.t.Helper()
	return tn.register(`{"client_name":"Test App","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]}`)
}

// request is a good authorization request; changes replace parameters, an empty value removes one.
func (tn *tenant) request(clientID string, changes ...string) url.Values {
	query := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {testCallback}, "state": {"the state"}, "resource": {tn.server.Resource},
		"scope": {"mcp:tools notes:write"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		if query.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			query.Del(changes[i])
		}
	}
	return query
}

func (tn *tenant) authorizeURL(query url.Values) string {
	return tn.issuer + oauth.PathAuthorize + "?" + query.Encode()
}

// signedIn begins a flow and signs in; it returns the consent page.
func (tn *tenant) signedIn(b *browser, query url.Values) *answer {
	b.t.Helper()
	page := b.get(tn.authorizeURL(query))
	if page.has("#password") {
		page = b.submit(page, "#password", url.Values{"email": {tn.user}, "password": {userPassword}})
	}
	if page.StatusCode != http.StatusOK || !page.has("button[value=allow]") {
		b.t.Fatalf("no consent page: %d\n%s", page.StatusCode, page.body)
	}
	return page
}

// approval is a code with everything that it is redeemed with.
type approval struct {
	tn       *tenant
	clientID string
	code     string
}

// approve goes through a whole authorization in a browser.
func (tn *tenant) approve(b *browser, clientID string, changes ...string) approval {
	b.t.Helper()
	page := tn.signedIn(b, tn.request(clientID, changes...))
	left := b.submit(page, "button[value=allow]", url.Values{"decision": {"allow"}})
	code := left.callback().Get("code")
	if code == "" {
		b.t.Fatalf("no code: %s", left.location())
	}
	return approval{tn: tn, clientID: clientID, code: code}
}

// codeForm is a good token request for the code.
func (a approval) codeForm(changes ...string) url.Values {
	return changed(url.Values{"grant_type": {"authorization_code"}, "client_id": {a.clientID}, "code": {a.code}, "redirect_uri": {testCallback},
		"code_verifier": {testVerifier}, "resource": {a.tn.server.Resource}}, changes)
}

func (a approval) refreshForm(token string, changes ...string) url.Values {
	return changed(url.Values{"grant_type": {"refresh_token"}, "client_id": {a.clientID}, "refresh_token": {token}, "resource": {a.tn.server.Resource}}, changes)
}

func changed(form url.Values, changes []string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if form.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// token posts to the token endpoint.
func (tn *tenant) token(form url.Values) *answer {
	tn.w.t.Helper()
	return call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathToken, formHeader, form.Encode())
}

// tokens are what a client holds.
type tokens struct{ access, refresh, scope string }

func (a *answer) tokens() tokens {
	a.t.Helper()
	if a.StatusCode != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" || a.text("token_type") != "Bearer" {
		a.t.Fatalf("no tokens: %d %s", a.StatusCode, a.body)
	}
	return tokens{a.text("access_token"), a.text("refresh_token"), a.text("scope")}
}

// connected is an approval whose code is redeemed.
func (tn *tenant) connected(b *browser, clientID string, changes ...string) (approval, tokens) {
	b.t.Helper()
	a := tn.approve(b, clientID, changes...)
	return a, tn.token(a.codeForm()).tokens()
}

// bearer is the header of a guard.
func bearer(secret string) http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Bearer " + secret}}
}

func jsonHeader(header http.Header) http.Header {
	header.Set("Content-Type", "application/json")
	return header
}

func (tn *tenant) introspect(guard, token string) *answer {
	tn.w.t.Helper()
	return call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathIntrospect, bearer(guard), url.Values{"token": {token}}.Encode())
}

// active asks as the project's own guard.
func (tn *tenant) active(token string) bool {
	tn.w.t.Helper()
	got := tn.introspect(tn.guard, token)
	if got.StatusCode != http.StatusOK {
		tn.w.t.Fatalf("introspection: %d %s", got.StatusCode, got.body)
	}
	active, _ := got.json()["active"].(bool)
	if !active && strings.TrimSpace(got.body) != `{"active":false}` { // catalogue 196
		tn.w.t.Errorf("an inactive token tells more: %s", got.body)
	}
	return active
}

func (tn *tenant) revoke(clientID, token string) *answer {
	tn.w.t.Helper()
	return call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathRevoke, formHeader, url.Values{"client_id": {clientID}, "token": {token}}.Encode())
}

// jwtPart decodes header (0) or claims (1) of a token.
func jwtPart(token string, part int) map[string]any {
	out := map[string]any{}
	parts := strings.Split(token, ".")
	if raw, err := base64.RawURLEncoding.DecodeString(parts[part]); err == nil {
		_ = json.Unmarshal(raw, &out)
	}
	return out
}

// grantOf is the id of the row behind an access token.
func grantOf(access string) string {
	id, _ := jwtPart(access, 1)["sid"].(string)
	return id
}
