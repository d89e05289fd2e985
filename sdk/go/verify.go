package mcpauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// keysTTL is how long the project's keys are kept, as their Cache-Control says.
	keysTTL = 5 * time.Minute
	// keysRetry is the least time between two fetches for keys that are not known.
	keysRetry = 30 * time.Second
	// minRSABits is the shortest RSA key that is accepted (RFC 7518 section 3.3).
	minRSABits = 2048
)

var (
	// errNotLocal means that this guard cannot tell by itself, and must ask.
	errNotLocal = errors.New("cannot be verified here")
	errForged   = errors.New("not signed by the issuer")
)

// keySet is the project's published keys by id, each with the one algorithm it may be used with.
type keySet struct {
	keys    map[string]verifyingKey
	fetched time.Time
}

type verifyingKey struct {
	algorithm string
	public    crypto.PublicKey
}

// jwk is one key of the set (RFC 7517 section 4; RFC 7518 section 6; RFC 8037 section 2).
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	N         string `json:"n"`
	E         string `json:"e"`
}

// public returns the key and its algorithm; false for a kind that access tokens are never signed with.
func (k jwk) public() (verifyingKey, bool) {
	number := func(text string) *big.Int {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(raw)
	}
	switch {
	case k.ID == "" || k.Use != "" && k.Use != "sig":
		return verifyingKey{}, false
	case k.Type == "EC" && k.Curve == "P-256" && k.Algorithm == "ES256":
		x, errX := base64.RawURLEncoding.DecodeString(k.X)
		y, errY := base64.RawURLEncoding.DecodeString(k.Y)
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)) // refuses what is not on the curve
		return verifyingKey{k.Algorithm, public}, errX == nil && errY == nil && len(x) == 32 && err == nil
	case k.Type == "OKP" && k.Curve == "Ed25519" && k.Algorithm == "EdDSA":
		raw, err := base64.RawURLEncoding.DecodeString(k.X)
		return verifyingKey{k.Algorithm, ed25519.PublicKey(raw)}, err == nil && len(raw) == ed25519.PublicKeySize
	case k.Type == "RSA" && k.Algorithm == "RS256":
		n, e := number(k.N), number(k.E)
		if n.BitLen() < minRSABits || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return verifyingKey{}, false
		}
		return verifyingKey{k.Algorithm, &rsa.PublicKey{N: n, E: int(e.Int64())}}, true
	}
	return verifyingKey{}, false
}

// fetchKeys gets the key set, without any credential.
func (g *Guard) fetchKeys(ctx context.Context) (*keySet, error) {
	known, err := g.settings.get(ctx)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, known.JWKSURI, nil)
	if err != nil {
		return nil, &unavailable{reason: "the issuer's keys could not be asked for", cause: err}
	}
	var document struct {
		Keys []jwk `json:"keys"`
	}
	if _, err := fetchJSON(g.client, request, "the issuer's key set", &document); err != nil {
		return nil, err
	}
	set := &keySet{keys: map[string]verifyingKey{}, fetched: g.now()}
	for _, published := range document.Keys {
		if key, ok := published.public(); ok {
			set.keys[published.ID] = key
		}
	}
	return set, nil
}

// verify checks a token's signature and returns its claims, which are still to be judged. errForged: it is not the issuer's; any
// other error: this guard cannot tell.
func (g *Guard) verify(ctx context.Context, token string) (*claims, error) {
	set, err := g.keys.get(ctx)
	if err != nil {
		return nil, err
	}
	if g.now().Sub(set.fetched) > 2*keysTTL { // they could not be fetched again; some may have been withdrawn
		return nil, errNotLocal
	}
	unknown := false
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err = parser.Parse(token, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		_, critical := t.Header["crit"]
		if t.Header["typ"] != "at+jwt" || critical { // RFC 9068 section 4; RFC 7515 section 4.1.11
			return nil, errForged
		}
		key, ok := set.keys[id]
		if !ok {
			unknown = true
			return nil, errNotLocal
		}
		if key.algorithm != t.Method.Alg() {
			return nil, errForged
		}
		return key.public, nil
	})
	switch {
	case unknown:
		if g.now().Sub(set.fetched) >= keysRetry {
			g.keys.renew()
		}
		return nil, errNotLocal
	case err != nil:
		return nil, errForged
	}
	living, answer := true, &claims{}
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil || json.Unmarshal(body, answer) != nil || len(answer.Audience) != 1 {
		return nil, errForged
	}
	if answer.Grant == "" || answer.ClientID == "" { // RFC 9068 section 2.2; without its grant it could not be ended
		return nil, errForged
	}
	answer.Active = &living
	return answer, nil
}

// check finds out about a token: by itself while keys and feed are at hand, otherwise by asking the project. The first token of a
// grant is always asked about, which also tells who the user is in words.
func (g *Guard) check(ctx context.Context, known *settings, token string) (*claims, error) {
	answer, err := g.checkHere(ctx, known, token)
	if errors.Is(err, errNotLocal) {
		answer, err = g.tokens.get(ctx, token, func(ctx context.Context) (*claims, error) {
			return g.introspect(ctx, known.IntrospectionEndpoint, token)
		})
	}
	if err == nil && g.feed.refuses(answer.Grant) {
		return refusedClaims(answer.Grant), nil
	}
	return answer, err
}

func (g *Guard) checkHere(ctx context.Context, known *settings, token string) (*claims, error) {
	if !g.local() || known.JWKSURI == "" || !g.feed.fresh(known) {
		return nil, errNotLocal
	}
	if g.feed.isSuspended() {
		return refusedClaims(""), nil
	}
	answer, err := g.verify(ctx, token)
	switch {
	case errors.Is(err, errForged):
		return refusedClaims(""), nil
	case err != nil:
		return nil, errNotLocal
	case g.judge(answer, known) != nil || g.feed.refuses(answer.Grant):
		return answer, nil //nolint:nilerr // it is for the caller to judge and refuse
	}
	username, met := g.usernames.get(answer.Grant)
	if !met {
		told, err := g.tokens.get(ctx, token, func(ctx context.Context) (*claims, error) {
			return g.introspect(ctx, known.IntrospectionEndpoint, token)
		})
		switch {
		case err != nil:
			return answer, nil //nolint:nilerr // an outage of introspection alone: keys and feed are enough
		case *told.Active:
			g.usernames.put(answer.Grant, told.Username)
		}
		return told, nil
	}
	answer.Username = username
	return answer, nil
}

// local reports whether tokens are verified here at all.
func (g *Guard) local() bool { return !g.config.AlwaysIntrospect && g.config.CacheTTL > 0 }

// refusedClaims is what the project would answer about a token that is no longer good.
func refusedClaims(grant string) *claims {
	living := false
	return &claims{Active: &living, Grant: grant}
}

// usernames remembers what users are called, by grant.
type usernames struct {
	mu    sync.Mutex
	known map[string]string
}

func (u *usernames) get(grant string) (string, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	name, ok := u.known[grant]
	return name, ok
}

func (u *usernames) put(grant, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known == nil {
		u.known = map[string]string{}
	}
	if len(u.known) >= cacheEntries {
		for one := range u.known { // map order is random
			delete(u.known, one)
			break
		}
	}
	u.known[grant] = name
}
