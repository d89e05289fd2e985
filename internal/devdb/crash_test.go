//go:build unix

package devdb

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	c := startChild(t, "server", f.data, f.system)
	s, err := Start(t.Context(), f.options())
	if err == nil {
		stop(t, s)
		t.Fatal("two servers on one data folder")
	}
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || locked.PID != c.cmd.Process.Pid {
		t.Fatalf("got %v, want a LockedError naming process %d", err, c.cmd.Process.Pid)
	}
	for _, want := range []string{fmt.Sprint(c.cmd.Process.Pid), f.data} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not name %s: %v", want, err)
		}
	}
	query[int](t, c.url, `select 1`) // the first one is not disturbed
}

func TestKillOfOurProcess(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	c := startChild(t, "server", f.data, f.system)
	execSQL(t, c.url, `create table kept (n int); insert into kept values (7)`)
	c.kill(t)
	waitEnded(t, c.pid)
	s := start(t, f.options())
	if got := query[int](t, s.SuperuserURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after a crash, want 7", got)
	}
}

// A start right after the kill meets the old server while it shuts down.
func TestStartRightAfterKillOfOurProcess(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	c := startChild(t, "server", f.data, f.system)
	execSQL(t, c.url, `create table kept (n int); insert into kept values (7)`)
	c.kill(t)
	s := start(t, f.options())
	if got := query[int](t, s.SuperuserURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after a crash, want 7", got)
	}
}

func TestKillOfPostgres(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	opts := f.options()
	opts.Durable = true // commits wait for the disk
	s := start(t, opts)
	execSQL(t, s.SuperuserURL(Database), `create table kept (n int); insert into kept values (7)`)
	if err := signalProcess(s.PID(), stopKill); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	stop(t, s)
	s = start(t, f.options())
	if got := query[int](t, s.SuperuserURL(Database), `select n from kept`); got != 7 {
		t.Errorf("got %d after a crash, want 7", got)
	}
}

// launchAlone runs a server that does not end with anybody, as after a crash on a system without such a promise.
func launchAlone(t *testing.T, f folder) *process {
	t.Helper()
	acct, err := chooseAccount()
	if err != nil {
		t.Fatal(err)
	}
	pl := &place{home: filepath.Dir(f.pgdata())}
	bins, err := chooseBinaries(t.Context(), Options{find: findInstalled}, pl, acct)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bins.program("postgres"), serverArgs(pl, filepath.Join(pl.home, "socket"), false)...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = pl.pgdata(), environment(), acct.attributes()
	p, err := run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop() })
	if err := poll(t.Context(), func() bool { pf, ok := readPIDFile(pl.pgdata()); return ok && pf.ready }); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLeftoverServerIsStopped(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	stop(t, start(t, f.options()))
	old := launchAlone(t, f)
	s := start(t, f.options())
	<-old.done
	query[int](t, s.AppURL(Database), `select 1`)
}

// After a reboot the recorded process id may be another program's: it must be neither believed nor signalled.
func TestStalePIDFile(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	stop(t, start(t, f.options()))
	acct, err := chooseAccount()
	if err != nil {
		t.Fatal(err)
	}
	bystander := exec.Command("sleep", "300")
	bystander.Dir, bystander.SysProcAttr = "/", acct.attributes()
	other, err := run(bystander)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.stop() })
	stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n\n\n\nready\n", other.pid, f.pgdata())
	pidFile := filepath.Join(f.pgdata(), "postmaster.pid")
	if err := os.WriteFile(pidFile, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := acct.own(pidFile); err != nil {
		t.Fatal(err)
	}
	query[int](t, start(t, f.options()).AppURL(Database), `select 1`)
	if other.ended() {
		t.Error("a bystander was stopped")
	}
}

// Systems without a parent-death signal rely on the watcher.
func TestWatcher(t *testing.T) {
	t.Parallel()
	c := startChild(t, "watcher", "", "")
	c.kill(t)
	waitEnded(t, c.pid)

	bystander, err := run(exec.Command("sleep", "300"))
	if err != nil {
		t.Fatal(err)
	}
	end, err := startWatcher(bystander.pid)
	if err != nil {
		t.Fatal(err)
	}
	end()
	if bystander.ended() {
		t.Error("ending the watcher stopped what it watches")
	}
	if err := bystander.stop(); err != nil {
		t.Error(err)
	}
}
