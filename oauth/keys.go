package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/secret"
)

// Algorithms for access tokens, by their JWS names (RFC 7518, RFC 8037).
const (
	ES256 = "ES256"
	EdDSA = "EdDSA"
	RS256 = "RS256"
)

// KeyState says what a signing key is for.
type KeyState string

// A key is published before it signs and after it signed.
const (
	KeyNext     KeyState = "next"
	KeyCurrent  KeyState = "current"
	KeyPrevious KeyState = "previous"
)

// SigningKey is one key pair of an issuer.
type SigningKey struct {
	ID        string // kid
	Algorithm string
	State     KeyState
	private   crypto.Signer
}

// GenerateKey makes a key pair and returns its key id and its private key in PKCS #8. The key id is the SHA-256 of the public key, so
// that one key has one id and two issuers never share one.
func GenerateKey(algorithm string) (kid string, pkcs8 []byte, err error) {
	var key crypto.Signer
	switch algorithm {
	case ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case RS256:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		return "", nil, fmt.Errorf("algorithm %q: expected ES256, EdDSA or RS256", algorithm)
	}
	if err != nil {
		return "", nil, fmt.Errorf("generate %s key: %w", algorithm, err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", nil, fmt.Errorf("encode public key: %w", err)
	}
	sum := sha256.Sum256(public)
	if pkcs8, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return "", nil, fmt.Errorf("encode private key: %w", err)
	}
	return secret.Encode(sum[:]), pkcs8, nil
}

// ParseSigningKey reads what GenerateKey made.
func ParseSigningKey(id, algorithm string, state KeyState, pkcs8 []byte) (SigningKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return SigningKey{}, fmt.Errorf("signing key %s: %w", id, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok || algorithm == "" || algorithmOf(key) != algorithm {
		return SigningKey{}, fmt.Errorf("signing key %s: not a key for %s", id, algorithm)
	}
	return SigningKey{ID: id, Algorithm: algorithm, State: state, private: key}, nil
}

// algorithmOf is the one algorithm that a key is used with (RFC 8725 section 3.1); empty when there is none.
func algorithmOf(key crypto.Signer) string {
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return ES256
		}
	case ed25519.PublicKey:
		return EdDSA
	case *rsa.PublicKey:
		if public.Size() >= 2048/8 {
			return RS256
		}
	}
	return ""
}

func signingMethod(algorithm string) jwt.SigningMethod {
	switch algorithm {
	case ES256:
		return jwt.SigningMethodES256
	case EdDSA:
		return jwt.SigningMethodEdDSA
	case RS256:
		return jwt.SigningMethodRS256
	default:
		return nil
	}
}

func (i *Issuer) currentKey() (SigningKey, bool) {
	at := slices.IndexFunc(i.Keys, func(k SigningKey) bool { return k.State == KeyCurrent })
	if at < 0 {
		return SigningKey{}, false
	}
	return i.Keys[at], true
}

func (i *Issuer) keyByID(id string) (SigningKey, bool) {
	at := slices.IndexFunc(i.Keys, func(k SigningKey) bool { return k.ID == id })
	if at < 0 {
		return SigningKey{}, false
	}
	return i.Keys[at], true
}

// jwk is a public key as JSON (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2). It has no member that could hold a private part.
type jwk struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

func encodeJWKS(keys []SigningKey) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		if public, ok := k.public(); ok {
			set.Keys = append(set.Keys, public)
		}
	}
	encoded, err := json.Marshal(set)
	if err != nil {
		return nil
	}
	return encoded
}

func (k SigningKey) public() (jwk, bool) {
	out := jwk{Use: "sig", Algorithm: k.Algorithm, ID: k.ID}
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 0x04, X, Y
		if err != nil || len(point) != 65 {
			return jwk{}, false
		}
		out.KeyType, out.Curve = "EC", "P-256"
		out.X, out.Y = secret.Encode(point[1:33]), secret.Encode(point[33:])
	case ed25519.PublicKey:
		out.KeyType, out.Curve, out.X = "OKP", "Ed25519", secret.Encode(public)
	case *rsa.PublicKey:
		out.KeyType = "RSA"
		out.N, out.E = secret.Encode(public.N.Bytes()), secret.Encode(big.NewInt(int64(public.E)).Bytes())
	default:
		return jwk{}, false
	}
	return out, true
}
