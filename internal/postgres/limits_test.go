package postgres_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
)

// Catalogue 33, 103: all processes count one limit, exactly, also at once; what is refused uses up nothing.
func TestTake(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	nodes := []*postgres.Store{openTenants(t, db), openTenants(t, db)}
	var had atomic.Int32
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			if take(t, nodes[i%2], "k", time.Hour) == 0 {
				had.Add(1)
			}
		})
	}
	wait.Wait()
	if had.Load() != 7 {
		t.Fatalf("%d of 7", had.Load())
	}
	for range 3 {
		if w := take(t, nodes[0], "k", time.Hour); w <= 59*time.Minute || w > time.Hour {
			t.Errorf("wait %s", w)
		}
	}
	if take(t, nodes[0], "other", time.Hour) != 0 {
		t.Error("another key is limited")
	}
	if _, err := connect(t, db.SuperuserURL).Exec(t.Context(), `UPDATE rate_limits SET free_at = free_at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	for i, limited := range []bool{false, false, true} {
		if (take(t, nodes[0], "k", time.Hour) > 0) != limited {
			t.Errorf("use %d after two hours: limited is %t", i, !limited)
		}
	}
}

// Entries that limit nothing any more do not pile up.
func TestTakeSweeps(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := openTenants(t, db)
	for i := range 600 {
		take(t, store, fmt.Sprint(i), time.Microsecond)
	}
	if n := column(t, connect(t, db.SuperuserURL), `SELECT count(*)::text FROM rate_limits`); len(n) != 1 || len(n[0]) > 2 && n[0] > "110" {
		t.Errorf("%s entries", n)
	}
}

// take uses one of seven.
func take(t *testing.T, store *postgres.Store, key string, interval time.Duration) time.Duration {
	t.Helper()
	wait, err := store.Take(t.Context(), []byte(key), interval, 7)
	if err != nil {
		t.Error(err)
	}
	return wait
}
