package templates

import (
	"strings"
	"testing"
)

// catalogue 28: a name that a stranger chose must not disturb the page around it.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ in, want string }{
		"plain":               {"Claude Code", "Claude Code"},
		"other scripts":       {"Überprüfung 日本 عربي", "Überprüfung 日本 عربي"},
		"direction override":  {"Claude\u202Eedoc\u202C", "Claudeedoc"},
		"direction isolate":   {"\u2066a\u2069\u200Fb", "ab"},
		"zero width":          {"Cl\u200Bau\u200Dde\uFEFF", "Claude"},
		"tag characters":      {"a\U000E0041b", "ab"},
		"variation selectors": {"a\uFE0Fb\U000E0100", "ab"},
		"invisible letters":   {"a\u3164\u2800\u115Fb", "ab"},
		"line breaks":         {" a\r\n\t b\u2028c ", "a b c"},
		"controls":            {"a\x00\x1b[31mb", "a[31mb"},
		"combining flood":     {"e" + strings.Repeat("\u0301", 50), "e\u0301\u0301"},
		"mark without letter": {"\u0301a", "a"},
		"broken UTF-8":        {"a\xffb", "ab"},
		"nothing left":        {"\u200B\u202E", ""},
		"long":                {strings.Repeat("é", 11), strings.Repeat("é", 10) + "…"},
		"exact":               {strings.Repeat("é", 10), strings.Repeat("é", 10)},
	} {
		limit := 10
		if len(what) > 0 && what != "long" && what != "exact" {
			limit = 100
		}
		if got := oneLine(c.in, limit); got != c.want {
			t.Errorf("%s: oneLine(%q) = %q, want %q", what, c.in, got, c.want)
		}
	}
}

func TestSplitURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][3]string{
		"https://tools.acme.example/mcp":      {"https://", "tools.acme.example", "/mcp"},
		"http://localhost:8090/mcp?a=b":       {"http://", "localhost:8090", "/mcp?a=b"},
		"https://acme.example@evil.example/":  {"https://acme.example@evil.example/", "", ""},
		"not an address":                      {"not an address", "", ""},
		"https://a.example/\u202Ehttps://b.c": {"https://", "a.example", "/https://b.c"},
	} {
		before, host, after := splitURL(in)
		if got := [3]string{before, host, after}; got != want {
			t.Errorf("splitURL(%q) = %q, want %q", in, got, want)
		}
	}
}
