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
	handler      func(*request) error
	nav          navigation
	// proof is what a POST asks of the session first; there is no default.
	proof proof
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
		{method: http.MethodPost, path: pathSignIn, access: anyone, handler: d.signIn, proof: none("sign in", isProof)},
		{method: http.MethodPost, path: pathSignInMail, access: anyone, handler: d.mailSignInCode, proof: none("be sent a code", isProof)},
		{method: http.MethodGet, path: pathSignInCode, access: anyone, handler: d.showSignInCode},
		{method: http.MethodPost, path: pathSignInCode, access: anyone, handler: d.signInWithCode, proof: none("sign in with a code", isProof)},
		{method: http.MethodPost, path: pathSignInPasskey, access: anyone, handler: d.signInWithPasskey,
			proof: none("sign in with a passkey", isProof)},
		{method: http.MethodGet, path: pathGitHub, access: anyone, handler: d.leaveForGitHub},
		{method: http.MethodGet, path: pathGitHubCallback, access: anyone, handler: d.returnFromGitHub},
		{method: http.MethodPost, path: pathSignOut, access: anyone, handler: d.signOut, proof: none("sign out", isStop)},
		{method: http.MethodGet, path: pathSignUp, access: anyone, handler: d.showSignUp},
		{method: http.MethodPost, path: pathSignUp, access: anyone, handler: d.signUp, proof: none("sign up", isProof)},
		{method: http.MethodGet, path: pathSignUpCode, access: anyone, handler: d.showCode},
		{method: http.MethodPost, path: pathSignUpCode, access: anyone, handler: d.finishSignUp, proof: none("finish signing up", isProof)},
	}
}

// memberPages belong to the person, whatever the organization.
func (d *dashboard) memberPages() []page {
	return []page{
		{method: http.MethodGet, path: pathDashboard, access: members, handler: d.home},
		{method: http.MethodPost, path: pathTheme, access: members, handler: d.setTheme, proof: none("choose light or dark", isOwn)},
		{method: http.MethodPost, path: pathConfirm, access: members, handler: d.confirmIdentity, body: maxWaiting,
			proof: none("confirm who you are", isProof)},
		{method: http.MethodGet, path: pathAccount, access: members, handler: d.account},
		{method: http.MethodPost, path: pathAccountPassword, access: members, handler: d.setPassword, proof: recent("set your password")},
		{method: http.MethodPost, path: pathAccountSessions, access: members, handler: d.endSessions,
			proof: none("sign out browsers that signed in before this one", isStop)},
		{method: http.MethodPost, path: pathPasskeys, access: members, handler: d.changePasskeys, proof: recent("add or remove a passkey")},
		{method: http.MethodPost, path: pathAccountDelete, access: members, handler: d.deleteAccount, proof: recent("delete your account")},
		{method: http.MethodGet, path: pathInvitations, access: members, handler: d.invitations},
		{method: http.MethodPost, path: pathAcceptInvitation, access: members, handler: d.acceptInvitation,
			proof: none("accept an invitation", isOffered)},
		{method: http.MethodGet, path: pathNewOrganization, access: members, handler: d.newOrganization},
		{method: http.MethodPost, path: pathOrganizations, access: members, handler: d.createOrganization,
			proof: none("create an organization", isNew)},
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
		{method: http.MethodPost, path: pathProjects, access: developers, handler: d.createProject,
			proof: recent("create a project, which shows a secret")},
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
		{method: http.MethodPost, path: pathServers, access: developers, handler: d.addServer,
			proof: recent("add an MCP server, which shows a secret")},
		{method: http.MethodGet, path: pathNewServer, access: developers, handler: d.newServer},
		{method: http.MethodGet, path: pathServer, access: viewers, handler: d.server},
		{method: http.MethodPost, path: pathRenameServer, access: developers, handler: d.renameServer,
			proof: none("rename an MCP server", isWords)},
		{method: http.MethodPost, path: pathRemoveServer, access: developers, handler: d.removeServer, proof: recent("remove an MCP server")},
		{method: http.MethodPost, path: pathEndServer, access: developers, handler: d.endServer,
			proof: none("end the connections of an MCP server", isStop)},
		{method: http.MethodGet, path: pathScopes, access: viewers, handler: d.scopes},
		{method: http.MethodPost, path: pathScopes, access: developers, handler: d.addScope, proof: recent("add a scope")},
		{method: http.MethodGet, path: pathNewScope, access: developers, handler: d.newScope},
		{method: http.MethodPost, path: pathSelectable, access: developers, handler: d.setSelectable,
			proof: none("let people choose among scopes", isWords)},
		{method: http.MethodGet, path: pathScope, access: developers, handler: d.scope},
		{method: http.MethodPost, path: pathScope, access: developers, handler: d.changeScope, proof: recent("change a scope and its tools")},
		{method: http.MethodPost, path: pathMoveScope, access: developers, handler: d.moveScope,
			proof: none("change the order of scopes", isWords)},
		{method: http.MethodPost, path: pathDeleteScope, access: developers, handler: d.deleteScope, proof: recent("delete a scope")},
	}
}

// clientPages are about clients and who may register one.
func (d *dashboard) clientPages() []page {
	return []page{
		{method: http.MethodGet, path: pathClients, access: viewers, handler: d.clients,
			nav: navigation{groupProject, "Clients", "app-window"}},
		{method: http.MethodPost, path: pathClients, access: developers, handler: d.createClient, proof: recent("create a client")},
		{method: http.MethodGet, path: pathNewClient, access: developers, handler: d.newClient},
		{method: http.MethodGet, path: pathAccess, access: viewers, handler: d.access},
		{method: http.MethodPost, path: pathRegistrationPolicy, access: developers, handler: d.setRegistrationPolicy,
			proof: recent("change who may register clients")},
		{method: http.MethodPost, path: pathDocumentPolicy, access: developers, handler: d.setDocumentPolicy,
			proof: recent("change which clients with a document may come")},
		{method: http.MethodPost, path: pathRules, access: developers, handler: d.setRule, proof: recent("set a rule for clients")},
		{method: http.MethodPost, path: pathRemoveRule, access: developers, handler: d.removeRule, proof: recent("remove a rule for clients")},
		{method: http.MethodPost, path: pathTokens, access: developers, handler: d.createToken,
			proof: recent("create an initial access token")},
		{method: http.MethodPost, path: pathRevokeToken, access: developers, handler: d.revokeToken,
			proof: none("revoke an initial access token", isStop)},
		{method: http.MethodGet, path: pathClient, access: viewers, handler: d.client},
		{method: http.MethodPost, path: pathBlockClient, access: developers, handler: d.blockClient, proof: none("block a client", isStop)},
		{method: http.MethodPost, path: pathUnblockClient, access: developers, handler: d.unblockClient, proof: recent("unblock a client")},
		{method: http.MethodPost, path: pathDeleteClient, access: developers, handler: d.deleteClient, proof: recent("delete a client")},
		{method: http.MethodPost, path: pathEndClient, access: developers, handler: d.endClient,
			proof: none("end the connections of a client", isStop)},
	}
}

// userPages are about a project's people and what they connected.
func (d *dashboard) userPages() []page {
	return []page{
		{method: http.MethodGet, path: pathUsers, access: viewers, handler: d.users,
			nav: navigation{groupProject, "Users", "users"}},
		{method: http.MethodPost, path: pathReviewer, access: developers, handler: d.makeReviewer, proof: recent("make a reviewer")},
		{method: http.MethodPost, path: pathEndReviewer, access: developers, handler: d.endReviewer, proof: none("end a reviewer's account", isStop)},
		{method: http.MethodGet, path: pathUser, access: viewers, handler: d.user},
		{method: http.MethodPost, path: pathBlockUser, access: developers, handler: d.blockUser, proof: none("block a user", isStop)},
		{method: http.MethodPost, path: pathUnblockUser, access: developers, handler: d.unblockUser, proof: recent("unblock a user")},
		{method: http.MethodPost, path: pathEndUserSessions, access: developers, handler: d.endUserSessions,
			proof: none("sign a user out", isStop)},
		{method: http.MethodPost, path: pathDisconnectUser, access: developers, handler: d.disconnectUser,
			proof: none("end the connections of a user", isStop)},
		{method: http.MethodPost, path: pathDeleteUser, access: developers, handler: d.deleteUser, proof: recent("delete a user")},
		{method: http.MethodGet, path: pathConnections, access: viewers, handler: d.connections,
			nav: navigation{groupProject, "Connections", "plug"}},
		{method: http.MethodPost, path: pathEndGrant, access: developers, handler: d.endGrant, proof: none("end a connection", isStop)},
	}
}

// signInPages are about the ways in which a project's people sign in.
func (d *dashboard) signInPages() []page {
	return []page{
		{method: http.MethodGet, path: pathSignInSettings, access: viewers, handler: d.signInSettings,
			nav: navigation{groupProject, "Sign-in", "log-in"}},
		{method: http.MethodPost, path: pathSignInSettings, access: developers, handler: d.setSignInMethods,
			proof: recent("change how people sign in")},
		{method: http.MethodPost, path: pathSignUpSettings, access: developers, handler: d.setSignUp, proof: recent("change who may sign up")},
		{method: http.MethodPost, path: pathExternalLoginRules, access: developers, handler: d.postExternalLoginRules,
			proof: recent("change what people of your own login may do")},
		{method: http.MethodPost, path: pathProviders, access: developers, handler: d.addProvider, proof: recent("add an identity provider")},
		{method: http.MethodGet, path: pathNewProvider, access: developers, handler: d.newProvider},
		{method: http.MethodGet, path: pathProvider, access: developers, handler: d.provider},
		{method: http.MethodPost, path: pathProvider, access: developers, handler: d.changeProvider,
			proof: recent("change an identity provider")},
		{method: http.MethodPost, path: pathRemoveProvider, access: developers, handler: d.removeProvider,
			proof: recent("remove an identity provider")},
		{method: http.MethodGet, path: pathExternalLogin, access: viewers, handler: d.getExternalLogin},
		{method: http.MethodPost, path: pathExternalLogin, access: developers, handler: d.postExternalLogin, proof: recent("change the external login")},
		{method: http.MethodGet, path: pathSimulator, access: developers, handler: d.simulate},
		{method: http.MethodPost, path: pathSimulator, access: developers, handler: d.startSimulator,
			proof: recent("make the simulator the external login")},
		{method: http.MethodPost, path: pathSimulatorAnswer, access: developers, handler: d.answerSimulated,
			proof: recent("answer as the simulated site")},
	}
}

// brandPages are the branding editor.
func (d *dashboard) brandPages() []page {
	return []page{
		{method: http.MethodGet, path: pathBrand, access: viewers, handler: d.brand,
			nav: navigation{groupProject, "Branding", "palette"}},
		{method: http.MethodPost, path: pathBrand, access: developers, handler: d.saveBrand, body: maxBrandForm,
			proof: none("save a draft of the brand", isWords)},
		{method: http.MethodPost, path: pathBrandPreview, access: viewers, handler: d.previewBrand,
			proof: none("look at a draft of the brand", isOwn)},
		{method: http.MethodPost, path: pathBrandDiscard, access: developers, handler: d.discardBrand,
			proof: none("discard a draft of the brand", isWords)},
		{method: http.MethodPost, path: pathBrandPublish, access: developers, handler: d.publishBrand, proof: recent(actPublish)},
		{method: http.MethodPost, path: pathBrandShow, access: developers, handler: d.showBrand, proof: recent(actPublish)},
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
		{method: http.MethodPost, path: pathRotateKeys, access: developers, handler: d.rotateKeys, proof: recent("rotate the signing keys")},
		{method: http.MethodPost, path: pathReplaceKeys, access: developers, handler: d.replaceKeys,
			proof: recent("replace the signing keys at once")},
		{method: http.MethodPost, path: pathSecrets, access: developers, handler: d.createSecret,
			proof: recent("create a registration secret")},
		{method: http.MethodPost, path: pathRevoke, access: developers, handler: d.revokeSecret,
			proof: none("revoke a registration secret", isStop)},
	}
}

// testPages walk to a project's MCP servers as a client does.
func (d *dashboard) testPages() []page {
	return []page{
		{method: http.MethodGet, path: pathTest, access: viewers, handler: d.test,
			nav: navigation{groupProject, "Test", "stethoscope"}},
		{method: http.MethodPost, path: pathTestRun, access: developers, handler: d.runTest, proof: none("test an MCP server", isTrial)},
		{method: http.MethodPost, path: pathTestBegin, access: developers, handler: d.beginTest,
			proof: none("walk to an MCP server as a client", isTrial)},
		{method: http.MethodGet, path: pathTestCallback, access: developers, handler: d.finishTest},
	}
}

// domainPages are about the addresses that a project answers at.
func (d *dashboard) domainPages() []page {
	return []page{
		{method: http.MethodGet, path: pathDomains, access: viewers, handler: d.domains,
			nav: navigation{groupProject, "Domains", "globe"}},
		{method: http.MethodPost, path: pathDomains, access: developers, handler: d.addDomain, proof: recent("add a domain")},
		{method: http.MethodPost, path: pathPrimary, access: developers, handler: d.setPrimary, proof: recent("change the primary address")},
		{method: http.MethodPost, path: pathCheckDomain, access: developers, handler: d.checkDomain, proof: none("check a domain", isChecked)},
		{method: http.MethodPost, path: pathRemoveDomain, access: developers, handler: d.removeDomain, proof: recent("remove a domain")},
	}
}

// launchPages lead from trying out to real people.
func (d *dashboard) launchPages() []page {
	return []page{
		{method: http.MethodGet, path: pathLaunch, access: viewers, handler: d.launch,
			nav: navigation{groupProject, "Launch", "rocket"}},
		{method: http.MethodPost, path: pathEnvironment, access: developers, handler: d.setEnvironment,
			proof: recent("change what a project is for")},
		{method: http.MethodPost, path: pathLaunchCreate, access: developers, handler: d.createLike,
			proof: recent("create a production project, which shows a secret")},
		{method: http.MethodPost, path: pathLaunchCopy, access: developers, handler: d.copySettings,
			proof: recent("copy settings from another project")},
	}
}

// settingsPages change a project as a whole.
func (d *dashboard) settingsPages() []page {
	return []page{
		{method: http.MethodGet, path: pathSettings, access: viewers, handler: d.settings,
			nav: navigation{groupProject, "Settings", "settings"}},
		{method: http.MethodPost, path: pathSettings, access: developers, handler: d.renameProject, proof: none("rename a project", isWords)},
		{method: http.MethodGet, path: pathTokenSettings, access: viewers, handler: d.tokenSettings},
		{method: http.MethodPost, path: pathTokenSettings, access: developers, handler: d.setTokens,
			proof: recent("change how long tokens live")},
		{method: http.MethodGet, path: pathDanger, access: viewers, handler: d.danger},
		{method: http.MethodPost, path: pathSuspend, access: developers, handler: d.suspendProject, proof: none("suspend a project", isStop)},
		{method: http.MethodPost, path: pathResume, access: developers, handler: d.resumeProject, proof: recent("resume a project")},
		{method: http.MethodPost, path: pathDeleteProject, access: admins, handler: d.deleteProject, proof: recent("delete a project")},
	}
}

// organizationPages are about the organization: its projects, members and log.
func (d *dashboard) organizationPages() []page {
	return []page{
		{method: http.MethodGet, path: pathProjects, access: viewers, handler: d.projects,
			nav: navigation{groupOrganization, "Projects", "folder"}},
		{method: http.MethodGet, path: pathTeam, access: viewers, handler: d.team,
			nav: navigation{groupOrganization, "Team", "users"}},
		{method: http.MethodPost, path: pathInvite, access: admins, handler: d.invite, proof: recent("invite a member")},
		{method: http.MethodPost, path: pathRevokeInvite, access: admins, handler: d.revokeInvitation,
			proof: none("take back an invitation", isStop)},
		{method: http.MethodPost, path: pathMemberRole, access: admins, handler: d.setRole, proof: recent("change the role of a member")},
		{method: http.MethodPost, path: pathRemoveMember, access: admins, handler: d.removeMember, proof: recent("remove a member")},
		{method: http.MethodPost, path: pathLeave, access: viewers, handler: d.leave, proof: recent("leave an organization")},
		{method: http.MethodGet, path: pathBilling, access: viewers, handler: d.usageAndBilling,
			nav: navigation{groupOrganization, "Usage and billing", "credit-card"}},
		{method: http.MethodPost, path: pathRefreshBilling, access: viewers, handler: d.refreshBilling,
			proof: none("ask Stripe what is paid", isChecked)},
		{method: http.MethodPost, path: pathCheckout, access: owners, handler: d.checkout, proof: recent("subscribe to a plan")},
		{method: http.MethodPost, path: pathPortal, access: owners, handler: d.portal, proof: recent("open payments and invoices")},
		{method: http.MethodGet, path: pathChangePlan, access: owners, handler: d.showPlanChange},
		{method: http.MethodPost, path: pathChangePlan, access: owners, handler: d.changePlan, proof: recent("change the plan")},
		{method: http.MethodPost, path: pathCancelPlan, access: owners, handler: d.cancelPlan, proof: recent("cancel the plan")},
		{method: http.MethodPost, path: pathKeepPlan, access: owners, handler: d.cancelPlanChange, proof: recent("keep the plan after all")},
		{method: http.MethodPost, path: pathExportUsage, access: admins, handler: d.exportUsage, proof: recent("export connected users")},
		{method: http.MethodGet, path: pathAudit, access: admins, handler: d.audit,
			nav: navigation{groupOrganization, "Audit log", "scroll-text"}},
		{method: http.MethodPost, path: pathExportAudit, access: admins, handler: d.exportAudit, proof: recent("export the audit log")},
		{method: http.MethodGet, path: pathOrgSettings, access: viewers, handler: d.organizationSettings,
			nav: navigation{groupOrganization, "Organization", "building-2"}},
		{method: http.MethodPost, path: pathOrgSettings, access: admins, handler: d.renameOrganization,
			proof: none("rename an organization", isWords)},
		{method: http.MethodPost, path: pathDeleteOrg, access: owners, handler: d.deleteOrganization, proof: recent("delete an organization")},
	}
}
