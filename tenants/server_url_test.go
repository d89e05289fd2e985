package tenants_test

import (
	"errors"
	"strings"
	"testing"

	"mcpauth.example/tenants"
)

func TestParseServerURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://tools.example.com/mcp":        "https://tools.example.com/mcp",
		" HTTPS://Tools.Example.COM:443/Mcp/ ": "https://tools.example.com/Mcp",
		"https://h.example/":                   "https://h.example",
		"https://h.example":                    "https://h.example",
		"https://h.example:8443/a/b":           "https://h.example:8443/a/b",
		"https://h.example:80/":                "https://h.example:80",
		"http://localhost:8090/mcp":            "http://localhost:8090/mcp",
		"http://LOCALHOST:80/mcp":              "http://localhost/mcp",
		"http://127.0.0.1:8090/mcp":            "http://127.0.0.1:8090/mcp",
		"http://[::1]:8090/mcp":                "http://[::1]:8090/mcp",
		"http://demo.localhost:8090":           "http://demo.localhost:8090",
		"https://192.0.2.1/mcp":                "https://192.0.2.1/mcp",
		"https://xn--bcher-kva.example/a%20b":  "https://xn--bcher-kva.example/a%20b",
	} {
		got, err := tenants.ParseServerURL(raw)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, expected %q", raw, got, err, want)
		}
		if again, err := tenants.ParseServerURL(got); err != nil || again != got {
			t.Errorf("%q is not its own canonical form: %q, %v", got, again, err)
		}
	}
}

func TestParseServerURLRefusesWithWords(t *testing.T) {
	t.Parallel()
	for raw, word := range map[string]string{
		"":                                               "Enter the address",
		"tools.example.com/mcp":                          "begins with https://",
		"/mcp":                                           "begins with https://",
		"https:tools.example.com":                        "begins with https://",
		"https://":                                       "begins with https://",
		"http://tools.example.com":                       "Use https://",
		"http://localhost.evil.test":                     "Use https://",
		"http://127.0.0.1.evil.test":                     "Use https://",
		"http://127.0.0.2/":                              "Use https://",
		"http://0.0.0.0/":                                "Use https://",
		"ftp://h.example/":                               "Use https://",
		"javascript://h.example/":                        "Use https://",
		"https://u:p@h.example/":                         "user name",
		"https://localhost@evil.test":                    "user name",
		"https://h.example/mcp?x=1":                      "Leave out the ?",
		"https://h.example/mcp?":                         "Leave out the ?",
		"https://h.example/mcp#x":                        "Leave out the #",
		"https://h.example/mcp#":                         "Leave out the #",
		"https://*.example/mcp":                          "wildcard",
		"https://h.example/*":                            "wildcard",
		"https://h.example/a b":                          "percent-encoded",
		"https://h.example/\x00":                         "percent-encoded",
		"https://h.example/\r\nx":                        "percent-encoded",
		`https://h.example\mcp`:                          "percent-encoded",
		"https://bücher.example":                         "punycode",
		"https://h.example/../mcp":                       "empty, . or ..",
		"https://h.example/%2e%2e/x":                     "empty, . or ..",
		"https://h.example//mcp":                         "empty, . or ..",
		"https://h.example/mcp//":                        "empty, . or ..",
		"https://h.example/a%2Fb":                        "encoded slashes",
		"https://h.example/%00":                          "control characters",
		"https://h.example:0/":                           "port",
		"https://h.example:70000/":                       "port",
		"https://h.example:0443/":                        "port",
		"https://h.example.:1/":                          "host name",
		"https://-h.example/":                            "host name",
		"https://127.1/":                                 "host name",
		"https://[::1%25eth0]/":                          "host name",
		"https://h..example/":                            "host name",
		"https://h.example/" + strings.Repeat("a", 2000): "2,000",
	} {
		got, err := tenants.ParseServerURL(raw)
		var field tenants.FieldError
		if !errors.As(err, &field) || field.Field != "server_url" || !strings.Contains(field.Message, word) {
			t.Errorf("%q: %q, %v, expected a message with %q", raw, got, err, word)
		}
	}
}

func FuzzParseServerURL(f *testing.F) {
	f.Add("https://tools.example.com/mcp")
	f.Add("HTTP://LOCALHOST:80//")
	f.Add("https://[::1]:443/%41")
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := tenants.ParseServerURL(raw)
		if err != nil {
			return
		}
		if again, err := tenants.ParseServerURL(got); err != nil || again != got {
			t.Errorf("%q became %q, and that %q, %v", raw, got, again, err)
		}
		if strings.ContainsAny(got, " ?#*@\\\"<>") || strings.HasSuffix(got, "/") || len(got) > 2000 {
			t.Errorf("%q became %q", raw, got)
		}
	})
}
