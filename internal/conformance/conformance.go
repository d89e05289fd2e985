// Package main writes CONFORMANCE.md, and a shorter page of the documentation: the numbered requirements of the protocol and the numbered
// attacks, each with the tests that cite it. A test cites in a comment or in its name: "catalogue 156", "A15", "P7", also as lists and ranges.
//
//	go run ./internal/conformance
//
// It must import nothing of the project but internal/tiers.
package main

import (
	"bufio"
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed requirements.txt
var requirementsText string

// requirement is one line of requirements.txt.
type requirement struct {
	section, number, about string
	// needless says why no test is needed.
	needless string
}

// document is a file that is written.
type document struct {
	path, title, intro string
	// holds says which numbers it has; without it all.
	holds func(number string) bool
	// by is what a row says of the tests that prove it.
	by func(tests []string) string
}

const (
	aboutProofs   = "A number is proved by the tests that cite it."
	aboutProtocol = "A and R are what the MCP authorization specification asks of authorization servers and MCP servers, P is what real clients are known to trip over"
	aboutAttacks  = "those with a star have a mutation in internal/mutate, a changed line of the product that makes a test fail"
	aboutTiers    = "`make test` runs every proof but those marked *(full)*, which run in `make full`, as the mutations do."
	aboutCounts   = "CONFORMANCE.md in the sources names each test."
)

// The pages of the documentation have to be light and read on a phone: they count the tests, the file names them.
var documents = []document{
	{
		path: "CONFORMANCE.md", title: "Conformance", by: func(tests []string) string { return strings.Join(tests, "<br>") },
		intro: "Made by `go run ./internal/conformance` from the tests: do not edit. " + aboutProofs + "\n" + aboutProtocol + ",\nplain numbers are attacks; " + aboutAttacks + ".\n" + aboutTiers,
	},
	{
		path: "templates/docs/pages/conformance.md", title: "Conformance", holds: ofProtocol, by: howMany,
		intro: aboutProofs + " " + aboutProtocol + ". " + aboutTiers + " " + aboutCounts,
	},
	{
		path: "templates/docs/pages/attacks.md", title: "Attacks", holds: func(number string) bool { return !ofProtocol(number) }, by: howMany,
		intro: "What attackers try, from the RFCs, the OAuth security practice (RFC 9700) and what was found in other products. " + aboutProofs + " " +
			strings.ToUpper(aboutAttacks[:1]) + aboutAttacks[1:] + ". " + aboutTiers + " " + aboutCounts,
	},
}

// ofProtocol tells the numbers of the protocol from those of attacks.
func ofProtocol(number string) bool { return strings.ContainsAny(number[:1], "ARP") }

// fullMark follows a test that the full tier runs, not every run.
const fullMark = " *(full)*"

// howMany tests there are, and how many of them the full tier alone runs.
func howMany(tests []string) string {
	full := 0
	for _, test := range tests {
		if strings.HasSuffix(test, fullMark) {
			full++
		}
	}
	text := strconv.Itoa(len(tests)) + " tests"
	if len(tests) == 1 {
		text = "1 test"
	}
	switch full {
	case 0:
		return text
	case len(tests):
		return text + fullMark
	default:
		return text + ", " + strconv.Itoa(full) + fullMark
	}
}

func main() {
	root, err := findRoot()
	if err == nil {
		for _, d := range documents {
			var text string
			if text, err = d.render(root); err == nil {
				err = os.WriteFile(filepath.Join(root, d.path), []byte(text), 0o644)
			}
			if err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// findRoot is the folder of go.mod, upwards from here.
func findRoot() (string, error) {
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, statErr := os.Stat(filepath.Join(folder, "go.mod")); statErr == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("expected to run inside the repository: no go.mod above the working folder")
		}
	}
	return "", err
}

func readRequirements() ([]requirement, error) {
	var out []requirement
	section := ""
	lines := bufio.NewScanner(strings.NewReader(requirementsText))
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "## "):
			section = line[3:]
		case line == "" || strings.HasPrefix(line, "#"):
		default:
			parts := strings.SplitN(line, "|", 3)
			if len(parts) < 2 || section == "" {
				return nil, fmt.Errorf("requirements.txt: %q: expected number|what it is about", line)
			}
			r := requirement{section: section, number: parts[0], about: parts[1]}
			if len(parts) == 3 {
				r.needless = parts[2]
			}
			out = append(out, r)
		}
	}
	return out, lines.Err()
}

var (
	cataloguePattern = regexp.MustCompile(`(?i)catalogue:? ((?:\d+(?:(?:\.\.|-|–| to )\d+)?(?:, and |, | and )?)+)`)
	rangePattern     = regexp.MustCompile(`(\d+)(?:(?:\.\.|-|–| to )(\d+))?`)
	letterPattern    = regexp.MustCompile(`\b([ARP])(\d{1,2})(?:(?:\.\.| to )[ARP]?(\d{1,2}))?\b`)
)

// cited returns the numbers that a text cites.
func cited(text string) []string {
	var out []string
	add := func(prefix, from, to string) {
		first, err := strconv.Atoi(from)
		last, lastErr := strconv.Atoi(to)
		if err != nil || lastErr != nil {
			return
		}
		for n := first; n <= last && n < first+100; n++ {
			out = append(out, prefix+strconv.Itoa(n))
		}
	}
	for _, list := range cataloguePattern.FindAllStringSubmatch(text, -1) {
		for _, one := range rangePattern.FindAllStringSubmatch(list[1], -1) {
			add("", one[1], cmp.Or(one[2], one[1]))
		}
	}
	for _, one := range letterPattern.FindAllStringSubmatch(text, -1) {
		add(one[1], one[2], cmp.Or(one[3], one[2]))
	}
	return out
}

// render makes the document.
func (d document) render(root string) (string, error) {
	requirements, err := readRequirements()
	if err != nil {
		return "", err
	}
	proofs, err := findProofs(root)
	if err != nil {
		return "", err
	}
	if d.holds != nil {
		requirements = slices.DeleteFunc(requirements, func(r requirement) bool { return !d.holds(r.number) })
	}
	var table strings.Builder
	section, proved, needless := "", 0, 0
	for _, r := range requirements {
		if r.section != section {
			section = r.section
			fmt.Fprintf(&table, "\n## %s\n\n| | What | Proved by |\n|---|---|---|\n", section)
		}
		by := "**not yet**"
		switch tests := proofs[r.number]; {
		case len(tests) > 0:
			proved++
			slices.Sort(tests)
			by = d.by(slices.Compact(tests))
		case r.needless != "":
			needless++
			by = "needs no test: " + r.needless
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", r.number, strings.ReplaceAll(r.about, "|", `\|`), by)
	}
	return fmt.Sprintf("# %s\n\n%s\n\n%d in all: %d with tests, %d that need none, %d not yet.\n%s",
		d.title, d.intro, len(requirements), proved, needless, len(requirements)-proved-needless, table.String()), nil
}
