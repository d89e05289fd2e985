package mcpauth

import (
	"bytes"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The package is linked into other people's programs, so what it brings along is part of its promise.
func TestImportsOnlyStandardLibraryGoSDKAndItsJWT(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			host, _, _ := strings.Cut(path, "/")
			if strings.Contains(host, ".") && !strings.HasPrefix(path, "github.com/modelcontextprotocol/go-sdk/") &&
				path != "github.com/golang-jwt/jwt/v5" { // which the go-sdk brings along
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

// Whoever requires this module has every module that it names in their own build list, tests included.
func TestBringsFewModules(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out, []byte("\n")) - 1; n < 1 || n > 15 {
		t.Errorf("got %d modules beside the own one, want at most 15:\n%s", n, out)
	}
}
