package devdb

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type stopSignal int

const (
	stopFast        stopSignal = iota // disconnect everybody, write a checkpoint
	stopImmediately                   // leave recovery to the next start
	stopKill
)

// process is a running PostgreSQL server that we started.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended and has been waited for
	err  error         // how it ended; read after done
}

// run starts the server and waits for it. The kernel's promise to stop the server with us is given per thread, not per
// process, so the goroutine keeps its thread for as long as the server lives; it never unlocks it, and the thread ends with
// the goroutine.
func run(cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		unwatch, err := watchParent(p.pid)
		if err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			started <- err
			return
		}
		started <- nil
		p.err = cmd.Wait()
		unwatch()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) stop() error {
	steps := []struct {
		how   stopSignal
		limit time.Duration
	}{{stopFast, fastStopLimit}, {stopImmediately, quickStopLimit}, {stopKill, quickStopLimit}}
	for _, step := range steps {
		if p.ended() {
			return nil
		}
		if err := signalProcess(p.pid, step.how); err != nil {
			return err
		}
		select {
		case <-p.done:
			return nil
		case <-time.After(step.limit):
		}
	}
	return fmt.Errorf("PostgreSQL (process %d) does not end", p.pid)
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// pidFile is what PostgreSQL writes about itself into postmaster.pid.
type pidFile struct {
	pid   int
	ready bool
}

func readPIDFile(pgdata string) (pidFile, bool) {
	raw, err := os.ReadFile(filepath.Join(pgdata, "postmaster.pid"))
	if err != nil {
		return pidFile{}, false
	}
	lines := strings.Split(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 {
		return pidFile{}, false
	}
	return pidFile{pid: pid, ready: len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready"}, true
}

// stopLeftover deals with what an earlier process left behind. We hold the folder's lock, so a server still running in it
// has lost its parent, or is about to end.
func stopLeftover(ctx context.Context, pgdata string, log *slog.Logger) error {
	left, ok := readPIDFile(pgdata)
	if !ok || !alive(left.pid) {
		return nil // PostgreSQL itself clears the file of a dead server
	}
	if !runsIn(left.pid, pgdata) {
		return removePIDFile(pgdata, log)
	}
	log.Info("stopping a PostgreSQL left over from an earlier run", "pid", left.pid, "cluster", pgdata)
	for _, how := range []stopSignal{stopFast, stopImmediately, stopKill} {
		if err := signalProcess(left.pid, how); err != nil {
			return err
		}
		if waitGone(ctx, left.pid, pgdata) {
			if now, ok := readPIDFile(pgdata); ok && now.pid == left.pid && alive(left.pid) {
				return removePIDFile(pgdata, log) // killed, and nobody has waited for it
			}
			return nil
		}
	}
	return fmt.Errorf("a PostgreSQL left over from an earlier run (process %d) does not end", left.pid)
}

// removePIDFile removes the file of a server that is gone although its process id is in use (given to another program since,
// or a zombie): PostgreSQL would refuse to start.
func removePIDFile(pgdata string, log *slog.Logger) error {
	log.Info("removing a stale PostgreSQL pid file", "cluster", pgdata)
	return os.Remove(filepath.Join(pgdata, "postmaster.pid"))
}

func waitGone(ctx context.Context, pid int, pgdata string) bool {
	ctx, cancel := context.WithTimeout(ctx, fastStopLimit)
	defer cancel()
	return poll(ctx, func() bool { return !alive(pid) || !runsIn(pid, pgdata) }) == nil
}

// poll asks every few milliseconds until the answer is yes.
func poll(ctx context.Context, yes func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
