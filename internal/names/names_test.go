package names_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mcpauth.example/internal/arch"
	"mcpauth.example/internal/names"
)

const root = "../.."

// The files that have to repeat a name or the version say the same as this package.
func TestRepeatedNames(t *testing.T) {
	t.Parallel()
	module := first(t, "go.mod", `(?m)^module (\S+)$`)
	npm, lock, e2e := parsed(t, "sdk/typescript/package.json"), parsed(t, "sdk/typescript/package-lock.json"), parsed(t, "internal/e2e/package.json")
	dependencies, _ := e2e["dependencies"].(map[string]any)
	for _, tc := range []struct {
		where     string
		got, want any
	}{
		{"the module of go.mod", module, names.Module},
		{"arch.Module", arch.Module, names.Module},
		{"the name in package.json", npm["name"], names.NPM},
		{"the version in package.json", npm["version"], names.Version},
		{"the name in package-lock.json", lock["name"], names.NPM},
		{"the version in package-lock.json", lock["version"], names.Version},
		{"the version of the Go guard", first(t, "sdk/go/client.go", `(?m)^const Version = "(.*)"$`), names.Version},
		{"the version of the TypeScript guard", first(t, "sdk/typescript/src/options.ts", `(?m)^export const VERSION = "(.*)";$`), names.Version},
		{"the newest version in the changelog", first(t, "CHANGELOG.md", `(?m)^## (\S+?),? `), names.Version},
		{"what the browser suite installs", dependencies[names.NPM], "file:../../sdk/typescript"},
		{"the package on the landing page", first(t, "templates/dashboard_projects.templ", "const guardPackage = `\"(.*)\"`"), names.NPM},
		{"productName of templates", first(t, "templates/text.go", `const productName = "(.*)"`), names.Product},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.where, tc.got, tc.want)
		}
	}
}

// Each SDK is given out with the licence.
func TestLicenceIsGivenOut(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"sdk/go/LICENSE", "sdk/typescript/LICENSE"} {
		if read(t, path) != read(t, "LICENSE") {
			t.Errorf("%s: got another text than LICENSE, want the same", path)
		}
	}
}

// Nobody else can own a name of ours: Go paths lie below a reserved domain, and the registry takes no new npm name with a capital letter.
func TestNamesAreNobodyElses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{names.Module, names.GoSDK} {
		if host, _, _ := strings.Cut(path, "/"); !strings.HasSuffix(host, ".example") {
			t.Errorf("Go path %s: got host %s, want one below .example (RFC 2606)", path, host)
		}
	}
	if names.NPM == strings.ToLower(names.NPM) {
		t.Errorf("npm name: got %s, want one with a capital letter", names.NPM)
	}
}

// imported finds the name of our package where a program imports it, in whatever spelling.
var imported = regexp.MustCompile(`(?i)\bmcpAuth\b[^;\n]{0,40}?(?:\bfrom|\brequire\()\s*"([^"./<>]+)"`)

// Every program that is shown or run imports the guard by the name it has.
func TestImportedNames(t *testing.T) {
	t.Parallel()
	found := 0
	walk(t, func(path, text string) {
		for _, match := range imported.FindAllStringSubmatch(text, -1) {
			if found++; match[1] != names.NPM && match[1] != "{{npm}}" && !strings.HasPrefix(match[1], "` + names.NPM") {
				t.Errorf("%s: got import of %q, want %q", path, match[1], names.NPM)
			}
		}
	})
	if found < 10 {
		t.Errorf("got %d imports in the whole repository, want 10 at least: does the pattern still fit?", found)
	}
}

// No public repository is ours: nothing may lead people, or the agents that read for them, to one that has our name by chance.
func TestNobodyElsesRepository(t *testing.T) {
	t.Parallel()
	foreign := regexp.MustCompile(`(?i)(?:github|gitlab|bitbucket)\.(?:com|org)/` + names.Product)
	walk(t, func(path, text string) {
		if got := foreign.FindString(text); got != "" {
			t.Errorf("%s: got %s, want no address but those of the installation", path, got)
		}
	})
}

// walk reads the text files of the repository that people wrote.
func walk(t *testing.T, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "bin" || name == "testdata" || name == "results"):
			return filepath.SkipDir
		case entry.IsDir() || strings.HasSuffix(name, "_templ.go") || name == "package-lock.json" || name == "go.sum":
			return nil
		}
		switch filepath.Ext(path) {
		case ".png", ".jpg", ".woff2", ".ico", ".gif", ".webp", ".css", ".map":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(relative), string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func first(t *testing.T, path, pattern string) string {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(read(t, path))
	if match == nil {
		t.Fatalf("%s: nothing like %s", path, pattern)
	}
	return match[1]
}

func parsed(t *testing.T, path string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(read(t, path)), &value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}
