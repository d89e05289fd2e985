// Package pgtest gives each test a PostgreSQL database of its own, with the product's schema in it.
//
// It owns the clusters that tests run on and the migrated template their databases are cloned from. Only tests may import
// it.
//
// Each test process has a cluster to itself, taken from a small pool (in memory or in the temporary folder) that is kept
// between runs, so that only the first run ever initialises and migrates. Nothing is shared between processes that are alive,
// so nothing has to be counted: a cluster ends with its process, however that ends, and the next process to take it removes
// what was left in it. MCPAUTH_TEST_DATABASE_URL, a superuser's connection string, names a running server to use instead;
// there a killed process leaves its databases (test_…) behind.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/internal/postgres"
)

// limit bounds each single step; a test that hits it has found a hanging server.
const limit = 2 * time.Minute

// Database is one test's database. The URLs are connection strings for pgx, psql and other libpq programs.
type Database struct {
	// Name is the database's name in its cluster.
	Name string
	// AppURL connects as the application role, which row-level security binds.
	AppURL string
	// OwnerURL connects as the role that owns the schema.
	OwnerURL string
	// SuperuserURL connects as a superuser, whom row-level security does not bind: for looking at what a test wrote.
	SuperuserURL string
}

// shared is the cluster of this process and its template.
var shared = sync.OnceValues(func() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c, err := openCluster(ctx)
	if err != nil {
		return nil, err
	}
	return c, c.makeTemplate(ctx, schemaHash(), func(ctx context.Context, ownerURL string) error {
		return postgres.Migrate(ctx, ownerURL, "")
	})
})

// New makes a database with the current schema and no rows beyond the migrations' own. It is dropped when the test ends,
// with whatever connections are still open.
func New(t testing.TB) *Database {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", err)
	}
	return c.newDatabase(t, c.template)
}

// Copy makes a database with the content of this one, to which nobody may be connected meanwhile. It costs as much as New.
func (d *Database) Copy(t testing.TB) *Database {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("no PostgreSQL for tests: %v", err)
	}
	return c.newDatabase(t, d.Name)
}

func (c *cluster) newDatabase(t testing.TB, source string) *Database {
	t.Helper()
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails
	name := testPrefix + hex.EncodeToString(raw)
	if err := c.admin(func(ctx context.Context, conn *pgx.Conn) error { return c.clone(ctx, conn, name, source) }); err != nil {
		t.Fatalf("making a database for the test: %v", err)
	}
	t.Cleanup(func() {
		err := c.admin(func(ctx context.Context, conn *pgx.Conn) error { return dropDatabase(ctx, conn, name) })
		if err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return &Database{
		Name:         name,
		AppURL:       c.url(devdb.RoleApp, name),
		OwnerURL:     c.url(devdb.RoleOwner, name),
		SuperuserURL: c.url("", name),
	}
}

// clone copies the source's files, which is quicker than copying through the write-ahead log.
func (c *cluster) clone(ctx context.Context, conn *pgx.Conn, name, source string) error {
	sql := fmt.Sprintf(`create database %s owner %s template %s strategy file_copy`, name, devdb.RoleOwner, source)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return err
	}
	return devdb.GrantDatabase(ctx, conn, name)
}

func dropDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	_, err := conn.Exec(ctx, `drop database if exists `+pgx.Identifier{name}.Sanitize()+` with (force)`)
	return err
}
