package tenants

import (
	"cmp"
	"context"
	"time"

	"mcpauth.example/internal/id"
)

// UsersPage is how many users one page of a list has.
const UsersPage = 50

// User is one of a project's people, as the project's members see them.
type User struct {
	ID            id.ID
	Email         string // proven; empty: the person signs in at other providers only
	KnownAs       string // how a person without an address is called, by what somebody else says
	Name          string
	Blocked       bool
	CreatedAt     time.Time
	LastSignIn    time.Time // zero: never
	Connections   int       // living ones
	ReviewerUntil time.Time // zero: an ordinary account
	ReviewerEnded bool
}

// Called is how pages and logs call the person. It proves nothing and need not be unique.
func (u User) Called() string { return cmp.Or(u.Email, u.KnownAs) }

// UserGrant is a living approval of a user.
type UserGrant struct {
	ID           id.ID
	ClientID     string
	ClientName   string
	Resource     string
	Scopes       []string
	Organization string
	CreatedAt    time.Time
}

// UserQuery is one page of a list, the newest users first.
type UserQuery struct {
	Search string // part of the address, the name, or an address that a provider says; empty: everyone
	Before id.ID  // the last id of the page before; zero: the first page
}

// UserStore is what members do with a project's people. Every change is audited in its transaction.
type UserStore interface {
	ReviewerStore

	// ListUsers returns at most UsersPage users.
	ListUsers(ctx context.Context, organization, project id.ID, q UserQuery) ([]User, error)
	// FindUser returns ErrNotFound for a user of another project.
	FindUser(ctx context.Context, organization, project, user id.ID) (User, error)
	// SetUserBlocked ends, with a block, the sessions and grants of the user in the same transaction.
	SetUserBlocked(ctx context.Context, actor Actor, organization, project, user id.ID, blocked bool) error
	// DeleteUser ends the user's grants and deletes what is known of them.
	DeleteUser(ctx context.Context, actor Actor, organization, project, user id.ID) error
	// EndUserSessions signs the user out of every browser. Apps stay connected.
	EndUserSessions(ctx context.Context, actor Actor, organization, project, user id.ID) error
	// ListUserGrants returns the living grants, the latest first, at most 200.
	ListUserGrants(ctx context.Context, organization, project, user id.ID) ([]UserGrant, error)
	// EndUserGrants ends one grant, or with the zero id all of them, and forgets the consents they came with.
	EndUserGrants(ctx context.Context, actor Actor, organization, project, user, grant id.ID) error
}

// userChange runs a change that the actor's role has to allow.
func (p Projects) userChange(ctx context.Context, actor Actor, org id.ID, run func() error) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return run()
}

// BlockUser keeps a user out: every session and connection ends at once.
func (p Projects) BlockUser(ctx context.Context, actor Actor, org, project, user id.ID) error {
	return p.userChange(ctx, actor, org, func() error { return p.Store.SetUserBlocked(ctx, actor, org, project, user, true) })
}

// UnblockUser lets a user in again; what ended stays ended.
func (p Projects) UnblockUser(ctx context.Context, actor Actor, org, project, user id.ID) error {
	return p.userChange(ctx, actor, org, func() error { return p.Store.SetUserBlocked(ctx, actor, org, project, user, false) })
}

// DeleteUser deletes a user with everything that belongs to them.
func (p Projects) DeleteUser(ctx context.Context, actor Actor, org, project, user id.ID) error {
	return p.userChange(ctx, actor, org, func() error { return p.Store.DeleteUser(ctx, actor, org, project, user) })
}

// EndUserSessions signs a user out of every browser.
func (p Projects) EndUserSessions(ctx context.Context, actor Actor, org, project, user id.ID) error {
	return p.userChange(ctx, actor, org, func() error { return p.Store.EndUserSessions(ctx, actor, org, project, user) })
}

// EndUserGrants takes access back from one app of a user, or from all.
func (p Projects) EndUserGrants(ctx context.Context, actor Actor, org, project, user, grant id.ID) error {
	return p.userChange(ctx, actor, org, func() error { return p.Store.EndUserGrants(ctx, actor, org, project, user, grant) })
}

// Users lists a project's people.
func (p Projects) Users(ctx context.Context, actor Actor, org, project id.ID, q UserQuery) ([]User, error) {
	if _, err := p.role(ctx, actor, org); err != nil {
		return nil, err
	}
	return p.Store.ListUsers(ctx, org, project, q)
}
