package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcpauth.example/internal/devdb"
)

// What a developer sets for offline work holds in `dev`, and a mistake in it is said before anything starts.
func TestDevHonoursTheEnvironment(t *testing.T) {
	t.Parallel()
	const id, document = "https://client.example/metadata.json", `{"client_name":"Offline"}`
	file := filepath.Join(t.TempDir(), "overrides.json")
	if err := os.WriteFile(file, []byte(`{"`+id+`":`+document+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	given, err := devEnvironment([]string{"MCPAUTH_CLIENT_METADATA_OVERRIDES=" + file, "MCPAUTH_REVIEWS=on", "MCPAUTH_RATE_LIMITS=off",
		"MCPAUTH_BASE_URL=https://of.dev.env.example", "MCPAUTH_MASTER_KEYS=not for dev"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := devSettings(given, t.TempDir(), "http://localhost:8080", "smtp://localhost:1", &devdb.Server{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(s.documentOverrides[id]); got != document {
		t.Errorf("override of %s: got %q, want %q", id, got, document)
	}
	if !s.reviews || !s.unlimited || s.baseURL != "http://localhost:8080" {
		t.Errorf("got reviews %v, unlimited %v, base URL %s, want true, true and the one of dev", s.reviews, s.unlimited, s.baseURL)
	}
	_, err = devEnvironment([]string{"MCPAUTH_CLIENT_METADATA_OVERRIDES=/none", "MCPAUTH_REVIEWS=maybe", "MCPAUTH_BASEURL=x"})
	for _, part := range []string{"MCPAUTH_CLIENT_METADATA_OVERRIDES: ", "MCPAUTH_REVIEWS: expected on or off", "MCPAUTH_BASEURL is not a setting"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want it to say %q", err, part)
		}
	}
}
