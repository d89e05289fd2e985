package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// Every line that a mutation changes is still there, once.
func TestMutationsApply(t *testing.T) {
	t.Parallel()
	for _, m := range mutations {
		if _, err := m.mutated("../.."); err != nil {
			t.Errorf("%s %s: %q: %v", m.number, m.file, m.old, err)
		}
		if m.number == "" || m.pkg == "" || regexp.MustCompile(m.run).String() == "" {
			t.Errorf("%+v", m)
		}
	}
}

// Every attack with a star that is proved at all has a mutation.
func TestStarsHaveMutations(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(filepath.Join("..", "..", "CONFORMANCE.md"))
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, m := range mutations {
		has[m.number] = true
	}
	stars := regexp.MustCompile(`(?m)^\| (\d+) \| \* .*\| (.*) \|$`).FindAllStringSubmatch(string(document), -1)
	if len(stars) < 10 {
		t.Fatalf("%d stars", len(stars))
	}
	for _, star := range stars {
		if star[2] != "**not yet**" && !has[star[1]] {
			t.Errorf("%s has tests and no mutation", star[1])
		}
	}
}
