package endpoints_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// holder is a client that signs assertions.
type holder struct {
	id      string
	method  jwt.SigningMethod
	private any
	public  jose.JSONWebKey
}

func newHolder(t *testing.T, id, algorithm string) holder {
	t.Helper()
	h := holder{id: id, method: jwt.GetSigningMethod(algorithm)}
	var public any
	var err error
	switch algorithm {
	case "ES256":
		var key *ecdsa.PrivateKey
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		h.private, public = key, &key.PublicKey
	case "EdDSA":
		public, h.private, err = ed25519.GenerateKey(rand.Reader)
	default:
		var key *rsa.PrivateKey
		key, err = rsa.GenerateKey(rand.Reader, 2048)
		h.private, public = key, &key.PublicKey
	}
	if err != nil {
		t.Fatal(err)
	}
	h.public = jose.JSONWebKey{Key: public, KeyID: "k-" + algorithm, Use: "sig"}
	return h
}

func (h holder) keys(t *testing.T, others ...holder) string {
	t.Helper()
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{h.public}}
	for _, other := range others {
		set.Keys = append(set.Keys, other.public)
	}
	encoded, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// assertion signs a good assertion for an issuer; changes replace claims, and those that begin with "header " members of the header.
func (h holder) assertion(t *testing.T, issuer string, changes map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": h.id, "sub": h.id, "aud": issuer, "exp": time.Now().Add(4 * time.Minute).Unix(), "iat": time.Now().Unix(), "jti": secret.Token("")}
	token := jwt.NewWithClaims(h.method, claims)
	token.Header["kid"] = h.public.KeyID
	for name, value := range changes {
		header, isHeader := strings.CutPrefix(name, "header ")
		switch {
		case isHeader && value == nil:
			delete(token.Header, header)
		case isHeader:
			token.Header[header] = value
		case value == nil:
			delete(claims, name)
		default:
			claims[name] = value
		}
	}
	text, err := token.SignedString(h.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func asserted(form url.Values, assertion string) url.Values {
	form = maps.Clone(form)
	form.Set("client_assertion_type", jwtBearer)
	form.Set("client_assertion", assertion)
	return form
}

// A9, A37, catalogue 66: a client that published its key comes through code, refresh and revocation with assertions, and not without;
// with a document, with a registration, with keys inline and at a jwks_uri, with every algorithm.
func TestPrivateKeyClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, l := w.demo, w.withLibrary()
	const keysURI = "https://client.example/oauth/keys.json"
	for name, algorithm := range map[string]string{"document": "ES256", "document with jwks_uri": "RS256", "registration": "EdDSA", "registration with jwks_uri": "PS256"} {
		h := newHolder(t, "", algorithm)
		members := `"token_endpoint_auth_method":"private_key_jwt","jwks":` + h.keys(t)
		if strings.HasSuffix(name, "jwks_uri") {
			l.publish(keysURI, h.keys(t))
			members = `"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"` + keysURI + `"`
		}
		if strings.HasPrefix(name, "document") {
			h.id = "https://client.example/oauth/" + algorithm + ".json"
			l.publish(h.id, strings.Replace(appDocument(h.id, registered), "{", "{"+members+",", 1))
		} else {
			got := call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}},
				`{"client_name":"Signing","redirect_uris":["`+registered+`"],"grant_types":["authorization_code","refresh_token"],`+members+`}`)
			if h.id = got.text("client_id"); got.StatusCode != http.StatusCreated || got.text("token_endpoint_auth_method") != "private_key_jwt" || strings.Contains(got.body, "client_secret") {
				t.Fatalf("%s: %d %s", name, got.StatusCode, got.body)
			}
		}
		a := tn.approve(newBrowser(t, w.door), h.id)
		revoke := func(form url.Values) *answer {
			return call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRevoke, formHeader, form.Encode())
		}
		tn.token(a.codeForm()).isError(401, "invalid_client")
		held := tn.token(asserted(a.codeForm("client_id", ""), h.assertion(t, tn.issuer, nil))).tokens()
		tn.token(a.refreshForm(held.refresh)).isError(401, "invalid_client")
		held = tn.token(asserted(a.refreshForm(held.refresh), h.assertion(t, tn.issuer, map[string]any{"aud": []string{tn.issuer + oauth.PathToken}, "header typ": "client-authentication+jwt"}))).tokens()
		revoke(url.Values{"client_id": {h.id}, "token": {held.access}}).isError(401, "invalid_client")
		if !tn.active(held.access) {
			t.Errorf("%s: inactive", name)
		}
		if got := revoke(asserted(url.Values{"token": {held.access}}, h.assertion(t, tn.issuer, nil))); got.StatusCode != http.StatusOK || tn.active(held.access) {
			t.Errorf("%s: revocation %d %s", name, got.StatusCode, got.body)
		}
	}
}

// Catalogue 66: assertions that prove nothing get invalid_client and change nothing.
func TestAssertionsThatProveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, l := w.demo, w.withLibrary()
	id := "https://client.example/oauth/app.json"
	h, second, stranger := newHolder(t, id, "ES256"), newHolder(t, id, "ES256"), newHolder(t, id, "ES256")
	second.public.KeyID = "second"
	l.publish(id, strings.Replace(appDocument(id, registered), "{", `{"token_endpoint_auth_method":"private_key_jwt","jwks":`+h.keys(t, second)+`,`, 1))
	a := tn.approve(newBrowser(t, w.door), id)
	mac := holder{id: id, method: jwt.SigningMethodHS256, private: []byte(h.keys(t)), public: h.public}
	none := holder{id: id, method: jwt.SigningMethodNone, private: jwt.UnsafeAllowNoneSignatureType, public: h.public}
	used := h.assertion(t, tn.issuer, nil)
	tn.token(asserted(a.codeForm("code", "x"), used)).isError(400, "invalid_grant") // the client is who it is
	bad := map[string]string{
		"replayed": used, "not a JWT": "x", "other key": stranger.assertion(t, tn.issuer, nil), "HS256 with the public key": mac.assertion(t, tn.issuer, nil), "none": none.assertion(t, tn.issuer, nil),
	}
	for name, changes := range map[string]map[string]any{
		"other audience": {"aud": "https://evil.example"}, "another project": {"aud": w.other.issuer}, "doubled slash": {"aud": tn.issuer + "//api/oauth/token"}, "trailing slash": {"aud": tn.issuer + "/"},
		"two audiences": {"aud": []string{tn.issuer, "https://evil.example"}}, "no audience": {"aud": nil}, "audience of another issuer URL": {"aud": tn.host().issuer},
		"no expiry": {"exp": nil}, "expired": {"exp": time.Now().Add(-2 * time.Minute).Unix()}, "an hour ahead": {"exp": time.Now().Add(time.Hour).Unix()}, "expiry as text": {"exp": "9999999999"},
		"from the future": {"iat": time.Now().Add(time.Hour).Unix()}, "not yet": {"nbf": time.Now().Add(time.Hour).Unix()},
		"no jti": {"jti": nil}, "overlong jti": {"jti": strings.Repeat("a", 201)}, "jti of another type": {"jti": 7}, "other issuer": {"iss": "https://evil.example"}, "no issuer": {"iss": nil},
		"other subject": {"sub": "https://client.example/other.json"}, "no kid among two": {"header kid": nil}, "unknown kid": {"header kid": "../../x"}, "critical header": {"header crit": []string{"exp"}},
		"access token": {"header typ": "at+jwt"},
	} {
		bad[name] = h.assertion(t, tn.issuer, changes)
	}
	before := w.rows()
	for name, assertion := range bad {
		got := tn.token(asserted(a.codeForm(), assertion))
		if got.StatusCode != http.StatusUnauthorized || got.text("error") != "invalid_client" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	for name, form := range map[string]url.Values{
		"other type": with(asserted(a.codeForm(), h.assertion(t, tn.issuer, nil)), "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
		"type alone": with(a.codeForm(), "client_assertion_type", jwtBearer), "no type": with(a.codeForm(), "client_assertion", h.assertion(t, tn.issuer, nil)),
		"of a public client": asserted(a.codeForm("client_id", tn.client()), h.assertion(t, tn.issuer, nil)),
	} {
		if name == "of a public client" {
			before = w.rows()
		}
		tn.token(form).isError(401, "invalid_client")
	}
	tn.token(with(asserted(a.codeForm(), h.assertion(t, tn.issuer, nil)), "client_secret", "x")).isError(400, "invalid_request")
	w.unchanged(before)
	tn.token(asserted(a.codeForm(), h.assertion(t, tn.issuer, nil))).tokens()
	if n := value[int](w, `SELECT count(*) FROM client_assertions`); n != 2 {
		t.Errorf("%d assertions are remembered", n)
	}
	w.exec(`UPDATE client_assertions SET expires_at = now() - interval '1 hour'`)
	if swept, err := w.store.Sweep(t.Context()); err != nil || swept != 2 {
		t.Errorf("swept %d, %v", swept, err)
	}
}

// Catalogue 66: an assertion counts once, whichever nodes it reaches at the same moment; without a way to the client's keys the answer
// is 503, never invalid_client (P26).
func TestAssertionCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, l := w.demo, w.withLibrary()
	one := w.door
	l2 := l
	w.withLibrary()
	two := w.door
	id, keysURI := "https://client.example/oauth/app.json", "https://client.example/oauth/keys.json"
	h := newHolder(t, id, "ES256")
	document := strings.Replace(appDocument(id, registered), "{", `{"token_endpoint_auth_method":"private_key_jwt","jwks":`+h.keys(t)+`,`, 1)
	l2.publish(id, document)
	w.door = one
	a := tn.approve(newBrowser(t, w.door), id)
	form := asserted(a.codeForm("code", "x"), h.assertion(t, tn.issuer, nil)).Encode()
	var mu sync.Mutex
	statuses := map[int]int{}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			door := one
			if i%2 == 0 {
				door = two
			}
			got := call(t, door, http.MethodPost, tn.issuer+oauth.PathToken, formHeader, form)
			mu.Lock()
			defer mu.Unlock()
			statuses[got.StatusCode]++
		})
	}
	group.Wait()
	if statuses[http.StatusBadRequest] != 1 || statuses[http.StatusUnauthorized] != 19 {
		t.Errorf("answers by status: %v, want one whose code is refused and 19 whose client is", statuses)
	}
	got := call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}},
		`{"client_name":"Signing","redirect_uris":["`+registered+`"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"`+keysURI+`"}`)
	h.id = got.text("client_id")
	unreachable := tn.token(asserted(url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}, h.assertion(t, tn.issuer, nil)))
	if unreachable.StatusCode != http.StatusServiceUnavailable || unreachable.Header.Get("Retry-After") == "" || strings.Contains(unreachable.body, "10.0.0.7") {
		t.Errorf("%d %s", unreachable.StatusCode, unreachable.body)
	}
	// Keys that could never be used are refused when they are registered.
	for name, members := range map[string]string{
		"no keys": ``, "empty set": `,"jwks":{"keys":[]}`, "symmetric": `,"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}`, "not a set": `,"jwks":[]`,
		"plain http": `,"jwks_uri":"http://client.example/keys.json"`, "an address": `,"jwks_uri":"https://169.254.169.254/keys.json"`, "both": `,"jwks":` + h.keys(t) + `,"jwks_uri":"` + keysURI + `"`,
	} {
		got := call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRegister, http.Header{"Content-Type": {"application/json"}},
			`{"client_name":"Signing","redirect_uris":["`+registered+`"],"token_endpoint_auth_method":"private_key_jwt"`+members+`}`)
		if got.StatusCode != http.StatusBadRequest || got.text("error") != "invalid_client_metadata" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
}
