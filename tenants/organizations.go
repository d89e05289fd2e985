package tenants

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
)

// InvitationLifetime is how long an invitation can be accepted.
const InvitationLifetime = 7 * 24 * time.Hour

// ErrLastOwner is returned for what would leave an organization without an owner.
var ErrLastOwner = errors.New("an organization needs an owner")

// LastOwnerError is ErrLastOwner of somebody who leaves several organizations at once, and says which one it is.
type LastOwnerError struct{ Organization Organization }

func (e LastOwnerError) Error() string { return ErrLastOwner.Error() }

// Unwrap makes it ErrLastOwner.
func (e LastOwnerError) Unwrap() error { return ErrLastOwner }

// ErrPaid is returned for what would lose a subscription that goes on being paid.
var ErrPaid = errors.New("there is a subscription")

// Member is a person who belongs to an organization.
type Member struct {
	ID         id.ID
	Email      string // empty: the person signs in at GitHub only, and gets no mail
	KnownAs    string // how a member without an address is called
	Role       Role
	JoinedAt   time.Time
	LastActive time.Time // when they last signed in; zero: long ago
}

// Called is how pages call the member.
func (m Member) Called() string { return cmp.Or(m.Email, m.KnownAs) }

// Invitation is an address that may join an organization.
type Invitation struct {
	ID           id.ID
	Organization Organization
	Email        string
	Role         Role
	// Inviter is the address of the member who sent it. It is good as long as they may give the role.
	Inviter   string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Roles lists the roles, from the most to the least powerful.
func Roles() []Role { return []Role{RoleOwner, RoleAdmin, RoleDeveloper, RoleViewer} }

// atLeast compares two roles.
func (r Role) atLeast(other Role) bool {
	return slices.Contains(Roles(), r) && slices.Index(Roles(), r) <= slices.Index(Roles(), other)
}

// MayGive reports whether a member of this role may give another one, or take it away: nothing above their own (catalogue 217).
func (r Role) MayGive(other Role) bool { return r.CanChangeMembers() && r.atLeast(other) }

// Organizations is what members may do with organizations and with who belongs to them. Its methods return ErrNotFound for an organization
// the actor does not belong to, and ErrForbidden when the role does not allow a change.
type Organizations struct {
	Store OrganizationStore
	// Plans says what an organization may have; nil: as much as it likes.
	Plans Plans
}

// Plans says which plan an organization is on.
type Plans interface {
	PlanOf(ctx context.Context, organization id.ID) (Plan, error)
}

// limitOf is the bound of a plan for one thing that is counted.
func limitOf(ctx context.Context, plans Plans, organization id.ID, what Countable) (Limit, error) {
	limit := Limit{What: what, Max: Unlimited, Way: "Remove one that is not used, or change the plan."}
	if plans == nil {
		return limit, nil
	}
	plan, err := plans.PlanOf(ctx, organization)
	limit.Max = plan.Max(what)
	return limit, err
}

// OrganizationStore keeps organizations. Changes and their audit rows are one transaction.
type OrganizationStore interface {
	FindMembership(ctx context.Context, member, organization id.ID) (Membership, error)
	CreateOrganization(ctx context.Context, actor Actor, name string, owner id.ID) (Organization, error)
	RenameOrganization(ctx context.Context, actor Actor, organization id.ID, name string) error
	// DeleteOrganization returns ErrConflict while it has projects, and ErrPaid while it has a subscription.
	DeleteOrganization(ctx context.Context, actor Actor, organization id.ID) error
	ListMembers(ctx context.Context, organization id.ID) ([]Member, error)
	// ListInvitations returns the open ones whose senders may still give the role.
	ListInvitations(ctx context.Context, organization id.ID) ([]Invitation, error)
	// InvitationsFor returns those that an address can accept.
	InvitationsFor(ctx context.Context, email string) ([]Invitation, error)
	// Invite replaces an earlier invitation of the address and queues the mail; seats are checked with it. ErrConflict: the address
	// belongs to a member. ErrForbidden: the actor may not give the role any more. ErrSuspended: the organization admits nobody.
	Invite(ctx context.Context, actor Actor, invitation Invitation, seats Limit, mail InvitationMail) error
	// RevokeInvitation returns ErrNotFound when there is none.
	RevokeInvitation(ctx context.Context, actor Actor, organization, invitation id.ID) error
	// AcceptInvitation is ErrNotFound unless the invitation is for this address and still open, and whoever sent it may still give its
	// role; ErrSuspended while the organization admits nobody: the invitation stays then.
	AcceptInvitation(ctx context.Context, member id.ID, email string, invitation id.ID) (Organization, error)
	// ChangeMember locks the organization, asks decide about the roles as they are then, and gives the member the role that it returns; an
	// empty one removes them. Invitations that they sent and may no longer send end. ErrLastOwner: no owner would be left.
	ChangeMember(ctx context.Context, actor Actor, organization, member id.ID, decide func(actor, target Role) (Role, error)) error
	ListAudit(ctx context.Context, organization id.ID, q AuditQuery) ([]AuditEntry, error)
	RecordExport(ctx context.Context, actor Actor, organization id.ID) error
}

// InvitationMail renders the message of an invitation.
type InvitationMail func(organization string) (subject, text, html string, err error)

func (o Organizations) role(ctx context.Context, actor Actor, org id.ID) (Role, error) {
	member, ok := actor.Member()
	if !ok {
		return "", ErrForbidden
	}
	membership, err := o.Store.FindMembership(ctx, member, org)
	return membership.Role, err
}

func (o Organizations) mayChange(ctx context.Context, actor Actor, org id.ID) (Role, error) {
	role, err := o.role(ctx, actor, org)
	if err == nil && !role.CanChangeMembers() {
		err = ErrForbidden
	}
	return role, err
}

// Create makes an organization that the member owns. It returns a FieldError for "name".
func (o Organizations) Create(ctx context.Context, member id.ID, name string) (Organization, error) {
	name, err := ParseName(name)
	if err != nil {
		return Organization{}, err
	}
	return o.Store.CreateOrganization(ctx, MemberActor(member), name, member)
}

// Rename changes the name of an organization. It returns a FieldError for "name".
func (o Organizations) Rename(ctx context.Context, actor Actor, org id.ID, name string) error {
	if _, err := o.mayChange(ctx, actor, org); err != nil {
		return err
	}
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	return o.Store.RenameOrganization(ctx, actor, org, name)
}

// Delete deletes an organization without projects. It returns a FieldError for "confirm" unless its name was typed.
func (o Organizations) Delete(ctx context.Context, actor Actor, org id.ID, name, confirm string) error {
	role, err := o.role(ctx, actor, org)
	if err == nil && role != RoleOwner {
		err = ErrForbidden
	}
	if err == nil {
		err = Confirm(confirm, name)
	}
	if err != nil {
		return err
	}
	err = o.Store.DeleteOrganization(ctx, actor, org)
	if errors.Is(err, ErrPaid) {
		return FieldError{Field: "confirm", Message: "Cancel the subscription first, under usage and billing. The organization can be deleted once it has ended."}
	}
	if errors.Is(err, ErrConflict) {
		return FieldError{Field: "confirm", Message: "Delete the projects of this organization first."}
	}
	return err
}

// Members lists who belongs to an organization.
func (o Organizations) Members(ctx context.Context, actor Actor, org id.ID) ([]Member, error) {
	if _, err := o.role(ctx, actor, org); err != nil {
		return nil, err
	}
	return o.Store.ListMembers(ctx, org)
}

// Invitations lists the open ones.
func (o Organizations) Invitations(ctx context.Context, actor Actor, org id.ID) ([]Invitation, error) {
	if _, err := o.role(ctx, actor, org); err != nil {
		return nil, err
	}
	return o.Store.ListInvitations(ctx, org)
}

// Invite lets an address join. It returns a FieldError for "email" or "role", and a LimitError.
func (o Organizations) Invite(ctx context.Context, actor Actor, org id.ID, email string, role Role, mail InvitationMail) error {
	own, err := o.mayChange(ctx, actor, org)
	if err != nil {
		return err
	}
	email = strings.ToLower(strings.TrimSpace(email))
	if strings.Count(email, "@") != 1 || len(email) < 3 || len(email) > 254 || strings.ContainsAny(email, " \t\r\n<>\"") {
		return FieldError{Field: "email", Message: "Enter an e-mail address, such as ada@acme.example."}
	}
	if !slices.Contains(Roles(), role) || !own.MayGive(role) {
		return FieldError{Field: "role", Message: "Choose a role that is not above your own."}
	}
	seats, err := limitOf(ctx, o.Plans, org, CountSeats)
	if err != nil {
		return err
	}
	err = o.Store.Invite(ctx, actor, Invitation{ID: id.New(), Organization: Organization{ID: org}, Email: email, Role: role}, seats, mail)
	if errors.Is(err, ErrConflict) {
		return FieldError{Field: "email", Message: "This address belongs to a member already."}
	}
	return err
}

// RevokeInvitation takes an invitation back.
func (o Organizations) RevokeInvitation(ctx context.Context, actor Actor, org, invitation id.ID) error {
	if _, err := o.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return o.Store.RevokeInvitation(ctx, actor, org, invitation)
}

// SetRole gives a member another role. It returns a FieldError for "role" and ErrLastOwner.
func (o Organizations) SetRole(ctx context.Context, actor Actor, org, member id.ID, role Role) error {
	if _, err := o.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if !slices.Contains(Roles(), role) {
		return FieldError{Field: "role", Message: "Choose owner, admin, developer or viewer."}
	}
	return o.Store.ChangeMember(ctx, actor, org, member, func(own, target Role) (Role, error) {
		if !own.MayGive(role) || !own.MayGive(target) {
			return "", ErrForbidden
		}
		return role, nil
	})
}

// Remove takes a member out of an organization, or lets them leave it; what they made stays. It returns ErrLastOwner.
func (o Organizations) Remove(ctx context.Context, actor Actor, org, member id.ID) error {
	if _, err := o.role(ctx, actor, org); err != nil {
		return err
	}
	self, _ := actor.Member()
	return o.Store.ChangeMember(ctx, actor, org, member, func(own, target Role) (Role, error) {
		if member != self && !own.MayGive(target) {
			return "", ErrForbidden
		}
		return "", nil
	})
}
