package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// Catalogue 171: trouble of the database is never an answer about the credential that was presented.
func TestTranslate(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return fmt.Errorf("query: %w", &pgconn.PgError{Code: code}) }
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"no row":                            {pgx.ErrNoRows, oauth.ErrNotFound},
		"unique violation":                  {state("23505"), tenants.ErrConflict},
		"broken between messages":           {fmt.Errorf("receive: %w", io.EOF), oauth.ErrUnavailable},
		"broken within a message":           {fmt.Errorf("receive: %w", io.ErrUnexpectedEOF), oauth.ErrUnavailable},
		"closed under the statement":        {fmt.Errorf("write: %w", net.ErrClosed), oauth.ErrUnavailable},
		"network":                           {&net.OpError{Op: "read", Err: errors.New("connection reset")}, oauth.ErrUnavailable},
		"out of time":                       {context.DeadlineExceeded, oauth.ErrUnavailable},
		"connection failure":                {state("08006"), oauth.ErrUnavailable},
		"invalid password":                  {state("28P01"), oauth.ErrUnavailable},
		"database dropped":                  {state("3D000"), oauth.ErrUnavailable},
		"database not accepting":            {state("55000"), oauth.ErrUnavailable},
		"serialization failure":             {state("40001"), oauth.ErrUnavailable},
		"too many connections":              {state("53300"), oauth.ErrUnavailable},
		"statement timeout":                 {state("57014"), oauth.ErrUnavailable},
		"read-only standby":                 {state("25006"), oauth.ErrUnavailable},
		"a row that breaks a check is ours": {state("23514"), nil},
		"a wrong statement is ours":         {state("42601"), nil},
	} {
		got := translate(c.err)
		if c.want != nil && !errors.Is(got, c.want) || c.want == nil && !errors.Is(got, c.err) {
			t.Errorf("%s: %v", name, got)
		}
		if unavailable := errors.Is(got, oauth.ErrUnavailable); unavailable != errors.Is(c.want, oauth.ErrUnavailable) {
			t.Errorf("%s: unavailable is %t", name, unavailable)
		}
	}
}
