// Package tiers says what runs when: `make quick` while working, `make test` for every change, `make full` for everything that takes
// minutes. A Go test is of the full tier by its file: the name ends in _full_test.go and the file begins with `//go:build full`. A script
// is by its folder, full. Everything else runs in `make test`. It must import nothing of the project.
package tiers

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The tiers, as their make targets are called.
const (
	Quick = "quick"
	Test  = "test"
	Full  = "full"
)

// FullTag is the build tag of Go tests that only the full tier runs.
const FullTag = "full"

// Of is the tier that runs a file of tests. The path is relative to the repository.
func Of(path string) string {
	path = filepath.ToSlash(path)
	if strings.HasSuffix(path, "_full_test.go") || slices.Contains(strings.Split(path, "/"), "full") {
		return Full
	}
	return Test
}

// Raced are the packages whose goroutines meet: `make test` runs their tests with the race detector, `make full` those of all packages.
// A test fails for a package that starts goroutines or shares something between them and is missing here.
var Raced = []string{
	"cmd/mcpauth",
	"internal/bench",
	"internal/bench/floor",
	"internal/demo",
	"internal/devdb",
	"internal/dnsproof",
	"internal/e2e/goclient",
	"internal/egress",
	"internal/mail",
	"internal/mail/catcher",
	"internal/postgres",
	"internal/postgres/pgtest",
	"internal/secret",
	"internal/signin",
	"internal/testrun",
	"internal/tryout",
	"internal/web",
	"oauth",
	"sdk/contract",
	"sdk/go",
}

// skipped are folders that hold nothing of ours.
func skipped(name string) bool {
	return name == "node_modules" || name == "testdata" || name == "bin" || name == "dist" || name == "results" || len(name) > 1 && strings.HasPrefix(name, ".")
}

// Files are the files of the repository whose names match, relative to it, with slashes.
func Files(root string, match func(name string) bool) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && skipped(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if match(entry.Name()) {
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found = append(found, filepath.ToSlash(relative))
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// Modules are the folders of the repository's Go modules that have tests, its own first.
func Modules(root string) ([]string, error) {
	all, err := Files(root, func(name string) bool { return name == "go.mod" || strings.HasSuffix(name, "_test.go") })
	if err != nil {
		return nil, err
	}
	modules := []string{"."}
	for _, file := range all {
		folder := filepath.ToSlash(filepath.Dir(file))
		if filepath.Base(file) == "go.mod" && folder != "." && slices.ContainsFunc(all, func(other string) bool {
			return strings.HasSuffix(other, "_test.go") && strings.HasPrefix(other, folder+"/")
		}) {
			modules = append(modules, folder)
		}
	}
	return modules, nil
}

// ModuleOf is the module that a folder belongs to, and the folder relative to it.
func ModuleOf(modules []string, folder string) (module, inside string) {
	for _, module := range modules[1:] {
		if folder == module {
			return module, "."
		}
		if rest, ok := strings.CutPrefix(folder, module+"/"); ok {
			return module, rest
		}
	}
	return ".", folder
}

// Target is a fuzz target.
type Target struct{ Folder, Name string }

var fuzzPattern = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// FuzzTargets are all fuzz targets of the repository.
func FuzzTargets(root string) ([]Target, error) {
	files, err := Files(root, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	var targets []Target
	for _, file := range files {
		source, readErr := os.ReadFile(filepath.Join(root, file)) //nolint:gosec // the project's own files
		err = errors.Join(err, readErr)
		for _, found := range fuzzPattern.FindAllSubmatch(source, -1) {
			targets = append(targets, Target{Folder: filepath.ToSlash(filepath.Dir(file)), Name: string(found[1])})
		}
	}
	return targets, err
}
