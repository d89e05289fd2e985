package endpoints_test

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// credential is a kind of value that the product hands out and later acts upon.
type credential struct {
	// marks are where the kind shows in source and schema; credentialMarks finds them.
	marks []string
	// issue makes a living credential of tenant a in browser b.
	issue func(b *browser, a *tenant) issued
	// random has the shape of a value and was never handed out.
	random func(value string) string
	// present shows a value at a tenant in every place that reads the kind.
	present func(at *tenant, with issued, value string) map[string]*answer
}

// issued is a credential with what belongs to it.
type issued struct {
	value string
	// browser holds the cookies that it was made with.
	browser *browser
	// there is a page at the other tenant, made before anything is compared.
	there *answer
	// code is what was mailed with it.
	code string
	// good presents the value where it belongs and reports whether it works.
	good func() bool
}

// Catalogue 258: every kind of credential of one tenant, presented at another, gets the answer that a random value gets, and nothing
// is written; at its own tenant it is good.
func TestCredentialsOfAnotherTenant(t *testing.T) {
	t.Parallel()
	for kind, c := range credentials() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, b := w.demo, w.other
			made := c.issue(newBrowser(t, w.door), a)
			random := c.random(made.value)
			if made.value == "" || random == made.value || len(random) != len(made.value) {
				t.Fatalf("%q and %q", made.value, random)
			}
			unknown := c.present(b, made, random)
			before := w.rows()
			foreign := c.present(b, made, made.value)
			if len(foreign) == 0 || len(foreign) != len(unknown) {
				t.Fatalf("%d and %d places", len(foreign), len(unknown))
			}
			for place, got := range foreign {
				if diff := cmp.Diff(seen(unknown[place], random), seen(got, made.value)); diff != "" {
					t.Errorf("%s: a random value (-) and another tenant's (+) differ:\n%s", place, diff)
				}
			}
			w.unchanged(before)
			if !made.good() {
				t.Error("not good at its own tenant, so the comparison proves nothing")
			}
		})
	}
}

// seen is what whoever sent a request can see of the answer, without what differs each time and without an echo of what was sent.
func seen(got *answer, sent string) map[string]any {
	header := got.Header.Clone()
	header.Del("Date")
	for i, cookie := range header["Set-Cookie"] {
		header["Set-Cookie"][i] = cookieValue.ReplaceAllString(cookie, "=…;")
	}
	header.Del("X-Request-Id")
	return map[string]any{"status": got.StatusCode, "header": map[string][]string(header), "body": strings.ReplaceAll(normal(got.body), sent, "…")}
}

var cookieValue = regexp.MustCompile(`^(?:[^=;]*)=[^;]*;`)

// The table is complete: whatever the code authenticates, seals, prefixes or keeps a hash of belongs to a row.
func TestEveryKindOfCredentialHasARow(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for kind, c := range credentials() {
		if len(c.marks) == 0 {
			t.Errorf("%s: no mark", kind)
		}
		for _, mark := range c.marks {
			covered[mark] = true
		}
	}
	maps.Copy(covered, notPresented)
	found := credentialMarks(t)
	for _, mark := range found {
		if !covered[mark] {
			t.Errorf("%s: no kind of credential has this mark; add a row to credentials, or say in notPresented why nobody can present it", mark)
		}
		delete(covered, mark)
	}
	for mark := range covered {
		t.Errorf("%s: a row names it, the product does not", mark)
	}
}

var credentialPrefix = regexp.MustCompile(`^"mcpauth_[a-z]+_"$`)

// credentialMarks lists, from the product's source, the prefixes of credentials, the uses of the key ring and the names of the issuer
// pages' cookies, and from the schema the columns of hashes and the keys that are text.
func credentialMarks(t *testing.T) []string {
	t.Helper()
	var marks []string
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 ||
			strings.HasPrefix(path, "../../internal/bench")) {
			if entry != nil && entry.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		marks = append(marks, marksOf(file)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	rows, err := w.super.Query(t.Context(), `SELECT 'column ' || table_schema || '.' || table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND column_name LIKE '%\_hash'
		UNION SELECT 'key ' || k.table_schema || '.' || k.table_name || '.' || k.column_name FROM information_schema.key_column_usage k
		JOIN information_schema.table_constraints c USING (constraint_schema, constraint_name, table_schema, table_name)
		JOIN information_schema.columns f USING (table_schema, table_name, column_name)
		WHERE c.constraint_type = 'PRIMARY KEY' AND k.table_schema = 'public' AND f.data_type = 'text' AND k.table_name NOT LIKE 'river\_%' AND k.table_name NOT LIKE 'goose\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	marks = append(marks, columns...)
	slices.Sort(marks)
	return slices.Compact(marks)
}

func marksOf(file *ast.File) (marks []string) {
	pkg := file.Name.Name
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.BasicLit:
			if node.Kind == token.STRING && credentialPrefix.MatchString(node.Value) {
				prefix, _ := strconv.Unquote(node.Value)
				marks = append(marks, "prefix "+prefix)
			}
		case *ast.CallExpr:
			selector, ok := node.Fun.(*ast.SelectorExpr)
			purpose := map[string]int{"MAC": 1, "Seal": 0}
			at, named := 0, false
			if ok {
				at, named = purpose[selector.Sel.Name], selector.Sel.Name == "MAC" || selector.Sel.Name == "Seal"
			}
			if !named || len(node.Args) <= at || pkg == "secret" || exprText(selector.X) == "h.oauth" {
				return true
			}
			marks = append(marks, selector.Sel.Name+" "+pkg+"."+exprText(node.Args[at]))
		case *ast.ValueSpec:
			for _, name := range node.Names {
				if pkg == "endpoints" && strings.HasPrefix(name.Name, "cookie") {
					marks = append(marks, "cookie "+name.Name)
				}
			}
		}
		return true
	})
	return marks
}

func exprText(e ast.Expr) string {
	var out strings.Builder
	_ = printer.Fprint(&out, token.NewFileSet(), e)
	return out.String()
}
