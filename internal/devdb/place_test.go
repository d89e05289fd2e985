//go:build unix

package devdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// private is a data folder below one that only our own account can enter, such as /root.
func private(t *testing.T) folder {
	t.Helper()
	f := newFolder(t)
	closed := filepath.Join(filepath.Dir(f.data), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	f.data = filepath.Join(closed, "data")
	return f
}

// homeOf is where a cluster must be: for root, outside a folder that only root can enter.
func homeOf(t *testing.T, f folder) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return filepath.Join(f.data, "postgres")
	}
	raw, err := os.ReadFile(filepath.Join(f.data, locationFile))
	if err != nil {
		t.Fatal(err)
	}
	home := strings.TrimSpace(string(raw))
	if filepath.Dir(home) != f.system {
		t.Fatalf("the cluster is at %s, want below %s", home, f.system)
	}
	return home
}

func TestFolderOnlyRootCanEnter(t *testing.T) {
	t.Parallel()
	f := private(t)
	s := start(t, f.options())
	execSQL(t, s.OwnerURL(Database), `create table kept (n int); insert into kept values (7)`)
	stop(t, s)
	if _, err := os.Stat(filepath.Join(homeOf(t, f), "data", "PG_VERSION")); err != nil {
		t.Fatal(err)
	}

	s = start(t, f.options())
	if got := query[int](t, s.OwnerURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after a restart, want 7", got)
	}
	stop(t, s)

	moved := f
	moved.data += "-moved"
	if err := os.Rename(f.data, moved.data); err != nil {
		t.Fatal(err)
	}
	s = start(t, moved.options())
	if got := query[int](t, s.OwnerURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after moving the data folder, want 7", got)
	}
}

// Who deletes the data folder wants to start over: what was kept elsewhere for it must not come back.
func TestDeletedDataFolderStartsOver(t *testing.T) {
	t.Parallel()
	f := private(t)
	s := start(t, f.options())
	execSQL(t, s.OwnerURL(Database), `create table kept (n int)`)
	stop(t, s)
	if err := os.RemoveAll(f.data); err != nil {
		t.Fatal(err)
	}
	s = start(t, f.options())
	if query[bool](t, s.OwnerURL(Database), `select to_regclass('kept') is not null`) {
		t.Error("the deleted data folder's database came back")
	}
}

func TestDataFolderMovedBehindRoot(t *testing.T) {
	t.Parallel()
	f, behind := newFolder(t), private(t)
	s := start(t, f.options())
	execSQL(t, s.OwnerURL(Database), `create table kept (n int); insert into kept values (7)`)
	stop(t, s)
	if err := os.Rename(f.data, behind.data); err != nil {
		t.Fatal(err)
	}
	s = start(t, behind.options())
	if got := query[int](t, s.OwnerURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after moving the data folder, want 7", got)
	}
	homeOf(t, behind)
}

func TestBadLocationRecord(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	if err := os.Mkdir(f.data, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.data, locationFile), []byte("../elsewhere\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(t.Context(), f.options()); err == nil {
		stop(t, s)
		t.Error("a relative location was followed")
	}
}
