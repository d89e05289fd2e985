package endpoints_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/mcpauth/mcpauth/oauth"
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
