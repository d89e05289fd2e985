package signin

import (
	"errors"
	"strings"
	"testing"
)

// Catalogue 132 and 116: normalise, then validate; one @; nothing that a mail program could read as something else.
func TestParseEmail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 58) + "@" + strings.Repeat(strings.Repeat("b", 47)+".", 4) + "com"
	tests := []struct{ name, in, want string }{
		{"plain", "ada@example.com", "ada@example.com"},
		{"both parts in lower case", "Ada.Lovelace@EXAMPLE.Com", "ada.lovelace@example.com"},
		{"trimmed", " \tada@example.com\r\n", "ada@example.com"},
		{"subaddress stays", "ada+mcp@example.com", "ada+mcp@example.com"},
		{"punycode", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"localhost", "ada@localhost", "ada@localhost"},
		{"254 bytes and no more", long + "x", ""},
		{"long", long, long},
		{"empty", "", ""},
		{"blank", "  ", ""},
		{"no @", "ada.example.com", ""},
		{"two @", "ada@evil@example.com", ""},
		{"homoglyph @", "ada\uff20example.com", ""},
		{"full-width @ beside a real one", "ada\uff20evil.com@example.com", ""},
		{"cyrillic letter", "аda@example.com", ""},
		{"IDN in Unicode", "ada@bücher.example", ""},
		{"kelvin sign", "ada@\u212Aexample.com", ""},
		{"zero width space", "ada\u200b@example.com", ""},
		{"quoted local part", `"ada"@example.com`, ""},
		{"quoted @", `"ada@evil.com"@example.com`, ""},
		{"comment", "ada(x)@example.com", ""},
		{"display name", "Ada <ada@example.com>", ""},
		{"list", "ada@example.com,eve@example.com", ""},
		{"route", "<@evil.com:ada@example.com>", ""},
		{"percent hack stays one address", "ada%evil.com@example.com", "ada%evil.com@example.com"},
		{"space inside", "ada lovelace@example.com", ""},
		{"line break inside", "ada@example.com\r\nBcc:eve@example.com", ""},
		{"NUL", "ada\x00@example.com", ""},
		{"delete", "ada\x7f@example.com", ""},
		{"address literal", "ada@[127.0.0.1]", ""},
		{"bare IP", "ada@127.0.0.1", ""},
		{"dotless domain", "ada@com", ""},
		{"leading dot", ".ada@example.com", ""},
		{"two dots", "ada..x@example.com", ""},
		{"dot before the @", "ada.@example.com", ""},
		{"empty label", "ada@example..com", ""},
		{"final dot", "ada@example.com.", ""},
		{"label begins with a hyphen", "ada@-example.com", ""},
		{"label ends with a hyphen", "ada@example-.com", ""},
		{"underscore in the domain", "ada@ex_ample.com", ""},
		{"no local part", "@example.com", ""},
		{"local part of 65", strings.Repeat("a", 65) + "@example.com", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseEmail(test.in)
			if got != test.want {
				t.Fatalf("got %q, %v, want %q", got, err, test.want)
			}
			var field FieldError
			if (test.want == "") != errors.As(err, &field) {
				t.Fatalf("got error %v", err)
			}
			if err != nil && (field.Field != "email" || field.Message == "") {
				t.Errorf("got %+v", field)
			}
		})
	}
}

// What was accepted once is its own normal form.
func FuzzParseEmail(f *testing.F) {
	f.Add("Ada@Example.com")
	f.Add("a@b@c")
	f.Fuzz(func(t *testing.T, in string) {
		first, err := ParseEmail(in)
		if err != nil {
			return
		}
		second, err := ParseEmail(first)
		if err != nil || first != second {
			t.Fatalf("%q became %q and then %q (%v)", in, first, second, err)
		}
		if strings.Count(first, "@") != 1 || strings.ContainsAny(first, " <>\"\r\n,;\x00") || len(first) > 254 {
			t.Fatalf("accepted %q", first)
		}
	})
}
