//go:build unix

package devdb

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// A child that was being started holds a copy of the descriptor; the lock must not be its.
func TestReleasedLockIsFreeWhileAChildHoldsACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, err := acquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "cat")
	child.ExtraFiles = append(child.ExtraFiles, held.file)
	end, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	held.release()
	again, err := acquireLock(path)
	if err != nil {
		t.Fatal(err)
	}
	again.release()
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
}
