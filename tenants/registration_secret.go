package tenants

import (
	"errors"
	"strings"

	"mcpauth.example/internal/secret"
)

// registrationPrefix lets secret scanners and people tell what they found.
const registrationPrefix = "mcpauth_rs_"

// randomLength is 32 random bytes in base64url, in characters.
const randomLength = 43

// ErrRegistrationSecret is returned for text that has not the form of a registration secret.
var ErrRegistrationSecret = errors.New("expected a registration secret that begins with " + registrationPrefix)

// NewRegistrationSecret returns a fresh secret that carries the address to ask, the project's own issuer URL on the service's domain:
// the prefix, the address in base64url, a dot, and 256 random bits in base64url.
func NewRegistrationSecret(address string) string {
	return registrationPrefix + secret.Encode([]byte(address)) + "." + secret.Token("")
}

// ParseRegistrationSecret returns the address that the secret carries. It proves nothing: only the hash in the database does.
func ParseRegistrationSecret(text string) (address string, err error) {
	rest, found := strings.CutPrefix(text, registrationPrefix)
	encoded, random, dot := strings.Cut(rest, ".")
	if !found || !dot || len(random) != randomLength {
		return "", ErrRegistrationSecret
	}
	if _, err := secret.Decode(random); err != nil {
		return "", ErrRegistrationSecret
	}
	decoded, err := secret.Decode(encoded)
	if err != nil {
		return "", ErrRegistrationSecret
	}
	canonical, problem := canonicalURL(string(decoded))
	if problem != "" || canonical != string(decoded) {
		return "", ErrRegistrationSecret
	}
	return canonical, nil
}

// LastFour are the characters by which a person tells one secret from another; the remaining 234 bits stay unknown.
func LastFour(registrationSecret string) string {
	return registrationSecret[max(0, len(registrationSecret)-4):]
}
