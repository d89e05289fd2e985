package devdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const locationFile = "postgres.location"

// place is where a cluster lives. home belongs to our account; its subfolders "data" and "socket" to the server's.
type place struct {
	home  string
	locks []*fileLock
}

func (p *place) pgdata() string   { return filepath.Join(p.home, "data") }
func (p *place) binaries() string { return filepath.Join(p.home, "binaries") }
func (p *place) logFile() string  { return filepath.Join(p.home, "log") }

// locate decides where the cluster of a data folder lives and locks both. The locks taken so far are returned with an error
// too.
func locate(ctx context.Context, opts Options, acct account) (*place, error) {
	p := &place{}
	dir, err := makeDataDir(opts.DataDir, acct)
	if err != nil {
		return p, err
	}
	if err := p.lock(dir, filepath.Join(dir, "postgres.lock")); err != nil {
		return p, err
	}
	inside := filepath.Join(dir, "postgres")
	record := filepath.Join(dir, locationFile)
	recorded, err := os.ReadFile(record)
	switch {
	case err == nil:
		p.home = strings.TrimSpace(string(recorded))
		if !filepath.IsAbs(p.home) {
			return p, fmt.Errorf("%s does not hold an absolute path; delete it to start with an empty database", record)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return p, err
	case acct.canEnter(ctx, dir):
		p.home = inside
		return p, p.makeHome(acct)
	default:
		if p.home, err = chooseElsewhere(ctx, opts, acct, dir); err != nil {
			return p, err
		}
		// The folder is keyed by the data folder's path: with no record in the data folder, what lies there belonged
		// to a data folder that has been deleted since, unless this one was moved here with its cluster inside.
		if err := replaceHome(p.home, inside); err != nil {
			return p, err
		}
		if err := os.WriteFile(record, []byte(p.home+"\n"), 0o600); err != nil {
			return p, err
		}
		opts.Log.Info("the server's account cannot enter the data folder; the cluster is kept elsewhere",
			"account", acct.name, "data_dir", dir, "cluster", p.home)
	}
	if err := p.makeHome(acct); err != nil {
		return p, err
	}
	if !acct.canEnter(ctx, p.home) {
		return p, fmt.Errorf("account %s cannot enter %s", acct.name, p.home)
	}
	return p, p.lock(dir, p.home+".lock") // a copied data folder names the same cluster
}

func (p *place) lock(dataDir, path string) error {
	l, err := acquireLock(path)
	if locked, ok := errors.AsType[*LockedError](err); ok {
		locked.DataDir = dataDir
	}
	if err != nil {
		return err
	}
	p.locks = append(p.locks, l)
	return nil
}

// makeDataDir creates the data folder; with another account for the server it can be passed through, but not listed.
func makeDataDir(dir string, acct account) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	mode := fs.FileMode(0o700)
	if acct.switched {
		mode = 0o711
	}
	if err := makeDir(abs, mode); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// makeDir creates a folder with exactly this mode, whatever the umask; an existing one keeps its own.
func makeDir(dir string, mode fs.FileMode) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

func (p *place) makeHome(acct account) error {
	mode := fs.FileMode(0o700)
	if acct.switched {
		mode = 0o711
	}
	if err := os.MkdirAll(p.home, mode); err != nil {
		return err
	}
	info, err := os.Lstat(p.home)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownedByUs(info) {
		return fmt.Errorf("%s must be a folder of our own account", p.home)
	}
	return os.Chmod(p.home, mode)
}

func chooseElsewhere(ctx context.Context, opts Options, acct account, dataDir string) (string, error) {
	sum := sha256.Sum256([]byte(dataDir))
	name := "dev-" + hex.EncodeToString(sum[:8])
	err := makeDir(opts.systemDir, 0o711)
	if err == nil {
		info, statErr := os.Lstat(opts.systemDir)
		if statErr == nil && info.IsDir() && ownedByUs(info) && acct.canEnter(ctx, opts.systemDir) {
			return filepath.Join(opts.systemDir, name), nil
		}
	}
	private, tempErr := os.MkdirTemp(os.TempDir(), "mcpauth-dev-")
	if tempErr != nil {
		return "", fmt.Errorf("no folder that account %s can use: %w", acct.name, errors.Join(err, tempErr))
	}
	if err := os.Chmod(private, 0o711); err != nil {
		return "", err
	}
	return filepath.Join(private, name), nil
}

func replaceHome(home, inside string) error {
	l, err := acquireLock(home + ".lock")
	if err != nil {
		return err
	}
	defer l.release()
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(inside, "data", "PG_VERSION")); err != nil {
		return nil // there is nothing to take along
	}
	if err := os.Rename(inside, home); err != nil {
		return fmt.Errorf("the cluster in %s cannot be reached where it is, nor moved: %w", inside, err)
	}
	return nil
}

// makeSocketDir makes a private folder for the socket, short enough for the kernel's limit on socket paths.
func makeSocketDir(ctx context.Context, p *place, acct account) (string, func(), error) {
	dir := filepath.Join(p.home, "socket")
	if len(dir)+len("/.s.PGSQL.5432") <= maxSocketPath {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil, err
		}
		return dir, nil, acct.own(dir)
	}
	var errs []error
	for _, base := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		dir, err := os.MkdirTemp(base, "mcpauth-pg-")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(dir)+len("/.s.PGSQL.5432") <= maxSocketPath && acct.own(dir) == nil && acct.canEnter(ctx, dir) {
			return dir, func() { _ = os.RemoveAll(dir) }, nil
		}
		_ = os.Remove(dir)
	}
	return "", nil, fmt.Errorf("no folder with a path short enough for a socket: %w", errors.Join(errs...))
}
