package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/devdb"
)

const childSetting = "PGTEST_TEST_BASE"

// TestMain lets the test binary be another test process: as a child it takes a cluster from the pool, leaves a database in
// it, says so and waits for its end.
func TestMain(m *testing.M) {
	base := os.Getenv(childSetting)
	if base == "" {
		os.Exit(m.Run())
	}
	c, err := openSlot(context.Background(), base)
	if err == nil {
		err = c.admin(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, `create database test_left`)
			return err
		})
	}
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("ready", c.server.PID(), c.server.SuperuserURL("postgres"))
	_, _ = os.Stdin.Read(make([]byte, 1)) // the parent holds the other end
}

func query[T any](t *testing.T, url, sql string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func execSQL(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

func TestNew(t *testing.T) {
	t.Parallel()
	a, b := New(t), New(t)
	if a.Name == b.Name {
		t.Fatal("two tests share a database")
	}
	for url, want := range map[string]string{a.AppURL: devdb.RoleApp, a.OwnerURL: devdb.RoleOwner, b.AppURL: devdb.RoleApp} {
		if got := query[string](t, url, `select current_user::text`); got != want {
			t.Errorf("connected as %s, want %s", got, want)
		}
	}
	if !query[bool](t, a.SuperuserURL, `select rolsuper from pg_roles where rolname = current_user`) {
		t.Error("the superuser is none")
	}
	if query[int](t, a.OwnerURL, `select count(*)::int from goose_db_version where version_id > 0 and is_applied`) == 0 {
		t.Error("the schema is missing")
	}
	if query[bool](t, a.AppURL, `select has_database_privilege(0::oid, current_database(), 'connect')`) {
		t.Error("every role may connect to a clone")
	}
	if err := execSQL(t.Context(), a.OwnerURL, `create table only_here (n int)`); err != nil {
		t.Fatal(err)
	}
	if query[bool](t, b.OwnerURL, `select to_regclass('only_here') is not null`) {
		t.Error("one test sees another's tables")
	}
}

func TestDroppedWithOpenConnections(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("a test that leaves a connection open", func(t *testing.T) {
		db := New(t)
		name = db.Name
		conn, err := pgx.Connect(context.Background(), db.AppURL)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if query[bool](t, New(t).SuperuserURL, `select exists (select from pg_database where datname = $1)`, name) {
		t.Error("the database is still there")
	}
}

// newBase is an empty pool of clusters.
func newBase(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp(temporary(), "pgtest-") //nolint:usetesting // other accounts cannot pass through t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	return base
}

func TestProcessesDoNotShare(t *testing.T) {
	t.Parallel()
	base := newBase(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childSetting+"="+base)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var word, theirs string
	var pid int
	if _, err := fmt.Fscanln(out, &word, &pid, &theirs); err != nil || word != "ready" {
		t.Fatalf("the other process did not start: %q %v", word, err)
	}

	second, err := openSlot(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	if second.server.SuperuserURL("postgres") == theirs {
		t.Fatal("two living processes share a cluster")
	}
	if err := second.server.Stop(); err != nil {
		t.Fatal(err)
	}

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitEnded(t, pid)
	first, err := openSlot(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.server.Stop() })
	if got := first.server.SuperuserURL("postgres"); got != theirs {
		t.Errorf("the killed process's cluster is not used again: %s", got)
	}
	noSchema := func(context.Context, string) error { return nil }
	if err := first.makeTemplate(t.Context(), "x", noSchema); err != nil {
		t.Fatal(err)
	}
	if query[bool](t, first.url("", "postgres"), `select exists (select from pg_database where datname = 'test_left')`) {
		t.Error("the killed process's database is still there")
	}
}

// waitEnded waits until a process is gone or only waits to be collected by whoever inherited it.
func waitEnded(t *testing.T, pid int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
		if err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z") {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("process %d does not end", pid)
		case <-tick.C:
		}
	}
}

// A machine's crash can damage a cluster that does not wait for the disk.
func TestClusterOfAnEarlierBootStartsOver(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newBase(t), "0")
	for _, step := range []struct {
		boot string
		kept bool
	}{{"", false}, {"", true}, {"an earlier boot", false}} {
		if step.boot != "" {
			if err := os.WriteFile(filepath.Join(dir, "boot"), []byte(step.boot), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := startSlot(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		url := s.SuperuserURL("postgres")
		if got := query[bool](t, url, `select to_regclass('kept') is not null`); got != step.kept {
			t.Errorf("boot %q: data kept: %v", step.boot, got)
		}
		if err := execSQL(t.Context(), url, `create table if not exists kept (n int)`); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTemplateIsMadeOnce(t *testing.T) {
	t.Parallel()
	s, err := devdb.Start(t.Context(), devdb.Options{DataDir: filepath.Join(newBase(t), "server")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	var calls atomic.Int32
	migrate := func(ctx context.Context, ownerURL string) error {
		if calls.Add(1) == 1 {
			return errors.Join(execSQL(ctx, ownerURL, `create table half (n int)`), errors.New("interrupted"))
		}
		return execSQL(ctx, ownerURL, `create table whole (n int)`)
	}
	given, err := openGiven(s.SuperuserURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if err := given.makeTemplate(t.Context(), "abc", migrate); err == nil {
		t.Fatal("a failed migration made a template")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, err := openGiven(s.SuperuserURL("postgres"))
			if err == nil {
				err = c.makeTemplate(t.Context(), "abc", migrate)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 2 {
		t.Errorf("migrated %d times after the failure, want once", calls.Load()-1)
	}
	db := given.newDatabase(t, given.template)
	if !query[bool](t, db.OwnerURL, `select to_regclass('whole') is not null and to_regclass('half') is null`) {
		t.Error("the clone has the wrong tables")
	}
}

func TestGivenServer(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"localhost", "postgres://localhost/x", "http://a:b@localhost/x", "host=localhost user=x"} {
		if _, err := openGiven(bad); err == nil || !strings.Contains(err.Error(), serverSetting) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	super, err := url.Parse("postgres://root:s%40crt@db:5433/postgres?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	urls := givenURLs(super)
	if got := urls("", "a"); got != "postgres://root:s%40crt@db:5433/a?sslmode=disable" {
		t.Errorf("superuser: %s", got)
	}
	app, owner := urls(devdb.RoleApp, "a"), urls(devdb.RoleOwner, "a")
	if app != givenURLs(super)(devdb.RoleApp, "a") {
		t.Error("two processes disagree about the password")
	}
	if strings.Contains(app+owner, "crt@") || rolePassword(super, devdb.RoleApp) == rolePassword(super, devdb.RoleOwner) {
		t.Error("roles share a password")
	}
}

func TestFolderOfSomebodyElse(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	name := filepath.Join(temp, fmt.Sprintf("mcpauth-pgtest-%d", os.Geteuid()))
	if err := os.Symlink(t.TempDir(), name); err != nil {
		t.Fatal(err)
	}
	if dir, err := slotsFolder(temp); err == nil {
		t.Errorf("followed a link in the shared folder: %s", dir)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(b)
	}
}
