package tenants

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
)

// ListPage is how many rows one page of a list has.
const ListPage = 50

// CountedTo is where lists stop counting what belongs to a row: a larger number would cost more than it tells.
const CountedTo = 1000

// ServerSummary is an MCP server in a list.
type ServerSummary struct {
	MCPServer
	CreatedAt   time.Time
	Secrets     int       // in use
	SecretUsed  time.Time // when one of them was last used, by a guard or to ask about a token; zero: never
	Connections int       // living ones, at most CountedTo + 1
}

// ToolUse is how a tool was called over the latest connections of an MCP server.
type ToolUse struct {
	Tool                   string // empty: requests that call no tool
	Calls, Failed, Refused int
	LastUsed               time.Time
}

// KeyInfo is a signing key as it may be shown.
type KeyInfo struct {
	ID, Algorithm, State string
	CreatedAt            time.Time
	ActivatedAt          time.Time // zero: it has not signed yet
	RetiredAt            time.Time // zero: it is still in use, or comes next
	// NeededUntil is when the last access token that a retired key signed expires; zero for the others.
	NeededUntil time.Time
	// Holders are the clients with living access tokens of a retired key, those with the most connections first, at most MaxKeyHolders.
	Holders []KeyHolder
}

// MaxKeyHolders is how many clients are named that still use a retired key.
const MaxKeyHolders = 5

// KeyHolder is a client that still uses a retired key.
type KeyHolder struct {
	Client      string
	Connections int
}

// Client is a client that a project knows.
type Client struct {
	ID, Kind, Name, URI, AuthMethod string
	RedirectURIs                    []string
	CreatedAt, RenewedAt            time.Time
	FirstUsed                       time.Time // zero: nobody approved it yet
	LastApproved                    time.Time
	Blocked                         bool
	// Decision is that of the rules about clients with a document: "allow", "block" or "" for none.
	Decision    string
	Connections int // living ones, at most CountedTo + 1
}

// ClientQuery is one page of a list of clients, the newest first. The last row of the page before is named by its time and id.
type ClientQuery struct {
	Search     string // part of the name or the id
	Kind       string // registered, document or managed
	State      string // blocked, used or unused
	BeforeTime time.Time
	BeforeID   string
}

// Grant is a living approval of a project.
type Grant struct {
	ID, UserID, ServerID                                                id.ID
	UserEmail, ClientID, ClientName, ServerName, Resource, Organization string
	Scopes                                                              []string
	CreatedAt, ExpiresAt                                                time.Time
	LastUsed                                                            time.Time // zero: never
}

// GrantQuery is one page of living grants, the newest first; zero values do not filter.
type GrantQuery struct {
	Before   id.ID // the last id of the page before
	ClientID string
	UserID   id.ID
	ServerID id.ID
}

// ProjectSettings is what members set for a project as a whole.
type ProjectSettings struct {
	Name                                                     string
	AccessTokenTTL, RefreshIdleTTL, RefreshTTL, RefreshGrace time.Duration
	SignUpOpen, ScopesSelectable                             bool
	RegistrationPolicy                                       RegistrationPolicy
	DocumentPolicy                                           DocumentPolicy
	SignInMethods                                            []string
	SigningAlgorithm                                         string
	BrandVersion                                             int
	ExternalLoginRules                                       ExternalLoginRules
}

// DailyCounts are what happened on each of the latest days (UTC), the oldest first.
type DailyCounts struct {
	Days                                   []time.Time
	Attempts, Connections, Failures, Users []int
	TotalUsers, LivingGrants               int // the grants at most 100 * CountedTo
}

// ListStore reads what the dashboard lists. Every verb names the organization and answers ErrNotFound for another one's project.
type ListStore interface {
	ListServers(ctx context.Context, organization, project id.ID) ([]ServerSummary, error)
	// ListToolUse looks at the latest connections of an MCP server.
	ListToolUse(ctx context.Context, organization, project, server id.ID) ([]ToolUse, error)
	ListKeys(ctx context.Context, organization, project id.ID) ([]KeyInfo, error)
	// ListClients returns at most ListPage clients.
	ListClients(ctx context.Context, organization, project id.ID, q ClientQuery) ([]Client, error)
	FindClientOf(ctx context.Context, organization, project id.ID, clientID string) (Client, error)
	// ListGrants returns at most ListPage grants.
	ListGrants(ctx context.Context, organization, project id.ID, q GrantQuery) ([]Grant, error)
	ListInitialAccessTokens(ctx context.Context, organization, project id.ID) ([]InitialAccessToken, error)
	ListClientRules(ctx context.Context, organization, project id.ID) ([]ClientRule, error)
	FindSettings(ctx context.Context, organization, project id.ID) (ProjectSettings, error)
	CountDays(ctx context.Context, organization, project id.ID, days int) (DailyCounts, error)
}

// read runs a question that every member of the organization may ask.
func read[T any](ctx context.Context, p Projects, actor Actor, org id.ID, ask func() (T, error)) (T, error) {
	if err := p.maySee(ctx, actor, org); err != nil {
		var none T
		return none, err
	}
	return ask()
}

// Servers lists the MCP servers of a project with their use.
func (p Projects) Servers(ctx context.Context, actor Actor, org, project id.ID) ([]ServerSummary, error) {
	return read(ctx, p, actor, org, func() ([]ServerSummary, error) { return p.Store.ListServers(ctx, org, project) })
}

// ToolUse says which tools of an MCP server are called.
func (p Projects) ToolUse(ctx context.Context, actor Actor, org, project, server id.ID) ([]ToolUse, error) {
	return read(ctx, p, actor, org, func() ([]ToolUse, error) { return p.Store.ListToolUse(ctx, org, project, server) })
}

// Keys lists the signing keys of a project: the one that comes next, the one in use, and those that signed.
func (p Projects) Keys(ctx context.Context, actor Actor, org, project id.ID) ([]KeyInfo, error) {
	return read(ctx, p, actor, org, func() ([]KeyInfo, error) { return p.Store.ListKeys(ctx, org, project) })
}

// Clients lists the clients that a project knows.
func (p Projects) Clients(ctx context.Context, actor Actor, org, project id.ID, q ClientQuery) ([]Client, error) {
	return read(ctx, p, actor, org, func() ([]Client, error) { return p.Store.ListClients(ctx, org, project, q) })
}

// Client finds one client.
func (p Projects) Client(ctx context.Context, actor Actor, org, project id.ID, clientID string) (Client, error) {
	return read(ctx, p, actor, org, func() (Client, error) { return p.Store.FindClientOf(ctx, org, project, clientID) })
}

// Grants lists living grants.
func (p Projects) Grants(ctx context.Context, actor Actor, org, project id.ID, q GrantQuery) ([]Grant, error) {
	return read(ctx, p, actor, org, func() ([]Grant, error) { return p.Store.ListGrants(ctx, org, project, q) })
}

// InitialAccessTokens lists those that work, the newest first.
func (p Projects) InitialAccessTokens(ctx context.Context, actor Actor, org, project id.ID) ([]InitialAccessToken, error) {
	return read(ctx, p, actor, org, func() ([]InitialAccessToken, error) { return p.Store.ListInitialAccessTokens(ctx, org, project) })
}

// ClientRules lists what a project decided about clients with a document.
func (p Projects) ClientRules(ctx context.Context, actor Actor, org, project id.ID) ([]ClientRule, error) {
	return read(ctx, p, actor, org, func() ([]ClientRule, error) { return p.Store.ListClientRules(ctx, org, project) })
}

// Settings reads what is set for a project as a whole.
func (p Projects) Settings(ctx context.Context, actor Actor, org, project id.ID) (ProjectSettings, error) {
	return read(ctx, p, actor, org, func() (ProjectSettings, error) { return p.Store.FindSettings(ctx, org, project) })
}

// Days counts what happened on the latest days (UTC), today included.
func (p Projects) Days(ctx context.Context, actor Actor, org, project id.ID, days int) (DailyCounts, error) {
	return read(ctx, p, actor, org, func() (DailyCounts, error) { return p.Store.CountDays(ctx, org, project, days) })
}

// User finds one of a project's people.
func (p Projects) User(ctx context.Context, actor Actor, org, project, user id.ID) (User, error) {
	return read(ctx, p, actor, org, func() (User, error) { return p.Store.FindUser(ctx, org, project, user) })
}

// Providers lists the providers whose accounts people may sign in with.
func (p Projects) Providers(ctx context.Context, actor Actor, org, project id.ID) ([]Provider, error) {
	return read(ctx, p, actor, org, func() ([]Provider, error) { return p.Store.ListProviders(ctx, org, project) })
}

// BrandDraft is the draft, or what is published when there is none.
func (p Projects) BrandDraft(ctx context.Context, actor Actor, org, project id.ID) (Brand, error) {
	return read(ctx, p, actor, org, func() (Brand, error) { return p.Store.FindBrandDraft(ctx, org, project) })
}

// Brands lists the published versions, the latest first.
func (p Projects) Brands(ctx context.Context, actor Actor, org, project id.ID) ([]Brand, error) {
	return read(ctx, p, actor, org, func() ([]Brand, error) { return p.Store.ListBrands(ctx, org, project) })
}
