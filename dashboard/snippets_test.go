package dashboard

import "testing"

func TestShellWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://tools.example.com/mcp":    "https://tools.example.com/mcp",
		"https://h.example/$(id);'&x":      `'https://h.example/$(id);'\''&x'`,
		"http://[::1]:8090/mcp":            "'http://[::1]:8090/mcp'",
		"":                                 "''",
		"https://h.example/~a_b-c.d/%20/@": "https://h.example/~a_b-c.d/%20/@",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%s: %s, expected %s", in, got, want)
		}
	}
}
