package templates

import "time"

// TeamPage is about who belongs to an organization. InviteAction takes email and role.
type TeamPage struct {
	Shell
	Members      []MemberLine
	Invitations  []InvitationLine
	InviteAction string // empty for who may not
	Email        Field
	Role         string
	RoleError    string
	Roles        []Choice
	Alert        string
}

// MemberLine is a member of an organization. RoleAction takes role.
type MemberLine struct {
	ID, Email, Role          string
	Self                     bool
	JoinedAt, LastActive     time.Time
	RoleAction, RemoveAction string // empty: not offered
}

// InvitationLine is an open invitation.
type InvitationLine struct {
	ID, Email, Role, Organization string
	Inviter                       string // address of who sent it
	ExpiresAt                     time.Time
	Action                        string // revokes it on the team page, accepts it on the invited person's; empty: not offered, there because the organization is suspended
}

// InvitationsPage is what a member is invited to.
type InvitationsPage struct {
	Shell
	Email       string
	Invitations []InvitationLine
	Alone       bool // the member belongs to no organization
	NewHref     string
}

// NewOrganizationPage makes an organization. Fields: name.
type NewOrganizationPage struct {
	Shell
	Action string
	Name   Field
}

// OrganizationPage is about an organization as a whole. Fields: name; DeleteAction takes confirm.
type OrganizationPage struct {
	Shell
	ID, OrganizationName       string
	RenameAction, DeleteAction string // empty for who may not
	Name                       Field
	DeleteError                string
}

// AuditPage is the log of changes. Its filters are project and action.
type AuditPage struct {
	Shell
	Entries         []AuditLine
	Projects        []Choice
	Project, Action string
	ExportAction    string // fields project, action, format
	First, Next     string
}

// AuditLine is one change.
type AuditLine struct {
	ID, Who, Action, Target, Project string
	Detail                           []Choice
	At                               time.Time
}

// InvitationMail invites to an organization.
type InvitationMail struct{ Organization, Role, URL string }
