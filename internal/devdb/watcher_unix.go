//go:build unix

package devdb

import (
	"os/exec"
	"strconv"
	"syscall"
)

// startWatcher starts a process that waits for the end of a pipe only we hold open, which the kernel closes however we die,
// and then stops the server. The function it returns ends the watcher without harm to the server.
func startWatcher(pid int) (func(), error) {
	// A line read means that we ended it ourselves.
	cmd := exec.Command("/bin/sh", "-c", `read -r _ || kill -INT "$1"`, "sh", strconv.Itoa(pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_, _ = stdin.Write([]byte("\n"))
		_ = stdin.Close()
		_ = cmd.Wait()
	}, nil
}
