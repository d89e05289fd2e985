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
		"what it belongs to is gone":        {state("23503"), tenants.ErrNotFound},
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

// Of two transactions that wait for each other the database gives one up: that one is run again, and not for ever. Nothing else is.
func TestAgain(t *testing.T) {
	t.Parallel()
	deadlock := fmt.Errorf("query: %w", &pgconn.PgError{Code: "40P01"})
	over, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		ctx     context.Context
		answers []error
		runs    int
		want    error
	}{
		"well":                    {t.Context(), []error{nil}, 1, nil},
		"well the second time":    {t.Context(), []error{deadlock, nil}, 2, nil},
		"serialized in the end":   {t.Context(), []error{&pgconn.PgError{Code: "40001"}, deadlock, nil}, 3, nil},
		"a row that went":         {t.Context(), []error{&pgconn.PgError{Code: "23503"}, tenants.ErrNotFound}, 2, tenants.ErrNotFound},
		"never well":              {t.Context(), []error{deadlock, deadlock, deadlock, nil}, 3, tenants.ErrUnavailable},
		"trouble of another kind": {t.Context(), []error{&pgconn.PgError{Code: "57014"}, nil}, 1, tenants.ErrUnavailable},
		"nobody waits any more":   {over, []error{deadlock, nil}, 1, tenants.ErrUnavailable},
	} {
		runs := 0
		err := again(c.ctx, func() error {
			runs++
			return translate(c.answers[runs-1])
		})
		if runs != c.runs || !errors.Is(err, c.want) {
			t.Errorf("%s: run %d times, want %d; got %v, want %v", name, runs, c.runs, err, c.want)
		}
	}
}
