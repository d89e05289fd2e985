package tenants

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/id"
)

// Bounds of a project's scopes: every process keeps them in memory, and metadata and guards carry them.
const (
	MaxScopes        = 100 // of a project
	MaxToolsOfScope  = 500
	maxScopeName     = 100 // bytes
	maxDescription   = 300 // characters
	maxTool          = 128 // characters
	scopeOfTheServer = "offline_access"
)

// ScopeStore keeps the scopes of a project with their groups of tools, by the rules of ProjectStore.
type ScopeStore interface {
	// SetScope adds a scope as the last one or changes it, and makes its group exactly the scope's tools. It succeeds when nothing
	// changes, and returns ErrLimit at MaxScopes and a FieldError for "default" when no default scope would be left.
	SetScope(ctx context.Context, actor Actor, organization, project id.ID, scope Scope) error
	// DeleteScope succeeds when there is no such scope, and returns a FieldError for "default" when no default scope would be left.
	DeleteScope(ctx context.Context, actor Actor, organization, project id.ID, name string) error
	// SetScopesSelectable succeeds when nothing changes.
	SetScopesSelectable(ctx context.Context, actor Actor, organization, project id.ID, selectable bool) error
}

// SetScopesSelectable decides whether people may allow some of the scopes only. Without it they allow all or nothing.
func (p Projects) SetScopesSelectable(ctx context.Context, actor Actor, org, project id.ID, selectable bool) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.SetScopesSelectable(ctx, actor, org, project, selectable)
}

// SetScope adds a scope or changes its description, whether it is a default, and its group of tools, which need it from now on. Guards
// learn of it with their configuration. It returns a FieldError for "name", "description", "tools" or "default", and ErrLimit at
// MaxScopes.
func (p Projects) SetScope(ctx context.Context, actor Actor, org, project id.ID, scope Scope) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	scope, err := ParseScope(scope)
	if err != nil {
		return err
	}
	return p.Store.SetScope(ctx, actor, org, project, scope)
}

// DeleteScope removes a scope with its group. Tokens made from now on do not carry it, whatever was granted. It returns a FieldError for
// "default" when no default scope would be left.
func (p Projects) DeleteScope(ctx context.Context, actor Actor, org, project id.ID, name string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.DeleteScope(ctx, actor, org, project, name)
}

// NoDefaultScope is the FieldError for a project that would have no default scope: clients that ask for none could not connect.
func NoDefaultScope() error {
	return FieldError{Field: "default", Message: "Keep at least one default scope: clients that ask for none get the default ones."}
}

// ParseScope checks a scope (RFC 6749 section 3.3) and sorts its tools. It returns a FieldError for "name", "description" or "tools".
func ParseScope(scope Scope) (Scope, error) {
	scope.Description = strings.Join(strings.FieldsFunc(scope.Description, unicode.IsSpace), " ")
	switch {
	case scope.Name == "" || len(scope.Name) > maxScopeName || strings.ContainsFunc(scope.Name, notInScope):
		return scope, FieldError{Field: "name", Message: "Use 1 to 100 letters, digits and punctuation without spaces, \" or \\, such as notes:write."}
	case scope.Name == scopeOfTheServer:
		return scope, FieldError{Field: "name", Message: "offline_access is there in every project: clients ask for refresh tokens with it."}
	case scope.Description == "" || utf8.RuneCountInString(scope.Description) > maxDescription || !visible(scope.Description):
		return scope, FieldError{Field: "description", Message: "Say in 1 to 300 visible characters what a person allows, such as Add notes in your name."}
	case len(scope.Tools) > MaxToolsOfScope:
		return scope, FieldError{Field: "tools", Message: "Name at most 500 tools."}
	}
	tools := make([]string, 0, len(scope.Tools))
	for _, tool := range scope.Tools {
		tool = strings.TrimSpace(tool)
		if tool == "" || utf8.RuneCountInString(tool) > maxTool || !visible(tool) {
			return scope, FieldError{Field: "tools", Message: "Enter the names of tools, each of 1 to 128 visible characters."}
		}
		tools = append(tools, tool)
	}
	slices.Sort(tools)
	scope.Tools = slices.Compact(tools)
	return scope, nil
}

func notInScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

func visible(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.C) })
}
