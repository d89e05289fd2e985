package floor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// signer makes access tokens with one key.
type signer struct {
	key    *ecdsa.PrivateKey
	header string
}

func newSigner() (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	header := `{"alg":"ES256","kid":"` + base64.RawURLEncoding.EncodeToString(make([]byte, 32)) + `","typ":"at+jwt"}`
	return &signer{key: key, header: base64.RawURLEncoding.EncodeToString([]byte(header)) + "."}, nil
}

// claims are those of the product's access tokens.
type claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
	GrantID  string `json:"sid"`
}

func (s *signer) sign(c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	out := make([]byte, 0, 1024)
	out = append(out, s.header...)
	out = base64.RawURLEncoding.AppendEncode(out, payload)
	digest := sha256.Sum256(out)
	a, b, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	a.FillBytes(signature[:32])
	b.FillBytes(signature[32:])
	return string(base64.RawURLEncoding.AppendEncode(append(out, '.'), signature[:])), nil
}

// Prefixes and size of codes and refresh tokens, as long as the product's.
const (
	codePrefix    = "mcpauth_ac_"
	refreshPrefix = "mcpauth_rt_"
	referenceSize = 1 + 16 + 8 + 16 + 32
)

// reference is a code or a refresh token: the grant, its generation and random bytes whose hash the row keeps.
type reference struct {
	grant      [16]byte
	generation int64
	random     [16]byte
}

func (r reference) encode(prefix string) string {
	var raw [referenceSize]byte
	copy(raw[1:], r.grant[:])
	binary.BigEndian.PutUint64(raw[17:], uint64(r.generation)) //nolint:gosec // generations count up from 0
	copy(raw[25:], r.random[:])
	return prefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

func decode(prefix, text string) (reference, error) {
	encoded, ok := strings.CutPrefix(text, prefix)
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) != referenceSize {
		return reference{}, errors.New("not a reference")
	}
	r := reference{grant: [16]byte(raw[1:17]), random: [16]byte(raw[25:41])}
	r.generation = int64(binary.BigEndian.Uint64(raw[17:25])) //nolint:gosec // written by encode
	return r, nil
}

// newID is a UUIDv7 (RFC 9562 section 5.7), so that the floor's keys grow at the end of their index as the product's do.
func newID() [16]byte {
	var id [16]byte
	rand.Read(id[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(id[:6], ms[2:])
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

// text is the canonical text form of an id.
func text(id [16]byte) string {
	var out [36]byte
	hex.Encode(out[0:8], id[0:4])
	hex.Encode(out[9:13], id[4:6])
	hex.Encode(out[14:18], id[6:8])
	hex.Encode(out[19:23], id[8:10])
	hex.Encode(out[24:], id[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
