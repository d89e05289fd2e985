package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"mcpauth.example/internal/tiers"
)

// How much each target tries, unless FUZZ says otherwise: a number of inputs, or a time.
const (
	fuzzShort = "20000x"
	fuzzLong  = "45s"
)

// fuzz tries random input on every fuzz target of the repository. Each package's program is built once.
func fuzz(ctx context.Context, r *runner) (tally, error) {
	targets, err := tiers.FuzzTargets(r.root)
	if err != nil {
		return tally{}, err
	}
	modules, err := tiers.Modules(r.root)
	if err != nil {
		return tally{}, err
	}
	folder, err := os.MkdirTemp("", "mcpauth-fuzz-")
	if err != nil {
		return tally{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	programs := map[string]*fuzzProgram{}
	effort := fuzzShort
	if r.everything {
		effort = fuzzLong
	}
	effort = cmp.Or(os.Getenv("FUZZ"), effort)
	var counted tally
	for i, target := range targets {
		program := programs[target.Folder]
		if program == nil {
			if program, err = r.buildFuzz(ctx, modules, target.Folder, filepath.Join(folder, fmt.Sprintf("%d.test", i))); err != nil {
				return counted, err
			}
			programs[target.Folder] = program
		}
		if err := r.fuzzOne(ctx, program, target, effort); err != nil {
			counted.failed++
			continue
		}
		counted.passed++
	}
	if counted.failed > 0 {
		return counted, fmt.Errorf("%d fuzz targets failed", counted.failed)
	}
	return counted, nil
}

// fuzzProgram is the instrumented program of a package's tests, and where what it found of interest is kept.
type fuzzProgram struct{ path, cache string }

func (r *runner) buildFuzz(ctx context.Context, modules []string, folder, path string) (*fuzzProgram, error) {
	module, inside := tiers.ModuleOf(modules, folder)
	build := r.command(ctx, module, "go", "test", "-c", "-vet=off", "-fuzz", "Fuzz", "-o", path, "./"+inside)
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the tests of %s: %w", folder, err)
	}
	ask := exec.CommandContext(ctx, "go", "list", "-f", "{{.ImportPath}}", "./"+inside)
	ask.Dir = filepath.Join(r.root, module)
	name, err := ask.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", folder, err)
	}
	cache, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return &fuzzProgram{path: path, cache: filepath.Join(strings.TrimSpace(string(cache)), "fuzz", filepath.FromSlash(strings.TrimSpace(string(name))))}, nil
}

func (r *runner) fuzzOne(ctx context.Context, program *fuzzProgram, target tiers.Target, effort string) error {
	run := exec.CommandContext(ctx, program.path, "-test.run=^$", "-test.fuzz=^"+target.Name+"$", "-test.fuzztime="+effort,
		"-test.fuzzcachedir="+program.cache, "-test.timeout=0")
	run.Dir = filepath.Join(r.root, target.Folder)
	var said bytes.Buffer
	run.Stdout, run.Stderr = &said, &said
	err := run.Run()
	word := "ok  "
	if err != nil {
		word = "FAIL"
		_, _ = said.WriteTo(r.out)
	}
	_, _ = fmt.Fprintf(r.out, "%s %-40s %s, %s\n", word, target.Folder, target.Name, effort)
	return err
}
