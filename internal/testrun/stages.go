package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"mcpauth.example/internal/tiers"
)

// stages are all there are, in the order in which they run. What make builds, it builds in the first one.
var stages = []stage{
	{"prepare", []string{tiers.Quick, tiers.Test, tiers.Full}, makeTarget("prepared")},
	{"generated", []string{tiers.Test}, makeTarget("generated")},
	{"change", []string{tiers.Quick}, lintChange},
	{"lint", []string{tiers.Test}, makeTarget("lint")},
	{"unit", []string{tiers.Quick}, unitTests},
	{"go", []string{tiers.Test, tiers.Full}, goTests},
	{"fuzz", []string{tiers.Test, tiers.Full}, fuzz},
	{"sdk", []string{tiers.Test}, npmTest("sdk/typescript", "test")},
	{"flow", []string{tiers.Quick}, npmTest("internal/e2e", "test:flow")},
	{"browser", []string{tiers.Test}, npmTest("internal/e2e", "test")},
	{"browser-full", []string{tiers.Full}, npmTest("internal/e2e", "test:full")},
	{"growth", []string{tiers.Full}, growth},
	{"mutations", []string{tiers.Full}, mutations},
}

// command is a program in a folder of the repository. What it says is shown.
func (r *runner) command(ctx context.Context, folder, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, program, args...)
	command.Dir, command.Stdout, command.Stderr = filepath.Join(r.root, folder), r.out, r.out
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	return command
}

func makeTarget(target string) func(context.Context, *runner) (tally, error) {
	return func(ctx context.Context, r *runner) (tally, error) {
		if err := r.command(ctx, ".", cmp.Or(os.Getenv("MAKE"), "make"), "--no-print-directory", target).Run(); err != nil {
			return tally{failed: 1}, fmt.Errorf("make %s: %w", target, err)
		}
		return tally{passed: 1}, nil
	}
}

// npmTest runs a script of a package whose tests Node's own runner counts.
func npmTest(folder, script string) func(context.Context, *runner) (tally, error) {
	return func(ctx context.Context, r *runner) (tally, error) {
		return r.counted(r.command(ctx, folder, "npm", "run", "--silent", script), nodeCounts)
	}
}

// mutations breaks the product line by line.
func mutations(ctx context.Context, r *runner) (tally, error) {
	return r.counted(r.command(ctx, ".", "go", "run", "./internal/mutate"), mutationCounts)
}

// growth lets measurements that check their own answers run with what a large project has.
func growth(ctx context.Context, r *runner) (tally, error) {
	var all tally
	for _, args := range [][]string{{"-linear", "20000"}, {"-revocations", "1000"}, {"-meter", "2000"}, {"-dashboard", "200000"}} {
		command := r.command(ctx, ".", "go", append([]string{"run", "./internal/bench", "-log-level", "warn"}, args...)...)
		if err := command.Run(); err != nil {
			all.failed++
			return all, fmt.Errorf("bench %s: %w", strings.Join(args, " "), err)
		}
		all.passed++
	}
	return all, nil
}

// counted runs a command whose lines say how many tests passed.
func (r *runner) counted(command *exec.Cmd, count func(line string, t *tally)) (tally, error) {
	read, write := io.Pipe()
	command.Stdout = write
	done := make(chan tally)
	go func() {
		var t tally
		lines := bufio.NewReader(read)
		for {
			line, err := lines.ReadString('\n')
			_, _ = io.WriteString(r.out, line)
			count(strings.TrimRight(line, "\r\n"), &t)
			if err != nil {
				break
			}
		}
		done <- t
	}()
	err := command.Run()
	_ = write.Close()
	t := <-done
	if err == nil && t.passed == 0 {
		err = fmt.Errorf("%s ran no test", strings.Join(command.Args, " "))
	}
	return t, err
}

var nodeSummary = regexp.MustCompile(`^(?:ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)$`)

// nodeCounts reads the last lines of Node's test runner. What is to be done some day counts as skipped.
func nodeCounts(line string, t *tally) {
	found := nodeSummary.FindStringSubmatch(line)
	if found == nil {
		return
	}
	n, err := strconv.Atoi(found[2])
	if err != nil {
		return
	}
	switch found[1] {
	case "pass":
		t.passed += n
	case "fail", "cancelled":
		t.failed += n
	default:
		t.skipped += n
	}
}

func mutationCounts(line string, t *tally) {
	switch {
	case strings.HasPrefix(line, "caught "):
		t.passed++
	case strings.HasPrefix(line, "SURVIVED "):
		t.failed++
	}
}
