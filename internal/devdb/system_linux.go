package devdb

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// maxSocketPath is the longest path that the kernel accepts for a unix socket, in bytes.
const maxSocketPath = 107

// dieWithParent has the kernel stop the server when the thread that started it ends (see process.run).
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// watchParent has nothing to do: dieWithParent covers it.
func watchParent(int) (func(), error) { return func() {}, nil }

// runsIn tells whether a process is the server of a cluster: it works inside the data folder, or was started with it on its
// command line (in a container root may not see other accounts' working folders).
func runsIn(pid int, pgdata string) bool {
	proc := "/proc/" + strconv.Itoa(pid)
	if cwd, err := os.Readlink(proc + "/cwd"); err == nil && cwd == pgdata {
		return true
	}
	cmdline, err := os.ReadFile(proc + "/cmdline")
	if err != nil {
		return false
	}
	for arg := range bytes.SplitSeq(cmdline, []byte{0}) {
		if string(arg) == pgdata {
			return true
		}
	}
	return false
}
