package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // goose and river migrate through database/sql
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"

	"mcpauth.example/migrations"
)

// AppRole is the role that owns nothing and may only read and write rows. The login of the application is a member of it, or is it.
const AppRole = "mcpauth_app"

// Migrate brings the schema of the database up to date, as its owner. Several nodes may call it at once: a session lock lets one work.
// When appURL is given, its login is made a member of the application role, and is created when it does not exist.
func Migrate(ctx context.Context, ownerURL, appURL string) error {
	db, err := sql.Open("pgx", ownerURL)
	if err != nil {
		return fmt.Errorf("owner database URL: %w", err)
	}
	defer func() { _ = db.Close() }()
	if err := ensureAppRole(ctx, db, appURL); err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return migrateQueue(ctx, db)
}

// migrateQueue builds the job queue's own tables, which the library versions by itself, and lets the application use them.
func migrateQueue(ctx context.Context, db *sql.DB) error {
	migrator, err := rivermigrate.New(riverdatabasesql.New(db), nil)
	if err != nil {
		return fmt.Errorf("read queue migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate queue: %w", err)
	}
	_, err = db.ExecContext(ctx, `DO $$ DECLARE t text; BEGIN
		FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname LIKE 'river\_%' AND c.relname <> 'river_migration'
		LOOP EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mcpauth_app', t); END LOOP;
		GRANT SELECT ON river_migration TO mcpauth_app;
		GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO mcpauth_app;
	END $$`)
	if err != nil {
		return fmt.Errorf("grant queue: %w", err)
	}
	return nil
}

// ensureAppRole creates the application role and, when a URL is given, its login.
func ensureAppRole(ctx context.Context, db *sql.DB, appURL string) error {
	if err := createRole(ctx, db, AppRole, "NOLOGIN"); err != nil {
		return err
	}
	if appURL == "" {
		return nil
	}
	u, err := url.Parse(appURL)
	if err != nil || u.User == nil {
		return errors.New("database URL: expected postgres://user:password@host/database")
	}
	login, password := u.User.Username(), ""
	if p, ok := u.User.Password(); ok {
		password = p
	}
	if login == AppRole {
		return nil
	}
	// CREATE ROLE takes no parameters: identifier and literal are quoted, the password never reaches a log of ours.
	if err := createRole(ctx, db, login, "LOGIN PASSWORD "+quoteLiteral(password)); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "GRANT "+AppRole+" TO "+pgx.Identifier{login}.Sanitize()); err != nil {
		return fmt.Errorf("make %s a member of %s: %w", login, AppRole, err)
	}
	return nil
}

func createRole(ctx context.Context, db *sql.DB, name, options string) error {
	var exists bool
	if err := db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for role %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := db.ExecContext(ctx, "CREATE ROLE "+pgx.Identifier{name}.Sanitize()+" "+options); err != nil {
		return fmt.Errorf("create role %s (the owner needs CREATEROLE, or create it beforehand): %w", name, err)
	}
	return nil
}
