package doctor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// keys reads the key set, when there is one.
func (v *request) keys(m metadata) {
	if m.JWKS == "" {
		return
	}
	s, a := v.ask("keys of the authorization server", http.MethodGet, m.JWKS, map[string]string{"Accept": "application/json"}, "")
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if a.status == 0 || s.redirect(a) {
		return
	}
	if a.status != http.StatusOK {
		s.fail(fmt.Sprintf("expected 200, got %d", a.status), "serve the key set here")
		return
	}
	if err := json.Unmarshal(a.body, &set); err != nil {
		s.fail("the key set cannot be read: "+excerpt(a.body), `send {"keys":[...]} (RFC 7517 section 5)`)
		return
	}
	if len(set.Keys) == 0 {
		s.fail("the key set has no keys", "publish the keys that tokens are signed with, or leave out jwks_uri")
	}
	for i, key := range set.Keys {
		if t, ok := key["kty"].(string); !ok || t == "" {
			s.fail(fmt.Sprintf("key %d has no kty", i+1), "send kty with every key (RFC 7517 section 4.1)")
		}
		for _, private := range []string{"d", "k", "p", "q"} {
			if _, ok := key[private]; ok {
				s.fail(fmt.Sprintf("key %d has the private member %q", i+1, private), "replace this key now and publish public members only")
			}
		}
	}
}

// TestClientID is a client that no server knows.
const TestClientID = "mcpauth-doctor"

// tokenError sends a code nobody issued, from a client nobody knows. A22, A23, P15
func (v *request) tokenError(endpoint string) {
	s, a := v.ask("a wrong code from an unknown client", http.MethodPost, endpoint,
		map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "Origin": origin},
		"grant_type=authorization_code&client_id="+TestClientID+"&code=none&code_verifier=0123456789012345678901234567890123456789012&redirect_uri=http%3A%2F%2Flocalhost%2Fcallback")
	if a.status == 0 || s.redirect(a) {
		return
	}
	s.allowed(a)
	if a.status != http.StatusUnauthorized && a.status != http.StatusBadRequest {
		s.fail(fmt.Sprintf("expected 401 or 400, got %d", a.status), "refuse with 401 invalid_client (RFC 6749 section 5.2)")
	}
	var body struct {
		Error string `json:"error"`
	}
	if !s.object(a, &body) {
		return
	}
	if body.Error == "" {
		s.fail("the error body has no error member", `send {"error":"invalid_client"}`)
	} else if body.Error != "invalid_client" || a.status != http.StatusUnauthorized {
		s.warn(fmt.Sprintf("expected 401 invalid_client for an unknown client, got %d %q", a.status, body.Error), "clients register again only when they see invalid_client")
	}
}

const registration = `{"client_name":"mcpauth doctor","redirect_uris":["http://127.0.0.1:33418/callback"],"grant_types":["authorization_code","refresh_token"],` +
	`"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`

// tryRegistration registers as a client on a person's computer does. A30, A31, P16
func (v *request) tryRegistration(endpoint string) {
	if endpoint == "" {
		v.note("registration", "a client introduces itself").warn("there is no registration_endpoint to try", "offer registration while clients without a metadata document exist")
		return
	}
	s, a := v.ask("a client introduces itself", http.MethodPost, endpoint,
		map[string]string{"Content-Type": "application/json", "Accept": "application/json", "Origin": origin}, registration)
	if a.status == 0 || s.redirect(a) {
		return
	}
	s.allowed(a)
	if a.status != http.StatusCreated {
		s.fail(fmt.Sprintf("registration: expected 201, got %d %s", a.status, excerpt(a.body)), "accept public clients with loopback redirect URIs (RFC 7591 section 3.2.1)")
		return
	}
	var body map[string]any
	if !s.object(a, &body) {
		return
	}
	if id, ok := body["client_id"].(string); !ok || id == "" {
		s.fail("the registration answer has no client_id", "send it")
	}
	if _, ok := body["client_secret"]; ok || body["token_endpoint_auth_method"] != nil && body["token_endpoint_auth_method"] != "none" {
		s.fail("a public client got a secret or another authentication method", "echo token_endpoint_auth_method none and send no client_secret")
	}
	uris, ok := body["redirect_uris"].([]any)
	if !ok || !slices.Contains(uris, any("http://127.0.0.1:33418/callback")) {
		s.fail("the registration answer does not echo redirect_uris", "send back what was registered")
	}
	for name, value := range body {
		if value == nil {
			s.fail(fmt.Sprintf("the registration answer has null for %q", name), "leave the member out: clients refuse null")
		}
	}
}
