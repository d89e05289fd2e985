package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The committed documents say what the tests of today prove.
func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		want, err := d.render(root)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(root, d.path))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is out of date, run `go run ./internal/conformance` (-today +file):\n%s", d.path, diff)
		}
	}
}

func TestCited(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Catalogue 139, 261: a decision":             {"139", "261"},
		"(catalogue 18-20 and 22)":                   {"18", "19", "20", "22"},
		"catalogue: 7":                               {"7"},
		"passes every check (A2..A4, A11)":           {"A2", "A3", "A4", "A11"},
		"catalogue 33, 34, P9":                       {"33", "34", "P9"},
		"P1, RFC 7591 section 2, ES256, P-256, 2024": {"P1"},
		"Catalogue 77 to 79, 84, A14 to A16":         {"77", "78", "79", "84", "A14", "A15", "A16"},
		"nothing":                                    nil,
	} {
		if got := cited(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, expected %v", text, got, want)
		}
	}
}

func TestRequirementsAreComplete(t *testing.T) {
	t.Parallel()
	requirements, err := readRequirements()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, r := range requirements {
		if seen[r.number]++; r.about == "" || seen[r.number] > 1 {
			t.Errorf("%+v", r)
		}
	}
	for _, span := range []string{"A1..A43", "R1..R13", "P1..P30", "catalogue 1-188", "catalogue 258-262", "catalogue 195-215"} {
		for _, number := range cited(span) {
			if seen[number] == 0 {
				t.Errorf("%s is missing", number)
			}
		}
	}
}

// A citation counts for the test that it stands in or above, not for its neighbours.
func TestReaders(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	found := func(test, text string) {
		for _, number := range cited(text) {
			got[number] = test
		}
	}
	source := "package x\n\n// Catalogue 1: one.\nfunc TestOne(t *testing.T) {\n\tdo() // catalogue 2\n}\n\n// A3\nfunc TestTwo(t *testing.T) { say(\"catalogue 4\") }\n"
	if err := readGo("x_test.go", source, found); err != nil {
		t.Fatal(err)
	}
	if err := readScript("x.test.mjs", "// P9\ntest(\"first (P1)\", () => {\n  // catalogue 5\n});\ntest('second', () => {}); // R6\n", found); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"1": "TestOne", "2": "TestOne", "A3": "TestTwo", "4": "TestTwo", "P1": "first (P1)", "5": "first (P1)", "R6": "second"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
