// Package arch holds the rules about who may import whom, and the oldest versions of libraries that are safe to use. Its tests
// apply them to the whole repository. It must import nothing of the project.
package arch

import (
	"fmt"
	"slices"
	"strings"
)

// Module is the path of the project's Go module.
const Module = "mcpauth.example"

// libraries that only some packages may know, by the prefix of their import paths.
const (
	gorm      = "gorm.io"
	stripe    = "github.com/stripe/stripe-go"
	echo      = "github.com/labstack/echo"
	pgx       = "github.com/jackc/pgx"
	golangJWT = "github.com/golang-jwt/jwt"
	goJose    = "github.com/go-jose/go-jose"
)

// doors are the packages that let people and programs in.
var doors = []string{"oauth/endpoints", "api", "dashboard"}

// Rule says what some packages may import. Folders are relative to the module and include what lies below them.
type Rule struct {
	// In are the folders the rule is about, Except those below them that it leaves out.
	In, Except []string
	// Project lists the only folders of the project that may be imported, apart from the package's own area; nil: any.
	Project []string
	// Libraries lists the only libraries that may be imported beside the standard library; nil: any.
	Libraries []string
	// Never lists what must not be imported: folders of the project or prefixes of libraries.
	Never []string
	// Because ends the sentence that a violation is reported with.
	Because string
}

// Rules are the import rules of the project. Tests are free to import more.
var Rules = []Rule{
	{
		In: []string{"oauth"}, Except: doors,
		Project: []string{"internal/id", "internal/secret"}, Libraries: []string{golangJWT, goJose}, Never: doors,
		Because: "oauth is pure: the standard library, internal/id, internal/secret, golang-jwt and go-jose",
	},
	{
		In: []string{"tenants"}, Except: []string{"tenants/billing"},
		Project: []string{"internal/id", "internal/secret"}, Libraries: []string{}, Never: []string{"tenants/billing"},
		Because: "tenants is pure: the standard library, internal/id and internal/secret",
	},
	{
		In: []string{"tenants/billing"}, Project: []string{"tenants", "internal/id", "internal/secret"}, Libraries: []string{stripe},
		Because: "tenants/billing imports tenants and stripe-go",
	},
	{
		In:      doors,
		Project: []string{"oauth", "tenants", "internal/signin", "internal/web", "internal/mail", "internal/id", "internal/secret", "internal/doctor", "internal/tryout", "internal/names", "sdk", "templates"},
		Never:   []string{pgx, "database/sql"},
		Because: "a door imports oauth, tenants, internal/signin, internal/web, templates, the names, the packages given out, the mail it renders and the checks it runs; the database is behind interfaces",
	},
	{In: []string{"oauth/endpoints", "api"}, Never: []string{"internal/doctor", "internal/tryout"}, Because: "only the dashboard tests servers"},
	{In: []string{"oauth/endpoints"}, Never: []string{"api", "dashboard"}, Because: "doors never import each other"},
	{In: []string{"api"}, Never: []string{"oauth/endpoints", "dashboard"}, Because: "doors never import each other"},
	{In: []string{"dashboard"}, Never: []string{"oauth/endpoints", "api"}, Because: "doors never import each other"},
	{
		In: []string{"templates"}, Project: []string{}, Never: []string{echo, pgx},
		Because: "templates shows what it is given and imports nothing of the project",
	},
	{
		In: []string{"internal/postgres"}, Never: append([]string{"templates", "internal/web", echo}, doors...),
		Because: "internal/postgres imports domain types, and nothing that shows them",
	},
	{
		In: []string{"internal"}, Except: []string{"internal/postgres", "internal/bench", "internal/e2e/crowd"},
		Never:   append([]string{"internal/postgres"}, doors...),
		Because: "adapters know neither the doors nor the store; cmd connects them, and what seeds for tests and measurements",
	},
	{
		In: []string{"internal/id", "internal/secret", "internal/devdb", "internal/arch", "internal/names", "internal/built", "internal/tiers", "migrations"}, Project: []string{},
		Because: "it stands alone",
	},
	{
		In: []string{"internal/doctor"}, Project: []string{}, Libraries: []string{},
		Because: "doctor looks at servers from outside: the standard library only",
	},
	{In: []string{"internal/release"}, Project: []string{"internal/names"}, Because: "a release is made of files"},
	{In: []string{"sdk"}, Except: []string{"sdk/go"}, Project: []string{"internal/names"}, Because: "sdk packs files, it knows the names only"},
	{
		In: []string{"sdk/go"}, Project: []string{}, Libraries: []string{"github.com/modelcontextprotocol/go-sdk", golangJWT},
		Because: "the SDK is a module of its own that runs in other people's programs: the go-sdk and the JWT library that it brings along",
	},
	{In: []string{""}, Except: []string{"internal/postgres"}, Never: []string{gorm}, Because: "only internal/postgres knows gorm"},
	{In: []string{""}, Except: []string{"tenants/billing"}, Never: []string{stripe}, Because: "only tenants/billing knows stripe-go"},
	{In: []string{""}, Except: []string{"cmd"}, Never: []string{"cmd"}, Because: "nobody imports cmd"},
	{
		In: []string{""}, Except: []string{"internal/postgres/pgtest"}, Never: []string{"internal/postgres/pgtest"},
		Because: "pgtest is for tests",
	},
	{
		In: []string{""}, Except: []string{"internal/built"}, Never: []string{"internal/built"},
		Because: "built is for tests",
	},
}

// Check names every rule that a package breaks with what it imports outside its tests. folder is the package's folder relative to
// the module, imports are import paths.
func Check(folder string, imports []string) []string {
	var broken []string
	for _, r := range Rules {
		if !under(folder, r.In) || under(folder, r.Except) {
			continue
		}
		for _, path := range imports {
			if !r.allows(folder, path) {
				broken = append(broken, fmt.Sprintf("%s must not import %s: %s", folder, path, r.Because))
			}
		}
	}
	return broken
}

func (r Rule) allows(folder, path string) bool {
	inside, isProject := strings.CutPrefix(path, Module+"/")
	switch {
	case isProject && under(inside, r.Never):
		return false
	case isProject:
		return r.Project == nil || sameArea(folder, inside, r.In) || under(inside, r.Project)
	case matches(path, r.Never):
		return false
	default:
		return r.Libraries == nil || standard(path) || matches(path, r.Libraries)
	}
}

// sameArea tells whether two packages lie in the same one of the folders.
func sameArea(a, b string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return within(a, f) && within(b, f) })
}

func under(folder string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return within(folder, f) })
}

func within(folder, parent string) bool {
	return parent == "" || folder == parent || strings.HasPrefix(folder, parent+"/")
}

// matches tells whether an import path belongs to one of the libraries, in whatever major version.
func matches(path string, libraries []string) bool { return under(path, libraries) }

// standard tells whether an import path is the standard library's: its first element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
