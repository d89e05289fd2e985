package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// skipped are folders that hold no Go code of ours.
func skipped(name string) bool {
	return name == "node_modules" || name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && name != root
}

// packages reads what each package of the repository imports outside its tests.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped(d.Name()) && path != root {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		if found[folder] == nil {
			found[folder] = []string{}
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[folder] = append(found[folder], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImports(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for _, known := range []string{"internal/arch", "internal/devdb", "internal/postgres/pgtest"} {
		if _, ok := all[known]; !ok {
			t.Errorf("package %s was not read", known)
		}
	}
	for folder, imports := range all {
		for _, sentence := range Check(folder, imports) {
			t.Error(sentence)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const own = Module + "/"
	for _, tc := range []struct {
		folder, path string
		allowed      bool
	}{
		{"oauth", "net/url", true},
		{"oauth", own + "internal/secret", true},
		{"oauth", "github.com/golang-jwt/jwt/v5", true},
		{"oauth", "github.com/go-jose/go-jose/v4", true},
		{"oauth", own + "oauth/internal/dpop", true},
		{"oauth", own + "tenants", false},
		{"oauth", own + "oauth/endpoints", false},
		{"oauth", own + "internal/postgres", false},
		{"oauth", "github.com/labstack/echo/v4", false},
		{"oauth", "gorm.io/gorm", false},
		{"oauth", "golang.org/x/crypto/hkdf", false},
		{"tenants", own + "internal/secret", true},
		{"tenants", own + "internal/id", true},
		{"tenants", own + "oauth", false},
		{"tenants", own + "tenants/billing", false},
		{"tenants", "github.com/golang-jwt/jwt/v5", false},
		{"tenants", "github.com/labstack/echo/v4", false},
		{"tenants", "gorm.io/gorm/clause", false},
		{"tenants", "github.com/stripe/stripe-go/v76", false},
		{"tenants/billing", own + "tenants", true},
		{"tenants/billing", "github.com/stripe/stripe-go/v76/webhook", true},
		{"tenants/billing", own + "oauth", false},
		{"api", "github.com/stripe/stripe-go/v76", false},
		{"oauth/endpoints", own + "oauth", true},
		{"oauth/endpoints", own + "templates/pages", true},
		{"oauth/endpoints", "github.com/labstack/echo/v4", true},
		{"oauth/endpoints", own + "dashboard", false},
		{"oauth/endpoints", own + "internal/postgres", false},
		{"oauth/endpoints", "github.com/jackc/pgx/v5/pgconn", false},
		{"dashboard", own + "internal/signin", true},
		{"dashboard", own + "tenants/billing", true},
		{"dashboard", own + "api", false},
		{"dashboard", own + "oauth/endpoints", false},
		{"dashboard", own + "internal/mail", true},
		{"dashboard", "gorm.io/gorm", false},
		{"dashboard", "database/sql", false},
		{"api", own + "dashboard", false},
		{"api", own + "internal/postgres", false},
		{"templates", "github.com/a-h/templ", true},
		{"templates/pages", own + "templates/ui", true},
		{"templates/pages", own + "tenants", false},
		{"templates", own + "internal/web", false},
		{"internal/postgres", "gorm.io/gorm", true},
		{"internal/postgres", own + "oauth", true},
		{"internal/postgres", own + "dashboard", false},
		{"internal/postgres/pgtest", own + "internal/postgres", true},
		{"internal/postgres", own + "internal/postgres/pgtest", false},
		{"internal/postgresql", "gorm.io/gorm", false},
		{"internal/signin", own + "internal/postgres", false},
		{"internal/web", own + "dashboard", false},
		{"internal/mail", "gorm.io/gorm", false},
		{"internal/secret", "golang.org/x/crypto/argon2", true},
		{"internal/secret", own + "oauth", false},
		{"internal/id", own + "internal/secret", false},
		{"internal/bench", own + "internal/postgres", true},
		{"internal/bench", own + "cmd/mcpauth", false},
		{"internal/doctor", "net/http", true},
		{"internal/doctor", own + "internal/secret", false},
		{"internal/doctor", "golang.org/x/net/html", false},
		{"sdk/go", "github.com/modelcontextprotocol/go-sdk/auth", true},
		{"sdk/go", own + "internal/secret", false},
		{"sdk/go", own + "sdk", false},
		{"sdk", own + "internal/names", true},
		{"sdk", own + "tenants", false},
		{"cmd/mcpauth", own + "internal/postgres", true},
		{"cmd/mcpauth", own + "dashboard", true},
		{"cmd/mcpauth", "gorm.io/gorm", false},
		{"cmd/mcpauth", own + "internal/postgres/pgtest", false},
		{"internal/bench", own + "internal/built", false},
		{"internal/built", own + "internal/devdb", false},
	} {
		broken := Check(tc.folder, []string{tc.path})
		if (len(broken) == 0) != tc.allowed {
			t.Errorf("%s importing %s: allowed should be %v, got %q", tc.folder, tc.path, tc.allowed, broken)
		}
		for _, sentence := range broken {
			if !strings.HasPrefix(sentence, tc.folder+" must not import "+tc.path+": ") {
				t.Errorf("unclear: %q", sentence)
			}
		}
	}
}

// catalogue section 0, point 9
func TestVersions(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && skipped(d.Name()) && path != root {
			return filepath.SkipDir
		}
		if d.IsDir() || d.Name() != "go.mod" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		broken, err := CheckVersions(path, content)
		for _, sentence := range broken {
			t.Error(sentence)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheckVersions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, mod string
		broken    int
	}{
		{"nothing of interest", "go 1.26.0\nrequire example.com/x v1.0.0\n", 0},
		{"at the floor", "go 1.25.1\nrequire github.com/labstack/echo/v4 v4.15.4\n", 0},
		{"below the floor", "go 1.26.0\nrequire github.com/labstack/echo/v4 v4.15.3\n", 1},
		{"versions are numbers", "go 1.26.0\nrequire github.com/jackc/pgx/v5 v5.12.0\n", 0},
		{"a prerelease of the floor", "go 1.26.0\nrequire golang.org/x/net v0.55.0-rc.1\n", 1},
		{"indirect ones count", "go 1.26.0\nrequire golang.org/x/net v0.54.0 // indirect\n", 1},
		{"several", "go 1.26.0\nrequire (\ngithub.com/golang-jwt/jwt/v5 v5.2.1\ngithub.com/go-jose/go-jose/v4 v4.0.0\n)\n", 2},
		{"refused", "go 1.26.0\nrequire github.com/gorilla/csrf v1.7.3\n", 1},
		{"old Go", "go 1.25.0\n", 1},
		{"no Go version", "module x\n", 1},
	} {
		broken, err := CheckVersions("go.mod", []byte(tc.mod))
		if err != nil || len(broken) != tc.broken {
			t.Errorf("%s: got %q, %v", tc.name, broken, err)
		}
	}
}
