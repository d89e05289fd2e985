package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentsNameFilesThatExist reads the map and the decisions: what they name in the tree is there, and the list has each decision.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	folder := filepath.Join(root, "docs", "adr")
	list, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob(filepath.Join(folder, "0*.md"))
	if err != nil || len(records) == 0 {
		t.Fatalf("records: got %d (%v), want some", len(records), err)
	}
	named := regexp.MustCompile("`([a-z]+(?:/[a-z0-9_.]+)+)`")
	for _, record := range append(records, filepath.Join(root, "ARCHITECTURE.md")) {
		name := filepath.Base(record)
		if strings.HasPrefix(name, "0") && !strings.Contains(string(list), "("+name+")") {
			t.Errorf("%s: not in the list of docs/adr/README.md, want a row", name)
		}
		text, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range named.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("%s names %s: got no such file, want the place where it is now", name, found[1])
			}
		}
	}
}

// TestAttributesMeetFiles reads .gitattributes: a line for files that are gone is a line that somebody believes.
func TestAttributesMeetFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, ".gitattributes"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	for line := range strings.Lines(string(text)) {
		pattern := strings.Fields(line)[0]
		meets := slices.ContainsFunc(files, func(file string) bool {
			if folder, ok := strings.CutSuffix(pattern, "/**"); ok {
				return strings.HasPrefix(file, folder+"/")
			}
			if !strings.Contains(pattern, "/") {
				file = filepath.Base(file)
			}
			ok, err := filepath.Match(pattern, file)
			return ok && err == nil
		})
		if !meets {
			t.Errorf(".gitattributes: %s meets no file, want the line mended or gone", pattern)
		}
	}
}
