//go:build unix

package devdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the system account that the server runs as.
type account struct {
	name     string
	uid, gid uint32
	switched bool // we are root, and it is somebody else
}

// chooseAccount picks ourselves or, as root, an unprivileged account that every system has.
func chooseAccount() (account, error) {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return account{}, err
		}
		return accountOf(u, false)
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		return accountOf(u, true)
	}
	return account{}, errors.New("PostgreSQL cannot run as root, and this system has neither an account postgres nor nobody")
}

func accountOf(u *user.User, switched bool) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("account %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("account %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uint32(uid), gid: uint32(gid), switched: switched}, nil
}

// ownerOf is the account an existing cluster belongs to: PostgreSQL insists on its owner.
func (a account) ownerOf(pgdata string) (account, error) {
	info, err := os.Stat(pgdata)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == a.uid {
		return a, nil
	}
	u, err := user.LookupId(strconv.FormatUint(uint64(st.Uid), 10))
	if err != nil {
		return a, fmt.Errorf("%s belongs to user id %d, which this system does not know", pgdata, st.Uid)
	}
	if !a.switched {
		return a, fmt.Errorf("%s belongs to %s (it was made by a run as root, or by another user); choose another data folder",
			pgdata, u.Username)
	}
	return accountOf(u, true)
}

// own hands a file or folder to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// canEnter asks the kernel, by starting a program there as the account: permission bits alone do not tell (access lists,
// user namespaces, mounts).
func (a account) canEnter(ctx context.Context, dir string) bool {
	if !a.switched {
		return true
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
	cmd.Dir = dir
	cmd.SysProcAttr = a.attributes()
	return cmd.Run() == nil
}

// attributes make a child process run as the account, outside our process group, so that Ctrl-C reaches only us.
func (a account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

func ownedByUs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func signalProcess(pid int, how stopSignal) error {
	sig := map[stopSignal]syscall.Signal{
		stopFast: syscall.SIGINT, stopImmediately: syscall.SIGQUIT, stopKill: syscall.SIGKILL,
	}[how]
	err := syscall.Kill(pid, sig)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// openToAll lets the server's account read a tree of programs whatever our umask was.
func openToAll(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if d.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return root.Chmod(path, mode)
	})
}
