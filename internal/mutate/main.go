// Package main breaks the product one line at a time and demands that a test notices.
//
//	go run ./internal/mutate          all mutations, one after the other
//	go run ./internal/mutate 156 A15  those of some numbers of CONFORMANCE.md
//
// The files of the repository stay as they are: a changed copy takes the place of one for the compiler only. It must import nothing of
// the project.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

func run(ctx context.Context, numbers []string) error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	tried, survived := 0, 0
	for _, m := range mutations {
		if len(numbers) > 0 && !slices.Contains(numbers, m.number) {
			continue
		}
		tried++
		err := m.try(ctx, root)
		if err == nil {
			fmt.Printf("caught    %-4s %s\n", m.number, m.file)
			continue
		}
		survived++
		fmt.Printf("SURVIVED  %-4s %s: %s: %v\n", m.number, m.file, strings.TrimSpace(m.new), err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Printf("%d mutations, %d caught\n", tried, tried-survived)
	if tried == 0 {
		return fmt.Errorf("no mutation has one of the numbers %v", numbers)
	}
	if survived > 0 {
		return errors.New("a test has to fail for each of them")
	}
	return nil
}

// mutated is the file's text with the change.
func (m mutation) mutated(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, m.file)) //nolint:gosec // the project's own files
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 || m.old == m.new {
		return nil, fmt.Errorf("expected the line once and a change, found it %d times", n)
	}
	return bytes.Replace(source, []byte(m.old), []byte(m.new), 1), nil
}

// try returns nil when a test failed. A change that does not compile proves nothing.
func (m mutation) try(ctx context.Context, root string) error {
	changed, err := m.mutated(root)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file, overlay := filepath.Join(folder, "changed.go"), filepath.Join(folder, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): file}})
	if err == nil {
		err = errors.Join(os.WriteFile(file, changed, 0o600), os.WriteFile(overlay, replace, 0o600))
	}
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "test", "-tags=full", "-vet=off", "-overlay", overlay, "-count=1", "-run", m.run, m.pkg)
	command.Dir = root
	output, err := command.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && bytes.Contains(output, []byte("no tests to run")):
		return fmt.Errorf("no test is called %s", m.run)
	case err == nil:
		return errors.New("every test passes")
	case !bytes.Contains(output, []byte("--- FAIL")):
		return fmt.Errorf("no test ran: %s", output)
	}
	return nil
}
