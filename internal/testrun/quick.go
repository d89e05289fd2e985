package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// heavy are packages whose users start a database or the built program: their tests are no unit tests.
var heavy = []string{"/internal/devdb", "/internal/built"}

// unitTests runs the tests of every package that needs neither a database nor a built program.
func unitTests(ctx context.Context, r *runner) (tally, error) {
	command := r.command(ctx, ".", "go", "list", "-test", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "./...")
	command.Stdout = nil
	output, err := command.Output()
	if err != nil {
		return tally{}, fmt.Errorf("go list: %w", err)
	}
	return r.goTest(ctx, ".", light(string(output)))
}

// light are the packages of which no test needs much. Each line names a package and all that it imports; that of its tests is called
// like the package, with .test at the end.
func light(list string) []string {
	var found []string
	for line := range strings.Lines(list) {
		dependencies := strings.Fields(line)
		name, ok := strings.CutSuffix(dependencies[0], ".test")
		if ok && !slices.ContainsFunc(dependencies, func(dependency string) bool {
			return slices.ContainsFunc(heavy, func(end string) bool { return strings.HasSuffix(dependency, end) })
		}) {
			found = append(found, name)
		}
	}
	return found
}

// lintChange checks what differs from the last commit, or when nothing does, what the last commit changed.
func lintChange(ctx context.Context, r *runner) (tally, error) {
	files, err := r.changed(ctx)
	if err != nil {
		return tally{}, err
	}
	if len(files) == 0 {
		return tally{passed: 1}, nil
	}
	command := r.command(ctx, ".", "gofmt", append([]string{"-l"}, files...)...)
	command.Stdout = nil
	unformatted, err := command.Output()
	if err != nil {
		return tally{}, fmt.Errorf("gofmt: %w", err)
	}
	if len(unformatted) > 0 {
		return tally{failed: 1}, fmt.Errorf("not formatted (gofmt -w):\n%s", unformatted)
	}
	linter := os.Getenv("LINT")
	if linter == "" {
		return tally{}, errors.New("LINT names no linter: use make quick")
	}
	folders := map[string]bool{}
	args := []string{"run"}
	for _, file := range files {
		if folder := filepath.Dir(file); !folders[folder] {
			folders[folder] = true
			args = append(args, "./"+folder)
		}
	}
	if err := r.command(ctx, ".", linter, args...).Run(); err != nil {
		return tally{failed: 1}, fmt.Errorf("linter: %w", err)
	}
	return tally{passed: 1}, nil
}

// changed are the Go files that the change touches and that are still there.
func (r *runner) changed(ctx context.Context) ([]string, error) {
	git := func(args ...string) ([]string, error) {
		command := r.command(ctx, ".", "git", args...)
		command.Stdout = nil
		output, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
		}
		return strings.Fields(string(output)), nil
	}
	edited, err := git("diff", "--name-only", "HEAD", "--", "*.go")
	if err != nil {
		return nil, err
	}
	added, err := git("ls-files", "--others", "--exclude-standard", "--", "*.go")
	files := append(edited, added...)
	if len(files) == 0 && err == nil {
		files, err = git("diff-tree", "-r", "--root", "--no-commit-id", "--name-only", "HEAD", "--", "*.go")
	}
	return slices.DeleteFunc(files, func(file string) bool {
		_, statErr := os.Stat(filepath.Join(r.root, file))
		return statErr != nil
	}), err
}
