// Package id names rows: UUIDv7, with one spelling, that is never a credential.
package id

import (
	"crypto/rand"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ID is a UUIDv7 (RFC 9562 section 5.7). It names a row; it is never a credential. The zero ID means "none".
type ID [16]byte

// ErrInvalid is returned for text that is not a UUID in its canonical lower-case form.
var ErrInvalid = errors.New("expected a UUID such as 0192f0c1-7d3a-7c7e-9b1e-0a1b2c3d4e5f")

// New returns a fresh UUIDv7: 48 bits of Unix milliseconds, 12 bits of the fraction (RFC 9562 section 6.2, method 3), so that what one
// process makes one after the other sorts like that, and 62 random bits.
func New() ID {
	var id ID
	rand.Read(id[:]) // never fails: crypto/rand ends the program when the system has no randomness
	now := time.Now()
	ms, fraction := uint64(now.UnixMilli()), uint64(now.Nanosecond()%1_000_000)<<12/1_000_000 //nolint:gosec // neither is negative
	binary.BigEndian.PutUint64(id[:8], ms<<16|7<<12|fraction)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// First is the smallest ID that New could have made at a time, to compare with: it names nothing.
func First(at time.Time) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|7<<12)
	return id
}

// Parse reads the canonical text form and nothing else: one ID has one spelling.
func Parse(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, ErrInvalid
	}
	compact := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	for i := range len(compact) {
		if c := compact[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ID{}, ErrInvalid
		}
	}
	if _, err := hex.Decode(id[:], []byte(compact)); err != nil {
		return ID{}, ErrInvalid
	}
	return id, nil
}

// IsZero reports whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String is the canonical text form.
func (id ID) String() string {
	var out [36]byte
	hex.Encode(out[0:8], id[0:4])
	out[8] = '-'
	hex.Encode(out[9:13], id[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], id[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], id[8:10])
	out[23] = '-'
	hex.Encode(out[24:], id[10:])
	return string(out[:])
}

// MarshalText makes JSON carry the canonical form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the canonical form.
func (id *ID) UnmarshalText(b []byte) error {
	parsed, err := Parse(string(b))
	*id = parsed
	return err
}

// Value gives the database the canonical form; the zero ID is NULL.
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id.String(), nil
}

// Scan reads a uuid column in text or binary form; NULL is the zero ID.
func (id *ID) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case string:
		return id.UnmarshalText([]byte(v))
	case []byte:
		if len(v) == len(id) {
			copy(id[:], v)
			return nil
		}
		return id.UnmarshalText(v)
	case [16]byte:
		*id = v
		return nil
	default:
		return fmt.Errorf("expected a uuid column, got %T", src)
	}
}
