package templates_test

import (
	"time"

	. "mcpauth.example/templates"
)

// organizationSamples are the team, the log and the settings of an organization.
func organizationSamples() []sample {
	roles := []Choice{{Value: "admin", Label: "admin"}, {Value: "developer", Label: "developer"}, {Value: "viewer", Label: "viewer"}}
	team := TeamPage{Shell: shell("Team", ""), InviteAction: "/dashboard/invite", Role: "developer", Roles: roles, Email: Field{Value: "ada", Error: "Enter an e-mail address, such as ada@acme.example."},
		Members: []MemberLine{
			{ID: "m1", Email: "grace@acme.example", Role: "owner", Self: true, JoinedAt: now.Add(-90 * 24 * time.Hour), LastActive: now, RemoveAction: "/dashboard/leave"},
			{ID: "m2", Email: "ada.with.a.very.long.address@research.department.acme.example", Role: "developer", JoinedAt: now.Add(-3 * 24 * time.Hour), RoleAction: "/dashboard/m2/role", RemoveAction: "/dashboard/m2/remove"},
		},
		Invitations: []InvitationLine{{ID: "i1", Email: "alan@acme.example", Role: "viewer", Inviter: "grace@acme.example", ExpiresAt: now.Add(6 * 24 * time.Hour), Action: "/dashboard/i1/revoke"}}}
	viewer := TeamPage{Shell: shell("Team", ""), Members: []MemberLine{{ID: "m1", Email: "grace@acme.example", Role: "owner", JoinedAt: now}}, Alert: "An organization needs an owner. Make somebody else an owner first."}
	audit := AuditPage{Shell: shell("Audit log", ""), ExportAction: "/dashboard/export", Projects: []Choice{{Value: "1", Label: "Acme Tools"}}, Next: "/dashboard/audit?after=x", Entries: []AuditLine{
		{ID: "a1", Who: "grace@acme.example", Action: "client.blocked", Target: "client:https://claude.ai/oauth/claude-code-client-metadata", Project: "Acme Tools", At: now},
		{ID: "a2", Who: "system", Action: "project.token_lifetimes_changed", Target: "project:019ab0c4-1c1b-7a55-8d5e-6f0f5a1b2c3d", Project: "Acme Tools", At: now.Add(-time.Hour), Detail: []Choice{{Value: "access_token", Label: "3600"}, {Value: "grace", Label: "60"}}},
		{ID: "a3", Who: "grace@acme.example", Action: "member.invited", Target: "invitation:1", At: now.Add(-48 * time.Hour), Detail: []Choice{{Value: "email", Label: "alan@acme.example"}}},
	}}
	suspended := shell("Organization", "")
	suspended.Banner = "This organization is suspended by whoever runs this service: nobody can connect to its MCP servers, and nothing can be changed. The audit log says why."
	return []sample{
		{"team", dashboard, Team(team)},
		{"team-viewer", dashboard, Team(viewer)},
		{"invitations", dashboard, Invitations(InvitationsPage{Shell: shell("Invitations", ""), Email: "alan@acme.example", Invitations: []InvitationLine{{ID: "i1", Organization: "Acme", Role: "viewer", Inviter: "grace@acme.example", Action: "/dashboard/accept"}, {ID: "i2", Organization: "Suspended", Role: "viewer", Inviter: "ada@acme.example"}}})},
		{"invitations-alone", dashboard, Invitations(InvitationsPage{Shell: shell("Invitations", ""), Email: "alan@acme.example", Alone: true, NewHref: "/dashboard/new"})},
		{"organization-new", dashboard, NewOrganization(NewOrganizationPage{Shell: shell("Create an organization", ""), Action: "/dashboard/organizations", Name: Field{Error: "Enter a name of 1 to 100 characters."}})},
		{"organization", dashboard, OrganizationSettings(OrganizationPage{Shell: shell("Organization", ""), ID: "019ab0c4", OrganizationName: "Acme", RenameAction: "/dashboard/rename", DeleteAction: "/dashboard/delete", Name: Field{Value: "Acme"}, DeleteError: "Delete the projects of this organization first."})},
		{"audit", dashboard, Audit(audit)},
		{"organization-suspended", dashboard, OrganizationSettings(OrganizationPage{Shell: suspended, OrganizationName: "Acme", Name: Field{Value: "Acme"}})},
		{"audit-empty", dashboard, Audit(AuditPage{Shell: shell("Audit log", ""), ExportAction: "/dashboard/export"})},
	}
}
