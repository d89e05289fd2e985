package tenants

import (
	"context"

	"mcpauth.example/internal/id"
)

// NewProject is a project with everything it starts with, made in one transaction.
type NewProject struct {
	Project Project // ID, OrganizationID, Slug, Name, Issuer and Aliases are set
	Server  MCPServer
	Secret  NewSecret
	Scopes  []Scope
	// OnlyOrganization makes the creation fail with ErrForbidden when another organization has a project.
	OnlyOrganization bool
	// Like is what it takes over from another project; nil: nothing.
	Like *SettingsCopy
	// Limit of projects, checked with the insertion.
	Limit Limit
}

// NewSecret is a registration secret as it is stored: never itself.
type NewSecret struct {
	ID       id.ID
	Hash     []byte
	LastFour string
}

// ProjectSummary is a project in a list.
type ProjectSummary struct {
	Project
	ServerURL string // of its first MCP server; empty: it has none
}

// ProjectDetail is a project with what its developers configure. Secrets are the living ones.
type ProjectDetail struct {
	Project
	Servers []MCPServer
	Secrets []RegistrationSecret
	Scopes  []Scope
}

// ProjectStore keeps projects. Every verb names the organization, and answers ErrNotFound when the project belongs to another one.
// Changes and their audit rows are one transaction.
type ProjectStore interface {
	// FindMembership returns ErrNotFound when the member does not belong to the organization.
	FindMembership(ctx context.Context, member, organization id.ID) (Membership, error)
	// CreateProject returns the time of creation, and ErrConflict when the slug was ever used or an issuer URL is taken.
	CreateProject(ctx context.Context, actor Actor, project NewProject) (ProjectSummary, error)
	ListProjects(ctx context.Context, organization id.ID) ([]ProjectSummary, error)
	// OpenProject reads the project alone.
	OpenProject(ctx context.Context, organization, project id.ID) (Project, error)
	FindProject(ctx context.Context, organization, project id.ID) (ProjectDetail, error)
	// CreateRegistrationSecret returns ErrLimit when the MCP server already has MaxLiveSecrets.
	CreateRegistrationSecret(ctx context.Context, actor Actor, organization, project, server id.ID, s NewSecret) (RegistrationSecret, error)
	// RevokeRegistrationSecret succeeds when the secret was revoked before.
	RevokeRegistrationSecret(ctx context.Context, actor Actor, organization, project, id id.ID) error
	// SetSuspended succeeds when nothing changes.
	SetSuspended(ctx context.Context, actor Actor, organization, project id.ID, suspended bool) error
	// SetProvider adds a provider or replaces the one of its id, and returns ErrLimit at MaxProviders. An empty secret keeps the stored one.
	SetProvider(ctx context.Context, actor Actor, organization, project id.ID, provider Provider) error
	// RemoveProvider succeeds when there is none. Who signed in with it keeps their account.
	RemoveProvider(ctx context.Context, actor Actor, organization, project, provider id.ID) error
	// ListProviders returns them without secrets, the oldest first.
	ListProviders(ctx context.Context, organization, project id.ID) ([]Provider, error)
	// SetSignInMethods succeeds when nothing changes.
	SetSignInMethods(ctx context.Context, actor Actor, organization, project id.ID, methods []string) error
	// SetDocumentPolicy succeeds when nothing changes.
	SetDocumentPolicy(ctx context.Context, actor Actor, organization, project id.ID, policy DocumentPolicy) error
	// SetClientRule ends the grants of clients that a block meets, and returns ErrLimit when the project has MaxClientRules others.
	SetClientRule(ctx context.Context, actor Actor, organization, project id.ID, rule ClientRule) error
	// DeleteClientRule succeeds when there is no such rule.
	DeleteClientRule(ctx context.Context, actor Actor, organization, project id.ID, rule ClientRule) error
	ActivityStore
	ClientStore
	BrandStore
	UserStore
	ScopeStore
	ServerStore
	ListStore
	SettingsStore
	LaunchStore
	DomainStore
}

// MaxLiveSecrets is how many registration secrets of one MCP server may be in use at once: enough to rotate on several machines.
const MaxLiveSecrets = 10
