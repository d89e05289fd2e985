package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"mcpauth.example/internal/tiers"
)

// findProofs maps each cited number to the tests that cite it, as "path TestName", with the tier of those that `make test` does not run.
func findProofs(root string) (map[string][]string, error) {
	proofs := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "bin" || name == "conformance" || len(name) > 1 && strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		read := readGo
		switch {
		case strings.HasSuffix(name, "_test.go"):
		case strings.HasSuffix(name, ".test.mjs"), strings.HasSuffix(name, ".test.ts"):
			read = readScript
		case filepath.Base(filepath.Dir(path)) == "contract" && strings.HasSuffix(name, ".json"):
			read = readRows
		default:
			return nil
		}
		source, err := os.ReadFile(path) //nolint:gosec // the project's own files
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return read(filepath.ToSlash(relative), string(source), func(test, text string) {
			for _, number := range cited(text) {
				proof := "`" + filepath.ToSlash(relative) + "` " + test
				if tiers.Of(relative) == tiers.Full {
					proof += fullMark
				}
				proofs[number] = append(proofs[number], proof)
			}
		})
	})
	return proofs, err
}

// readGo gives each comment and each string of a Go test file to the function that it stands in or above.
func readGo(path, source string, found func(test, text string)) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	owner := func(at token.Pos) string {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			begin := function.Pos()
			if function.Doc != nil {
				begin = function.Doc.Pos()
			}
			if begin <= at && at <= function.End() {
				return function.Name.Name
			}
		}
		return ""
	}
	for _, group := range file.Comments {
		if test := owner(group.Pos()); test != "" {
			found(test, strings.Join(strings.Fields(group.Text()), " "))
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING && strings.Contains(strings.ToLower(literal.Value), "catalogue") {
			found(owner(literal.Pos()), literal.Value)
		}
		return true
	})
	return nil
}

// readRows gives the numbers of each row of the contract of guards to the row: every guard's tests run it.
func readRows(_, source string, found func(test, text string)) error {
	var file struct {
		Rows []struct {
			Name   string
			Proves []string
		}
	}
	if err := json.Unmarshal([]byte(source), &file); err != nil {
		return err
	}
	for _, row := range file.Rows {
		for _, number := range row.Proves {
			if number[0] >= '0' && number[0] <= '9' {
				number = "catalogue " + number
			}
			found(row.Name, number)
		}
	}
	return nil
}

var scriptTest = regexp.MustCompile("\\b(?:test|it|t\\.test)\\((?:`([^`]*)`|\"([^\"]*)\"|'([^']*)')")

// readScript gives each line of a script to the test that it begins or that began before it.
func readScript(_, source string, found func(test, text string)) error {
	test := ""
	for line := range strings.Lines(source) {
		if name := scriptTest.FindStringSubmatch(line); name != nil {
			test = strings.Join(name[1:], "")
		}
		if test != "" {
			found(test, line)
		}
	}
	return nil
}
