package devdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EnsureRoles creates the owner and the application role where they are missing and sets their attributes, so that neither
// can pass row-level security. The connection must be a superuser's.
func EnsureRoles(ctx context.Context, conn *pgx.Conn) error {
	for _, role := range []string{RoleOwner, RoleApp} {
		name := pgx.Identifier{role}.Sanitize()
		var exists bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1)`, role).Scan(&exists); err != nil {
			return fmt.Errorf("looking for role %s: %w", role, err)
		}
		if !exists {
			if _, err := conn.Exec(ctx, `create role `+name); err != nil {
				return fmt.Errorf("creating role %s: %w", role, err)
			}
		}
		const attributes = ` with login nosuperuser nobypassrls nocreatedb nocreaterole noreplication`
		if _, err := conn.Exec(ctx, `alter role `+name+attributes); err != nil {
			return fmt.Errorf("setting up role %s: %w", role, err)
		}
	}
	return nil
}

// EnsureDatabase creates a database owned by the owner role where it is missing, and lets nobody but the owner and the
// application role connect to it.
func EnsureDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	var exists bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&exists); err != nil {
		return fmt.Errorf("looking for database %s: %w", name, err)
	}
	if !exists {
		if _, err := conn.Exec(ctx, `create database `+pgx.Identifier{name}.Sanitize()+` owner `+RoleOwner); err != nil {
			return fmt.Errorf("creating database %s: %w", name, err)
		}
	}
	return GrantDatabase(ctx, conn, name)
}

// GrantDatabase lets nobody but the owner and the application role connect to a database. A database's own rights are not
// copied from its template, so clones need this too.
func GrantDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	db := pgx.Identifier{name}.Sanitize()
	sql := `revoke all on database ` + db + ` from public; grant connect on database ` + db + ` to ` + RoleApp
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("setting the rights of database %s: %w", name, err)
	}
	return nil
}
