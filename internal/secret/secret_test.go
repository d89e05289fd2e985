package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
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

func TestIDHasOneSpelling(t *testing.T) {
	t.Parallel()
	id := NewID()
	text := id.String()
	if id[6]>>4 != 7 || id[8]>>6 != 2 || text[14] != '7' {
		t.Errorf("%s is not a UUIDv7 (RFC 9562 section 5.7)", text)
	}
	if parsed, err := ParseID(text); err != nil || parsed != id {
		t.Errorf("%s comes back as %s, %v", text, parsed, err)
	}
	for name, bad := range map[string]string{
		"upper case": "0192F0C1-7D3A-7C7E-9B1E-0A1B2C3D4E5F", "braces": "{" + text + "}", "urn": "urn:uuid:" + text, "no dashes": strings.ReplaceAll(text, "-", ""),
		"space": " " + text, "short": text[:35], "long": text + "0", "moved dash": text[:7] + "-" + text[7:8] + text[9:], "not hex": text[:35] + "g", "empty": "",
	} {
		if parsed, err := ParseID(bad); err == nil || !parsed.IsZero() {
			t.Errorf("%s: %q is read as %s", name, bad, parsed)
		}
	}
	milliseconds := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	if off := time.Since(time.UnixMilli(milliseconds)); off < -time.Hour || off > time.Hour {
		t.Errorf("its time is off by %s", off)
	}
}

func TestIDTravelsThroughJSONAndDatabase(t *testing.T) {
	t.Parallel()
	id := NewID()
	encoded, err := json.Marshal(map[string]any{"id": id})
	var decoded struct{ ID ID }
	if err != nil || json.Unmarshal(encoded, &decoded) != nil || decoded.ID != id {
		t.Errorf("%s, %v", encoded, err)
	}
	if json.Unmarshal([]byte(`{"id":"x"}`), &decoded) == nil {
		t.Error("JSON reads what is no UUID")
	}
	if value, err := id.Value(); err != nil || value != id.String() {
		t.Errorf("%v, %v", value, err)
	}
	if value, err := (ID{}).Value(); err != nil || value != nil {
		t.Errorf("the zero ID is stored as %v, %v", value, err)
	}
	for name, source := range map[string]any{"text": id.String(), "bytes of text": []byte(id.String()), "binary": id[:], "array": [16]byte(id)} {
		var scanned ID
		if err := scanned.Scan(source); err != nil || scanned != id {
			t.Errorf("%s: %s, %v", name, scanned, err)
		}
	}
	scanned := id
	if err := scanned.Scan(nil); err != nil || !scanned.IsZero() {
		t.Errorf("NULL: %s, %v", scanned, err)
	}
	if scanned.Scan(7) == nil || scanned.Scan("x") == nil || scanned.Scan([]byte("x")) == nil {
		t.Error("scans what is no UUID")
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
