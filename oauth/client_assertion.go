package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// assertionType is the one kind of client assertion (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Bounds of an assertion.
const (
	assertionMax      = 8 << 10 // bytes
	assertionIDMax    = 200     // characters of jti
	assertionLifetime = 5 * time.Minute
	assertionSkew     = time.Minute
)

// ps256 is RSASSA-PSS with SHA-256 (RFC 7518 section 3.5), which clients may sign with besides what access tokens are signed with.
const ps256 = "PS256"

// assertionAlgorithms are those of the metadata. The key decides which one counts, never the assertion.
func assertionAlgorithms() []string { return []string{ES256, EdDSA, RS256, ps256} }

// errAssertion is any assertion that proves nothing.
var errAssertion = errors.New("assertion refused")

// AssertionStore remembers which assertions were used.
type AssertionStore interface {
	// UseAssertion notes the use of an assertion until it has expired, and returns ErrNotFound when it was used before, on any node.
	UseAssertion(ctx context.Context, issuer id.ID, jtiHash []byte, expires time.Time) error
}

// readAssertion takes an assertion from the form (RFC 7521 section 4.2). The client it names is only claimed until it is verified.
func (c *credentials) readAssertion(form url.Values) *Error {
	c.assertion = form.Get("client_assertion")
	switch {
	case c.assertion == "" && form.Get("client_assertion_type") == "":
		return nil
	case c.assertion == "" || form.Get("client_assertion_type") != assertionType || len(c.assertion) > assertionMax:
		return newError(InvalidClient, "Expected client_assertion with client_assertion_type "+assertionType+".").at("client_assertion_type", form.Get("client_assertion_type")).expecting(assertionType)
	case c.secret != "" || c.basic:
		return newError(InvalidRequest, "Use one way of client authentication, not two.").at("client_assertion", "")
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(c.assertion, &claims); err != nil {
		return newError(InvalidClient, "client_assertion: expected a signed JWT.").at("client_assertion", "")
	}
	if c.id == "" {
		c.id = claims.Subject
	}
	return nil
}

// checkAssertion verifies that a client signed an assertion for this issuer, now, and never used it before (RFC 7523 section 3,
// catalogue 66). It returns errAssertion for one that proves nothing; everything else is a fault on the way to the client's keys.
func (s *Server) checkAssertion(ctx context.Context, issuer *Issuer, client Client, assertion string) error {
	keys, err := s.clientKeys(ctx, issuer, client)
	if refused := (*Error)(nil); errors.As(err, &refused) {
		return errAssertion
	} else if err != nil {
		return errors.Join(ErrUnavailable, err) // it says nothing about the client (P26)
	}
	parser := jwt.NewParser(jwt.WithValidMethods(assertionAlgorithms()), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding(), jwt.WithJSONNumber())
	claims := jwt.MapClaims{}
	_, err = parser.ParseWithClaims(assertion, claims, func(t *jwt.Token) (any, error) { return assertionKey(keys, t.Header) })
	if err != nil {
		return errAssertion
	}
	id, expires, err := judgeAssertion(issuer, client.ID, claims, s.now())
	if err != nil {
		return err
	}
	err = s.assertions.UseAssertion(ctx, issuer.ID, secret.Hash(client.ID+" "+id), expires.Add(assertionSkew))
	if isNotFound(err) {
		return errAssertion
	}
	return err
}

// assertionKey finds the one key that an assertion can be signed with.
func assertionKey(keys jose.JSONWebKeySet, header map[string]any) (any, error) {
	algorithm, _ := header["alg"].(string)
	id, _ := header["kid"].(string)
	kind, typed := header["typ"].(string)
	if _, critical := header["crit"]; critical || typed && !slices.Contains([]string{"JWT", "client-authentication+jwt"}, kind) {
		return nil, errAssertion
	}
	var found []jose.JSONWebKey
	for _, key := range keys.Keys {
		if (id == "" || key.KeyID == id) && (key.Algorithm == "" || key.Algorithm == algorithm) && signs(key, algorithm) {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		return nil, errAssertion
	}
	return found[0].Key, nil
}

// signs reports whether an algorithm is one for this kind of key.
func signs(key jose.JSONWebKey, algorithm string) bool {
	switch public := key.Key.(type) {
	case *ecdsa.PublicKey:
		return algorithm == ES256 && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return algorithm == EdDSA
	case *rsa.PublicKey:
		return algorithm == RS256 || algorithm == ps256
	}
	return false
}

// judgeAssertion compares every claim (RFC 7523 section 3). The audience is the issuer or its token endpoint, alone: what is meant for
// several servers can be replayed by one of them.
func judgeAssertion(issuer *Issuer, clientID string, claims jwt.MapClaims, now time.Time) (id string, expires time.Time, err error) {
	id, _ = claims["jti"].(string)
	expiry, ok := assertionTime(claims["exp"])
	good := ok && claims["iss"] == clientID && claims["sub"] == clientID && isAssertionAudience(issuer, claims["aud"]) &&
		id != "" && len(id) <= assertionIDMax && isText(id) &&
		now.Before(expiry.Add(assertionSkew)) && !expiry.After(now.Add(assertionLifetime+assertionSkew))
	for _, name := range []string{"iat", "nbf"} {
		if value, given := claims[name]; given {
			at, ok := assertionTime(value)
			good = good && ok && !at.After(now.Add(assertionSkew))
		}
	}
	if !good {
		return "", time.Time{}, errAssertion
	}
	return id, expiry, nil
}

func isAssertionAudience(issuer *Issuer, audience any) bool {
	if list, ok := audience.([]any); ok && len(list) == 1 {
		audience = list[0]
	}
	return audience == issuer.URL || audience == issuer.URL+PathToken
}

// assertionTime reads a NumericDate (RFC 7519 section 2), fractions of a second cut off.
func assertionTime(value any) (time.Time, bool) {
	number, ok := value.(interface{ Float64() (float64, error) })
	if !ok {
		return time.Time{}, false
	}
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > math.MaxInt32*10 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// registerKeys takes the keys of a client that wants to sign assertions, which must be usable; other clients' keys have no effect.
func (r *Registration) registerKeys(issuer *Issuer, members *memberReader) *Error {
	r.JWKS, r.JWKSURI = members.members["jwks"], members.text("jwks_uri", clientIDMax)
	if members.refused != nil {
		return members.refused
	}
	if r.JWKSURI != "" {
		if reason := checkClientURL(issuer, r.JWKSURI, true); reason != "" { // and again before each use
			return newError(InvalidClientMetadata, "jwks_uri: "+reason).at("jwks_uri", "")
		}
		return nil
	}
	keys, refused := parseClientKeys(r.JWKS)
	if refused == nil && !slices.ContainsFunc(keys.Keys, func(key jose.JSONWebKey) bool {
		return slices.ContainsFunc(assertionAlgorithms(), func(algorithm string) bool { return signs(key, algorithm) })
	}) {
		refused = newError(InvalidClientMetadata, "private_key_jwt: expected jwks or jwks_uri with a key for "+strings.Join(assertionAlgorithms(), ", ")+".").at("jwks", "")
	}
	return refused
}
