package endpoints_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/oauth"
)

// confidential registers a client that asks for a secret.
func (tn *tenant) confidential(method string) (id, clientSecret string) {
	tn.w.t.Helper()
	got := call(tn.w.t, tn.w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}},
		`{"client_name":"Hosted","redirect_uris":["`+registered+`"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"`+method+`"}`)
	if got.StatusCode != http.StatusCreated || got.text("token_endpoint_auth_method") != method || got.Header.Get("Cache-Control") != "no-store" {
		tn.w.t.Fatalf("registration: %d %s", got.StatusCode, got.body)
	}
	if expiry, given := got.json()["client_secret_expires_at"]; !given || expiry != float64(0) { // A31
		tn.w.t.Errorf("client_secret_expires_at: %v", expiry)
	}
	return got.text("client_id"), got.text("client_secret")
}

// P14, A9, A23, catalogue 36, 183: whoever asks for a secret has one, of 256 bits, and is nobody without it on every leg.
func TestConfidentialClient(t *testing.T) {
	t.Parallel()
	for _, method := range []string{oauth.AuthMethodBasic, oauth.AuthMethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tn := w.demo
			id, own := tn.confidential(method)
			_, foreign := tn.confidential(method)
			if !strings.HasPrefix(own, "mcpauth_cs_") || len(own) != len("mcpauth_cs_")+43 || own == foreign {
				t.Fatalf("secret %q", own)
			}
			if n := value[int](w, `SELECT count(*) FROM clients c WHERE c::text LIKE '%' || $1 || '%'`, own[len("mcpauth_cs_"):]); n != 0 {
				t.Error("the secret is in the database") // catalogue 36
			}
			basic := func(id, password string) http.Header {
				return http.Header{"Content-Type": formHeader["Content-Type"], "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))}}
			}
			post := func(path string, header http.Header, form url.Values) *answer {
				return call(t, w.door, http.MethodPost, tn.issuer+path, header, form.Encode())
			}
			a := tn.approve(newBrowser(t, w.door), id)
			refusedEverywhere := func(path string, form url.Values) {
				t.Helper()
				for name, wrong := range map[string]string{"none": "", "another client's": foreign, "cut": own[:len(own)-1], "longer": own + "x", "upper case": strings.ToUpper(own)} {
					before := w.rows()
					if got := post(path, formHeader, with(maps.Clone(form), "client_secret", wrong)); got.StatusCode != http.StatusUnauthorized || got.text("error") != "invalid_client" {
						t.Errorf("%s, %s in the body: %d %s", path, name, got.StatusCode, got.body)
					}
					got := post(path, basic(id, wrong), form)
					if got.isError(401, "invalid_client"); !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic") { // A23
						t.Errorf("%s, %s: no challenge", path, name)
					}
					w.unchanged(before)
				}
			}
			refusedEverywhere(oauth.PathToken, a.codeForm())
			held := post(oauth.PathToken, basic(id, own), a.codeForm("client_id", "")).tokens()
			refusedEverywhere(oauth.PathToken, a.refreshForm(held.refresh))
			held = post(oauth.PathToken, formHeader, a.refreshForm(held.refresh, "client_secret", own)).tokens() // either way, whatever was registered
			held = post(oauth.PathToken, basic(id, own), a.refreshForm(held.refresh)).tokens()
			post(oauth.PathToken, basic(id, own), a.refreshForm(held.refresh, "client_secret", own)).isError(400, "invalid_request") // two ways at once
			refusedEverywhere(oauth.PathRevoke, url.Values{"client_id": {id}, "token": {held.access}})
			if !tn.active(held.access) {
				t.Fatal("revoked by whom nobody knows")
			}
			// A client that had to prove itself at approval does not become public later.
			w.exec(`UPDATE clients SET auth_method = 'none', secret_hash = NULL WHERE id = $1`, id)
			tn.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
			w.exec(`UPDATE clients SET auth_method = $2, secret_hash = sha256($3::bytea) WHERE id = $1`, id, method, []byte(own))
			if got := post(oauth.PathRevoke, basic(id, own), url.Values{"token": {held.access}}); got.StatusCode != http.StatusOK || tn.active(held.access) {
				t.Errorf("revocation: %d %s", got.StatusCode, got.body)
			}
		})
	}
}
