package devdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// ensureCluster initialises the cluster where it is missing, under another name first, so that an interrupted
// initialisation is never taken for a cluster.
func ensureCluster(ctx context.Context, pl *place, bins binaries, acct account, opts Options) error {
	if _, err := os.Stat(filepath.Join(pl.pgdata(), "PG_VERSION")); err == nil {
		return nil
	}
	work := pl.pgdata() + ".new"
	for _, dir := range []string{work, pl.pgdata()} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.Mkdir(work, 0o700); err != nil {
		return err
	}
	if err := acct.own(work); err != nil {
		return err
	}
	locale := "C.UTF-8"
	if runtime.GOOS != "linux" {
		locale = "C" // not every system knows C.UTF-8
	}
	args := []string{"-D", work, "-U", RoleSuperuser, "--encoding=UTF8", "--locale=" + locale,
		"--auth-local=peer", "--auth-host=reject", "--no-instructions"}
	if !opts.Durable {
		args = append(args, "--no-sync", "--wal-segsize=1")
	}
	cmd := exec.CommandContext(ctx, bins.program("initdb"), args...)
	cmd.Dir = work
	cmd.Env = environment()
	cmd.SysProcAttr = acct.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(string(out), 5))
	}
	return os.Rename(work, pl.pgdata())
}

// launch starts the server and waits until it takes connections.
func (s *Server) launch(ctx context.Context, pl *place, bins binaries, acct account, opts Options) error {
	if err := writeAccess(pl); err != nil {
		return err
	}
	for {
		err := s.launchOnce(ctx, pl, bins, acct, opts)
		// After a kill of the server alone its children need a moment to notice; until then it refuses to start.
		if err == nil || !strings.Contains(err.Error(), "pre-existing shared memory block") {
			return err
		}
		opts.Log.Info("waiting for the processes of a killed PostgreSQL to end")
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *Server) launchOnce(ctx context.Context, pl *place, bins binaries, acct account, opts Options) error {
	logFile, err := rotateLog(pl.logFile())
	if err != nil {
		return err
	}
	defer logFile.Close()
	cmd := exec.Command(bins.program("postgres"), serverArgs(pl, s.socketDir, opts.Durable)...)
	cmd.Dir = pl.pgdata()
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = acct.attributes()
	dieWithParent(cmd.SysProcAttr)
	if s.proc, err = run(cmd); err != nil {
		return err
	}
	ended := false
	err = poll(ctx, func() bool {
		pf, ok := readPIDFile(pl.pgdata())
		ended = s.proc.ended()
		return ended || ok && pf.ready && pf.pid == s.proc.pid
	})
	if err == nil && !ended {
		return nil
	}
	if ended {
		err = fmt.Errorf("it ended at once (%w)", s.proc.err)
	} else {
		err = errors.Join(fmt.Errorf("it is not ready: %w", err), s.proc.stop())
	}
	raw, _ := os.ReadFile(pl.logFile())
	return fmt.Errorf("%w: %s", err, lastLines(string(raw), 8))
}

func serverArgs(pl *place, socketDir string, durable bool) []string {
	settings := []string{
		"listen_addresses=",
		"unix_socket_directories=" + `"` + strings.ReplaceAll(socketDir, `"`, `""`) + `"`,
		"unix_socket_permissions=0700",
		fmt.Sprintf("port=%d", socketPort),
		"hba_file=" + filepath.Join(pl.home, "pg_hba.conf"),
		"ident_file=" + filepath.Join(pl.home, "pg_ident.conf"),
		"max_connections=200",
		"timezone=UTC",
		"log_timezone=UTC",
		"log_destination=stderr",
		"logging_collector=off",
		"log_min_error_statement=panic", // statements can carry values that belong in no log
	}
	if !durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off",
			"checkpoint_timeout=1h", "max_wal_size=1GB", "jit=off")
	}
	args := []string{"-D", pl.pgdata()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// writeAccess lets our own system account be any role and refuses everybody else. It is written on every start, so that a
// data folder follows its user.
func writeAccess(pl *place) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	ident := `devdb "` + strings.ReplaceAll(me.Username, `"`, `""`) + `" `
	files := map[string]string{
		"pg_hba.conf":   "local all all peer map=devdb\n",
		"pg_ident.conf": ident + RoleSuperuser + "\n" + ident + RoleOwner + "\n" + ident + RoleApp + "\n",
	}
	for name, text := range files {
		path := filepath.Join(pl.home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if err := os.Chmod(path, 0o644); err != nil { // read by the server's account; nothing in it is secret
			return err
		}
	}
	return nil
}

// rotateLog opens the server's log and keeps the one before.
func rotateLog(path string) (*os.File, error) {
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o600)
}
