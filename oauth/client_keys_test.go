package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// publisher answers with one body or one error.
type publisher struct {
	body  string
	err   error
	asked []string
}

func (p *publisher) Fetch(_ context.Context, _, target string, _ int64, valid func([]byte) error) ([]byte, error) {
	p.asked = append(p.asked, target)
	if p.err != nil {
		return nil, p.err
	}
	return []byte(p.body), valid([]byte(p.body))
}

func encodedKey(t *testing.T, key jose.JSONWebKey) string {
	t.Helper()
	body, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func keySet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// Catalogue 59: keys for signatures are read, others left out, and what must be secret is refused.
func TestParseClientKeys(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, edwardsPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec := encodedKey(t, jose.JSONWebKey{Key: &curve.PublicKey, KeyID: "ec", Use: "sig"})
	ed := encodedKey(t, jose.JSONWebKey{Key: edwards, KeyID: "ed"})
	big := encodedKey(t, jose.JSONWebKey{Key: &key.PublicKey, KeyID: "rsa"})
	small := `{"kty":"RSA","kid":"small","n":"` + strings.Repeat("A", 100) + strings.Repeat("_", 70) + `","e":"AQAB"}`
	huge := `{"kty":"RSA","kid":"huge","n":"` + strings.Repeat("_", 1400) + `","e":"AQAB"}`
	encryption := encodedKey(t, jose.JSONWebKey{Key: &curve.PublicKey, KeyID: "enc", Use: "enc"})
	for name, c := range map[string]struct{ body, ids string }{
		"none":            {keySet(), ""},
		"every kind":      {keySet(ec, ed, big), "ec ed rsa"},
		"others left out": {keySet(encryption, `{"kty":"AKP","kid":"new"}`, small, huge, `{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"off"}`, ec), "ec"},
	} {
		set, refused := parseClientKeys([]byte(c.body))
		var ids []string
		for _, k := range set.Keys {
			ids = append(ids, k.KeyID)
		}
		if refused != nil || strings.Join(ids, " ") != c.ids {
			t.Errorf("%s: %v %v", name, ids, refused)
		}
	}
	if set, refused := parseClientKeys(nil); refused != nil || len(set.Keys) != 0 {
		t.Errorf("%v %v", set, refused)
	}
	for name, body := range map[string]string{
		"private EC": keySet(encodedKey(t, jose.JSONWebKey{Key: curve})), "private EdDSA": keySet(ed, encodedKey(t, jose.JSONWebKey{Key: edwardsPrivate})),
		"private RSA": keySet(encodedKey(t, jose.JSONWebKey{Key: key})), "symmetric": keySet(encodedKey(t, jose.JSONWebKey{Key: []byte("shared")})),
		"no keys": `{}`, "list": `[]`, "other letters": `{"Keys":[]}`, "twice": `{"keys":[],"keys":[]}`, "no list": `{"keys":{}}`, "too many": keySet(strings.Split(strings.Repeat(ec+"\n", 21), "\n")[:21]...), "HTML": "<p>",
	} {
		if _, refused := parseClientKeys([]byte(body)); refused == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// A38, P8, P26: keys at an address are asked for as documents are, and a fault on the way says nothing about the client.
func TestClientKeys(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := keySet(encodedKey(t, jose.JSONWebKey{Key: &curve.PublicKey, KeyID: "ec"}))
	issuer := &Issuer{URL: "https://demo.mcpauth.example", URLs: []string{"https://demo.mcpauth.example"}}
	const address = "https://client.example/keys.json"
	p := &publisher{body: body}
	s := &Server{documents: p}
	for name, client := range map[string]Client{"inline": {JWKS: json.RawMessage(body)}, "at an address": {JWKSURI: address}} {
		if set, err := s.clientKeys(t.Context(), issuer, client); err != nil || len(set.Key("ec")) != 1 {
			t.Errorf("%s: %v %v", name, set, err)
		}
	}
	if strings.Join(p.asked, " ") != address {
		t.Errorf("asked %v", p.asked)
	}
	p.asked = nil
	for _, bad := range []string{"http://client.example/k", "https://10.0.0.1/k", "https://client.example:8443/k", "https://demo.mcpauth.example/api/oauth/jwks", "https://u@client.example/k"} {
		var refused *Error
		if _, err := s.clientKeys(t.Context(), issuer, Client{JWKSURI: bad}); !errors.As(err, &refused) || len(p.asked) != 0 {
			t.Errorf("%s: %v, asked %v", bad, err, p.asked)
		}
	}
	var refused *Error
	p.err = errors.New("connection reset")
	if _, err := s.clientKeys(t.Context(), issuer, Client{JWKSURI: address}); err == nil || errors.As(err, &refused) {
		t.Errorf("a fault became %v", err)
	}
	if _, err := (&Server{}).clientKeys(t.Context(), issuer, Client{JWKSURI: address}); !errors.As(err, &refused) {
		t.Errorf("without documents: %v", err)
	}
}
