package secret

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel() // one value has one spelling: catalogue 168
	for name, text := range map[string]string{
		"padding": "AAA=", "newline": "AA\nAA", "carriage return": "AAAA\r", "trailing bits": "AB", "standard alphabet": "+/+/",
		"space": "AA AA", "one character": "A", "NUL": "AA\x00A", "not ASCII": "ÄÄÄÄ",
	} {
		if decoded, err := Decode(text); err == nil {
			t.Errorf("%s: %q decodes to %x", name, text, decoded)
		}
	}
	for _, b := range [][]byte{nil, {0}, {255, 254}, Bytes(32), Bytes(33)} {
		if decoded, err := Decode(Encode(b)); err != nil || !bytes.Equal(decoded, b) {
			t.Errorf("%x comes back as %x, %v", b, decoded, err)
		}
	}
}

func TestTokensAndDigits(t *testing.T) {
	t.Parallel() // catalogue 170
	seen := map[string]bool{}
	for range 1000 {
		token := Token("mcpauth_xx_")
		random, ok := strings.CutPrefix(token, "mcpauth_xx_")
		raw, err := base64.RawURLEncoding.DecodeString(random)
		if !ok || len(random) != 43 || err != nil || len(raw) != 32 || seen[token] {
			t.Fatalf("token %q", token)
		}
		seen[token] = true
	}
	var counts [10]int
	for _, d := range Digits(20000) {
		if d < '0' || d > '9' {
			t.Fatalf("digit %q", d)
		}
		counts[d-'0']++
	}
	for digit, n := range counts {
		if n < 1700 || n > 2300 { // expected 2000, standard deviation 42
			t.Errorf("digit %d comes %d times of 20000", digit, n)
		}
	}
}

func TestJoinIsUnambiguous(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"ab", ""}, {"\x00\x00\x00\x01a"}} {
		raw := make([][]byte, 0, len(parts))
		for _, p := range parts {
			raw = append(raw, []byte(p))
		}
		key := string(Join(raw...))
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q are joined alike", parts, other)
		}
		seen[key] = parts
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	if !EqualString("a", "a") || EqualString("a", "b") || EqualString("a", "aa") || EqualString("", "a") || !Equal(nil, nil) {
		t.Error("comparison")
	}
	if len(Hash("x")) != 32 || bytes.Equal(Hash("x"), Hash("y")) {
		t.Error("hash")
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "AA", "AB", "AAA=", "AA\nAA", Encode(Bytes(32)), "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		decoded, err := Decode(text)
		if err == nil && Encode(decoded) != text {
			t.Fatalf("%q has a second spelling %q", text, Encode(decoded))
		}
	})
}
