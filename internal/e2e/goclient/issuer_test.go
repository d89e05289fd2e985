package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"mcpauth.example/internal/demo"
)

// issuer stands in for the authorization server: its user approves everything at once.
type issuer struct {
	*httptest.Server
	resource string

	mu            sync.Mutex
	registrations []map[string]any
	asked         []url.Values          // authorization requests
	codes         map[string]url.Values // code to its request
	scopes        map[string]string     // live access token to its scopes
	deny          bool                  // the user says no
}

// newIssuer runs an issuer and, guarded by it, the demo server.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{codes: map[string]url.Values{}, scopes: map[string]string{}}
	mux := http.NewServeMux()
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	secret := "mcpauth_rs_" + base64.RawURLEncoding.EncodeToString([]byte(i.URL)) + "." + strings.Repeat("s", 43)
	guarded, err := demo.New(secret, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(guarded)
	t.Cleanup(web.Close)
	i.resource = web.URL + demo.Path
	metadata := func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/oauth/authorize", "token_endpoint": i.URL + "/api/oauth/token",
			"registration_endpoint": i.URL + "/api/oauth/register", "response_types_supported": []string{"code"},
			"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none"},
			"authorization_response_iss_parameter_supported": true,
			"scopes_supported": []string{"mcp:tools", "notes:write", "offline_access"},
		})
	}
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", metadata)
	mux.HandleFunc("POST /api/oauth/register", i.register)
	mux.HandleFunc("GET /oauth/authorize", i.authorize)
	mux.HandleFunc("POST /api/oauth/token", i.token)
	mux.HandleFunc("GET /api/oauth/server", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{
			"issuer": i.URL, "issuers": []string{i.URL}, "resource": i.resource, "scopes_supported": []string{"mcp:tools", "notes:write"},
			"default_scopes": []string{"mcp:tools"}, "introspection_endpoint": i.URL + "/api/oauth/introspect",
			"authorization_server_metadata": i.URL + "/.well-known/oauth-authorization-server",
		})
	})
	mux.HandleFunc("POST /api/oauth/introspect", func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		scope, active := i.scopes[r.PostFormValue("token")]
		i.mu.Unlock()
		answer(w, 200, map[string]any{
			"active": active, "iss": i.URL, "aud": i.resource, "sub": "ada", "username": "ada@example.com", "client_id": "client-1",
			"scope": scope, "token_type": "Bearer", "exp": time.Now().Add(time.Hour).Unix(),
		})
	})
	return i
}

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func (i *issuer) register(w http.ResponseWriter, r *http.Request) {
	metadata := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&metadata); err != nil {
		answer(w, 400, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	i.mu.Lock()
	i.registrations = append(i.registrations, metadata)
	i.mu.Unlock()
	answer(w, 201, map[string]any{
		"client_id": "client-1", "redirect_uris": metadata["redirect_uris"], "token_endpoint_auth_method": "none",
	})
}

func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	request := r.URL.Query()
	i.asked = append(i.asked, request)
	response := url.Values{"state": {request.Get("state")}, "iss": {i.URL}}
	if i.deny {
		response.Set("error", "access_denied")
	} else {
		code := fmt.Sprint("code-", len(i.asked))
		i.codes[code] = request
		response.Set("code", code)
	}
	http.Redirect(w, r, request.Get("redirect_uri")+"?"+response.Encode(), http.StatusFound)
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	request, ok := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != request.Get("code_challenge") ||
		r.PostFormValue("resource") != i.resource || r.PostFormValue("redirect_uri") != request.Get("redirect_uri") {
		answer(w, 400, map[string]any{"error": "invalid_grant"})
		return
	}
	token := fmt.Sprint("token-", len(i.scopes)+1)
	i.scopes[token] = request.Get("scope")
	answer(w, 200, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": request.Get("scope")})
}

// revokeAll makes every token so far inactive.
func (i *issuer) revokeAll() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for token := range i.scopes {
		delete(i.scopes, token)
	}
}

func (i *issuer) setDeny(deny bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.deny = deny
}

func (i *issuer) requests() []url.Values {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}
