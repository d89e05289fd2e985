//go:build unix

package devdb

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDataIsKeptBetweenRuns(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s := start(t, Options{DataDir: f.data, systemDir: f.system, Durable: true})
	execSQL(t, s.OwnerURL(Database), `create table kept (n int); insert into kept values (7)`)
	if got := query[string](t, s.SuperuserURL(Database), `show fsync`); got != "on" {
		t.Errorf("a durable server runs with fsync %s", got)
	}
	stop(t, s)
	s = start(t, f.options())
	if got := query[int](t, s.OwnerURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after a restart, want 7", got)
	}
	stop(t, s)

	opts := f.options()
	opts.Reset = true
	s = start(t, opts)
	if query[bool](t, s.OwnerURL(Database), `select to_regclass('kept') is not null`) {
		t.Error("a reset kept the data")
	}
}

// The application role must be bound by row-level security: catalogue section 2.6.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := start(t, newFolder(t).options())
	for role, url := range map[string]string{RoleOwner: s.OwnerURL(Database), RoleApp: s.AppURL(Database)} {
		if got := query[string](t, url, `select current_user::text`); got != role {
			t.Errorf("connected as %s, want %s", got, role)
		}
		const powers = `select rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication
			from pg_roles where rolname = current_user`
		if query[bool](t, url, powers) {
			t.Errorf("role %s has powers it must not have", role)
		}
	}
	const owner = `select pg_get_userbyid(datdba)::text from pg_database where datname = current_database()`
	if got := query[string](t, s.AppURL(Database), owner); got != RoleOwner {
		t.Errorf("the database belongs to %s", got)
	}
	conn, err := pgx.Connect(t.Context(), s.AppURL(Database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `create table public.mine (n int)`); err == nil {
		t.Error("the application role can create tables")
	}
}

func TestOnlyOurAccountCanConnect(t *testing.T) {
	t.Parallel()
	s := start(t, newFolder(t).options())
	if got := query[string](t, s.SuperuserURL(Database), `show listen_addresses`); got != "" {
		t.Errorf("the server listens on %q", got)
	}
	info, err := os.Stat(s.socketDir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder has mode %o", info.Mode().Perm())
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ident, err := os.ReadFile(filepath.Join(filepath.Dir(s.socketDir), "pg_ident.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(ident)) {
		if !strings.HasPrefix(line, `devdb "`+me.Username+`" `) {
			t.Errorf("somebody else may connect: %s", line)
		}
	}
	if os.Geteuid() == 0 {
		refusesStranger(t, s)
	}
}

// refusesStranger opens the files of the socket to everybody and connects as another account: the second wall must hold.
func refusesStranger(t *testing.T, s *Server) {
	t.Helper()
	socket := filepath.Join(s.socketDir, ".s.PGSQL.5432")
	if err := os.Chmod(s.socketDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	stranger, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	acct, err := accountOf(stranger, true)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("psql", "-d", s.SuperuserURL(Database), "-c", "select 1")
	cmd.Env, cmd.Dir = append(environment(), "HOME=/"), "/"
	cmd.SysProcAttr = acct.attributes()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "eer authentication failed") {
		t.Errorf("another account got: %v %s", err, out)
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.data = filepath.Join(filepath.Dir(f.data), strings.Repeat("long", 20), strings.Repeat("path", 20))
	for dir := f.data; dir != filepath.Dir(f.system); dir = filepath.Dir(dir) {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, f.options())
	if n := len(filepath.Join(s.socketDir, ".s.PGSQL.5432")); n > maxSocketPath {
		t.Errorf("the socket's path has %d bytes", n)
	}
	query[int](t, s.AppURL(Database), `select 1`)
	stop(t, s)
	if _, err := os.Stat(s.socketDir); err == nil {
		t.Error("the socket's folder was left behind")
	}
}

func TestInterruptedInitialisation(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	if err := os.MkdirAll(f.pgdata()+".new/base", 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.pgdata()+".new/PG_VERSION", []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	query[int](t, start(t, f.options()).AppURL(Database), `select 1`)
}

func TestStopTwice(t *testing.T) {
	t.Parallel()
	s := start(t, newFolder(t).options())
	stop(t, s)
	stop(t, s)
	<-s.Done()
}
