package dashboard

import (
	"net/http"

	"github.com/mcpauth/mcpauth/tenants"
)

// access is whom a page is for.
type access int

const (
	anyone     access = iota // signed in or not
	members                  // signed in
	viewers                  // signed in, with any role in the organization of the path
	developers               // signed in, with a role that may change projects of the organization of the path
)

// allows says whether a role in the organization is enough.
func (a access) allows(role tenants.Role) bool { return a != developers || role.CanChangeProjects() }

// Paths. An organization stands in the path, so that a link means the same for everybody who follows it.
const (
	pathHome       = "/"
	pathDashboard  = "/dashboard"
	pathSignIn     = "/dashboard/sign-in"
	pathSignOut    = "/dashboard/sign-out"
	pathSignUp     = "/dashboard/sign-up"
	pathSignUpCode = "/dashboard/sign-up/code"
	pathProjects   = "/dashboard/:organization/projects"
	pathNewProject = "/dashboard/:organization/projects/new"
	pathProject    = "/dashboard/:organization/projects/:project"
	pathSecrets    = "/dashboard/:organization/projects/:project/servers/:server/secrets"
	pathRevoke     = "/dashboard/:organization/projects/:project/secrets/:secret/revoke"
)

// Groups of the left rail. Entries of a project are shown while one is open.
const (
	groupProject      = "Project"
	groupOrganization = "Organization"
)

// page is one row of the table.
type page struct {
	method, path string
	access       access
	handler      func(*visit) error
	nav          navigation
}

// navigation is a page's entry in the left rail. The zero value is none.
type navigation struct{ group, label, icon string }

// pages lists every page of the door; routes, navigation and the check of roles follow from it.
func (d *dashboard) pages() []page {
	return []page{
		{method: http.MethodGet, path: pathHome, access: anyone, handler: d.landing},
		{method: http.MethodGet, path: pathSignIn, access: anyone, handler: d.showSignIn},
		{method: http.MethodPost, path: pathSignIn, access: anyone, handler: d.signIn},
		{method: http.MethodPost, path: pathSignOut, access: anyone, handler: d.signOut},
		{method: http.MethodGet, path: pathSignUp, access: anyone, handler: d.showSignUp},
		{method: http.MethodPost, path: pathSignUp, access: anyone, handler: d.signUp},
		{method: http.MethodGet, path: pathSignUpCode, access: anyone, handler: d.showCode},
		{method: http.MethodPost, path: pathSignUpCode, access: anyone, handler: d.finishSignUp},

		{method: http.MethodGet, path: pathDashboard, access: members, handler: d.home},
		{method: http.MethodGet, path: pathProject, access: viewers, handler: d.project,
			nav: navigation{groupProject, "Overview", "layout-dashboard"}},
		{method: http.MethodPost, path: pathSecrets, access: developers, handler: d.createSecret},
		{method: http.MethodPost, path: pathRevoke, access: developers, handler: d.revokeSecret},
		{method: http.MethodGet, path: pathProjects, access: viewers, handler: d.projects,
			nav: navigation{groupOrganization, "Projects", "folder"}},
		{method: http.MethodPost, path: pathProjects, access: developers, handler: d.createProject},
		{method: http.MethodGet, path: pathNewProject, access: developers, handler: d.newProject},
	}
}
