package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An archive holds one folder with a program that can be started and the documents, and is the same whenever it is made.
func TestArchive(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	program := filepath.Join(folder, "built")
	write(t, program, "a program")
	r := release{root: "../..", version: "1.2.3"}
	name := "mcpauth_1.2.3_linux_amd64"
	first, err := r.pack(name, program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(program, fileTime, fileTime); err != nil {
		t.Fatal(err)
	}
	if again, err := r.pack(name, program); err != nil || !bytes.Equal(first, again) {
		t.Errorf("packed again: got other bytes (%v), want the same", err)
	}
	got := map[string]int64{}
	packed, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(packed)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = header.Mode
	}
	want := map[string]int64{name + "/mcpauth": 0o755, name + "/LICENSE": 0o644, name + "/README.md": 0o644, name + "/CHANGELOG.md": 0o644}
	for file, mode := range want {
		if got[file] != mode {
			t.Errorf("%s: got mode %o, want %o", file, got[file], mode)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d files, want %d: %v", len(got), len(want), got)
	}
}

// The checksums are those of the files, in the form that sha256sum reads.
func TestSums(t *testing.T) {
	t.Parallel()
	r := release{out: t.TempDir()}
	write(t, filepath.Join(r.out, "b.tar.gz"), "two")
	write(t, filepath.Join(r.out, "a.tar.gz"), "one")
	if err := r.sum([]string{"b.tar.gz", "a.tar.gz"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(r.out, sums))
	if err != nil {
		t.Fatal(err)
	}
	if want := sumOf("one") + "  a.tar.gz\n" + sumOf("two") + "  b.tar.gz\n"; string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A release that is there is not written over, and nothing is built without the program that lists what is inside.
func TestRefusals(t *testing.T) {
	t.Parallel()
	taken := t.TempDir()
	write(t, filepath.Join(taken, sums), "")
	for want, r := range map[string]release{
		"holds a release":    {out: taken, sbom: "anything"},
		"-sbom is missing":   {out: t.TempDir()},
		"go build: ":         {root: t.TempDir(), out: t.TempDir(), sbom: "anything"},
		"linux/amd64: go bu": {root: t.TempDir(), out: t.TempDir(), sbom: "anything"},
	} {
		if err := r.make(t.Context(), platforms); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
