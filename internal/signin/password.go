package signin

import (
	"context"
	"runtime"
	"sync/atomic"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/crypto/argon2"

	"mcpauth.example/internal/secret"
)

const passwordField = "password"

// The length of a password in Unicode code points. Every byte counts: nothing is cut off, folded, trimmed or normalised, neither when
// a password is set nor when it is checked, so both see the same one.
const (
	MinPassword = 10
	MaxPassword = 1000
)

// CheckPassword applies the rule for a new password. The error is a FieldError.
func CheckPassword(password string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return FieldError{Field: passwordField, Message: "Enter a password of valid characters (UTF-8)."}
	case password == "":
		return FieldError{Field: passwordField, Message: "Enter a password."}
	case length < MinPassword:
		return FieldError{Field: passwordField, Message: "Enter at least 10 characters."}
	case length > MaxPassword:
		return FieldError{Field: passwordField, Message: "Enter at most 1000 characters."}
	case guessable(password):
		return FieldError{Field: passwordField, Message: "Enter a password that is harder to guess: this one, or one much like it, is among the most used."}
	}
	return nil
}

// Bounds of the estimate: a password that needs fewer guesses is among the first ones that are tried, and the beginning of a long one
// says enough.
const (
	fewestGuesses = 1e6
	guessedLength = 64 // code points
)

// guessable estimates with zxcvbn, which knows the most used passwords, names, words, dates and keyboard rows, and how people vary them
// (catalogue 109).
func guessable(password string) bool {
	beginning := []rune(password)
	beginning = beginning[:min(len(beginning), guessedLength)]
	return zxcvbn.PasswordStrength(string(beginning), nil).Guesses < fewestGuesses
}

// Passwords computes argon2id hashes (RFC 9106). As each one takes memory and a processor for tens of milliseconds, only as many run
// at once as there are processors, a bounded number waits, and the rest is refused. It is safe for concurrent use.
type Passwords struct {
	parameters parameters
	running    chan struct{}
	waiting    atomic.Int64
	maxWaiting int64
	// decoy is checked where there is no hash, so that an unknown address costs what a known one costs.
	decoy string
}

// waitingPerSlot bounds the queue: with hashes of about 30 ms the last one in it waits about a second.
const waitingPerSlot = 32

// NewPasswords uses the parameters OWASP asks for: 19 MiB, two passes, one lane. At most half of the processors hash at once: the others
// go on with everything else, and the memory in use is bounded by 19 MiB for each of that half.
func NewPasswords() *Passwords {
	return newPasswords(parameters{memory: 19 * 1024, passes: 2, lanes: 1}, max(1, runtime.GOMAXPROCS(0)/2), waitingPerSlot)
}

func newPasswords(p parameters, slots, waiting int) *Passwords {
	decoy := phc{parameters: p, salt: secret.Bytes(saltSize), key: secret.Bytes(keySize)}
	return &Passwords{parameters: p, running: make(chan struct{}, slots), maxWaiting: int64(slots * waiting), decoy: decoy.String()}
}

// Hash returns the PHC string of a password that CheckPassword accepts. It returns ErrBusy when too many wait, or the context's error.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	out := phc{parameters: p.parameters, salt: secret.Bytes(saltSize)}
	var err error
	if out.key, err = p.derive(ctx, password, out); err != nil {
		return "", err
	}
	return out.String(), nil
}

// Verify compares a password with a stored hash in constant time; hash "" takes as long and never matches. Rehash reports that the
// hash matched but was made with other parameters than Hash uses now. It returns ErrBusy when too many wait, the context's error, or
// an error for a hash that is damaged.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (ok, rehash bool, err error) {
	known := hash != ""
	if !known {
		hash = p.decoy
	}
	stored, err := parsePHC(hash)
	if err != nil {
		return false, false, err
	}
	if CheckPassword(password) != nil {
		known, password = false, "" // cannot have been set; costs the same, and a megabyte is not hashed
	}
	key, err := p.derive(ctx, password, stored)
	if err != nil {
		return false, false, err
	}
	ok = secret.Equal(key, stored.key) && known
	return ok, ok && stored.parameters != p.parameters, nil
}

// full reports that so many wait that one more is turned away.
func (p *Passwords) full() bool { return p.waiting.Load() >= p.maxWaiting }

// derive waits for a free slot and computes the key with the parameters and salt of h.
func (p *Passwords) derive(ctx context.Context, password string, h phc) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.running <- struct{}{}:
	default:
		if p.waiting.Add(1) > p.maxWaiting {
			p.waiting.Add(-1)
			return nil, ErrBusy
		}
		select {
		case p.running <- struct{}{}:
			p.waiting.Add(-1)
		case <-ctx.Done():
			p.waiting.Add(-1)
			return nil, ctx.Err()
		}
	}
	defer func() { <-p.running }()
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, keySize), nil
}
