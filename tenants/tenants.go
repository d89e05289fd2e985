// Package tenants is the customer's side of the product: organizations, members, projects, MCP servers, registration secrets, plans
// and the audit log.
//
// It owns their rules; it imports the standard library and internal/secret only, knows neither HTTP nor SQL nor OAuth.
package tenants

import (
	"errors"
	"fmt"
	"time"

	"mcpauth.example/internal/id"
)

// What a store or a rule answers besides success.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("already exists")
	ErrForbidden   = errors.New("not allowed for this role")
	ErrLimit       = errors.New("limit reached")
	ErrUnavailable = errors.New("temporarily unavailable")
	ErrSuspended   = errors.New("the operator suspended the organization")
)

// FieldError says which field of a form or request was refused and what was expected, in words for the person who typed it.
type FieldError struct {
	Field   string
	Message string
}

func (e FieldError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Message) }

// Organization is the customer: it pays and owns projects.
type Organization struct {
	ID        id.ID
	Name      string
	Suspended bool // by the operator
}

// Role is what a member may do in an organization.
type Role string

// The roles, from most to least powerful.
const (
	RoleOwner     Role = "owner"
	RoleAdmin     Role = "admin"
	RoleDeveloper Role = "developer"
	RoleViewer    Role = "viewer"
)

// CanChangeProjects reports whether the role may create and configure projects.
func (r Role) CanChangeProjects() bool {
	return r == RoleOwner || r == RoleAdmin || r == RoleDeveloper
}

// CanChangeMembers reports whether the role may invite and remove members, and give them roles up to its own.
func (r Role) CanChangeMembers() bool { return r == RoleOwner || r == RoleAdmin }

// Membership is one member's place in one organization.
type Membership struct {
	Organization Organization
	Role         Role
}

// Project is one tenant of the authorization server.
type Project struct {
	ID             id.ID
	OrganizationID id.ID
	Slug           string
	Name           string
	Suspended      bool // by its members
	Held           bool // by the operator, for a reason
	HeldReason     string
	Reviewed       bool     // the operator has looked at what people see
	Production     bool     // for real people, not for trying out
	Issuer         string   // primary issuer URL
	Aliases        []string // further issuer URLs it answers at
	CreatedAt      time.Time
}

// MCPServer is a protected resource of a project.
type MCPServer struct {
	ID       id.ID
	Name     string
	Resource string // exact URL
}

// RegistrationSecret is what is known of a secret after it was shown once.
type RegistrationSecret struct {
	ID          id.ID
	MCPServerID id.ID
	LastFour    string
	CreatedAt   time.Time
	LastUsedAt  time.Time // zero: never
}

// Scope is one permission of a project, in the words a user reads.
type Scope struct {
	Name        string
	Description string
	Default     bool
	Tools       []string // its group: the tools that need it, sorted
}

// Actor is who caused a change, as the audit log names it, such as "member:0192…" or "system".
type Actor string

// MemberActor names a member.
func MemberActor(id id.ID) Actor { return Actor("member:" + id.String()) }

// SystemActor is the product itself: seeding, expiry, the operator's command line.
const SystemActor Actor = "system"
