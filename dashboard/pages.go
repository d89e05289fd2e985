package dashboard

import (
	"net/http"
	"slices"

	"github.com/mcpauth/mcpauth/tenants"
)

// access is whom a page is for.
type access int

const (
	anyone     access = iota // signed in or not
	members                  // signed in
	viewers                  // signed in, with any role in the organization of the path
	developers               // signed in, with a role that may change projects of the organization of the path
	admins                   // signed in, with a role that may change who belongs to the organization of the path
	owners                   // signed in, as an owner of the organization of the path
)

// allows says whether a role in the organization is enough.
func (a access) allows(role tenants.Role) bool {
	switch a {
	case developers:
		return role.CanChangeProjects()
	case admins:
		return role.CanChangeMembers()
	case owners:
		return role == tenants.RoleOwner
	default:
		return true
	}
}

// Paths. An organization stands in the path, so that a link means the same for everybody who follows it.
const (
	pathHome      = "/"
	pathDashboard = "/dashboard"

	// The public site.
	pathDocs     = "/docs"
	pathDocsPage = "/docs/:page"
	pathLLMs     = "/llms.txt"
	pathLLMsFull = "/llms-full.txt"
	pathSecurity = "/.well-known/security.txt"
	pathRobots   = "/robots.txt"

	// Getting in.
	pathSignIn     = "/dashboard/sign-in"
	pathSignOut    = "/dashboard/sign-out"
	pathSignUp     = "/dashboard/sign-up"
	pathSignUpCode = "/dashboard/sign-up/code"

	// The member's own.
	pathTheme = "/dashboard/theme"

	// An organization's.
	pathOrganization = "/dashboard/:organization"
	pathProjects     = pathOrganization + "/projects"
	pathNewProject   = pathProjects + "/new"

	// A project's.
	pathProject = pathProjects + "/:project"
	pathSecrets = pathProject + "/servers/:server/secrets"
	pathRevoke  = pathProject + "/secrets/:secret/revoke"
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
	// recent asks for a sign-in that is not long ago (catalogue 228): the act is dangerous.
	recent bool
}

// navigation is a page's entry in the left rail. The zero value is none.
type navigation struct{ group, label, icon string }

// pages lists every page of the door; routes, navigation in this order and the check of roles follow from it.
func (d *dashboard) pages() []page {
	return slices.Concat(d.sitePages(), d.entrancePages(), d.memberPages(),
		d.overviewPages(), d.onboardingPages(), d.activityPages(), d.serverPages(), d.clientPages(), d.userPages(), d.signInPages(),
		d.brandPages(), d.keyPages(), d.settingsPages(), d.organizationPages())
}

// sitePages are public.
func (d *dashboard) sitePages() []page {
	return []page{
		{method: http.MethodGet, path: pathHome, access: anyone, handler: d.landing},
		{method: http.MethodGet, path: pathDocs, access: anyone, handler: d.docsHome},
		{method: http.MethodGet, path: pathDocsPage, access: anyone, handler: d.docsPage},
		{method: http.MethodGet, path: pathLLMs, access: anyone, handler: d.llms},
		{method: http.MethodGet, path: pathLLMsFull, access: anyone, handler: d.llmsFull},
		{method: http.MethodGet, path: pathSecurity, access: anyone, handler: d.securityText},
		{method: http.MethodGet, path: pathRobots, access: anyone, handler: d.robots},
	}
}

// entrancePages prove who a member is.
func (d *dashboard) entrancePages() []page {
	return []page{
		{method: http.MethodGet, path: pathSignIn, access: anyone, handler: d.showSignIn},
		{method: http.MethodPost, path: pathSignIn, access: anyone, handler: d.signIn},
		{method: http.MethodPost, path: pathSignOut, access: anyone, handler: d.signOut},
		{method: http.MethodGet, path: pathSignUp, access: anyone, handler: d.showSignUp},
		{method: http.MethodPost, path: pathSignUp, access: anyone, handler: d.signUp},
		{method: http.MethodGet, path: pathSignUpCode, access: anyone, handler: d.showCode},
		{method: http.MethodPost, path: pathSignUpCode, access: anyone, handler: d.finishSignUp},
	}
}

// memberPages belong to the person, whatever the organization.
func (d *dashboard) memberPages() []page {
	return []page{
		{method: http.MethodGet, path: pathDashboard, access: members, handler: d.home},
		{method: http.MethodPost, path: pathTheme, access: members, handler: d.setTheme},
	}
}

// overviewPages say how a project is doing.
func (d *dashboard) overviewPages() []page {
	return []page{
		{method: http.MethodGet, path: pathProject, access: viewers, handler: d.showProject,
			nav: navigation{groupProject, "Overview", "layout-dashboard"}},
	}
}

// onboardingPages lead from nothing to the first connection.
func (d *dashboard) onboardingPages() []page {
	return []page{
		{method: http.MethodGet, path: pathNewProject, access: developers, handler: d.newProject},
		{method: http.MethodPost, path: pathProjects, access: developers, handler: d.createProject},
	}
}

// activityPages show the connection timeline.
func (d *dashboard) activityPages() []page {
	return []page{}
}

// serverPages are about MCP servers, their scopes and tools.
func (d *dashboard) serverPages() []page {
	return []page{}
}

// clientPages are about clients and who may register one.
func (d *dashboard) clientPages() []page {
	return []page{}
}

// userPages are about a project's people and what they connected.
func (d *dashboard) userPages() []page {
	return []page{}
}

// signInPages are about the ways in which a project's people sign in.
func (d *dashboard) signInPages() []page {
	return []page{}
}

// brandPages are the branding editor.
func (d *dashboard) brandPages() []page {
	return []page{}
}

// keyPages are about signing keys and registration secrets.
func (d *dashboard) keyPages() []page {
	return []page{
		{method: http.MethodPost, path: pathSecrets, access: developers, handler: d.createSecret},
		{method: http.MethodPost, path: pathRevoke, access: developers, handler: d.revokeSecret},
	}
}

// settingsPages change a project as a whole.
func (d *dashboard) settingsPages() []page {
	return []page{}
}

// organizationPages are about the organization: its projects, members and log.
func (d *dashboard) organizationPages() []page {
	return []page{
		{method: http.MethodGet, path: pathProjects, access: viewers, handler: d.projects,
			nav: navigation{groupOrganization, "Projects", "folder"}},
	}
}
