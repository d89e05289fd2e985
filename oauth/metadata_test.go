package oauth

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

func keyOf(t *testing.T, algorithm string, state KeyState) SigningKey {
	t.Helper()
	id, pkcs8, err := GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseSigningKey(id, algorithm, state, pkcs8)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issuerOf(t *testing.T) *Issuer {
	t.Helper()
	issuer := &Issuer{
		RegistrationPolicy: RegistrationOpen,
		ID:                 id.New(), Primary: "https://demo.mcpauth.example", URLs: []string{"https://demo.mcpauth.example", "http://localhost:8080/t/demo"},
		Scopes: []Scope{{Name: "mcp:tools", Description: "Use the tools", Default: true}, {Name: "notes:write", Description: "Add notes"}},
		Resources: []Resource{{ID: id.New(), Name: "Tools", URL: "https://tools.example.com/mcp"},
			{ID: id.New(), Name: "Notes", URL: "https://notes.example.com:8443/a/mcp"}},
		Keys: []SigningKey{keyOf(t, ES256, KeyCurrent), keyOf(t, RS256, KeyPrevious), keyOf(t, EdDSA, KeyNext)},
	}
	return issuer.At(issuer.Primary)
}

// Catalogue 1 and 6; A3, A5, A7 to A9, A33, P17.
func TestMetadata(t *testing.T) {
	t.Parallel()
	base := issuerOf(t)
	for _, url := range base.URLs {
		issuer := base.At(url)
		var document map[string]any
		if err := json.Unmarshal(issuer.MetadataJSON(), &document); err != nil {
			t.Fatal(err)
		}
		if document["issuer"] != url {
			t.Errorf("issuer %q at %q", document["issuer"], url)
		}
		for member, want := range map[string]string{
			"response_types_supported": "code", "response_modes_supported": "query", "grant_types_supported": "authorization_code refresh_token",
			"code_challenge_methods_supported": "S256", "token_endpoint_auth_methods_supported": "none client_secret_basic client_secret_post private_key_jwt", "revocation_endpoint_auth_methods_supported": "none client_secret_basic client_secret_post private_key_jwt",
			"token_endpoint_auth_signing_alg_values_supported": "ES256 EdDSA RS256 PS256", "revocation_endpoint_auth_signing_alg_values_supported": "ES256 EdDSA RS256 PS256",
			"scopes_supported": "mcp:tools notes:write offline_access",
		} {
			var values []string
			list, _ := document[member].([]any)
			for _, v := range list {
				text, _ := v.(string)
				values = append(values, text)
			}
			if strings.Join(values, " ") != want {
				t.Errorf("%s %v", member, document[member])
			}
		}
		if document["authorization_response_iss_parameter_supported"] != true {
			t.Error("iss is sent and not advertised")
		}
		for member, value := range document {
			text, isText := value.(string)
			if isText && !strings.HasPrefix(text, url) {
				t.Errorf("%s leads away: %q", member, text)
			}
			if value == nil {
				t.Errorf("%s is null", member)
			}
		}
		paths := map[string]string{"authorization_endpoint": PathAuthorize, "token_endpoint": PathToken, "registration_endpoint": PathRegister,
			"revocation_endpoint": PathRevoke, "introspection_endpoint": PathIntrospect, "jwks_uri": PathJWKS}
		for member, path := range paths {
			if document[member] != url+path {
				t.Errorf("%s %v", member, document[member])
			}
		}
		for _, absent := range []string{"client_id_metadata_document_supported", "pushed_authorization_request_endpoint", "userinfo_endpoint"} {
			if _, ok := document[absent]; ok {
				t.Errorf("%s is advertised and does not exist", absent)
			}
		}
	}
}

func TestMetadataURL(t *testing.T) {
	t.Parallel() // RFC 8414 section 3.1
	for issuer, want := range map[string]string{
		"https://demo.mcpauth.example":      "https://demo.mcpauth.example/.well-known/oauth-authorization-server",
		"http://localhost:8080/t/demo":      "http://localhost:8080/.well-known/oauth-authorization-server/t/demo",
		"https://example.com/t":             "https://example.com/.well-known/oauth-authorization-server/t",
		"https://t.example.com/t.example/t": "https://t.example.com/.well-known/oauth-authorization-server/t.example/t",
	} {
		if got := MetadataURL(issuer); got != want {
			t.Errorf("%s: %s", issuer, got)
		}
	}
}

// Catalogue 12, 17: public members only, and the published key verifies what the private one signed.
func TestJWKSHasNoPrivateMembers(t *testing.T) {
	t.Parallel()
	issuer := issuerOf(t)
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(issuer.JWKSJSON(), &set); err != nil || len(set.Keys) != 3 {
		t.Fatalf("%s, %v", issuer.JWKSJSON(), err)
	}
	want := map[string]string{ES256: "alg crv kid kty use x y", RS256: "alg e kid kty n use", EdDSA: "alg crv kid kty use x"}
	for i, key := range set.Keys {
		members := strings.Join(slices.Sorted(maps.Keys(key)), " ")
		if members != want[key["alg"]] || key["use"] != "sig" || key["kid"] != issuer.Keys[i].ID {
			t.Errorf("%s key with members %s", key["alg"], members)
		}
	}
	x, _ := secret.Decode(set.Keys[0]["x"])
	y, _ := secret.Decode(set.Keys[0]["y"])
	n, _ := secret.Decode(set.Keys[1]["n"])
	if len(x) != 32 || len(y) != 32 || len(n) != 256 || set.Keys[1]["e"] != "AQAB" {
		t.Errorf("x %d, y %d, n %d bytes, e %s", len(x), len(y), len(n), set.Keys[1]["e"])
	}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	if _, _, err := GenerateKey("HS256"); err == nil {
		t.Error("a symmetric key was made")
	}
	id, pkcs8, err := GenerateKey(ES256)
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{"none", "HS256", "ES384", ""} {
		if _, err := ParseSigningKey(id, algorithm, KeyCurrent, pkcs8); err == nil {
			t.Errorf("read as %q", algorithm)
		}
	}
	for _, algorithm := range []string{RS256, EdDSA} { // catalogue 209: the key and its algorithm belong together
		if _, err := ParseSigningKey(id, algorithm, KeyCurrent, pkcs8); err == nil {
			t.Errorf("an ES256 key was read as %s", algorithm)
		}
	}
	if _, err := ParseSigningKey(id, ES256, KeyCurrent, pkcs8[:20]); err == nil {
		t.Error("a damaged key was read")
	}
	for _, algorithm := range []string{ES256, EdDSA, RS256} {
		key := keyOf(t, algorithm, KeyCurrent)
		token, err := jwt.NewWithClaims(signingMethod(algorithm), jwt.MapClaims{}).SignedString(key.private)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return key.private.Public(), nil }, jwt.WithValidMethods([]string{algorithm})); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}
