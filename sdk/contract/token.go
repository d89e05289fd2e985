package contract

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Token is how a row describes an access token: what differs from a good one.
type Token struct {
	// Text is the token itself, instead of everything else but Answer; Repeat says how often it stands there.
	Text   string `json:"text"`
	Repeat int    `json:"repeat"`
	// Grant names the approval; absent: first.
	Grant string `json:"grant"`
	// Claims and Header replace members; null takes one away.
	Claims map[string]any `json:"claims"`
	Header map[string]any `json:"header"`
	// Key is the one that signs: a published one (k1 ES256, k2 EdDSA, k3 RS256; absent: k1), stranger (another key under the id k1), hmac (the
	// public key as a shared secret) or none.
	Key string `json:"key"`
	// Tampered has other claims than were signed, Unsigned no signature.
	Tampered bool `json:"tampered"`
	Unsigned bool `json:"unsigned"`
	// Answer replaces members of what the project says when it is asked; null takes one away.
	Answer map[string]any `json:"answer"`
}

// Forged reports whether the project did not sign the token as it is.
func (t Token) Forged() bool {
	return t.Text != "" || t.Tampered || t.Unsigned || t.Key == "stranger" || t.Key == "hmac" || t.Key == "none" || len(t.Header) > 0
}

// Key signs tokens.
type Key struct {
	ID        string
	Algorithm string
	Private   crypto.Signer
	Secret    []byte // of hmac
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// NewKey makes a key of an algorithm that projects may select.
func NewKey(id, algorithm string) (Key, error) {
	key := Key{ID: id, Algorithm: algorithm}
	var err error
	switch algorithm {
	case "ES256":
		key.Private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, key.Private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256":
		key.Private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("no algorithm %q", algorithm)
	}
	return key, err
}

// Public is the key as it is published (RFC 7517).
func (k Key) Public() map[string]any {
	jwk := map[string]any{"kid": k.ID, "alg": k.Algorithm, "use": "sig"}
	switch public := k.Private.Public().(type) {
	case *ecdsa.PublicKey:
		if point, err := public.Bytes(); err == nil {
			maps.Copy(jwk, map[string]any{"kty": "EC", "crv": "P-256", "x": encoded(point[1:33]), "y": encoded(point[33:])})
		}
	case ed25519.PublicKey:
		maps.Copy(jwk, map[string]any{"kty": "OKP", "crv": "Ed25519", "x": encoded(public)})
	case *rsa.PublicKey:
		maps.Copy(jwk, map[string]any{"kty": "RSA", "n": encoded(public.N.Bytes()), "e": "AQAB"})
	}
	return jwk
}

// sign makes the signature of a JWT (RFC 7515).
func (k Key) sign(input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	switch {
	case k.Algorithm == "none":
		return nil, nil
	case k.Secret != nil:
		mac := hmac.New(sha256.New, k.Secret)
		mac.Write([]byte(input))
		return mac.Sum(nil), nil
	case k.Algorithm == "EdDSA":
		return k.Private.Sign(rand.Reader, []byte(input), crypto.Hash(0))
	case k.Algorithm == "ES256":
		private, ok := k.Private.(*ecdsa.PrivateKey)
		if !ok {
			return nil, errors.New("not a key of ES256")
		}
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	default:
		return k.Private.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
}

// Make signs the token with a key. claims are those of a good token; vars are put in place of {name}.
func (t Token) Make(key Key, claims map[string]any, vars map[string]string) (string, error) {
	if t.Text != "" {
		return strings.Repeat(t.Text, max(1, t.Repeat)), nil
	}
	body := replaced(claims, t.Claims, vars)
	header := replaced(map[string]any{"typ": "at+jwt", "alg": key.Algorithm, "kid": key.ID}, t.Header, vars)
	head, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	input := encoded(head) + "." + encoded(payload)
	signature, err := key.sign(input)
	if err != nil {
		return "", err
	}
	if t.Unsigned {
		signature = nil
	}
	if t.Tampered {
		body["sub"] = "someone-else"
		if payload, err = json.Marshal(body); err != nil {
			return "", err
		}
		input = encoded(head) + "." + encoded(payload)
	}
	return input + "." + encoded(signature), nil
}

// replaced is base with changes, and what stands in braces put in; null takes a member away.
func replaced(base, changes map[string]any, vars map[string]string) map[string]any {
	out := maps.Clone(base)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = Expand(value, vars)
	}
	return out
}

var nowPattern = regexp.MustCompile(`^\{now([+-]\d+)\}$`)

// Expand puts variables in place of {name} in every text of a value, and a number in place of {now+60}.
func Expand(value any, vars map[string]string) any {
	switch value := value.(type) {
	case string:
		if at := nowPattern.FindStringSubmatch(value); at != nil {
			seconds, _ := strconv.ParseInt(at[1], 10, 64)
			return time.Now().Unix() + seconds
		}
		for name, text := range vars {
			value = strings.ReplaceAll(value, "{"+name+"}", text)
		}
		return value
	case []any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = Expand(value[i], vars)
		}
		return out
	case map[string]any:
		return replaced(map[string]any{}, value, vars)
	default:
		return value
	}
}
