package secret

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func ringOf(t testing.TB, text string) *Keyring {
	t.Helper()
	ring, err := ParseKeyring(text)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func keyText(version string) string { return version + ":" + Encode(Bytes(keySize)) }

// Catalogue section 2.4: associated data and purpose are part of what opens.
func TestSealBindsPurposeAndAssociatedData(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, NewKeyringText())
	sealed := ring.Seal("signing-key", []byte("plaintext"), []byte("project a"))
	if plain, err := ring.Open("signing-key", sealed, []byte("project a")); err != nil || string(plain) != "plaintext" {
		t.Fatalf("opened %q, %v", plain, err)
	}
	if bytes.Contains(sealed, []byte("plaintext")) || len(sealed) != len("plaintext")+41 {
		t.Errorf("sealed %d bytes: %x", len(sealed), sealed)
	}
	if bytes.Equal(sealed, ring.Seal("signing-key", []byte("plaintext"), []byte("project a"))) {
		t.Error("two sealings of one value are equal: the nonce repeats")
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	version := bytes.Clone(sealed)
	version[0] = 9
	for name, attempt := range map[string]struct {
		purpose    string
		sealed     []byte
		associated string
	}{
		"other project":       {"signing-key", sealed, "project b"},
		"no associated data":  {"signing-key", sealed, ""},
		"other purpose":       {"queued-mail", sealed, "project a"},
		"flipped bit":         {"signing-key", flipped, "project a"},
		"version not in ring": {"signing-key", version, "project a"},
		"truncated":           {"signing-key", sealed[:len(sealed)-1], "project a"},
		"too short":           {"signing-key", sealed[:40], "project a"},
		"empty":               {"signing-key", nil, "project a"},
	} {
		if plain, err := ring.Open(attempt.purpose, attempt.sealed, []byte(attempt.associated)); !errors.Is(err, ErrOpen) || plain != nil {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
	}
	if _, err := ringOf(t, NewKeyringText()).Open("signing-key", sealed, []byte("project a")); !errors.Is(err, ErrOpen) {
		t.Error("another installation's ring opens it")
	}
}

func TestRotationKeepsWhatWasMadeBefore(t *testing.T) {
	t.Parallel()
	first, second := keyText("1"), keyText("2")
	before, after := ringOf(t, first), ringOf(t, "# the newest stands first\n"+second+"\n"+first+"\n")
	if before.Current() != 1 || after.Current() != 2 {
		t.Fatalf("current %d and %d", before.Current(), after.Current())
	}
	sealed, mac := before.Seal("p", []byte("x"), nil), before.MAC(1, "p", []byte("x"))
	if plain, err := after.Open("p", sealed, nil); err != nil || string(plain) != "x" {
		t.Errorf("after the rotation: %q, %v", plain, err)
	}
	if !Equal(mac, after.MAC(1, "p", []byte("x"))) || Equal(mac, after.MAC(2, "p", []byte("x"))) {
		t.Error("MACs do not follow their key version")
	}
	if fresh := after.Seal("p", []byte("x"), nil); fresh[0] != 2 {
		t.Errorf("sealed now under version %d", fresh[0])
	} else if _, err := before.Open("p", fresh, nil); !errors.Is(err, ErrOpen) {
		t.Error("a ring without the new key opens it")
	}
	retired := ringOf(t, second)
	if _, err := retired.Open("p", sealed, nil); !errors.Is(err, ErrOpen) || retired.MAC(1, "p", []byte("x")) != nil {
		t.Error("a retired key still works")
	}
}

func TestMACSeparatesPurposesAndParts(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, NewKeyringText())
	base := ring.MAC(1, "code", []byte("ab"), []byte("c"))
	if len(base) != 32 || !Equal(base, ring.MAC(1, "code", []byte("ab"), []byte("c"))) {
		t.Fatalf("MAC %x", base)
	}
	for name, other := range map[string][]byte{
		"purpose":    ring.MAC(1, "refresh", []byte("ab"), []byte("c")),
		"boundaries": ring.MAC(1, "code", []byte("a"), []byte("bc")),
		"one part":   ring.MAC(1, "code", []byte("abc")),
		"more parts": ring.MAC(1, "code", []byte("ab"), []byte("c"), nil),
		"order":      ring.MAC(1, "code", []byte("c"), []byte("ab")),
		"sealing":    ring.derive(1, "seal/code"),
	} {
		if Equal(base, other) {
			t.Errorf("%s makes no difference", name)
		}
	}
	if ring.MAC(2, "code", []byte("ab")) != nil || ring.MAC(0, "code", []byte("ab")) != nil {
		t.Error("a version that is not in the ring gives a MAC")
	}
}

func TestParseKeyringReportsEveryProblemAndNoKey(t *testing.T) {
	t.Parallel()
	key := Encode(Bytes(keySize))
	for name, text := range map[string]string{
		"empty": "", "comment only": "# nothing", "no version": key, "version 0": "0:" + key, "version 256": "256:" + key,
		"negative": "-1:" + key, "short key": "1:" + key[:42], "padded": "1:" + key + "=", "standard alphabet": "1:" + strings.Repeat("+", 43),
		"not canonical": "1:" + strings.Repeat("A", 42) + "B", "twice": "1:" + key + ",1:" + keyText("1")[2:], "no key": "1:",
	} {
		ring, err := ParseKeyring(text)
		if err == nil || ring != nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), key[:20]) {
			t.Errorf("%s: the error carries the key: %v", name, err)
		}
	}
	_, err := ParseKeyring("0:" + key + "\n1:short\n2:" + key)
	if err == nil || !strings.Contains(err.Error(), "master key 1") || !strings.Contains(err.Error(), "master key 2") {
		t.Errorf("expected both problems, got %v", err)
	}
}

func TestLoadOrCreateKeyringMakesOneKeyOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.keys")
	first, err := LoadOrCreateKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateKeyring(path)
	if err != nil || !Equal(first.MAC(1, "p"), second.MAC(1, "p")) {
		t.Errorf("the second start has another key, %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKeyring(path); err == nil {
		t.Error("a damaged file was accepted or replaced")
	}
	if _, err := LoadOrCreateKeyring(filepath.Join(t.TempDir(), "missing", "master.keys")); err == nil {
		t.Error("a missing folder was accepted")
	}
}

func FuzzParseKeyring(f *testing.F) {
	for _, seed := range []string{"", "1:", NewKeyringText(), "1:AAAA,2:BBBB", "# c\n" + keyText("255"), "0:x\r\n\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := ParseKeyring(text)
		if (ring == nil) == (err == nil) {
			t.Fatalf("%v, %v", ring, err)
		}
		if err != nil {
			return
		}
		sealed := ring.Seal("p", []byte("x"), []byte("a"))
		if plain, err := ring.Open("p", sealed, []byte("a")); err != nil || string(plain) != "x" {
			t.Fatalf("a ring that was accepted does not open what it seals: %v", err)
		}
	})
}

func FuzzOpen(f *testing.F) {
	ring := ringOf(f, NewKeyringText())
	f.Add([]byte(nil), []byte("a"))
	f.Add(Bytes(41), []byte("a"))
	f.Add(append([]byte{1}, Bytes(60)...), []byte{})
	f.Add(ring.Seal("other", []byte("x"), []byte("a")), []byte("a"))
	f.Fuzz(func(t *testing.T, sealed, associated []byte) {
		if plain, err := ring.Open("p", sealed, associated); err == nil {
			t.Fatalf("opened what nobody sealed: %q", plain)
		}
	})
}
