package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
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

var (
	// connection, invalid authorization, database missing, transaction rollback, resources, operator intervention (shutdown, statement
	// timeout), system
	unavailableClasses = []string{"08", "28", "3D", "40", "53", "57", "58"}
	// read-only standby; object not in prerequisite state, which a database that does not accept connections says
	unavailableStates = []string{"25006", "55000"}
)

const (
	foreignKeyViolation  = "23503"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// errAgain is a transaction that has to begin anew, because what it locked first is not all that it needs any more.
var errAgain = fmt.Errorf("%w: something was added meanwhile", errUnavailable)

// collided reports whether a transaction failed for what another one did at the same time.
func collided(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return errors.Is(err, errAgain) || ok && slices.Contains([]string{foreignKeyViolation, serializationFailure, deadlockDetected}, pg.Code)
}

// translateState maps SQLSTATE classes (PostgreSQL manual, appendix A).
func translateState(pg *pgconn.PgError, err error) error {
	switch {
	case pg.Code == foreignKeyViolation: // what the row belongs to was deleted meanwhile
		return fmt.Errorf("%w: %w", errNotFound, err)
	case pg.Code == "23505": // unique_violation
		return fmt.Errorf("%w: %s", errConflict, pg.ConstraintName)
	case slices.Contains(unavailableClasses, pg.Code[:2]), slices.Contains(unavailableStates, pg.Code):
		return fmt.Errorf("%w: %w", errUnavailable, err)
	default:
		return err
	}
}

func isConnection(err error) bool {
	var op *net.OpError
	var connect *pgconn.ConnectError
	broken := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) // in the middle of a statement
	return broken || errors.As(err, &op) || errors.As(err, &connect) || pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}
