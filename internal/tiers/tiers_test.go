package tiers

import (
	"encoding/json"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func files(t *testing.T, match func(name string) bool) []string {
	t.Helper()
	found, err := Files(root, match)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no file was found: the walk is broken")
	}
	return found
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// No test of ours is left out by a tag that no tier sets, and a file's name says its tier.
func TestEveryGoTestHasATier(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") }) {
		tag := ""
		for _, group := range parse(t, file).Comments {
			for _, comment := range group.List {
				if constraint.IsGoBuild(comment.Text) {
					tag = strings.TrimPrefix(comment.Text, "//go:build ")
				}
			}
		}
		switch want := Of(file); {
		case want == Full && tag != FullTag && tag != "unix && "+FullTag:
			t.Errorf("%s is of the full tier by its name: want `//go:build %s`, got %q", file, FullTag, tag)
		case want == Test && tag != "" && tag != "unix":
			t.Errorf("%s: no tier sets %q; want no build tag, or a name that ends in _full_test.go and `//go:build %s`", file, tag, FullTag)
		}
	}
}

// Every script of tests is named by a script of the package.json above it: test for the test tier, test:full for the full one.
func TestEveryScriptHasATier(t *testing.T) {
	t.Parallel()
	packages := files(t, func(name string) bool { return name == "package.json" })
	for _, file := range files(t, func(name string) bool {
		return strings.HasSuffix(name, ".test.mjs") || strings.HasSuffix(name, ".test.ts")
	}) {
		runner := ""
		for _, candidate := range packages {
			if folder := path.Dir(candidate); strings.HasPrefix(file, folder+"/") && len(scriptsOf(t, candidate)) > 0 {
				runner = candidate
			}
		}
		if runner == "" {
			t.Errorf("%s: no package.json above it has a test script", file)
			continue
		}
		script := "test"
		if Of(file) == Full {
			script = "test:full"
		}
		if patterns := named(scriptsOf(t, runner), script); !slices.ContainsFunc(patterns, func(pattern string) bool {
			matched, err := path.Match(path.Join(path.Dir(runner), pattern), file)
			return err == nil && matched
		}) {
			t.Errorf("%s is of the tier %s, but %s of %s names only %q", file, Of(file), script, runner, patterns)
		}
	}
}

// scriptsOf are the scripts of a package that run tests.
func scriptsOf(t *testing.T, file string) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Scripts map[string]string }
	if err := json.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	for name := range manifest.Scripts {
		if name != "test" && !strings.HasPrefix(name, "test:") {
			delete(manifest.Scripts, name)
		}
	}
	return manifest.Scripts
}

// named are the patterns of files that a script names, in itself and in the scripts that it runs.
func named(scripts map[string]string, script string) []string {
	var patterns []string
	words := strings.Fields(scripts[script])
	for i, word := range words {
		switch {
		case strings.Contains(word, ".test."):
			patterns = append(patterns, strings.Trim(word, `"'`))
		case i > 0 && words[i-1] == "run" && word != script:
			patterns = append(patterns, named(scripts, word)...)
		}
	}
	return patterns
}

// The race detector watches every package whose own code starts goroutines or shares something between them.
func TestRacedIsComplete(t *testing.T) {
	t.Parallel()
	meets := map[string]string{}
	tests := map[string]bool{}
	for _, file := range files(t, func(name string) bool { return strings.HasSuffix(name, ".go") }) {
		folder := path.Dir(file)
		if strings.HasSuffix(file, "_test.go") {
			tests[folder] = true
			continue
		}
		if why := concurrent(parse(t, file)); why != "" {
			meets[folder] = why
		}
	}
	for folder, why := range meets {
		if tests[folder] && !slices.Contains(Raced, folder) {
			t.Errorf("%s has %s: want it in tiers.Raced", folder, why)
		}
	}
	for _, folder := range Raced {
		if !tests[folder] {
			t.Errorf("tiers.Raced names %s, which has no tests", folder)
		}
	}
}

// concurrent says what in a file makes goroutines meet: nothing is the empty text. sync.Once and its kind need no second look.
func concurrent(file *ast.File) string {
	found := ""
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.GoStmt:
			found = "a go statement"
		case *ast.CallExpr:
			if selector, ok := node.Fun.(*ast.SelectorExpr); ok && selector.Sel.Name == "Go" && len(node.Args) == 1 {
				found = "a call of Go"
			}
		case *ast.SelectorExpr:
			from, ok := node.X.(*ast.Ident)
			if ok && (from.Name == "atomic" || from.Name == "sync" && !strings.HasPrefix(node.Sel.Name, "Once")) {
				found = from.Name + "." + node.Sel.Name
			}
		}
		return true
	})
	return found
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"func f() { go f() }":                      "a go statement",
		"func f(g group) { g.Go(h) }":              "a call of Go",
		"var m sync.Mutex":                         "sync.Mutex",
		"var n atomic.Int64":                       "atomic.Int64",
		"var o = sync.OnceValue(f)":                "",
		"func f() { defer f() }":                   "",
		"var x struct { Go bool }; var y = x.Go":   "",
		"func f() { work(func() { go other() }) }": "a go statement",
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := concurrent(file); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

// The fuzz stage takes its targets from the tree: none is in a list that somebody forgets.
func TestFuzzTargetsAreFound(t *testing.T) {
	t.Parallel()
	targets, err := FuzzTargets(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Target{{"oauth", "FuzzAccessToken"}, {"tenants", "FuzzNewSlug"}, {"tenants", "FuzzParseServerURL"}, {"internal/secret", "FuzzOpen"}} {
		if !slices.Contains(targets, want) {
			t.Errorf("got %v, want %v among them", targets, want)
		}
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, file := range []string{"go.mod", "x_test.go", "sdk/go/go.mod", "sdk/go/y_test.go", "samples/go.mod", "node_modules/z/go.mod", "node_modules/z/z_test.go"} {
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(file)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Modules(folder)
	if want := []string{".", "sdk/go"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for in, want := range map[string][2]string{"sdk/go": {"sdk/go", "."}, "sdk/go/in": {"sdk/go", "in"}, "sdk/gopher": {".", "sdk/gopher"}, "oauth": {".", "oauth"}} {
		if module, inside := ModuleOf(got, in); module != want[0] || inside != want[1] {
			t.Errorf("%s: got %s %s, want %v", in, module, inside, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"internal/bench/linear_full_test.go": Full, "internal/e2e/tests/full/looks.test.mjs": Full,
		"internal/bench/bench_test.go": Test, "internal/e2e/tests/pages.test.mjs": Test, "oauth/fulltest_test.go": Test,
	} {
		if got := Of(file); got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}
