package oauth

import (
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/id"
)

// accessTokenType is the JWT header typ of access tokens (RFC 9068 section 2.1).
const accessTokenType = "at+jwt"

// accessTokenMax bounds what is looked at as a token, in bytes.
const accessTokenMax = 8 << 10

// AccessClaims are the claims of an access token (RFC 9068 section 2.2). The audience is exactly one MCP server.
type AccessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope,omitempty"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	ID       string `json:"jti"`
	GrantID  string `json:"sid"`
	// Organization of the customer's own, for which the access was given.
	Organization string `json:"org_id,omitempty"`
}

// The methods of jwt.Claims.

// GetExpirationTime is exp.
func (c AccessClaims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.Expires, 0)), nil
}

// GetIssuedAt is iat.
func (c AccessClaims) GetIssuedAt() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.IssuedAt, 0)), nil
}

// GetNotBefore is absent.
func (c AccessClaims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil }

// GetIssuer is iss.
func (c AccessClaims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject is sub.
func (c AccessClaims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience is aud.
func (c AccessClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}

// signAccessToken makes the access token of a decision. iat and exp come from the store's clock, so skewed nodes change nothing.
func (i *Issuer) signAccessToken(grant GrantState, scopes []string) (string, error) {
	key, ok := i.currentKey()
	if !ok {
		return "", errors.New("issuer has no current signing key")
	}
	token := jwt.NewWithClaims(signingMethod(key.Algorithm), AccessClaims{
		Issuer: i.URL, Subject: grant.UserID.String(), Audience: grant.Resource, ClientID: grant.ClientID,
		Scope: strings.Join(scopes, " "), IssuedAt: grant.Now.Unix(), Expires: grant.Now.Add(i.AccessTokenTTL).Unix(),
		ID: id.New().String(), GrantID: grant.ID.String(), Organization: grant.Organization,
	})
	token.Header["typ"], token.Header["kid"] = accessTokenType, key.ID
	return token.SignedString(key.private)
}

// verifyAccessToken checks that this issuer signed a token, and nothing that time or the store decides. A token verified before is
// answered from memory while its key is published.
func (s *Server) verifyAccessToken(issuer *Issuer, token string) (AccessClaims, bool) {
	if len(token) > accessTokenMax || strings.Count(token, ".") != 2 {
		return AccessClaims{}, false
	}
	digest := sha256.Sum256([]byte(token))
	if known, ok := s.checked.get(digest); ok {
		_, published := issuer.keyByID(known.keyID)
		return known.claims, published && known.issuer == issuer.ID
	}
	var claims AccessClaims
	keyID := ""
	parser := jwt.NewParser(jwt.WithValidMethods([]string{ES256, EdDSA, RS256}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		keyID, _ = t.Header["kid"].(string)
		key, ok := issuer.keyByID(keyID)
		_, critical := t.Header["crit"]
		if !ok || t.Header["typ"] != accessTokenType || t.Method.Alg() != key.Algorithm || critical {
			return nil, errors.New("not an access token of this issuer")
		}
		return key.private.Public(), nil
	})
	if err != nil {
		return AccessClaims{}, false
	}
	s.checked.put(digest, verifiedToken{issuer: issuer.ID, keyID: keyID, claims: claims})
	return claims, true
}

// verifiedTokensMax bounds the memory of verified signatures, in tokens (about half a kilobyte each).
const verifiedTokensMax = 20000

// verifiedTokens remembers signatures that were verified. It says nothing about expiry or revocation.
type verifiedTokens struct {
	mu   sync.RWMutex
	most int
	seen map[[sha256.Size]byte]verifiedToken
}

type verifiedToken struct {
	issuer id.ID
	keyID  string
	claims AccessClaims
}

func newVerifiedTokens(most int) *verifiedTokens {
	return &verifiedTokens{most: most, seen: make(map[[sha256.Size]byte]verifiedToken)}
}

func (v *verifiedTokens) get(digest [sha256.Size]byte) (verifiedToken, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	known, ok := v.seen[digest]
	return known, ok
}

func (v *verifiedTokens) put(digest [sha256.Size]byte, token verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.seen) >= v.most {
		for old := range v.seen { // any will do: map order is random
			delete(v.seen, old)
			break
		}
	}
	v.seen[digest] = token
}
