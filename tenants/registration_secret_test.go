package tenants_test

import (
	"errors"
	"regexp"
	"testing"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

func TestRegistrationSecret(t *testing.T) {
	t.Parallel()
	const address = "http://localhost:8080/t/demo"
	shown := tenants.NewRegistrationSecret(address)
	if want := regexp.MustCompile(`^mcpauth_rs_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$`); !want.MatchString(shown) {
		t.Fatalf("form %q", shown)
	}
	if got, err := tenants.ParseRegistrationSecret(shown); err != nil || got != address {
		t.Errorf("%q, %v", got, err)
	}
	if tenants.NewRegistrationSecret(address) == shown || tenants.LastFour(shown) != shown[len(shown)-4:] || tenants.LastFour("abc") != "abc" {
		t.Error("the same twice, or other last four")
	}
	encoded, random := secret.Encode([]byte(address)), shown[len(shown)-43:]
	for _, text := range []string{
		"", "mcpauth_rs_", shown[1:], shown[:len(shown)-1], shown + "A", encoded + "." + random, "mcpauth_rs_" + encoded + random,
		"mcpauth_rs_" + encoded + "=." + random, "mcpauth_rs_" + encoded + "." + random[:42] + "!",
		"mcpauth_rs_" + secret.Encode([]byte("http://evil.example")) + "." + random, "mcpauth_rs_" + secret.Encode([]byte(address+"/")) + "." + random,
		"mcpauth_rs_" + secret.Encode([]byte("javascript:alert(1)")) + "." + random,
	} {
		if got, err := tenants.ParseRegistrationSecret(text); !errors.Is(err, tenants.ErrRegistrationSecret) {
			t.Errorf("%q was accepted: %q, %v", text, got, err)
		}
	}
}
