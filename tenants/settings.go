package tenants

import (
	"context"
	"errors"
	"time"

	"mcpauth.example/internal/id"
)

// SettingsStore changes a project as a whole, by the rules of ProjectStore.
type SettingsStore interface {
	// RenameProject succeeds when nothing changes.
	RenameProject(ctx context.Context, actor Actor, organization, project id.ID, name string) error
	// SetTokenLifetimes succeeds when nothing changes.
	SetTokenLifetimes(ctx context.Context, actor Actor, organization, project id.ID, l TokenLifetimes) error
	// SetSignUpOpen succeeds when nothing changes.
	SetSignUpOpen(ctx context.Context, actor Actor, organization, project id.ID, open bool) error
	// SetExternalLoginRules succeeds when nothing changes.
	SetExternalLoginRules(ctx context.Context, actor Actor, organization, project id.ID, rules ExternalLoginRules) error
	// RotateSigningKeys rotates, or with replace drops every other key at once.
	RotateSigningKeys(ctx context.Context, actor Actor, organization, project id.ID, algorithm string, replace bool) (rotated bool, after time.Time, err error)
	// EndGrants ends living grants and forgets the consents they came with: one, or all of a client or an MCP server. It returns how many.
	EndGrants(ctx context.Context, actor Actor, organization, project, grant id.ID, clientID string, server id.ID) (ended int, err error)
	// MoveScope puts a scope one place up.
	MoveScope(ctx context.Context, actor Actor, organization, project id.ID, name string) error
	// DeleteProject ends every grant and deletes the project with all that belongs to it. Its slug is never given again.
	DeleteProject(ctx context.Context, actor Actor, organization, project id.ID) error
}

// TokenLifetimes says how long access lasts. All are rounded down to seconds.
type TokenLifetimes struct {
	AccessToken time.Duration
	RefreshIdle time.Duration // without use
	Refresh     time.Duration // in all
	Grace       time.Duration // for the refresh token before the last use
}

// Bounds of token lifetimes.
const (
	MinAccessToken = time.Minute
	MaxAccessToken = 24 * time.Hour
	MinRefresh     = time.Hour
	MaxRefreshIdle = 365 * 24 * time.Hour
	MaxRefresh     = 3 * 365 * 24 * time.Hour
	MaxGrace       = 2 * time.Minute
)

// SetTokenLifetimes changes what is issued from now on. It returns FieldErrors for "access_token", "refresh_idle", "refresh" and "grace".
func (p Projects) SetTokenLifetimes(ctx context.Context, actor Actor, org, project id.ID, l TokenLifetimes) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	var problems []error
	check := func(field string, value, least, most time.Duration, message string) {
		if value < least || value > most {
			problems = append(problems, FieldError{Field: field, Message: message})
		}
	}
	check("access_token", l.AccessToken, MinAccessToken, MaxAccessToken, "Enter 1 to 1440 minutes.")
	check("refresh_idle", l.RefreshIdle, MinRefresh, MaxRefreshIdle, "Enter 1 hour to 365 days.")
	check("refresh", l.Refresh, MinRefresh, MaxRefresh, "Enter 1 hour to 1095 days.")
	check("grace", l.Grace, 0, MaxGrace, "Enter 0 to 120 seconds.")
	if l.RefreshIdle > l.Refresh && len(problems) == 0 {
		problems = append(problems, FieldError{Field: "refresh_idle", Message: "Without use, access cannot last longer than in all."})
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	return p.Store.SetTokenLifetimes(ctx, actor, org, project, l)
}

// Rename changes the name that people see. The address stays. It returns a FieldError for "name".
func (p Projects) Rename(ctx context.Context, actor Actor, org, project id.ID, name string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	return p.Store.RenameProject(ctx, actor, org, project, name)
}

// SetSignUpOpen decides whether people may make accounts by themselves.
func (p Projects) SetSignUpOpen(ctx context.Context, actor Actor, org, project id.ID, open bool) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.SetSignUpOpen(ctx, actor, org, project, open)
}

// ExternalLoginRules are for people whom the customer's own login signs in.
type ExternalLoginRules struct {
	// WaysBeside lets them have a password, a passkey and mailed codes here as well, which go around that login.
	WaysBeside bool
	// OrganizationSession is how old their sign-in there may be when they choose an organization.
	OrganizationSession time.Duration
}

// MaxOrganizationSession is the longest time; the shortest is an hour.
const MaxOrganizationSession = 7 * 24 * time.Hour

// SetExternalLoginRules changes what counts from now on; whoever is signed in stays so. It returns a FieldError for "organization_session".
func (p Projects) SetExternalLoginRules(ctx context.Context, actor Actor, org, project id.ID, rules ExternalLoginRules) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if rules.OrganizationSession < time.Hour || rules.OrganizationSession > MaxOrganizationSession {
		return FieldError{Field: "organization_session", Message: "Enter 1 to 168 hours."}
	}
	return p.Store.SetExternalLoginRules(ctx, actor, org, project, rules)
}

// RotateKeys lets the next signing key sign, or with replace drops every other key at once, for when one is known to others. Not rotated:
// verifiers have to learn of the next key first, until after. It returns a FieldError for "algorithm".
func (p Projects) RotateKeys(ctx context.Context, actor Actor, org, project id.ID, algorithm string, replace bool) (rotated bool, after time.Time, err error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return false, after, err
	}
	switch algorithm {
	case "", "ES256", "EdDSA", "RS256":
	default:
		return false, after, FieldError{Field: "algorithm", Message: "Choose ES256, EdDSA or RS256."}
	}
	return p.Store.RotateSigningKeys(ctx, actor, org, project, algorithm, replace)
}

// EndGrants ends one living grant, or all of a client or of an MCP server; guards hear of it within a second.
func (p Projects) EndGrants(ctx context.Context, actor Actor, org, project, grant id.ID, clientID string, server id.ID) (ended int, err error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return 0, err
	}
	if grant.IsZero() && clientID == "" && server.IsZero() {
		return 0, ErrNotFound
	}
	return p.Store.EndGrants(ctx, actor, org, project, grant, clientID, server)
}

// MoveScope puts a scope one place up in the list that people read.
func (p Projects) MoveScope(ctx context.Context, actor Actor, org, project id.ID, name string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.MoveScope(ctx, actor, org, project, name)
}

// Delete deletes a project for good; only who may change members may. It returns a FieldError for "confirm" unless the name was typed.
func (p Projects) Delete(ctx context.Context, actor Actor, org, project id.ID, confirm string) error {
	role, err := p.role(ctx, actor, org)
	if err == nil && !role.CanChangeMembers() {
		err = ErrForbidden
	}
	if err != nil {
		return err
	}
	found, err := p.Store.OpenProject(ctx, org, project)
	if err != nil {
		return err
	}
	if err := Confirm(confirm, found.Name); err != nil {
		return err
	}
	return p.Store.DeleteProject(ctx, actor, org, project)
}

// Confirm compares what was typed before a dangerous act. It returns a FieldError for "confirm".
func Confirm(typed, wanted string) error {
	if normalized, err := ParseName(typed); err != nil || normalized != wanted {
		return FieldError{Field: "confirm", Message: "Expected exactly: " + wanted}
	}
	return nil
}
