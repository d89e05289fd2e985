package pgtest

import (
	"os"
	"syscall"
)

// memoryNeeded is what a memory file system must have free to be used, in bytes: far more than a few clusters take.
const memoryNeeded = 2 << 30

// temporary is where test clusters go: in memory where there is plenty (creating a database creates some 300 files, which a
// disk under load makes slow), else in the temporary folder. TMPDIR overrides.
func temporary() string {
	const memory = "/dev/shm"
	var st syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &st) != nil {
		return os.TempDir()
	}
	if free := st.Bavail * uint64(st.Bsize); free < memoryNeeded { //nolint:gosec // a block's size is positive
		return os.TempDir()
	}
	return memory
}
