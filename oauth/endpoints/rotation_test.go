package endpoints_test

import (
	"crypto/ecdsa"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// cachingVerifier keeps the key set for as long as Cache-Control allows and asks for nothing in between.
type cachingVerifier struct {
	keys    map[string]*ecdsa.PublicKey
	fetched time.Duration
}

func (v *cachingVerifier) accepts(t *testing.T, tn *tenant, now time.Duration, token string) bool {
	t.Helper()
	if v.keys == nil || now-v.fetched >= 300*time.Second {
		v.keys, v.fetched = publishedKeys(t, tn), now
	}
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{oauth.ES256}), jwt.WithoutClaimsValidation()).Parse(token, func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		if v.keys[kid] == nil {
			return nil, jwt.ErrTokenUnverifiable
		}
		return v.keys[kid], nil
	})
	return err == nil
}

// Catalogue 15: keys rotate as often as they can while clients refresh. Whoever keeps the key set as Cache-Control allows refuses no
// token before it expires. Time passes in the rows.
func TestRotationRefusesNoUnexpiredToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	const life = 24 * time.Hour // the longest there is
	w.exec(`UPDATE projects SET access_token_ttl = 86400 WHERE id = $1::text::uuid`, tn.project.ID.String())
	w.forget()
	clientID := tn.client()
	const chains = 3
	var approvals [chains]approval
	var refresh [chains]string
	for i := range chains {
		approved, held := tn.connected(newBrowser(t, w.door), clientID)
		approvals[i], refresh[i] = approved, held.refresh
	}
	var now time.Duration
	type signed struct {
		token string
		at    time.Duration
	}
	var living []signed
	verifiers := make([]cachingVerifier, 5)
	rotations, used := 0, map[string]bool{}
	tick := func(by time.Duration) {
		now += by
		w.clock.advance(by)
		w.exec(`UPDATE signing_keys SET created_at = created_at - $1::interval, activated_at = activated_at - $1::interval, retired_at = retired_at - $1::interval`, by)
		var group sync.WaitGroup
		fresh := make([]string, chains)
		for i := range chains {
			group.Go(func() {
				got := tn.token(approvals[i].refreshForm(refresh[i])).tokens()
				refresh[i], fresh[i] = got.refresh, got.access
			})
		}
		group.Go(func() {
			result, err := w.store.RotateKeys(t.Context(), tenants.SystemActor, tn.project.ID, postgres.KeyRotation{})
			if err != nil {
				t.Error(err)
			}
			if result.Outcome == postgres.KeysRotated {
				rotations++
			}
		})
		group.Wait()
		kept := living[:0]
		for _, s := range living {
			if now-s.at < life {
				kept = append(kept, s)
			}
		}
		living = kept
		for _, token := range fresh {
			living = append(living, signed{token, now})
			kid, _ := jwtPart(token, 0)["kid"].(string)
			used[kid] = true
		}
		for i := range verifiers {
			if i > 0 && now < time.Duration(i)*time.Minute {
				continue // each begins in another minute
			}
			for _, s := range living {
				if !verifiers[i].accepts(t, tn, now, s.token) {
					t.Fatalf("after %s and %d rotations, verifier %d refuses a token of %s", now, rotations, i, s.at)
				}
			}
		}
	}
	for range 45 {
		tick(time.Minute)
	}
	tick(life - 46*time.Minute) // the oldest expire within the minute
	for range 15 {
		tick(time.Minute)
	}
	if rotations < 8 || len(used) < 8 {
		t.Errorf("%d rotations, %d keys signed", rotations, len(used))
	}
}

// Catalogue 14, 17: with every key replaced, what was signed before is refused everywhere, and clients refresh and go on.
func TestReplacedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	approved, held := tn.connected(newBrowser(t, w.door), tn.client())
	if !tn.active(held.access) {
		t.Fatal("not active")
	}
	for _, algorithm := range []string{oauth.EdDSA, oauth.RS256, oauth.ES256} {
		if _, err := w.store.RotateKeys(t.Context(), tenants.SystemActor, tn.project.ID, postgres.KeyRotation{Algorithm: algorithm, Replace: true}); err != nil {
			t.Fatal(err)
		}
		w.forget()
		if tn.active(held.access) {
			t.Errorf("%s: a token of a replaced key is active", algorithm)
		}
		held = tn.token(approved.refreshForm(held.refresh)).tokens()
		if alg, _ := jwtPart(held.access, 0)["alg"].(string); alg != algorithm || !tn.active(held.access) {
			t.Errorf("the new token is signed with %s, want %s", alg, algorithm)
		}
	}
}

// Catalogue 13: a token of one issuer is not one of another's, although both publish a key of the same id.
func TestSameKeyIDAtTwoIssuers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kid, _ := w.demo.signingKey("current")
	_, held := w.demo.connected(newBrowser(t, w.door), w.demo.client())
	// The other project's current key by this project's id: another key pair, sealed for that id.
	theirs, sealed := "", []byte(nil)
	if err := w.super.QueryRow(t.Context(), `SELECT id, sealed FROM signing_keys WHERE project_id = $1::text::uuid AND state = 'current'`, w.other.project.ID.String()).
		Scan(&theirs, &sealed); err != nil {
		t.Fatal(err)
	}
	plain, err := w.keys.Open("signing-key", sealed, keyBinding(w.other, theirs))
	if err != nil {
		t.Fatal(err)
	}
	w.exec(`UPDATE signing_keys SET id = $1, sealed = $2 WHERE project_id = $3::text::uuid AND id = $4`,
		kid, w.keys.Seal("signing-key", plain, keyBinding(w.other, kid)), w.other.project.ID.String(), theirs)
	w.forget()
	_, other := w.other.connected(newBrowser(t, w.door), w.other.client())
	if got, _ := jwtPart(other.access, 0)["kid"].(string); got != kid || strings.EqualFold(w.demo.issuer, w.other.issuer) {
		t.Fatalf("kid %q, want %q", got, kid)
	}
	for range 2 { // the second answer could come from the memory of signatures
		if !w.demo.active(held.access) || !w.other.active(other.access) {
			t.Error("a token is not active at its own issuer")
		}
		if w.demo.active(other.access) || w.other.active(held.access) {
			t.Error("a token of the other issuer is active")
		}
	}
}
