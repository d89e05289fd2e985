package endpoints

import (
	"strings"
	"testing"

	"mcpauth.example/oauth"
)

// A name that imitates a well-known one, or belongs to somebody else, is said to (P-list of consent phishing; catalogue 151).
func TestNameWarning(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, id, redirect, expected string }{
		{"Claude", "x", "https://claude.ai/api/mcp/auth_callback", ""},
		{"Claude", "x", "https://www.claude.ai/callback", ""},
		{"Claude", "x", "https://evil.example/callback", "belongs to evil.example"},
		{"CLAUDE Code", "x", "https://claude.ai.evil.example/callback", "belongs to claude.ai.evil.example"},
		{"Claude", "x", "https://notclaude.ai/callback", "belongs to notclaude.ai"},
		{"Claude Code", "x", "http://127.0.0.1:3000/callback", ""},
		{"Cl\u0430ude", "x", "http://127.0.0.1:3000/callback", "look-alike"},
		{"Cl\u0430ude", "x", "https://evil.example/callback", "look-alike"},
		{"ChatGPТ", "x", "https://evil.example/cb", "mixes letters"},
		{"Visual Studio Code", "https://vscode.dev/oauth/client.json", "http://127.0.0.1:1/", ""},
		{"Visual-Studio_Code", "https://evil.example/client.json", "http://127.0.0.1:1/", "belongs to evil.example"},
		{"Acme official", "x", "https://acme.example/cb", "contains “Acme”"},
		{"Pаssages", "x", "https://p.example/cb", "mixes letters"},
		{"Москва", "x", "https://m.example/cb", ""},
		{"Ελλάδα Tools", "x", "https://m.example/cb", ""},
		{"日本 App", "x", "https://m.example/cb", ""},
		{"Inspector", "x", "https://xn--pypal-4ve.example/cb", "address of this app"},
		{"Inspector", "x", "cursor://cb", ""},
	} {
		client := oauth.Client{ID: tc.id, Name: tc.name, RedirectURIs: []string{tc.redirect}}
		if strings.HasPrefix(tc.id, "https://") {
			client.Document = true
		}
		got := nameWarning(client, tc.redirect, "Acme")
		if (got == "") != (tc.expected == "") || !strings.Contains(got, tc.expected) {
			t.Errorf("%q at %s: %q", tc.name, tc.redirect, got)
		}
	}
}
