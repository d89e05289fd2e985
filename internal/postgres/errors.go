package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/mcpauth/mcpauth/internal/signin"
	"github.com/mcpauth/mcpauth/oauth"
	"github.com/mcpauth/mcpauth/tenants"
)

// Each domain package declares the faults it asks about beside its interfaces; one fault of the database answers to all of them.
var (
	errNotFound    = errors.Join(oauth.ErrNotFound, tenants.ErrNotFound, signin.ErrNotFound)
	errUnavailable = errors.Join(oauth.ErrUnavailable, tenants.ErrUnavailable, signin.ErrUnavailable)
	errConflict    = errors.Join(tenants.ErrConflict, signin.ErrConflict)
)

// translate turns what the driver says into the errors that the rest of the product knows. Errors of the domain pass unchanged.
func translate(err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, pgx.ErrNoRows):
		return errNotFound
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded), isConnection(err): // before SQLSTATE: a refused connection carries one too
		return fmt.Errorf("%w: %w", errUnavailable, err)
	case errors.As(err, &pg):
		return translateState(pg, err)
	default:
		return err
	}
}

// translateState maps SQLSTATE classes (PostgreSQL manual, appendix A).
func translateState(pg *pgconn.PgError, err error) error {
	switch {
	case pg.Code == "23505": // unique_violation
		return fmt.Errorf("%w: %s", errConflict, pg.ConstraintName)
	case pg.Code[:2] == "08", pg.Code[:2] == "53", pg.Code[:2] == "57", pg.Code[:2] == "58", pg.Code == "25006", pg.Code[:2] == "40":
		// connection, resources, operator intervention (shutdown, statement timeout), system, read-only standby, rollback
		return fmt.Errorf("%w: %w", errUnavailable, err)
	default:
		return err
	}
}

func isConnection(err error) bool {
	var op *net.OpError
	var connect *pgconn.ConnectError
	return errors.As(err, &op) || errors.As(err, &connect) || pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}
