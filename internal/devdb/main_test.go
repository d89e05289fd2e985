//go:build unix

package devdb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	childSetting   = "DEVDB_TEST_CHILD"
	childDataDir   = "DEVDB_TEST_DATA_DIR"
	childSystemDir = "DEVDB_TEST_SYSTEM_DIR"
)

// TestMain lets the test binary be the process that a test kills: as a child it starts what it is told to, prints the
// process ids and waits for its end.
func TestMain(m *testing.M) {
	switch os.Getenv(childSetting) {
	case "":
		os.Exit(m.Run())
	case "server":
		opts := Options{DataDir: os.Getenv(childDataDir), systemDir: os.Getenv(childSystemDir)}
		s, err := Start(context.Background(), opts)
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("ready", s.PID(), s.SuperuserURL(Database))
	case "watcher":
		cmd := exec.Command("sleep", "300")
		err := cmd.Start()
		if err == nil {
			_, err = startWatcher(cmd.Process.Pid)
		}
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("ready", cmd.Process.Pid, "-")
	}
	// The parent holds the other end of standard input.
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// child is another process of this test binary.
type child struct {
	cmd *exec.Cmd
	pid int    // what it started
	url string // where its server is
}

func startChild(t *testing.T, mode, dataDir, systemDir string) child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childSetting+"="+mode, childDataDir+"="+dataDir, childSystemDir+"="+systemDir)
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
	c := child{cmd: cmd}
	var word string
	if _, err := fmt.Fscanln(out, &word, &c.pid, &c.url); err != nil || word != "ready" {
		t.Fatalf("the child did not start: %q %v", word, err)
	}
	return c
}

func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
}

// folder is a data folder that every account can pass through, and a private place for clusters that must live elsewhere.
type folder struct{ data, system string }

func newFolder(t *testing.T) folder {
	t.Helper()
	root, err := os.MkdirTemp("", "devdb-") //nolint:usetesting // other accounts cannot pass through t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o711); err != nil {
		t.Fatal(err)
	}
	return folder{data: filepath.Join(root, "data"), system: filepath.Join(root, "system")}
}

func (f folder) options() Options { return Options{DataDir: f.data, systemDir: f.system} }

func (f folder) pgdata() string { return filepath.Join(f.data, "postgres", "data") }

func start(t *testing.T, opts Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

func execSQL(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// waitEnded waits until a process is gone or only waits to be collected by whoever inherited it.
func waitEnded(t *testing.T, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := poll(ctx, func() bool {
		out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
		return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
	})
	if err != nil {
		t.Fatalf("process %d does not end", pid)
	}
}
