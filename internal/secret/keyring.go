package secret

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// keySize is the size of a master key and of every key derived from one, in bytes.
const keySize = 32

// ErrOpen is returned for a sealed value that is damaged, was made for other associated data, or under a key that is not in the ring.
var ErrOpen = errors.New("sealed value cannot be opened")

// Keyring holds the master keys. The first one is used for what is made now, the others still open and verify what was made before.
// It is safe for concurrent use.
type Keyring struct {
	current byte
	masters map[byte][]byte

	mu      sync.RWMutex
	derived map[derivedKey][]byte
}

type derivedKey struct {
	version byte
	purpose string
}

// ParseKeyring reads `version:key` entries separated by commas or line breaks; versions are 1 to 255, keys 32 bytes in base64url.
// Lines that begin with # are comments. Every problem is reported at once, and no key material is part of an error.
func ParseKeyring(text string) (*Keyring, error) {
	ring := &Keyring{masters: map[byte][]byte{}, derived: map[derivedKey][]byte{}}
	var problems []error
	entries := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' })
	for i, entry := range entries {
		entry = strings.TrimSpace(entry)
		if entry == "" || strings.HasPrefix(entry, "#") {
			continue
		}
		number, encoded, _ := strings.Cut(entry, ":")
		version, err := strconv.ParseUint(number, 10, 8)
		key, decodeErr := Decode(encoded)
		switch {
		case err != nil || version == 0:
			problems = append(problems, fmt.Errorf("master key %d: expected version:key with a version from 1 to 255", i+1))
		case decodeErr != nil || len(key) != keySize:
			problems = append(problems, fmt.Errorf("master key %d: expected 32 bytes in base64url without padding", i+1))
		case ring.masters[byte(version)] != nil:
			problems = append(problems, fmt.Errorf("master key %d: version %d is given twice", i+1, version))
		default:
			if len(ring.masters) == 0 {
				ring.current = byte(version)
			}
			ring.masters[byte(version)] = key
		}
	}
	if len(ring.masters) == 0 && len(problems) == 0 {
		problems = append(problems, errors.New("no master key: expected at least one version:key entry"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return ring, nil
}

// NewKeyringText returns the text of a ring with one fresh key, as ParseKeyring reads it.
func NewKeyringText() string { return "1:" + Encode(Bytes(keySize)) + "\n" }

// LoadOrCreateKeyring reads the ring from a file and makes the file, readable by its owner only, when there is none.
func LoadOrCreateKeyring(path string) (*Keyring, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator chooses the path
	if err == nil {
		_, err = f.WriteString(NewKeyringText())
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, fmt.Errorf("write master keys: %w", err)
		}
	} else if !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("create master keys: %w", err)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator chooses the path
	if err != nil {
		return nil, fmt.Errorf("read master keys: %w", err)
	}
	return ParseKeyring(string(text))
}

// Current is the version of the key that seals and authenticates now.
func (k *Keyring) Current() byte { return k.current }

// derive returns the key for one purpose under one master key (HKDF-SHA-256, RFC 5869); nil when the ring has no such version.
func (k *Keyring) derive(version byte, purpose string) []byte {
	id := derivedKey{version, purpose}
	k.mu.RLock()
	key := k.derived[id]
	k.mu.RUnlock()
	if key != nil {
		return key
	}
	master := k.masters[version]
	if master == nil {
		return nil
	}
	key, err := hkdf.Key(sha256.New, master, nil, "mcpauth/"+purpose, keySize)
	if err != nil {
		return nil
	}
	k.mu.Lock()
	k.derived[id] = key
	k.mu.Unlock()
	return key
}

// MAC authenticates parts for one purpose under the given key version (HMAC-SHA-256, 32 bytes); nil when the ring has no such version.
// Purposes are constants of the code, never input.
func (k *Keyring) MAC(version byte, purpose string, parts ...[]byte) []byte {
	key := k.derive(version, "mac/"+purpose)
	if key == nil {
		return nil
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(Join(parts...))
	return mac.Sum(nil)
}

// Seal encrypts for one purpose and binds the result to the associated data (XChaCha20-Poly1305 with a random nonce).
// The result is the key version, the nonce and the ciphertext: 41 bytes more than the plaintext.
func (k *Keyring) Seal(purpose string, plaintext, associated []byte) []byte {
	aead := k.aead(k.current, purpose)
	out := append([]byte{k.current}, Bytes(aead.NonceSize())...)
	return aead.Seal(out, out[1:], plaintext, associated)
}

// Open reverses Seal; it returns ErrOpen for anything that Seal did not make for this purpose and associated data.
func (k *Keyring) Open(purpose string, sealed, associated []byte) ([]byte, error) {
	if len(sealed) < 1+chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, ErrOpen
	}
	aead := k.aead(sealed[0], purpose)
	if aead == nil {
		return nil, ErrOpen
	}
	nonce, ciphertext := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	plaintext, err := aead.Open(nil, nonce, ciphertext, associated)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

func (k *Keyring) aead(version byte, purpose string) cipher.AEAD {
	key := k.derive(version, "seal/"+purpose)
	if key == nil {
		return nil
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil
	}
	return aead
}
