package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// statLine is a line of /proc/<pid>/stat with these four times, in ticks.
func statLine(pid, parent int, name string, utime, stime, cutime, cstime int) string {
	ticks := []string{strconv.Itoa(utime), strconv.Itoa(stime), strconv.Itoa(cutime), strconv.Itoa(cstime)}
	return strconv.Itoa(pid) + " (" + name + ") S " + strconv.Itoa(parent) + " 1 1 0 -1 4194560 5193 0 0 0 " + strings.Join(ticks, " ") +
		" 20 0 6 0 8839 1270000 4000 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres", "a b", "a) S 99 (b", ")", ""} {
		got, err := parseStat(statLine(7, 3, name, 100, 50, 7, 3))
		want := processStat{parent: 3, own: 1500 * time.Millisecond, reaped: 100 * time.Millisecond}
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v, expected %+v", name, got, err, want)
		}
	}
	good := statLine(7, 3, "x", 1, 2, 3, 4)
	for name, line := range map[string]string{
		"empty":          "",
		"no name":        "7 x S 3",
		"cut short":      good[:strings.Index(good, " 20 0 6")-2],
		"parent":         strings.Replace(good, "S 3 ", "S x ", 1),
		"processor time": strings.Replace(good, " 1 2 3 4 ", " 1 2 x 4 ", 1),
	} {
		if got, err := parseStat(line); err == nil {
			t.Errorf("%s: %+v without an error", name, got)
		}
	}
}

// The line that this kernel writes about this process.
func TestParseStatOfThisKernel(t *testing.T) {
	t.Parallel()
	line, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseStat(string(line))
	if err != nil || got.parent != os.Getppid() {
		t.Errorf("%+v, %v, expected parent %d", got, err, os.Getppid())
	}
	if used, err := treeCPU(procDir, os.Getpid()); err != nil || used < got.own {
		t.Errorf("%v, %v, expected at least %v", used, err, got.own)
	}
	if peak, err := peakRSS(procDir, os.Getpid()); err != nil || peak < 1<<20 {
		t.Errorf("peak %d, %v", peak, err)
	}
}

// processes writes a folder like /proc with these lines by process id.
func processes(t *testing.T, dir string, lines map[int]string) {
	t.Helper()
	for pid, line := range lines {
		folder := filepath.Join(dir, strconv.Itoa(pid))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "stat"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTreeCPUCountsAServerAndItsChildren(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	processes(t, dir, map[int]string{
		10: statLine(10, 1, "postgres", 100, 0, 20, 5),
		11: statLine(11, 10, "postgres: writer", 30, 10, 0, 0),
		12: statLine(12, 10, "postgres: app", 50, 50, 1, 0),
		20: statLine(20, 1, "another", 9000, 9000, 9000, 9000),
		21: statLine(21, 11, "grandchild", 9000, 0, 0, 0), // reaches us when it was waited for
	})
	if err := os.MkdirAll(filepath.Join(dir, "13"), 0o700); err != nil { // ended between the list and the reading
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "uptime"), []byte("1 2"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := treeCPU(dir, 10)
	if want := 2660 * time.Millisecond; err != nil || before != want {
		t.Fatalf("%v, %v, expected %v", before, err, want)
	}

	// A child works 0.5 s more and ends, and the server has waited for it: nothing of it is lost, nothing counted twice.
	if err := os.RemoveAll(filepath.Join(dir, "12")); err != nil {
		t.Fatal(err)
	}
	processes(t, dir, map[int]string{10: statLine(10, 1, "postgres", 100, 0, 20+1+100, 5+50)})
	after, err := treeCPU(dir, 10)
	if err != nil || after-before != 500*time.Millisecond {
		t.Errorf("%v more, %v, expected 500ms", after-before, err)
	}
}

func TestTreeCPUOfWhatIsGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	processes(t, dir, map[int]string{10: statLine(10, 1, "x", 1, 1, 1, 1)})
	if got, err := treeCPU(dir, 11); err == nil {
		t.Errorf("%v without an error", got)
	}
	if got, err := treeCPU(filepath.Join(dir, "none"), 10); err == nil {
		t.Errorf("%v without /proc", got)
	}
	processes(t, dir, map[int]string{12: "not a stat line"})
	if got, err := treeCPU(dir, 10); err == nil {
		t.Errorf("%v although a line cannot be read", got)
	}
}

func TestPeak(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, "10")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "status"), []byte("Name:\tx\nVmPeak:\t  900000 kB\nVmHWM:\t   20480 kB\nVmRSS:\t 1 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := peakRSS(dir, 10); err != nil || got != 20<<20 {
		t.Errorf("%d, %v, expected 20 MiB", got, err)
	}
	if got, err := peakRSS(dir, 11); err == nil {
		t.Errorf("%d of a process that is gone", got)
	}
	resetPeak(dir, 10)
	if written, err := os.ReadFile(filepath.Join(folder, "clear_refs")); err != nil || string(written) != "5" {
		t.Errorf("%q, %v, expected what clears the peak (proc_pid_clear_refs(5))", written, err)
	}
	for _, status := range []string{"", "Name:\tx\n", "VmHWM:\t 20480\n", "VmHWM:\t 20480 MB\n", "VmHWM:\t many kB\n"} {
		if got, err := parsePeak(status); err == nil {
			t.Errorf("%q: %d without an error", status, got)
		}
	}
}
