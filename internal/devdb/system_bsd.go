//go:build unix && !linux

package devdb

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// maxSocketPath is the longest path that the kernel accepts for a unix socket, in bytes.
const maxSocketPath = 103

// dieWithParent has no counterpart here; watchParent does it.
func dieWithParent(*syscall.SysProcAttr) {}

// watchParent stops the server when we are gone.
func watchParent(pid int) (func(), error) { return startWatcher(pid) }

// runsIn tells whether a process is the server of a cluster, by its command line.
func runsIn(pid int, pgdata string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), " "+pgdata)
}
