package main

import (
	"slices"
	"strings"
	"testing"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	good := []string{
		"MCPAUTH_BASE_URL=https://mcpauth.example", "MCPAUTH_ISSUER_TEMPLATE=https://{project}.mcpauth.example",
		"MCPAUTH_DATABASE_URL=postgres://app@localhost/mcpauth", "MCPAUTH_SMTP_URL=smtp://localhost:25?tls=off",
		"MCPAUTH_MAIL_FROM=mail@mcpauth.example", "MCPAUTH_MASTER_KEYS=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "HOME=/",
	}
	tests := []struct {
		name string
		add  []string
		want []string // parts of the error; none: accepted
	}{
		{"complete", nil, nil},
		{"unknown name", []string{"MCPAUTH_BASEURL=x"}, []string{"MCPAUTH_BASEURL is not a setting"}},
		{"every problem at once", []string{"MCPAUTH_BASE_URL=https://h/path", "MCPAUTH_ISSUER_TEMPLATE=https://h", "MCPAUTH_MASTER_KEYS=1:short",
			"MCPAUTH_DATABASE_MAX_CONNECTIONS=1", "MCPAUTH_TRUSTED_PROXIES=10.0.0.1", "MCPAUTH_LOG_LEVEL=loud", "MCPAUTH_KEY_ROTATION=0"},
			[]string{"MCPAUTH_BASE_URL: expected", "MCPAUTH_ISSUER_TEMPLATE:", "master key 1: expected 32 bytes", "expected a number from 2 to 500",
				"expected networks such as", "expected a number of days", "expected debug, info"}},
		{"required", []string{"MCPAUTH_SMTP_URL=", "MCPAUTH_MASTER_KEYS="}, []string{"MCPAUTH_SMTP_URL is missing", "MCPAUTH_MASTER_KEYS_FILE is missing"}},
		{"billing", []string{"MCPAUTH_STRIPE_KEY=rk_live_x", "MCPAUTH_STRIPE_WEBHOOK_SECRETS=whsec_0123456789abcdef, whsec_fedcba9876543210"}, nil},
		// Catalogue 239: with billing on nothing starts without a secret of the webhook.
		{"billing without a secret", []string{"MCPAUTH_STRIPE_KEY=sk_test_x"}, []string{"would believe everybody"}},
		{"billing with an empty secret", []string{"MCPAUTH_STRIPE_KEY=sk_test_x", "MCPAUTH_STRIPE_WEBHOOK_SECRETS=whsec_0123456789abcdef,"}, []string{"expected one or two secrets"}},
		{"a secret without billing", []string{"MCPAUTH_STRIPE_WEBHOOK_SECRETS=whsec_0123456789abcdef"}, []string{"belong together"}},
		{"another kind of key", []string{"MCPAUTH_STRIPE_KEY=pk_live_x", "MCPAUTH_STRIPE_WEBHOOK_SECRETS=whsec_0123456789abcdef"}, []string{"expected a key such as sk_test_"}},
		{"two sources of keys", []string{"MCPAUTH_MASTER_KEYS_FILE=/none"}, []string{"not both"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := readSettings(append(slices.Clip(good), test.add...))
			if (err != nil) != (len(test.want) > 0) {
				t.Fatalf("error %v, want parts %q", err, test.want)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if err != nil && strings.Contains(err.Error(), "AAAAAAAA") {
				t.Error("the error shows key material")
			}
		})
	}
}
