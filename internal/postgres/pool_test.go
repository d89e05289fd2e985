package postgres_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
)

// TestHotVerbsAreNotStarved: connections that gorm keeps idle after a burst must leave some to the verbs that use the pool directly.
func TestHotVerbsAreNotStarved(t *testing.T) {
	t.Parallel()
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.New(t).AppURL, MaxConnections: 2}, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	var burst sync.WaitGroup
	for range 20 {
		burst.Go(func() {
			if _, err := store.Memberships(t.Context(), id.New()); err != nil {
				t.Error(err)
			}
		})
	}
	burst.Wait()
	if _, err := postgres.NewIssuers(store, time.Now, slog.New(slog.DiscardHandler)).Resolve(t.Context(), "nobody.example"); err == nil {
		t.Error("an unknown address resolved")
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("the pool is exhausted: %v", err)
	}
	if _, err := store.FindClient(t.Context(), id.New(), "nobody"); err == nil {
		t.Error("an unknown client was found")
	}
}
