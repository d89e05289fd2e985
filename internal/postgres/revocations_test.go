package postgres_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	endsGrants    = regexp.MustCompile(`(?s)UPDATE grants\b.*revoked_at =`)
	deletesGrants = regexp.MustCompile(`DELETE FROM (grants|clients|users|mcp_servers|projects)\b`)
)

// deletesUnused are the declarations whose DELETE meets only clients without grants, or comes after their grants were ended.
var deletesUnused = map[string]bool{"sweepClients": true, "makeRoomSQL": true, "dropClient": true, "RemoveServer": true, "DeleteProject": true}

// catalogue 199: no statement ends grants without telling guards. Whatever sets revoked_at is built with publishEnded, and whatever
// deletes rows that grants hang on is known here.
func TestEveryStatementThatEndsGrantsIsPublished(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		source, err := os.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, entry.Name(), source, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			text := string(source[set.Position(declared.Pos()).Offset:set.Position(declared.End()).Offset])
			name := nameOf(declared)
			if endsGrants.MatchString(text) {
				if found++; !strings.Contains(text, "publishEnded(") {
					t.Errorf("%s: %s ends grants and does not publish them", entry.Name(), name)
				}
			}
			if deletesGrants.MatchString(text) && !deletesUnused[name] {
				t.Errorf("%s: %s deletes what grants hang on; end them first with endGrants, then name it in deletesUnused", entry.Name(), name)
			}
		}
	}
	if found < 4 { // revocation, redemption, rotation, and all that is done by people
		t.Errorf("only %d statements that end grants were found", found)
	}
}

// nameOf is the name of a function, or of the first thing that a group declares.
func nameOf(declared ast.Decl) string {
	switch d := declared.(type) {
	case *ast.FuncDecl:
		return d.Name.Name
	case *ast.GenDecl:
		if value, ok := d.Specs[0].(*ast.ValueSpec); ok {
			return value.Names[0].Name
		}
	}
	return ""
}
