package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// keyRig is a project whose keys are rotated, and made older than they are.
type keyRig struct {
	t       *testing.T
	db      *pgtest.Database
	store   *postgres.Store
	project tenants.Project
}

func newKeyRig(t *testing.T) keyRig {
	t.Helper()
	db := pgtest.New(t)
	return keyRig{t: t, db: db, store: openTenants(t, db), project: newTestProject(t, db, "Lambda")}
}

func (r keyRig) rotate(rotation postgres.KeyRotation) postgres.RotatedKeys {
	r.t.Helper()
	result, err := r.store.RotateKeys(r.t.Context(), tenants.SystemActor, r.project.ID, rotation)
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

// pass is one of the worker's, at a time when the project is due.
func (r keyRig) pass(every time.Duration) int {
	r.t.Helper()
	r.exec(`UPDATE projects SET keys_due_at = now()`)
	rotated, err := r.store.RotateDueKeys(r.t.Context(), every)
	if err != nil {
		r.t.Fatal(err)
	}
	return rotated
}

func (r keyRig) exec(statement string, args ...any) {
	r.t.Helper()
	if _, err := connect(r.t, r.db.SuperuserURL).Exec(r.t.Context(), statement, args...); err != nil {
		r.t.Fatalf("%s: %v", statement, err)
	}
}

// age makes every key older.
func (r keyRig) age(by string) {
	r.t.Helper()
	r.exec(`UPDATE signing_keys SET created_at = created_at - $1::text::interval, activated_at = activated_at - $1::text::interval,
		retired_at = retired_at - $1::text::interval`, by)
}

// keys are the algorithms and ids by state.
func (r keyRig) keys(state string) []string {
	r.t.Helper()
	return column(r.t, connect(r.t, r.db.SuperuserURL), `SELECT algorithm || ' ' || id FROM signing_keys WHERE state = $1 ORDER BY created_at`, state)
}

func (r keyRig) audit() []string {
	r.t.Helper()
	return column(r.t, connect(r.t, r.db.SuperuserURL), `SELECT action FROM audit_log WHERE action LIKE 'signing_%' OR action LIKE 'project.signing%' ORDER BY at, id`)
}

// Catalogue 15: a key is published for longer than verifiers may remember the key set before it signs.
func TestNextKeyIsKnownBeforeItSigns(t *testing.T) {
	t.Parallel()
	r := newKeyRig(t)
	current, next := r.keys("current"), r.keys("next")
	for _, age := range []string{"0", "5 minutes 10 seconds"} { // 300 s of Cache-Control, 5 s of memory, 5 s of a load
		r.age(age)
		if got := r.rotate(postgres.KeyRotation{}); got.Outcome != postgres.KeysWaiting || got.After.Before(time.Now()) || !slices.Equal(r.keys("current"), current) {
			t.Fatalf("a next key of %s: %+v, %v", age, got, r.keys("current"))
		}
	}
	r.age("50 seconds")
	if got := r.rotate(postgres.KeyRotation{}); got.Outcome != postgres.KeysRotated || "ES256 "+got.Current != next[0] {
		t.Fatalf("%+v, want %v", got, next)
	}
	if !slices.Equal(r.keys("previous"), current) || !slices.Equal(r.keys("current"), next) || len(r.keys("next")) != 1 || slices.Equal(r.keys("next"), next) {
		t.Errorf("previous %v, current %v, next %v", r.keys("previous"), r.keys("current"), r.keys("next"))
	}
	if got := r.audit(); !slices.Equal(got, []string{"signing_key.published", "signing_keys.rotated"}) {
		t.Errorf("audit %q", got)
	}
	if _, err := r.store.RotateKeys(t.Context(), tenants.SystemActor, id.New(), postgres.KeyRotation{}); !errors.Is(err, oauth.ErrNotFound) {
		t.Errorf("a project that does not exist: %v", err)
	}
}

// Catalogue 14: a key that signed stays published for as long as a token can live, and then goes.
func TestPreviousKeyGoesWhenItsTokensExpired(t *testing.T) {
	t.Parallel()
	r := newKeyRig(t)
	r.age("7 minutes")
	r.rotate(postgres.KeyRotation{})
	previous := r.keys("previous")
	r.age("24 hours 5 minutes")
	if r.pass(0); !slices.Equal(r.keys("previous"), previous) {
		t.Fatalf("gone too early: %v", r.keys("previous"))
	}
	r.age("6 minutes")
	if r.pass(0); len(r.keys("previous")) != 0 || !slices.Contains(r.audit(), "signing_key.deleted") {
		t.Errorf("still there: %v, audit %q", r.keys("previous"), r.audit())
	}
}

// A new algorithm signs like every other key: published first. The worker finishes what the change began.
func TestAlgorithmChangesThroughTheNextKey(t *testing.T) {
	t.Parallel()
	r := newKeyRig(t)
	r.age("7 minutes")
	for _, algorithm := range []string{oauth.EdDSA, oauth.RS256, oauth.ES256} {
		before := r.keys("current")
		if got := r.rotate(postgres.KeyRotation{Algorithm: algorithm}); got.Outcome != postgres.KeysPublished || !slices.Equal(r.keys("current"), before) {
			t.Fatalf("%s: %+v", algorithm, got)
		}
		next := r.keys("next")
		if rotated := r.pass(0); rotated != 0 || len(next) != 1 || !strings.HasPrefix(next[0], algorithm) {
			t.Fatalf("%s: next %v, rotated %d", algorithm, next, rotated)
		}
		r.age("7 minutes")
		if rotated := r.pass(0); rotated != 1 || !slices.Equal(r.keys("current"), next) {
			t.Fatalf("%s: current %v, want %v", algorithm, r.keys("current"), next)
		}
		if rotated := r.pass(0); rotated != 0 {
			t.Errorf("%s: rotated again", algorithm)
		}
	}
}

// The schedule is kept by any number of workers, none at all rotates nothing, and a project is left alone until it is due.
func TestScheduledRotationHappensOnce(t *testing.T) {
	t.Parallel()
	r := newKeyRig(t)
	const every = 90 * 24 * time.Hour
	r.age("89 days")
	if rotated := r.pass(every); rotated != 0 {
		t.Fatal("rotated before its time")
	}
	r.age("2 days")
	if rotated := r.pass(0); rotated != 0 {
		t.Fatal("rotated without a schedule")
	}
	if rotated, err := r.store.RotateDueKeys(t.Context(), every); err != nil || rotated != 0 {
		t.Fatalf("a project that is not due: %d, %v", rotated, err)
	}
	r.exec(`UPDATE projects SET keys_due_at = now()`)
	var group sync.WaitGroup
	counts := make(chan int, 4)
	for range 4 {
		group.Go(func() {
			rotated, err := r.store.RotateDueKeys(t.Context(), every)
			if err != nil {
				t.Error(err)
			}
			counts <- rotated
		})
	}
	group.Wait()
	close(counts)
	total := 0
	for rotated := range counts {
		total += rotated
	}
	if total != 1 || len(r.keys("previous")) != 1 || len(r.keys("next")) != 1 {
		t.Errorf("%d rotations, previous %v, next %v", total, r.keys("previous"), r.keys("next"))
	}
}

// The key set stays small, whatever is asked for; replacing every key is not held up by that.
func TestPreviousKeysAreBoundedAndReplaced(t *testing.T) {
	t.Parallel()
	r := newKeyRig(t)
	var last postgres.RotatedKeys
	for range 20 {
		r.age("7 minutes")
		last = r.rotate(postgres.KeyRotation{})
	}
	if previous := r.keys("previous"); len(previous) != 12 || last.Outcome != postgres.KeysWaiting || last.After.Before(time.Now().Add(20*time.Hour)) {
		t.Errorf("%d previous keys, %+v", len(previous), last)
	}
	before := slices.Concat(r.keys("previous"), r.keys("current"), r.keys("next"))
	if got := r.rotate(postgres.KeyRotation{Replace: true, Algorithm: oauth.EdDSA}); got.Outcome != postgres.KeysReplaced || "EdDSA "+got.Current != r.keys("current")[0] {
		t.Errorf("%+v", got)
	}
	after := slices.Concat(r.keys("previous"), r.keys("current"), r.keys("next"))
	if len(after) != 2 || slices.ContainsFunc(after, func(key string) bool { return slices.Contains(before, key) }) {
		t.Errorf("left after replacing: %v", after)
	}
}
