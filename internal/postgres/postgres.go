// Package postgres is the product's store: rows and their mapping to domain types, store verbs, and the translation of database errors.
//
// It is the only package that imports gorm or knows SQLSTATE. Every verb is atomic: one statement or one transaction, project first,
// never read-then-write. Verbs on tenant tables run with the project set for row-level security, which is the second wall behind the
// explicit project_id condition that every statement carries as well.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// Config says how to reach the database.
type Config struct {
	// URL of the application role, possibly through PgBouncer.
	URL string
	// DirectURL of the application role, past any pooler: LISTEN needs a connection of its own. Empty: URL.
	DirectURL string
	// MaxConnections of the pool. Zero: 20; at least 2, one for gorm and one for the hot verbs.
	MaxConnections int32
	// Billing makes the plan of an organization decide how long timelines are kept, whether pages name this service, and bounds how many people
	// a development project holds. Without it nothing is limited.
	Billing bool
	// Notices puts into words what owners are told by mail; nil: they are told nothing.
	Notices tenants.NoticeMail
}

// Store holds the pool and what the verbs need besides. It is safe for concurrent use.
type Store struct {
	pool      *pgxpool.Pool
	db        *gorm.DB
	sql       *sql.DB
	directURL string
	keys      *secret.Keyring
	log       *slog.Logger
	queue     *queue
	billing   bool
	notices   tenants.NoticeMail
	limitUses atomic.Uint64
	// registrations counts those of each project in this process.
	registrations sync.Map
}

// Open connects and reads nothing. The keyring seals what rests in the database (signing keys, queued mail).
func Open(ctx context.Context, cfg Config, keys *secret.Keyring, log *slog.Logger) (*Store, error) {
	poolConfig, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	poolConfig.MaxConns = cfg.MaxConnections
	if poolConfig.MaxConns == 0 {
		poolConfig.MaxConns = 20
	}
	poolConfig.MaxConns = max(2, poolConfig.MaxConns)
	poolConfig.ConnConfig.RuntimeParams["application_name"] = "mcpauth"
	poolConfig.ConnConfig.RuntimeParams["statement_timeout"] = "5000" // milliseconds
	pool, err := pgxpool.NewWithConfig(ctx, poolConfig)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", err)
	}
	sqlDB := stdlib.OpenDBFromPool(pool)
	// Without idle connections of its own database/sql would prepare and deallocate each statement on a fresh wrapper. What it keeps
	// idle it keeps from the hot verbs, so it may have half of the pool and no more.
	half := max(1, int(poolConfig.MaxConns)/2)
	sqlDB.SetMaxIdleConns(half)
	sqlDB.SetMaxOpenConns(half)
	sqlDB.SetConnMaxIdleTime(time.Minute)
	db, err := gorm.Open(gormpostgres.New(gormpostgres.Config{Conn: sqlDB}), &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         false, // translated in errors.go, from SQLSTATE
		Logger: logger.New(slogWriter{log}, logger.Config{
			SlowThreshold: time.Second, LogLevel: logger.Warn, IgnoreRecordNotFoundError: true, ParameterizedQueries: true,
		}),
	})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open gorm: %w", err)
	}
	store := &Store{pool: pool, db: db, sql: sqlDB, directURL: cfg.DirectURL, keys: keys, log: log, billing: cfg.Billing, notices: cfg.Notices}
	if store.directURL == "" {
		store.directURL = cfg.URL
	}
	if store.queue, err = newQueue(store); err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// Close ends every connection.
func (s *Store) Close() {
	_ = s.sql.Close()
	s.pool.Close()
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return translate(s.pool.Ping(ctx)) }

// inTransaction runs fn on the control tables.
func (s *Store) inTransaction(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return translate(s.db.WithContext(ctx).Transaction(fn))
}

// inProject runs fn with the project set for row-level security, for this transaction only.
func (s *Store) inProject(ctx context.Context, project id.ID, fn func(tx *gorm.DB) error) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		if err := setProject(tx, project); err != nil {
			return err
		}
		return fn(tx)
	})
}

const (
	// transactionTries bounds how often again runs a transaction.
	transactionTries = 3
	// betweenTries lets the other transaction take the locks that it waited for.
	betweenTries = 20 * time.Millisecond
)

// again runs a transaction once or twice more when the database gave it up for the sake of another one, or when what it refers to was
// deleted while it ran. For transactions that do nothing outside the database, and begin from the same values each time.
func again(ctx context.Context, run func() error) error {
	for try := 1; ; try++ {
		err := run()
		if try == transactionTries || !collided(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(betweenTries):
		}
	}
}

// setProject is the one place where gorm code names the tenant.
func setProject(tx *gorm.DB, project id.ID) error {
	return tx.Exec(setProjectSQL, project.String()).Error
}

const setProjectSQL = "SELECT set_config('app.project_id', $1, true)"

// query runs one statement of a hot verb in one round trip: a batch is one implicit transaction, so the setting that row-level
// security reads is local to it. The first argument of the statement is always the project.
func (s *Store) query(ctx context.Context, project id.ID, scan func(pgx.Row) error, statement string, args ...any) error {
	batch := &pgx.Batch{}
	batch.Queue(setProjectSQL, project.String())
	batch.Queue(statement, append([]any{uuidValue(project)}, queryValues(args)...)...)
	results := s.pool.SendBatch(ctx, batch)
	if _, err := results.Exec(); err != nil {
		_ = results.Close()
		return translate(err)
	}
	err := scan(results.QueryRow())
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return translate(err)
}

// queryValues replaces ids by what pgx sends in binary form: as driver.Valuer each would travel as text, made and parsed again.
func queryValues(args []any) []any {
	for i, arg := range args {
		if id, ok := arg.(id.ID); ok {
			args[i] = uuidValue(id)
		}
	}
	return args
}

// uuidValue is the id as pgx knows it; the zero ID is NULL, as in ID.Value.
func uuidValue(id id.ID) any {
	if id.IsZero() {
		return nil
	}
	return [16]byte(id)
}

// slogWriter gives gorm's warnings to the product's log. Queries arrive with placeholders, never with values.
type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Printf(format string, args ...any) {
	w.log.Warn("database", "message", fmt.Sprintf(format, args...))
}
