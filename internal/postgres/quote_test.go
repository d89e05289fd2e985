package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
)

// The server reads back what was quoted, whatever it takes backslashes for, and refuses what no text may hold.
func TestQuoteLiteral(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for _, setting := range []string{"on", "off"} {
		if _, err := conn.Exec(t.Context(), "SET standard_conforming_strings = "+setting); err != nil {
			t.Fatal(err)
		}
		for _, in := range []string{"", "plain", "it's", `back\slash`, `\'; DROP TABLE users;--`, `\\`, `'`, `''`, "é𝄞\n\t", `\000`, `$$x$$`} {
			var got string
			if err := conn.QueryRow(t.Context(), "SELECT "+postgres.QuoteLiteral(in)).Scan(&got); err != nil || got != in {
				t.Errorf("standard_conforming_strings %s: %q came back as %q, %v", setting, in, got, err)
			}
		}
		for _, in := range []string{"\x00", "a\x00b", "'\x00\\"} {
			if _, err := conn.Exec(t.Context(), "SELECT "+postgres.QuoteLiteral(in)); err == nil {
				t.Errorf("standard_conforming_strings %s: %q was accepted", setting, in)
			}
		}
	}
}
