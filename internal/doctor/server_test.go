package doctor_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// answer is what the server of a test says at one place.
type answer struct {
	status int
	header map[string]string
	body   any // a string as it is, anything else as JSON
	stream func(http.ResponseWriter)
}

// server is an MCP server at /mcp with its authorization server at /issuer, by method and path. Each test spoils one answer of a good one.
type server struct {
	url     string
	answers map[string]*answer
	// preflight is the answer to OPTIONS where answers has none.
	preflight *answer
}

const (
	placeMCP      = "POST /mcp"
	placeResource = "GET /.well-known/oauth-protected-resource/mcp"
	placeRoot     = "GET /.well-known/oauth-protected-resource"
	placeIssuer   = "GET /.well-known/oauth-authorization-server/issuer"
	placeOpenID   = "GET /.well-known/openid-configuration/issuer"
	placeOpenIDIn = "GET /issuer/.well-known/openid-configuration"
	placeKeys     = "GET /issuer/jwks"
	placeToken    = "POST /issuer/token"
	placeRegister = "POST /issuer/register"
)

// newServer is one with which every client can work.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	listener := httptest.NewServer(s)
	t.Cleanup(listener.Close)
	s.url = listener.URL
	issuer := s.url + "/issuer"
	resource := map[string]any{"resource": s.url + "/mcp", "authorization_servers": []any{issuer}, "scopes_supported": []any{"mcp:tools"}}
	s.answers = map[string]*answer{
		placeMCP: {status: 401, header: map[string]string{
			"WWW-Authenticate":              `Bearer error="invalid_token", resource_metadata="` + s.url + `/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`,
			"Access-Control-Expose-Headers": "WWW-Authenticate",
		}, body: map[string]any{"error": "invalid_token"}},
		placeResource: {status: 200, body: resource},
		placeRoot:     {status: 200, body: resource},
		placeIssuer: {status: 200, body: map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
			"registration_endpoint": issuer + "/register", "jwks_uri": issuer + "/jwks", "response_types_supported": []any{"code"},
			"code_challenge_methods_supported": []any{"S256"}, "token_endpoint_auth_methods_supported": []any{"none"},
			"scopes_supported": []any{"mcp:tools", "offline_access"}, "client_id_metadata_document_supported": true,
			"authorization_response_iss_parameter_supported": true,
		}},
		placeKeys:  {status: 200, body: map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "1"}}}},
		placeToken: {status: 401, body: map[string]any{"error": "invalid_client", "error_description": "Unknown client."}},
		placeRegister: {status: 201, body: map[string]any{"client_id": "1", "redirect_uris": []any{"http://127.0.0.1:33418/callback"},
			"token_endpoint_auth_method": "none"}},
	}
	s.preflight = &answer{status: 204, header: map[string]string{"Access-Control-Allow-Methods": "GET, POST",
		"Access-Control-Allow-Headers": "authorization, content-type, mcp-protocol-version"}}
	return s
}

// ServeHTTP lets every page read every answer, unless the answer says otherwise.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := s.answers[r.Method+" "+r.URL.Path]
	switch {
	case !ok && r.Method == http.MethodOptions:
		a = s.preflight
	case !ok:
		a = &answer{status: 404, body: map[string]any{"error": "not_found"}}
	}
	header := map[string]string{"Access-Control-Allow-Origin": "*", "Content-Type": "application/json"}
	maps.Copy(header, a.header)
	for name, value := range header {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(a.status)
	if a.stream != nil {
		a.stream(w)
		return
	}
	text, isText := a.body.(string)
	if !isText {
		encoded, _ := json.Marshal(a.body)
		text = string(encoded)
	}
	_, _ = w.Write([]byte(strings.ReplaceAll(text, "{url}", s.url)))
}

// member changes one member of a JSON answer; nil removes it.
func (s *server) member(place, name string, value any) {
	body, _ := s.answers[place].body.(map[string]any)
	changed := maps.Clone(body)
	if changed[name] = value; value == nil {
		delete(changed, name)
	}
	s.answers[place].body = changed
}

func (s *server) head(place, name, value string) {
	if s.answers[place].header == nil {
		s.answers[place].header = map[string]string{}
	}
	s.answers[place].header[name] = value
}
