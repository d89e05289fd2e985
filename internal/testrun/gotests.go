package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/tiers"
)

// testTimeout is for a package on a computer that does other things too.
const testTimeout = "-timeout=30m"

// raceOff says why there is no race detector: it needs a C compiler.
func raceOff(ctx context.Context) string {
	output, err := exec.CommandContext(ctx, "go", "env", "CC", "CGO_ENABLED").Output()
	compiler, enabled, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	switch {
	case err != nil:
		return "go env: " + err.Error()
	case enabled == "0":
		return "CGO_ENABLED is 0, or there is no C compiler (Debian: apt-get install gcc libc6-dev)"
	}
	program, _, _ := strings.Cut(compiler, " ")
	if _, err := exec.LookPath(program); err != nil {
		return "there is no C compiler (Debian: apt-get install gcc libc6-dev)"
	}
	return ""
}

// goTests runs the Go tests of every module: with the race detector those of tiers.Raced, or in the full tier all of them.
func goTests(ctx context.Context, r *runner) (tally, error) {
	modules, err := tiers.Modules(r.root)
	if err != nil {
		return tally{}, err
	}
	var all tally
	var failed error
	for _, module := range modules {
		raced, plain, err := r.split(ctx, module)
		if err != nil {
			return all, err
		}
		for _, part := range []struct {
			packages []string
			flags    []string
		}{{raced, []string{"-race"}}, {plain, nil}} {
			if len(part.packages) == 0 {
				continue
			}
			counted, err := r.goTest(ctx, module, append(part.flags, part.packages...))
			all.add(counted)
			if err != nil {
				failed = err
			}
		}
	}
	return all, failed
}

// split lists the packages of a module, those for the race detector first.
func (r *runner) split(ctx context.Context, module string) (raced, plain []string, err error) {
	packages, err := r.list(ctx, module, "{{.ImportPath}} {{if .Module}}{{.Module.Path}}{{end}}")
	for _, line := range packages {
		path, own, _ := strings.Cut(line, " ")
		folder := strings.TrimPrefix(strings.TrimPrefix(path, own), "/")
		if module != "." {
			folder = strings.TrimSuffix(module+"/"+folder, "/")
		}
		if r.raceOff == "" && (r.everything || slices.Contains(tiers.Raced, folder)) {
			raced = append(raced, path)
		} else {
			plain = append(plain, path)
		}
	}
	return raced, plain, err
}

// list asks the Go command about all packages of a module that have tests.
func (r *runner) list(ctx context.Context, module, format string) ([]string, error) {
	command := r.command(ctx, module, "go", append(r.tags("list"), "-f", "{{if or .TestGoFiles .XTestGoFiles}}"+format+"{{end}}", "./...")...)
	command.Stdout = nil
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	return strings.FieldsFunc(string(output), func(c rune) bool { return c == '\n' }), nil
}

// tags begins the arguments of a Go command.
func (r *runner) tags(command string) []string {
	if r.everything {
		return []string{command, "-tags=" + tiers.FullTag}
	}
	return []string{command}
}

// goTest runs tests and reads what the Go command says of them. The linter has vetted them.
func (r *runner) goTest(ctx context.Context, module string, args []string) (tally, error) {
	command := r.command(ctx, module, "go", append(append(r.tags("test"), "-json", "-vet=off", testTimeout), args...)...)
	read, write := io.Pipe()
	command.Stdout = write
	watcher := &goWatcher{out: r.out, said: map[string]*bytes.Buffer{}}
	done := make(chan struct{})
	go func() {
		watcher.watch(read)
		close(done)
	}()
	err := command.Run()
	_ = write.Close()
	<-done
	if err != nil {
		err = fmt.Errorf("go test: %w", err)
	}
	return watcher.tally, err
}

// goWatcher makes one line of each package, and shows everything about what failed.
type goWatcher struct {
	out   io.Writer
	said  map[string]*bytes.Buffer // by package and test
	here  map[string]int           // tests that passed, by package
	tally tally
}

// event is a line of `go test -json`.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func (w *goWatcher) watch(stream io.Reader) {
	w.here = map[string]int{}
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(bytes.TrimSpace(line)) == 0:
		case json.Unmarshal(line, &e) != nil:
			_, _ = w.out.Write(line) // of the Go command itself
		default:
			w.take(e)
		}
		if err != nil {
			return
		}
	}
}

func (w *goWatcher) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		_, _ = io.WriteString(w.out, e.Output)
	case "output":
		if w.said[key] == nil {
			w.said[key] = &bytes.Buffer{}
		}
		w.said[key].WriteString(e.Output)
	case "pass", "fail", "skip":
		w.end(e, key)
	}
}

// end is that of a test, or without one that of a package.
func (w *goWatcher) end(e event, key string) {
	said := w.said[key]
	delete(w.said, key)
	if e.Test == "" {
		w.endPackage(e, said)
		return
	}
	switch e.Action {
	case "pass":
		w.tally.passed++
		w.here[e.Package]++
	case "skip":
		w.tally.skipped++
		w.show(said)
	default:
		w.tally.failed++
		w.show(said)
	}
}

func (w *goWatcher) endPackage(e event, said *bytes.Buffer) {
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(100 * time.Millisecond).String()
	if said != nil && bytes.Contains(said.Bytes(), []byte("(cached)")) {
		took = "cached"
	}
	word := "ok  "
	if e.Action == "fail" {
		word = "FAIL"
		// What never ended: the test that a panic or the timeout took along has no end of its own.
		for key, open := range w.said {
			if strings.HasPrefix(key, e.Package+" ") {
				w.show(open)
				delete(w.said, key)
			}
		}
		w.show(said)
	}
	_, _ = fmt.Fprintf(w.out, "%s %-40s %8s %5d passed\n", word, e.Package, took, w.here[e.Package])
}

func (w *goWatcher) show(said *bytes.Buffer) {
	if said != nil {
		_, _ = said.WriteTo(w.out)
	}
}
