package endpoints_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
)

// Catalogue 195: without a living registration secret of this project nothing is answered, whatever the token.
func TestIntrospectionNeedsARegistrationSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	_, held := tn.connected(newBrowser(t, w.door), tn.client())
	target, form := tn.issuer+oauth.PathIntrospect, url.Values{"token": {held.access}}.Encode()
	before := w.rows()
	for name, header := range map[string]http.Header{
		"none":                {"Content-Type": formHeader["Content-Type"]},
		"empty":               bearer(""),
		"wrong":               bearer(flip(tn.guard, len(tn.guard)-3)),
		"truncated":           bearer(tn.guard[:len(tn.guard)-1]),
		"another project's":   bearer(w.other.guard),
		"an access token":     bearer(held.access),
		"a refresh token":     bearer(held.refresh),
		"two spaces":          {"Content-Type": formHeader["Content-Type"], "Authorization": {"Bearer  " + tn.guard + "x"}},
		"NUL":                 bearer(tn.guard + "\x00"),
		"10 KB":               bearer(strings.Repeat("a", 10<<10)),
		"Basic":               {"Content-Type": formHeader["Content-Type"], "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(tn.guard+":"))}},
		"secret without type": {"Content-Type": formHeader["Content-Type"], "Authorization": {tn.guard}},
	} {
		got := call(t, w.door, http.MethodPost, target, header, form)
		if got.isError(401, "invalid_token"); !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: %v", name, got.Header)
		}
		if got := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathServer, header, ""); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: guard configuration %d %s", name, got.StatusCode, got.body)
		}
	}
	call(t, w.door, http.MethodPost, target+"?token="+held.access, bearer(tn.guard), "").isError(400, "invalid_request")
	call(t, w.door, http.MethodPost, target, formHeader, form+"&client_secret="+url.QueryEscape(tn.guard)).isError(401, "invalid_token")
	w.unchanged(before)
	w.exec(`UPDATE registration_secrets SET revoked_at = now() WHERE secret_hash = $1`, secret.Hash(tn.guard))
	tn.introspect(tn.guard, held.access).isError(401, "invalid_token")
}

// Catalogue 196, 197, 199, 200: what is not a living access token of the asking MCP server is inactive, and nothing more is said.
func TestIntrospectionOfOtherTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	a, held := tn.connected(b, client)
	_, foreign := w.other.connected(b, w.other.client())
	w.exec(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES ($1::text::uuid, gen_random_uuid(), 'Second', 'https://second.example.com/mcp')`, tn.project.ID.String())
	w.forget()
	second := tn.approve(b, client, "resource", "https://second.example.com/mcp")
	elsewhere := tn.token(second.codeForm("resource", "https://second.example.com/mcp")).tokens()
	for name, token := range map[string]string{
		"another project's (196)": foreign.access, "another server's (196)": elsewhere.access, "refresh token (197)": held.refresh, "code": a.code,
		"registration secret": tn.guard, "garbage": "x", "dots": "..", "spaces": " " + held.access, "truncated (168)": held.access[:len(held.access)-2],
		"extended": held.access + "A", "padded": held.access + "=", "20 KB": strings.Repeat("a", 20<<10), "many dots (213)": strings.Repeat(".", 30<<10),
		"without signature": held.access[:strings.LastIndex(held.access, ".")+1],
	} {
		if tn.active(token) {
			t.Errorf("%s is active", name)
		}
	}
	if first, cached := tn.active(held.access), tn.active(held.access); !first || !cached {
		t.Error("a good token is inactive")
	}
	got := call(t, w.door, http.MethodPost, tn.issuer+oauth.PathIntrospect, bearer(tn.guard), url.Values{"token": {held.access}, "token_type_hint": {"refresh_token"}}.Encode())
	if got.json()["active"] != true {
		t.Errorf("a wrong hint hides the token: %s", got.body)
	}
	for name, c := range map[string]struct{ end, undo string }{
		"revoked":          {`UPDATE grants SET revoked_at = now()`, `UPDATE grants SET revoked_at = NULL`},
		"grant ended":      {`UPDATE grants SET expires_at = now()`, `UPDATE grants SET expires_at = now() + interval '1 day'`},
		"user blocked":     {`UPDATE users SET blocked_at = now()`, `UPDATE users SET blocked_at = NULL`},
		"code outstanding": {`UPDATE grants SET code_redeemed_at = NULL`, `UPDATE grants SET code_redeemed_at = now()`},
	} {
		w.exec(c.end)
		if tn.active(held.access) { // 199: at once, although the signature is remembered
			t.Errorf("%s: still active", name)
		}
		w.exec(c.undo)
		if !tn.active(held.access) {
			t.Errorf("%s: does not come back", name)
		}
	}
	w.exec(`DELETE FROM users`) // 215: the row is gone, whoever comes next
	if tn.active(held.access) {
		t.Error("the token of a deleted user is active")
	}
}

// Catalogue 13, 14, 209 to 214: forged in every way that a JWT library was ever fooled by.
func TestIntrospectionOfForgedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b := newBrowser(t, w.door)
	_, held := tn.connected(b, tn.client())
	kid, key := tn.signingKey("current")
	nextKid, nextKey := tn.signingKey("next")
	foreignKid, foreignKey := w.other.signingKey("current")
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	es, none, hs := jwt.SigningMethodES256, jwt.SigningMethodNone, jwt.SigningMethodHS256
	type change = map[string]any
	for name, token := range map[string]string{
		"alg none (209)":                    forged(t, none, jwt.UnsafeAllowNoneSignatureType, held.access, nil, nil),
		"alg nOnE (209)":                    forged(t, none, jwt.UnsafeAllowNoneSignatureType, held.access, change{"alg": "nOnE"}, nil),
		"alg none, good signature":          rewritten(held.access, change{"alg": "none"}, nil),
		"HS256 keyed with the public PEM":   forged(t, hs, public, held.access, nil, nil),
		"HS256 keyed with the public DER":   forged(t, hs, der, held.access, nil, nil),
		"HS256 keyed with the key id":       forged(t, hs, []byte(kid), held.access, nil, nil),
		"alg RS256 on an ES256 key":         rewritten(held.access, change{"alg": "RS256"}, nil),
		"a stranger's key, our kid":         forged(t, es, own, held.access, nil, nil),
		"a stranger's key, own jwk (211)":   forged(t, es, own, held.access, change{"jwk": change{"kty": "EC", "crv": "P-256"}, "kid": nil}, nil),
		"jku (211)":                         forged(t, es, own, held.access, change{"jku": "https://evil.example.com/jwks", "kid": "evil"}, nil),
		"crit (211)":                        forged(t, es, key, held.access, change{"crit": []string{"exp"}}, nil),
		"kid of the next key (13)":          forged(t, es, key, held.access, change{"kid": nextKid}, nil),
		"next key, kid of the current (13)": forged(t, es, nextKey, held.access, nil, nil),
		"another project's key (13)":        forged(t, es, foreignKey, held.access, change{"kid": foreignKid}, nil),
		"another project's key, our kid":    forged(t, es, foreignKey, held.access, nil, nil),
		"kid missing (210)":                 forged(t, es, key, held.access, change{"kid": nil}, nil),
		"kid is a path (210)":               forged(t, es, key, held.access, change{"kid": "../../x"}, nil),
		"kid has NUL (210)":                 forged(t, es, key, held.access, change{"kid": kid + "\x00"}, nil),
		"kid is SQL (210)":                  forged(t, es, key, held.access, change{"kid": "' OR 1=1 --"}, nil),
		"kid is a number (210)":             forged(t, es, key, held.access, change{"kid": 1}, nil),
		"typ JWT (200)":                     forged(t, es, key, held.access, change{"typ": "JWT"}, nil),
		"typ missing":                       forged(t, es, key, held.access, change{"typ": nil}, nil),
		"typ of a logout token":             forged(t, es, key, held.access, change{"typ": "logout+jwt"}, nil),
		"expired (212)":                     forged(t, es, key, held.access, nil, change{"exp": time.Now().Unix() - 1}),
		"expires this second":               forged(t, es, key, held.access, nil, change{"exp": time.Now().Unix()}),
		"no exp":                            forged(t, es, key, held.access, nil, change{"exp": nil}),
		"another issuer's name":             forged(t, es, key, held.access, nil, change{"iss": w.other.issuer}),
		"issuer with slash":                 forged(t, es, key, held.access, nil, change{"iss": tn.issuer + "/"}),
		"another client":                    forged(t, es, key, held.access, nil, change{"client_id": "x"}),
		"another grant":                     forged(t, es, key, held.access, nil, change{"sid": id.New().String()}),
		"no grant":                          forged(t, es, key, held.access, nil, change{"sid": nil}),
		"grant is no id":                    forged(t, es, key, held.access, nil, change{"sid": "x\x00"}),
		"claims changed (214)":              rewritten(held.access, nil, change{"scope": "admin"}),
		"expired and changed (214)":         rewritten(held.access, nil, change{"exp": 1}),
		"header of 10 MB is refused":        rewritten(held.access, change{"x": strings.Repeat("a", 20<<10)}, nil),
		"JWE of five parts (213)":           held.access + "." + held.access[strings.LastIndex(held.access, ".")+1:] + ".x",
	} {
		if tn.active(token) {
			t.Errorf("%s is active", name)
		}
	}
	if !tn.active(forged(t, es, key, held.access, nil, nil)) || !tn.active(forged(t, es, nextKey, held.access, change{"kid": nextKid}, nil)) {
		t.Error("the forger of this test does not make good tokens")
	}
}

// rewritten changes header and claims of a token and keeps its signature.
func rewritten(token string, header, claims map[string]any) string {
	parts := strings.Split(token, ".")
	for i, change := range []map[string]any{header, claims} {
		content := jwtPart(token, i)
		maps.Copy(content, change)
		parts[i] = encodeJSON(content)
	}
	return strings.Join(parts, ".")
}

// Catalogue 14: a key that is not published any more verifies nothing, although its tokens' signatures were verified before.
func TestRetiredKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	kid, key := tn.signingKey("next")
	_, held := tn.connected(newBrowser(t, w.door), tn.client())
	token := forged(t, jwt.SigningMethodES256, key, held.access, map[string]any{"kid": kid}, nil)
	if !tn.active(token) {
		t.Fatal("a published key is not believed")
	}
	w.exec(`DELETE FROM signing_keys WHERE id = $1`, kid)
	w.forget()
	if tn.active(token) {
		t.Error("a retired key lives on")
	}
}

// Catalogue 201 to 203, 205.
func TestRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	stranger := tn.register(`{"client_name":"Stranger","redirect_uris":["` + registered + `"]}`)
	a, held := tn.connected(b, client)
	_, foreign := w.other.connected(b, w.other.client())
	before := w.rows()
	for name, attempt := range map[string][2]string{
		"another client's refresh token (201)": {stranger, held.refresh}, "another client's access token (201)": {stranger, held.access},
		"another project's token": {client, foreign.refresh}, "another project's access token": {client, foreign.access}, "unknown (202)": {client, "x"},
		"forged": {client, flip(held.refresh, 60)}, "code": {client, a.code}, "registration secret": {client, tn.guard},
	} {
		if got := tn.revoke(attempt[0], attempt[1]); got.StatusCode != http.StatusOK || got.body != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	tn.revoke(client, "").isError(400, "invalid_request")
	tn.revoke("", held.refresh).isError(401, "invalid_client")
	tn.revoke("unknown", held.refresh).isError(401, "invalid_client")
	w.unchanged(before)
	if !tn.active(held.access) || !w.other.active(foreign.access) {
		t.Fatal("a token was revoked by someone else")
	}
	next := tn.token(a.refreshForm(held.refresh)).tokens()
	_, byAccess := tn.connected(b, client)
	for name, c := range map[string]struct{ present, dead, refresh string }{
		"an old refresh token (203)": {held.refresh, next.access, next.refresh}, "access token (205)": {byAccess.access, byAccess.access, byAccess.refresh},
	} {
		for range 2 { // 202: twice is no error
			if got := tn.revoke(client, c.present); got.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
			}
		}
		if tn.active(c.dead) {
			t.Errorf("%s: an access token lives on", name)
		}
		tn.token(a.refreshForm(c.refresh)).isError(400, "invalid_grant")
	}
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'grant.revoked'`); n != 2 {
		t.Errorf("%d audit rows for two revocations", n)
	}
}
