package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/migrations"
)

const templatePrefix = "template_"

// schemaHash changes whenever the schema may: with the migration files, with the code that runs them and with the versions
// of the libraries that bring tables of their own.
func schemaHash() string {
	h := sha256.New()
	err := fs.WalkDir(migrations.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(migrations.FS, path)
		addFile(h, path, raw)
		return err
	})
	if err != nil {
		panic(err) // the files are embedded
	}
	if _, here, _, ok := runtime.Caller(0); ok {
		dir := filepath.Dir(here)
		for _, rel := range []string{"../migrate.go", "../../devdb/roles.go", "../../../go.mod"} {
			raw, _ := os.ReadFile(filepath.Join(dir, rel)) // not there when the binary runs elsewhere
			addFile(h, rel, raw)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:20]
}

func addFile(h hash.Hash, name string, content []byte) {
	_, _ = fmt.Fprintf(h, "%d %s %d ", len(name), name, len(content))
	_, _ = h.Write(content)
}

// makeTemplate makes the database that tests' databases are cloned from, unless an earlier process did. It gets its final name
// last, so that a half-migrated one is never taken for it.
func (c *cluster) makeTemplate(ctx context.Context, hash string, migrate func(ctx context.Context, ownerURL string) error) error {
	c.template = templatePrefix + hash
	building := "building_" + hash
	return c.admin(func(_ context.Context, conn *pgx.Conn) error {
		if err := lockServer(ctx, conn); err != nil {
			return err
		}
		if c.own {
			if err := c.tidy(ctx, conn); err != nil {
				return err
			}
		}
		var exists bool
		err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, c.template).Scan(&exists)
		if err != nil || exists {
			return err
		}
		if err := dropDatabase(ctx, conn, building); err != nil {
			return err
		}
		if err := devdb.EnsureDatabase(ctx, conn, building); err != nil {
			return err
		}
		if err := migrate(ctx, c.url(devdb.RoleOwner, building)); err != nil {
			return fmt.Errorf("migrating the template: %w", err)
		}
		for _, sql := range []string{
			// A template must have no connections; who is late in closing is not waited for.
			`alter database ` + building + ` with allow_connections false`,
			`select pg_terminate_backend(pid) from pg_stat_activity where datname = '` + building + `'`,
			`alter database ` + building + ` rename to ` + c.template,
		} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("finishing the template: %w", err)
			}
		}
		return nil
	})
}

// tidy drops what killed processes and older schemas left in a cluster that is ours alone.
func (c *cluster) tidy(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `select datname::text from pg_database where not datistemplate`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		old := strings.HasPrefix(name, templatePrefix) && name != c.template
		if !old && !strings.HasPrefix(name, testPrefix) {
			continue
		}
		if err := dropDatabase(ctx, conn, name); err != nil {
			return err
		}
	}
	return nil
}
