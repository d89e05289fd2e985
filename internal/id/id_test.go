package id

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestIDHasOneSpelling(t *testing.T) {
	t.Parallel()
	id := New()
	text := id.String()
	if id[6]>>4 != 7 || id[8]>>6 != 2 || text[14] != '7' {
		t.Errorf("%s is not a UUIDv7 (RFC 9562 section 5.7)", text)
	}
	if parsed, err := Parse(text); err != nil || parsed != id {
		t.Errorf("%s comes back as %s, %v", text, parsed, err)
	}
	for name, bad := range map[string]string{
		"upper case": "0192F0C1-7D3A-7C7E-9B1E-0A1B2C3D4E5F", "braces": "{" + text + "}", "urn": "urn:uuid:" + text, "no dashes": strings.ReplaceAll(text, "-", ""),
		"space": " " + text, "short": text[:35], "long": text + "0", "moved dash": text[:7] + "-" + text[7:8] + text[9:], "not hex": text[:35] + "g", "empty": "",
	} {
		if parsed, err := Parse(bad); err == nil || !parsed.IsZero() {
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
	id := New()
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
