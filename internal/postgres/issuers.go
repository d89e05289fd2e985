package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

const (
	// issuerFresh is how long a project is served from memory without asking again: the safety net behind LISTEN/NOTIFY, which usually
	// tells of a change within milliseconds.
	issuerFresh = 5 * time.Second
	// unknownFresh is how long an address that nobody has stays unknown without asking again.
	unknownFresh = 2 * time.Second
	// unknownMax bounds the memory that requests for invented addresses can fill.
	unknownMax = 10000
	// addressMax is the length of the longest address that is looked for: a host name (253), a port and a path, in bytes.
	addressMax = 512
)

// Issuers resolves addresses to issuers from memory. When the database does not answer, what is known is served on, so that discovery
// and key sets survive an outage.
type Issuers struct {
	store *Store
	now   func() time.Time
	log   *slog.Logger
	load  singleflight.Group

	mu      sync.RWMutex
	known   map[string]issuerEntry // by address
	unknown map[string]time.Time   // by address, when it was looked for
	version uint64                 // raised by every invalidation, so that a load begun before it is not kept as fresh
}

type issuerEntry struct {
	issuer *oauth.Issuer
	at     time.Time
}

// NewIssuers returns an empty resolver.
func NewIssuers(store *Store, now func() time.Time, log *slog.Logger) *Issuers {
	return &Issuers{store: store, now: now, log: log, known: map[string]issuerEntry{}, unknown: map[string]time.Time{}}
}

// Resolve finds the issuer at an address, which is an issuer URL without its scheme, in lower case and without default port. It
// returns oauth.ErrNotFound for an address nobody has.
func (r *Issuers) Resolve(ctx context.Context, address string) (*oauth.Issuer, error) {
	if !isAddress(address) {
		return nil, errNotFound
	}
	r.mu.RLock()
	entry, known := r.known[address]
	missed, unknown := r.unknown[address]
	r.mu.RUnlock()
	now := r.now()
	if known && now.Sub(entry.at) < issuerFresh {
		return entry.issuer, nil
	}
	if !known && unknown && now.Sub(missed) < unknownFresh {
		return nil, errNotFound
	}
	loaded, err, _ := r.load.Do(address, func() (any, error) {
		return r.fetch(context.WithoutCancel(ctx), address)
	})
	switch {
	case err == nil:
		issuer, _ := loaded.(*oauth.Issuer)
		return issuer, nil
	case known && !errors.Is(err, oauth.ErrNotFound):
		r.log.WarnContext(ctx, "project is served from memory, the database does not answer", "project", entry.issuer.ID, "error", err)
		return entry.issuer, nil
	default:
		return nil, err
	}
}

// isAddress refuses what no project can have before it takes memory or reaches the database: addresses are printable ASCII.
func isAddress(address string) bool {
	for i := range len(address) {
		if address[i] <= ' ' || address[i] > '~' {
			return false
		}
	}
	return len(address) <= addressMax
}

func (r *Issuers) fetch(ctx context.Context, address string) (*oauth.Issuer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r.mu.RLock()
	version := r.version
	r.mu.RUnlock()
	issuer, err := r.store.loadIssuer(ctx, address)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, oauth.ErrNotFound):
		delete(r.known, address)
		if len(r.unknown) >= unknownMax {
			clear(r.unknown)
		}
		r.unknown[address] = r.now()
	case err == nil && version == r.version:
		delete(r.unknown, address)
		r.known[address] = issuerEntry{issuer: issuer, at: r.now()}
	}
	return issuer, err
}

// forget drops a project from memory, or everything when project is zero.
func (r *Issuers) forget(project id.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version++
	clear(r.unknown)
	for address, entry := range r.known {
		if project.IsZero() || entry.issuer.ID == project {
			entry.at = time.Time{} // kept as what an outage falls back on
			r.known[address] = entry
		}
	}
}
