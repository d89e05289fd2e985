package web

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Rate is how often something may happen for one key: Burst times at once, and once more after each Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// SharedLimits counts over all processes.
type SharedLimits interface {
	// Take uses one, or returns how long to wait for it; a wait of zero means that it was to be had.
	Take(ctx context.Context, key []byte, interval time.Duration, burst int) (wait time.Duration, err error)
}

// Limits keeps strangers from using up what belongs to everybody. A nil *Limits limits nothing. It is safe for concurrent use.
//
// What is cheap is counted in this process only. What is expensive or dangerous, such as guessing a password, is counted in the
// database; when that cannot be asked, the request is not answered either.
type Limits struct {
	shared SharedLimits
	now    func() time.Time

	mu           sync.Mutex
	young, older map[limitKey]time.Time // when the whole burst is to be had again
}

type limitKey [16]byte

// localLimitsMax bounds the memory of one process: twice as many keys of 16 bytes and a time. When more sources come in a short while,
// those that were not seen for longest begin anew.
const localLimitsMax = 100_000

// NewLimits returns limits that count in shared what must be counted over all processes.
func NewLimits(shared SharedLimits, now func() time.Time) *Limits {
	return &Limits{shared: shared, now: now, young: map[limitKey]time.Time{}}
}

// TooManyError says that something happened too often.
type TooManyError struct {
	// Wait is how long until it may happen again.
	Wait time.Duration
}

func (e *TooManyError) Error() string { return fmt.Sprintf("too many requests, wait %s", e.Wait) }

// SetRetryAfter tells the client when to come back, in whole seconds, at least one (RFC 9110 section 10.2.3).
func (e *TooManyError) SetRetryAfter(header http.Header) {
	header.Set(echo.HeaderRetryAfter, strconv.Itoa(max(1, int(math.Ceil(e.Wait.Seconds())))))
}

// Local uses one of a limit of this process. It returns a *TooManyError or nil.
func (l *Limits) Local(rate Rate, parts ...string) error {
	if l == nil {
		return nil
	}
	key, now := limitKey(hashParts(parts)[:16]), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	free, known := l.young[key]
	if !known {
		free = l.older[key]
	}
	if free.Before(now) {
		free = now
	}
	if free = free.Add(rate.Every); free.After(now.Add(rate.Every * time.Duration(rate.Burst))) {
		return &TooManyError{Wait: free.Sub(now) - rate.Every*time.Duration(rate.Burst)}
	}
	if !known && len(l.young) >= localLimitsMax {
		l.older, l.young = l.young, map[limitKey]time.Time{}
	}
	l.young[key] = free
	return nil
}

// LocalUses is Local in the form that internal/egress asks for.
func (l *Limits) LocalUses(burst int, every time.Duration, parts ...string) error {
	return l.Local(Rate{Burst: burst, Every: every}, parts...)
}

// Shared uses one of a limit that all processes count together. It returns a *TooManyError, nil, or why it cannot tell.
func (l *Limits) Shared(ctx context.Context, rate Rate, parts ...string) error {
	if l == nil {
		return nil
	}
	wait, err := l.shared.Take(ctx, hashParts(parts), rate.Every, rate.Burst)
	if err == nil && wait > 0 {
		return &TooManyError{Wait: wait}
	}
	return err
}

// hashParts makes a key of what it is about, without ambiguity. Addresses of people do not reach the database.
func hashParts(parts []string) []byte {
	hash := sha256.New()
	for _, part := range parts {
		_ = binary.Write(hash, binary.BigEndian, uint32(len(part))) //nolint:gosec // far below 4 GiB
		hash.Write([]byte(part))
	}
	return hash.Sum(nil)
}

// Source is where a request comes from, for counting: the client's address, of IPv6 the first 64 bits, since one household or server
// has that many (catalogue 34). Forwarded addresses count only from trusted proxies.
func Source(c echo.Context) string {
	address, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return "unknown"
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
