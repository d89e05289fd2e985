// Package built builds programs of the repository for tests that start them: one program for all, in bin/test, built as the container
// image builds it, so that the compiler's work is shared too. Only tests may import it. It imports nothing of the project.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Flags are those of every build here; they are the Dockerfile's, whose build then finds everything compiled.
var Flags = []string{"-trimpath", "-ldflags=-s", "-buildvcs=false"}

// Product builds the product, if it is not there or out of date, and returns its path.
func Product(t testing.TB) string {
	t.Helper()
	path, err := product()
	if err != nil {
		t.Fatal(err)
	}
	// The Go command remembers results of tests by the files that they opened.
	file, err := os.Open(path) //nolint:gosec // the file that was just built
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	return path
}

var product = sync.OnceValues(func() (string, error) {
	root, err := findRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "test", "mcpauth")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	build := exec.Command("go", append(append([]string{"build"}, Flags...), "-o", path, "./cmd/mcpauth")...)
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "PWD="+root)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/mcpauth: %w\n%s", err, out)
	}
	return path, nil
})

// findRoot is the folder of the program's go.mod, upwards from here.
func findRoot() (string, error) {
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, statErr := os.Stat(filepath.Join(folder, "cmd", "mcpauth")); statErr == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("expected to run inside the repository: no cmd/mcpauth above the working folder")
		}
	}
	return "", err
}
