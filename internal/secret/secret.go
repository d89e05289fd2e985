// Package secret holds the product's uses of cryptography that are not a protocol of their own: random tokens,
// hashes of tokens, constant-time comparison, derivation from the master key ring, message authentication and sealing at rest.
//
// It owns the master key ring; it imports nothing of the project.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
)

// Bytes returns n random bytes from the operating system.
func Bytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand ends the program when the system has no randomness
	return b
}

// Token returns prefix followed by 256 random bits in base64url, 43 characters of [A-Za-z0-9_-].
func Token(prefix string) string {
	return prefix + Encode(Bytes(32))
}

// Encode is base64url without padding (RFC 4648 section 5).
func Encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Decode reverses Encode. It refuses padding, line breaks and non-canonical trailing bits, so that one value has one spelling.
func Decode(s string) ([]byte, error) {
	for i := range len(s) {
		if s[i] == '\n' || s[i] == '\r' {
			return nil, base64.CorruptInputError(i)
		}
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// Hash is the SHA-256 of a token of at least 128 random bits, which is what the database keeps of it.
func Hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Equal compares in constant time.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// EqualString compares two strings in a time that depends on their lengths only.
func EqualString(a, b string) bool { return Equal([]byte(a), []byte(b)) }

// Join encodes parts without ambiguity (each behind its length), for associated data and authenticated messages.
func Join(parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += 4 + len(p)
	}
	out := make([]byte, 0, size)
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p))) //nolint:gosec // parts are far below 4 GiB
		out = append(out, p...)
	}
	return out
}

// Digits returns n random decimal digits, each equally likely.
func Digits(n int) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range Bytes(n) {
			if b < 250 && len(out) < n { // 250 is the largest multiple of ten below 256
				out = append(out, '0'+b%10)
			}
		}
	}
	return string(out)
}
