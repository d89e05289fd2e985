package endpoints_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// peer is an OpenID Connect provider, and a GitHub, that says what a test wants. It checks what a provider checks: client, secret,
// redirect URI and PKCE.
type peer struct {
	t      *testing.T
	url    string
	mu     sync.Mutex
	key    *ecdsa.PrivateKey
	kid    string
	claims map[string]any // of the next ID token; what is nil is left out
	sign   func(claims jwt.MapClaims) string
	emails string
	now    func() time.Time
	codes  map[string]url.Values // what the person came with, by code
	asked  int                   // for keys
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{t: t, codes: map[string]url.Values{}, emails: `[{"email":"grace@demo.example","primary":true,"verified":true}]`}
	p.rotate("1")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.json(w, map[string]any{"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		coordinate := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
		point, err := p.key.PublicKey.Bytes()
		if err != nil {
			t.Error(err)
			return
		}
		p.json(w, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": p.kid,
			"x": coordinate(point[1:33]), "y": coordinate(point[33:])}}})
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /login/oauth/access_token", p.token)
	mux.HandleFunc("GET /api/v3/user", func(w http.ResponseWriter, _ *http.Request) {
		p.json(w, map[string]any{"id": 42, "email": "public@demo.example"})
	})
	mux.HandleFunc("GET /api/v3/user/emails", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(p.emails))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *peer) json(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		p.t.Error(err)
	}
}

// rotate makes a new key, which signs from now on.
func (p *peer) rotate(kid string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.key, p.kid = key, kid
	p.sign = func(claims jwt.MapClaims) string {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
		token.Header["kid"] = kid
		signed, err := token.SignedString(key)
		if err != nil {
			p.t.Error(err)
		}
		return signed
	}
	p.mu.Unlock()
}

func (p *peer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	came := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code"))
	client, password, ok := r.BasicAuth()
	if !ok {
		client, password = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	if came == nil || client != came.Get("client_id") || password != "the-secret" || r.PostForm.Get("redirect_uri") != came.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(secret.Hash(r.PostForm.Get("code_verifier"))) != came.Get("code_challenge") || came.Get("code_challenge_method") != "S256" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	claims := jwt.MapClaims{"iss": p.url, "aud": came.Get("client_id"), "sub": "grace", "email": "grace@demo.example", "email_verified": true, "nonce": came.Get("nonce"),
		"iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix()}
	for name, value := range p.claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	p.json(w, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": p.sign(claims)})
}

// offer switches the way on and adds the peer as a provider of a project.
func (tn *tenant) offer(p *peer, kind string) id.ID {
	tn.w.t.Helper()
	id, err := tn.w.projects.SetProvider(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID,
		tenants.Provider{Kind: kind, Name: "Peer", Issuer: p.url, ClientID: "client-of-" + tn.project.Slug, ClientSecret: "the-secret", Enabled: true})
	if err == nil {
		err = tn.w.projects.SetSignInMethods(tn.w.t.Context(), tenants.SystemActor, tn.w.org, tn.project.ID, []string{tenants.SignInPassword, tenants.SignInEmailCode, tenants.SignInProvider})
	}
	if err != nil {
		tn.w.t.Fatal(err)
	}
	tn.w.forget()
	p.now = tn.w.clock.now
	return id
}

// leaveFor goes to the provider and returns what the person brings there.
func (tn *tenant) leaveFor(b *browser, id id.ID, query url.Values) url.Values {
	b.t.Helper()
	page := b.submit(b.get(tn.authorizeURL(query)), "#way-provider-"+id.String(), nil)
	target := page.document().Find("#continue").AttrOr("href", "")
	u, err := url.Parse(target)
	if err != nil || page.StatusCode != http.StatusOK || target == "" {
		b.t.Fatalf("%d\n%s", page.StatusCode, page.body)
	}
	return u.Query()
}

// answer is what the provider sends the person back with.
func (p *peer) answer(came url.Values, changes ...string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	code := secret.Encode(secret.Bytes(8))
	p.codes[code] = came
	return came.Get("redirect_uri") + "?" + changed(url.Values{"code": {code}, "state": {came.Get("state")}}, changes).Encode()
}

// arrive follows the way back to the end.
func (b *browser) arrive(location string) *answer {
	b.t.Helper()
	got := b.get(location)
	if got.StatusCode == http.StatusSeeOther {
		got = b.get(got.location())
	}
	return got
}
