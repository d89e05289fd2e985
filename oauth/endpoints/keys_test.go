package endpoints_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
)

// publishedKeys reads the key set the way a guard does.
func publishedKeys(t *testing.T, tn *tenant) map[string]*ecdsa.PublicKey {
	t.Helper()
	got := call(t, tn.w.door, http.MethodGet, tn.issuer+oauth.PathJWKS, nil, "")
	var set struct {
		Keys []struct{ Kid, Alg, X, Y string }
	}
	if err := json.Unmarshal([]byte(got.body), &set); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s: %v", got.StatusCode, got.body, err)
	}
	keys := map[string]*ecdsa.PublicKey{}
	for _, k := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if errX != nil || errY != nil || err != nil || k.Alg != "ES256" {
			t.Fatalf("%+v: %v", k, err)
		}
		keys[k.Kid] = key
	}
	return keys
}

// signingKey opens the project's signing key in a state, with its key id: what only the server can do.
func (tn *tenant) signingKey(state string) (kid string, key crypto.Signer) {
	tn.w.t.Helper()
	var sealed []byte
	if err := tn.w.super.QueryRow(tn.w.t.Context(), `SELECT id, sealed FROM signing_keys WHERE project_id = $1::text::uuid AND state = $2`, tn.project.ID.String(), state).
		Scan(&kid, &sealed); err != nil {
		tn.w.t.Fatal(err)
	}
	pkcs8, err := tn.w.keys.Open("signing-key", sealed, keyBinding(tn, kid))
	if err != nil {
		tn.w.t.Fatal(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	key, ok := parsed.(crypto.Signer)
	if err != nil || !ok {
		tn.w.t.Fatalf("%T, %v", parsed, err)
	}
	return kid, key
}

// forged signs the claims of a good token anew, with changes to header and claims; nil removes a member.
func forged(t *testing.T, method jwt.SigningMethod, key any, good string, header, claims map[string]any) string {
	t.Helper()
	merged := jwt.MapClaims(jwtPart(good, 1))
	token := jwt.NewWithClaims(method, merged)
	token.Header["typ"], token.Header["kid"] = jwtPart(good, 0)["typ"], jwtPart(good, 0)["kid"]
	for _, change := range []struct{ of, by map[string]any }{{token.Header, header}, {merged, claims}} {
		for name, value := range change.by {
			if change.of[name] = value; value == nil {
				delete(change.of, name)
			}
		}
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func encodeJSON(content map[string]any) string {
	encoded, err := json.Marshal(content)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// keyBinding is what a sealed key is tied to.
func keyBinding(tn *tenant, kid string) []byte {
	return secret.Join(tn.project.ID[:], []byte(kid))
}
