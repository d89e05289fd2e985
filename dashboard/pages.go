package dashboard

import (
	"net/http"
	"slices"

	"mcpauth.example/tenants"
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
	// body is how large a posted form may be in bytes, where that is more than usual.
	body int64
}

// navigation is a page's entry in the left rail. The zero value is none.
type navigation struct{ group, label, icon string }

// pages lists every page of the door; routes, navigation in this order and the check of roles follow from it.
func (d *dashboard) pages() []page {
	return slices.Concat(d.sitePages(), d.entrancePages(), d.memberPages(),
		d.overviewPages(), d.onboardingPages(), d.activityPages(), d.serverPages(), d.clientPages(), d.userPages(), d.signInPages(),
		d.brandPages(), d.keyPages(), d.domainPages(), d.testPages(), d.launchPages(), d.settingsPages(), d.organizationPages())
}

// sitePages are public.
func (d *dashboard) sitePages() []page {
	return []page{
		{method: http.MethodGet, path: pathHome, access: anyone, handler: d.landing},
		{method: http.MethodGet, path: pathPricing, access: anyone, handler: d.pricing},
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
		{method: http.MethodPost, path: pathSignInMail, access: anyone, handler: d.mailSignInCode},
		{method: http.MethodGet, path: pathSignInCode, access: anyone, handler: d.showSignInCode},
		{method: http.MethodPost, path: pathSignInCode, access: anyone, handler: d.signInWithCode},
		{method: http.MethodPost, path: pathSignInPasskey, access: anyone, handler: d.signInWithPasskey},
		{method: http.MethodGet, path: pathGitHub, access: anyone, handler: d.leaveForGitHub},
		{method: http.MethodGet, path: pathGitHubCallback, access: anyone, handler: d.returnFromGitHub},
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
		{method: http.MethodPost, path: pathConfirm, access: members, handler: d.confirmIdentity},
		{method: http.MethodGet, path: pathAccount, access: members, handler: d.account},
		{method: http.MethodPost, path: pathAccountPassword, access: members, handler: d.setPassword, recent: true},
		{method: http.MethodPost, path: pathAccountSessions, access: members, handler: d.endSessions},
		{method: http.MethodPost, path: pathPasskeys, access: members, handler: d.changePasskeys, recent: true},
		{method: http.MethodPost, path: pathAccountDelete, access: members, handler: d.deleteAccount, recent: true},
		{method: http.MethodGet, path: pathInvitations, access: members, handler: d.invitations},
		{method: http.MethodPost, path: pathAcceptInvitation, access: members, handler: d.acceptInvitation},
		{method: http.MethodGet, path: pathNewOrganization, access: members, handler: d.newOrganization},
		{method: http.MethodPost, path: pathOrganizations, access: members, handler: d.createOrganization},
	}
}

// overviewPages say how a project is doing.
func (d *dashboard) overviewPages() []page {
	return []page{
		{method: http.MethodGet, path: pathProject, access: viewers, handler: d.overview,
			nav: navigation{groupProject, "Overview", "layout-dashboard"}},
	}
}

// onboardingPages lead from nothing to the first connection.
func (d *dashboard) onboardingPages() []page {
	return []page{
		{method: http.MethodGet, path: pathNewProject, access: developers, handler: d.newProject},
		{method: http.MethodGet, path: pathCheckURL, access: developers, handler: d.checkURL},
		{method: http.MethodGet, path: pathSetUp, access: viewers, handler: d.setUp},
		{method: http.MethodGet, path: pathSetUpPanel, access: viewers, handler: d.setUpPanel},
		{method: http.MethodPost, path: pathProjects, access: developers, handler: d.createProject},
	}
}

// activityPages show the connection timeline.
func (d *dashboard) activityPages() []page {
	return []page{
		{method: http.MethodGet, path: pathActivity, access: viewers, handler: d.activity,
			nav: navigation{groupProject, "Activity", "activity"}},
		{method: http.MethodGet, path: pathActivityTail, access: viewers, handler: d.activityTail},
		{method: http.MethodGet, path: pathAttempt, access: viewers, handler: d.attempt},
	}
}

// serverPages are about MCP servers, their scopes and tools.
func (d *dashboard) serverPages() []page {
	return []page{
		{method: http.MethodGet, path: pathServers, access: viewers, handler: d.servers,
			nav: navigation{groupProject, "MCP servers", "server"}},
		{method: http.MethodPost, path: pathServers, access: developers, handler: d.addServer},
		{method: http.MethodGet, path: pathNewServer, access: developers, handler: d.newServer},
		{method: http.MethodGet, path: pathServer, access: viewers, handler: d.server},
		{method: http.MethodPost, path: pathRenameServer, access: developers, handler: d.renameServer},
		{method: http.MethodPost, path: pathRemoveServer, access: developers, handler: d.removeServer, recent: true},
		{method: http.MethodPost, path: pathEndServer, access: developers, handler: d.endServer, recent: true},
		{method: http.MethodGet, path: pathScopes, access: viewers, handler: d.scopes},
		{method: http.MethodPost, path: pathScopes, access: developers, handler: d.addScope},
		{method: http.MethodGet, path: pathNewScope, access: developers, handler: d.newScope},
		{method: http.MethodPost, path: pathSelectable, access: developers, handler: d.setSelectable},
		{method: http.MethodGet, path: pathScope, access: developers, handler: d.scope},
		{method: http.MethodPost, path: pathScope, access: developers, handler: d.changeScope},
		{method: http.MethodPost, path: pathMoveScope, access: developers, handler: d.moveScope},
		{method: http.MethodPost, path: pathDeleteScope, access: developers, handler: d.deleteScope},
	}
}

// clientPages are about clients and who may register one.
func (d *dashboard) clientPages() []page {
	return []page{
		{method: http.MethodGet, path: pathClients, access: viewers, handler: d.clients,
			nav: navigation{groupProject, "Clients", "app-window"}},
		{method: http.MethodPost, path: pathClients, access: developers, handler: d.createClient},
		{method: http.MethodGet, path: pathNewClient, access: developers, handler: d.newClient},
		{method: http.MethodGet, path: pathAccess, access: viewers, handler: d.access},
		{method: http.MethodPost, path: pathRegistrationPolicy, access: developers, handler: d.setRegistrationPolicy},
		{method: http.MethodPost, path: pathDocumentPolicy, access: developers, handler: d.setDocumentPolicy},
		{method: http.MethodPost, path: pathRules, access: developers, handler: d.setRule},
		{method: http.MethodPost, path: pathRemoveRule, access: developers, handler: d.removeRule},
		{method: http.MethodPost, path: pathTokens, access: developers, handler: d.createToken},
		{method: http.MethodPost, path: pathRevokeToken, access: developers, handler: d.revokeToken},
		{method: http.MethodGet, path: pathClient, access: viewers, handler: d.client},
		{method: http.MethodPost, path: pathBlockClient, access: developers, handler: d.blockClient},
		{method: http.MethodPost, path: pathUnblockClient, access: developers, handler: d.unblockClient},
		{method: http.MethodPost, path: pathDeleteClient, access: developers, handler: d.deleteClient},
		{method: http.MethodPost, path: pathEndClient, access: developers, handler: d.endClient},
	}
}

// userPages are about a project's people and what they connected.
func (d *dashboard) userPages() []page {
	return []page{
		{method: http.MethodGet, path: pathUsers, access: viewers, handler: d.users,
			nav: navigation{groupProject, "Users", "users"}},
		{method: http.MethodPost, path: pathReviewer, access: developers, handler: d.makeReviewer},
		{method: http.MethodGet, path: pathUser, access: viewers, handler: d.user},
		{method: http.MethodPost, path: pathBlockUser, access: developers, handler: d.blockUser},
		{method: http.MethodPost, path: pathUnblockUser, access: developers, handler: d.unblockUser},
		{method: http.MethodPost, path: pathEndUserSessions, access: developers, handler: d.endUserSessions},
		{method: http.MethodPost, path: pathDisconnectUser, access: developers, handler: d.disconnectUser},
		{method: http.MethodPost, path: pathDeleteUser, access: developers, handler: d.deleteUser, recent: true},
		{method: http.MethodGet, path: pathConnections, access: viewers, handler: d.connections,
			nav: navigation{groupProject, "Connections", "plug"}},
		{method: http.MethodPost, path: pathEndGrant, access: developers, handler: d.endGrant},
	}
}

// signInPages are about the ways in which a project's people sign in.
func (d *dashboard) signInPages() []page {
	return []page{
		{method: http.MethodGet, path: pathSignInSettings, access: viewers, handler: d.signInSettings,
			nav: navigation{groupProject, "Sign-in", "log-in"}},
		{method: http.MethodPost, path: pathSignInSettings, access: developers, handler: d.setSignInMethods},
		{method: http.MethodPost, path: pathSignUpSettings, access: developers, handler: d.setSignUp},
		{method: http.MethodPost, path: pathProviders, access: developers, handler: d.addProvider},
		{method: http.MethodGet, path: pathNewProvider, access: developers, handler: d.newProvider},
		{method: http.MethodGet, path: pathProvider, access: developers, handler: d.provider},
		{method: http.MethodPost, path: pathProvider, access: developers, handler: d.changeProvider},
		{method: http.MethodPost, path: pathRemoveProvider, access: developers, handler: d.removeProvider},
		{method: http.MethodGet, path: pathOwnLogin, access: viewers, handler: d.ownLogin},
		{method: http.MethodPost, path: pathOwnLogin, access: developers, handler: d.setOwnLogin, recent: true},
		{method: http.MethodGet, path: pathOwnSimulator, access: developers, handler: d.simulate},
		{method: http.MethodPost, path: pathOwnSimulator, access: developers, handler: d.startSimulator, recent: true},
		{method: http.MethodPost, path: pathOwnAnswer, access: developers, handler: d.answerSimulated},
	}
}

// brandPages are the branding editor.
func (d *dashboard) brandPages() []page {
	return []page{
		{method: http.MethodGet, path: pathBrand, access: viewers, handler: d.brand,
			nav: navigation{groupProject, "Branding", "palette"}},
		{method: http.MethodPost, path: pathBrand, access: developers, handler: d.saveBrand, body: maxBrandForm},
		{method: http.MethodPost, path: pathBrandPreview, access: viewers, handler: d.previewBrand},
		{method: http.MethodPost, path: pathBrandDiscard, access: developers, handler: d.discardBrand},
		{method: http.MethodPost, path: pathBrandShow, access: developers, handler: d.showBrand},
		{method: http.MethodGet, path: pathBrandFrame, access: viewers, handler: d.brandFrame},
		{method: http.MethodGet, path: pathBrandBase, access: viewers, handler: d.brandBase},
		{method: http.MethodGet, path: pathBrandStyle, access: viewers, handler: d.brandStyle},
		{method: http.MethodGet, path: pathBrandLogo, access: viewers, handler: d.brandLogo},
	}
}

// keyPages are about signing keys and registration secrets.
func (d *dashboard) keyPages() []page {
	return []page{
		{method: http.MethodGet, path: pathKeys, access: viewers, handler: d.keys,
			nav: navigation{groupProject, "Keys and secrets", "key-round"}},
		{method: http.MethodPost, path: pathRotateKeys, access: developers, handler: d.rotateKeys},
		{method: http.MethodPost, path: pathReplaceKeys, access: developers, handler: d.replaceKeys, recent: true},
		{method: http.MethodPost, path: pathSecrets, access: developers, handler: d.createSecret},
		{method: http.MethodPost, path: pathRevoke, access: developers, handler: d.revokeSecret},
	}
}

// testPages walk to a project's MCP servers as a client does.
func (d *dashboard) testPages() []page {
	return []page{
		{method: http.MethodGet, path: pathTest, access: viewers, handler: d.test,
			nav: navigation{groupProject, "Test", "stethoscope"}},
		{method: http.MethodPost, path: pathTestRun, access: developers, handler: d.runTest},
		{method: http.MethodPost, path: pathTestBegin, access: developers, handler: d.beginTest},
		{method: http.MethodGet, path: pathTestCallback, access: developers, handler: d.finishTest},
	}
}

// domainPages are about the addresses that a project answers at.
func (d *dashboard) domainPages() []page {
	return []page{
		{method: http.MethodGet, path: pathDomains, access: viewers, handler: d.domains,
			nav: navigation{groupProject, "Domains", "globe"}},
		{method: http.MethodPost, path: pathDomains, access: developers, handler: d.addDomain},
		{method: http.MethodPost, path: pathPrimary, access: developers, handler: d.setPrimary, recent: true},
		{method: http.MethodPost, path: pathCheckDomain, access: developers, handler: d.checkDomain},
		{method: http.MethodPost, path: pathRemoveDomain, access: developers, handler: d.removeDomain, recent: true},
	}
}

// launchPages lead from trying out to real people.
func (d *dashboard) launchPages() []page {
	return []page{
		{method: http.MethodGet, path: pathLaunch, access: viewers, handler: d.launch,
			nav: navigation{groupProject, "Launch", "rocket"}},
		{method: http.MethodPost, path: pathEnvironment, access: developers, handler: d.setEnvironment},
		{method: http.MethodPost, path: pathLaunchCreate, access: developers, handler: d.createLike},
		{method: http.MethodPost, path: pathLaunchCopy, access: developers, handler: d.copySettings, recent: true},
	}
}

// settingsPages change a project as a whole.
func (d *dashboard) settingsPages() []page {
	return []page{
		{method: http.MethodGet, path: pathSettings, access: viewers, handler: d.settings,
			nav: navigation{groupProject, "Settings", "settings"}},
		{method: http.MethodPost, path: pathSettings, access: developers, handler: d.renameProject},
		{method: http.MethodGet, path: pathTokenSettings, access: viewers, handler: d.tokenSettings},
		{method: http.MethodPost, path: pathTokenSettings, access: developers, handler: d.setTokens},
		{method: http.MethodGet, path: pathDanger, access: viewers, handler: d.danger},
		{method: http.MethodPost, path: pathSuspend, access: developers, handler: d.suspendProject, recent: true},
		{method: http.MethodPost, path: pathResume, access: developers, handler: d.resumeProject},
		{method: http.MethodPost, path: pathDeleteProject, access: admins, handler: d.deleteProject, recent: true},
	}
}

// organizationPages are about the organization: its projects, members and log.
func (d *dashboard) organizationPages() []page {
	return []page{
		{method: http.MethodGet, path: pathProjects, access: viewers, handler: d.projects,
			nav: navigation{groupOrganization, "Projects", "folder"}},
		{method: http.MethodGet, path: pathTeam, access: viewers, handler: d.team,
			nav: navigation{groupOrganization, "Team", "users"}},
		{method: http.MethodPost, path: pathInvite, access: admins, handler: d.invite},
		{method: http.MethodPost, path: pathRevokeInvite, access: admins, handler: d.revokeInvitation},
		{method: http.MethodPost, path: pathMemberRole, access: admins, handler: d.setRole, recent: true},
		{method: http.MethodPost, path: pathRemoveMember, access: admins, handler: d.removeMember, recent: true},
		{method: http.MethodPost, path: pathLeave, access: viewers, handler: d.leave},
		{method: http.MethodGet, path: pathBilling, access: viewers, handler: d.usageAndBilling,
			nav: navigation{groupOrganization, "Usage and billing", "credit-card"}},
		{method: http.MethodPost, path: pathCheckout, access: owners, handler: d.checkout},
		{method: http.MethodPost, path: pathPortal, access: owners, handler: d.portal},
		{method: http.MethodGet, path: pathChangePlan, access: owners, handler: d.showPlanChange},
		{method: http.MethodPost, path: pathChangePlan, access: owners, handler: d.changePlan, recent: true},
		{method: http.MethodPost, path: pathCancelPlan, access: owners, handler: d.cancelPlan, recent: true},
		{method: http.MethodPost, path: pathKeepPlan, access: owners, handler: d.keepPlan},
		{method: http.MethodPost, path: pathExportUsage, access: admins, handler: d.exportUsage},
		{method: http.MethodGet, path: pathAudit, access: admins, handler: d.audit,
			nav: navigation{groupOrganization, "Audit log", "scroll-text"}},
		{method: http.MethodPost, path: pathExportAudit, access: admins, handler: d.exportAudit},
		{method: http.MethodGet, path: pathOrgSettings, access: viewers, handler: d.organizationSettings,
			nav: navigation{groupOrganization, "Organization", "building-2"}},
		{method: http.MethodPost, path: pathOrgSettings, access: admins, handler: d.renameOrganization},
		{method: http.MethodPost, path: pathDeleteOrg, access: owners, handler: d.deleteOrganization, recent: true},
	}
}
