package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of /proc/<pid>/stat: 100 on every Linux architecture that Go supports.
const ticksPerSecond = 100

// procDir is where the kernel shows processes.
const procDir = "/proc"

// processStat is what /proc/<pid>/stat tells of one process (proc(5)).
type processStat struct {
	parent int
	own    time.Duration // processor time of its threads, the ended ones included
	reaped time.Duration // processor time of its ended and waited-for children
}

// parseStat reads the line of /proc/<pid>/stat. The program's name may hold spaces and parentheses; it ends at the last one.
func parseStat(line string) (processStat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return processStat{}, errors.New("stat: no program name")
	}
	fields := strings.Fields(line[end+1:]) // from field 3, the state
	const parent, utime, last = 4 - 3, 14 - 3, 17 - 3
	if len(fields) <= last {
		return processStat{}, errors.New("stat: too few fields")
	}
	s := processStat{}
	var err error
	if s.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return processStat{}, fmt.Errorf("stat: parent: %w", err)
	}
	var ticks [4]int64 // utime, stime, cutime, cstime
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(fields[utime+i], 10, 64); err != nil {
			return processStat{}, fmt.Errorf("stat: processor time: %w", err)
		}
	}
	s.own, s.reaped = time.Duration(ticks[0]+ticks[1])*time.Second/ticksPerSecond, time.Duration(ticks[2]+ticks[3])*time.Second/ticksPerSecond
	return s, nil
}

// treeCPU is the processor time that a process, its living children and its ended ones have used so far. A child that ends between two
// readings moves from one summand to the other, so the difference of two readings is exact.
func treeCPU(dir string, pid int) (time.Duration, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("processor time is read from /proc (Linux): %w", err)
	}
	total, found := time.Duration(0), false
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile(filepath.Join(dir, entry.Name(), "stat")) //nolint:gosec // below /proc
		if err != nil {
			continue // it has ended meanwhile
		}
		s, err := parseStat(string(line))
		switch {
		case err != nil:
			return 0, fmt.Errorf("process %d: %w", id, err)
		case id == pid:
			total, found = total+s.own+s.reaped, true
		case s.parent == pid:
			total += s.own + s.reaped
		}
	}
	if !found {
		return 0, fmt.Errorf("process %d is gone", pid)
	}
	return total, nil
}

// parsePeak reads the peak resident memory, in bytes, from /proc/<pid>/status.
func parsePeak(status string) (int64, error) {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kilobytes, err := strconv.ParseInt(number, 10, 64)
		if err != nil || unit != "kB" {
			return 0, fmt.Errorf("status: unexpected VmHWM %q", strings.TrimSpace(rest))
		}
		return kilobytes << 10, nil
	}
	return 0, errors.New("status: no VmHWM")
}

// peakRSS is the most resident memory a process has had since resetPeak, in bytes.
func peakRSS(dir string, pid int) (int64, error) {
	status, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(pid), "status")) //nolint:gosec // below /proc
	if err != nil {
		return 0, err
	}
	return parsePeak(string(status))
}

// resetPeak makes the kernel count the peak anew. Where that is not allowed the peak stays that of the whole run.
func resetPeak(dir string, pid int) {
	_ = os.WriteFile(filepath.Join(dir, strconv.Itoa(pid), "clear_refs"), []byte("5"), 0)
}
