package devdb

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// LockedError says that another process uses the data folder. PID is 0 when it is not known.
type LockedError struct {
	DataDir string
	PID     int
}

// Error names the folder and the process that uses it.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("the data folder %s is in use by another process", e.DataDir)
	}
	return fmt.Sprintf("the data folder %s is in use by process %d; stop it or choose another data folder", e.DataDir, e.PID)
}

// fileLock is an advisory lock that the kernel drops when its process dies. The file stays: removing it would let two
// processes lock two different files of the same name.
type fileLock struct{ file *os.File }

func acquireLock(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := tryLock(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if !taken {
		_ = f.Close()
		return nil, &LockedError{DataDir: path, PID: holder(path)}
	}
	if err := writeHolder(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return &fileLock{file: f}, nil
}

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder reads who has the lock. Between locking and writing the file is empty or old for a moment, hence the patience and
// the check that the process is alive.
func holder(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	pid := 0
	_ = poll(ctx, func() bool {
		raw, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		read, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil || !alive(read) {
			return false
		}
		pid = read
		return true
	})
	return pid
}

// release unlocks before it closes: a child that another goroutine is just starting has a copy of the descriptor until its program runs, and
// closing ours alone would leave the lock to it.
func (l *fileLock) release() {
	_ = l.file.Truncate(0)
	_ = unlock(l.file)
	_ = l.file.Close()
}
