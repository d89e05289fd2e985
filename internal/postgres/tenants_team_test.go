package postgres_test

import (
	"errors"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// teamRig is an organization with an owner, on a database of its own.
type teamRig struct {
	*accountsRig
	organizations tenants.Organizations
	organization  id.ID
	owner         id.ID
}

func newTeamRig(t *testing.T) *teamRig {
	t.Helper()
	r := &teamRig{accountsRig: newAccountsRig(t)}
	r.organizations = tenants.Organizations{Store: r.store}
	owner := r.signUp(r.members, "owner@example.com")
	r.owner = owner.ID
	r.organization = r.id(`SELECT organization_id::text FROM organization_members WHERE member_id = $1`, owner.ID.String())
	return r
}

// id reads one id.
func (r *accountsRig) id(query string, args ...any) id.ID {
	r.t.Helper()
	found := r.texts(query, args...)
	if len(found) != 1 {
		r.t.Fatalf("%s: %d rows", query, len(found))
	}
	id, err := id.Parse(found[0])
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// person is a member of the service who belongs to the organization in a role, or to none with "".
func (r *teamRig) person(email string, role tenants.Role) id.ID {
	r.t.Helper()
	person := r.signUp(r.members, email)
	r.exec(`DELETE FROM organizations WHERE id IN (SELECT organization_id FROM organization_members WHERE member_id = $1)`, person.ID.String()) // that of the sign-up
	if role != "" {
		r.exec(`INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, $3)`, r.organization.String(), person.ID.String(), string(role))
	}
	return person.ID
}

func someInvitation(string) (subject, text, html string, err error) {
	return "Join", "Join", "<p>Join</p>", nil
}

// invite sends an invitation and returns its id.
func (r *teamRig) invite(by id.ID, email string, role tenants.Role) id.ID {
	r.t.Helper()
	if err := r.organizations.Invite(r.t.Context(), tenants.MemberActor(by), r.organization, email, role, someInvitation); err != nil {
		r.t.Fatal(err)
	}
	return r.id(`SELECT id::text FROM organization_invitations WHERE organization_id = $1 AND email = $2`, r.organization.String(), email)
}

// belongs reports whether somebody is in the organization.
func (r *teamRig) belongs(member id.ID) bool {
	r.t.Helper()
	return r.count(`SELECT count(*) FROM organization_members WHERE organization_id = $1 AND member_id = $2`, r.organization.String(), member.String()) == 1
}

// Whoever suspends an organization waits for what is being added, and what comes later is refused; so is what waited.
func TestSuspensionAndAdditionsTakeTurns(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(r *teamRig, guest, invitation id.ID) error{
		"join": func(r *teamRig, guest, invitation id.ID) error {
			_, err := r.store.AcceptInvitation(r.t.Context(), guest, "guest@example.com", invitation)
			return err
		},
		"invitation": func(r *teamRig, _, _ id.ID) error {
			return r.organizations.Invite(r.t.Context(), tenants.MemberActor(r.owner), r.organization, "other@example.com", tenants.RoleViewer, someInvitation)
		},
		"project": func(r *teamRig, _, _ id.ID) error {
			_, _, _, err := tenantsOf(r.t, r.store).Create(r.t.Context(), tenants.MemberActor(r.owner), r.organization, "New", "https://new.example.com/mcp")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTeamRig(t)
			guest := r.person("guest@example.com", "")
			invitation := r.invite(r.owner, "guest@example.com", tenants.RoleViewer)
			ctx := within(t, time.Minute)
			release := r.hold(`LOCK TABLE organization_audit_log IN EXCLUSIVE MODE`) // the suspension is made, and cannot be committed
			defer release()
			suspended, added := make(chan error, 1), make(chan error, 1)
			go func() {
				suspended <- tenants.Operator{Store: r.store}.Suspend(ctx, r.organization, "phishing")
			}()
			r.untilWaiting(ctx, 1)
			go func() { added <- add(r, guest, invitation) }()
			r.untilWaiting(ctx, 2)
			release()
			if err := <-suspended; err != nil {
				t.Fatal(err)
			}
			if err := <-added; !errors.Is(err, tenants.ErrSuspended) {
				t.Errorf("got %v, want ErrSuspended", err)
			}
			if r.belongs(guest) || r.count(`SELECT count(*) FROM organization_invitations`) != 1 || r.count(`SELECT count(*) FROM projects WHERE organization_id = $1`, r.organization.String()) != 0 {
				t.Error("something was added")
			}
		})
	}
}

// changeTo lowers or removes somebody as the owner.
func (r *teamRig) changeTo(member id.ID, role tenants.Role) error {
	if role == "" {
		return r.organizations.Remove(r.t.Context(), tenants.MemberActor(r.owner), r.organization, member)
	}
	return r.organizations.SetRole(r.t.Context(), tenants.MemberActor(r.owner), r.organization, member, role)
}

// losses are the ways in which somebody loses the right to give a role.
var losses = map[string]func(r *teamRig, member id.ID) error{
	"demoted below the role": func(r *teamRig, m id.ID) error { return r.changeTo(m, tenants.RoleAdmin) },
	"demoted to developer":   func(r *teamRig, m id.ID) error { return r.changeTo(m, tenants.RoleDeveloper) },
	"removed":                func(r *teamRig, m id.ID) error { return r.changeTo(m, "") },
	"left": func(r *teamRig, m id.ID) error {
		return r.organizations.Remove(r.t.Context(), tenants.MemberActor(m), r.organization, m)
	},
	"account deleted": func(r *teamRig, m id.ID) error { return r.members.DeleteAccount(r.t.Context(), m) },
	"account blocked": func(r *teamRig, m id.ID) error {
		_, err := r.super.Exec(r.t.Context(), `UPDATE members SET blocked_at = now() WHERE id = $1`, m.String())
		return err
	},
	"another way": func(r *teamRig, m id.ID) error { // that no verb knows of
		_, err := r.super.Exec(r.t.Context(), `UPDATE organization_members SET role = 'viewer' WHERE member_id = $1`, m.String())
		return err
	},
}

// accept is what the guest does.
func (r *teamRig) accept(guest, invitation id.ID) error {
	_, err := r.store.AcceptInvitation(r.t.Context(), guest, "guest@example.com", invitation)
	return err
}

// Catalogue 218: an invitation is worth what its sender may give at the moment in which it is accepted.
func TestInvitationsEndWithTheRightToGive(t *testing.T) {
	t.Parallel()
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newTeamRig(t)
			sender, guest := r.person("sender@example.com", tenants.RoleOwner), r.person("guest@example.com", "")
			invitation := r.invite(sender, "guest@example.com", tenants.RoleOwner)
			other := r.invite(r.owner, "other@example.com", tenants.RoleViewer)
			if err := lose(r, sender); err != nil {
				t.Fatal(err)
			}
			open, err := r.organizations.Invitations(t.Context(), tenants.MemberActor(r.owner), r.organization)
			if err != nil || len(open) != 1 || open[0].ID != other || open[0].Inviter != "owner@example.com" {
				t.Errorf("open: %+v, %v", open, err)
			}
			if own, err := r.store.InvitationsFor(t.Context(), "guest@example.com"); err != nil || len(own) != 0 {
				t.Errorf("the guest sees %+v, %v", own, err)
			}
			if err := r.accept(guest, invitation); !errors.Is(err, tenants.ErrNotFound) || r.belongs(guest) {
				t.Errorf("accepted: %v", err)
			}
		})
	}
}

// What ended does not come back with the right, is found in the log, and what may still be given goes on.
func TestEndedInvitationsStayEnded(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	sender, guest := r.person("sender@example.com", tenants.RoleOwner), r.person("guest@example.com", "")
	invitation := r.invite(sender, "guest@example.com", tenants.RoleOwner)
	kept := r.invite(sender, "other@example.com", tenants.RoleAdmin)
	for _, role := range []tenants.Role{tenants.RoleAdmin, tenants.RoleOwner} {
		if err := r.changeTo(sender, role); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.accept(guest, invitation); !errors.Is(err, tenants.ErrNotFound) || r.belongs(guest) {
		t.Errorf("accepted: %v", err)
	}
	if left := r.texts(`SELECT id::text FROM organization_invitations`); len(left) != 1 || left[0] != kept.String() {
		t.Errorf("left: %q, want %s", left, kept)
	}
	if n := r.count(`SELECT count(*) FROM organization_audit_log WHERE action = 'member.invitation_revoked' AND target = $1`, "invitation:"+invitation.String()); n != 1 {
		t.Errorf("%d rows in the log", n)
	}
}

// An invitation that no member sent opens nothing.
func TestInvitationsNeedASender(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	guest := r.person("guest@example.com", "")
	for _, sender := range []string{"system", "", "member:", "user:" + r.owner.String()} {
		r.exec(`DELETE FROM organization_invitations`)
		invitation := id.New()
		r.exec(`INSERT INTO organization_invitations (organization_id, id, email, role, invited_by, expires_at) VALUES ($1, $2, 'guest@example.com', 'viewer', $3, now() + interval '1 day')`,
			r.organization.String(), invitation.String(), sender)
		if err := r.accept(guest, invitation); !errors.Is(err, tenants.ErrNotFound) || r.belongs(guest) {
			t.Errorf("sent by %q: accepted: %v", sender, err)
		}
		if own, err := r.store.InvitationsFor(t.Context(), "guest@example.com"); err != nil || len(own) != 0 {
			t.Errorf("sent by %q: the guest sees %+v, %v", sender, own, err)
		}
	}
}

// Between the loss of a right and the acceptance there is no gap: what comes second waits, and sees what the first one did.
func TestLossAndAcceptanceTakeTurns(t *testing.T) {
	t.Parallel()
	for name, lose := range losses {
		if name == "account blocked" || name == "another way" {
			continue // no verbs, nothing to hold them by
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, acceptsFirst := range []bool{false, true} {
				r := newTeamRig(t)
				sender, guest := r.person("sender@example.com", tenants.RoleOwner), r.person("guest@example.com", "")
				invitation := r.invite(sender, "guest@example.com", tenants.RoleOwner)
				ctx := within(t, time.Minute)
				lost, accepted := make(chan error, 1), make(chan error, 1)
				first, second := func() { lost <- lose(r, sender) }, func() { accepted <- r.accept(guest, invitation) }
				if acceptsFirst {
					first, second = second, first
				}
				release := r.hold(`LOCK TABLE organization_audit_log IN EXCLUSIVE MODE`) // the first one has done all but that
				go first()
				r.untilWaiting(ctx, 1)
				go second()
				r.untilWaiting(ctx, 2)
				release()
				if err := <-lost; err != nil {
					t.Fatal(err)
				}
				if err := <-accepted; acceptsFirst != (err == nil) || err != nil && !errors.Is(err, tenants.ErrNotFound) {
					t.Errorf("acceptance first %t: %v", acceptsFirst, err)
				}
				if r.belongs(guest) != acceptsFirst {
					t.Errorf("acceptance first %t: belongs %t", acceptsFirst, r.belongs(guest))
				}
			}
		})
	}
}

// Whoever is lowered while they invite sends nothing.
func TestLossAndInvitingTakeTurns(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	sender := r.person("sender@example.com", tenants.RoleOwner)
	ctx := within(t, time.Minute)
	lost, invited := make(chan error, 1), make(chan error, 1)
	release := r.hold(`LOCK TABLE organization_audit_log IN EXCLUSIVE MODE`)
	defer release()
	go func() { lost <- r.changeTo(sender, tenants.RoleAdmin) }()
	r.untilWaiting(ctx, 1)
	go func() {
		invited <- r.organizations.Invite(ctx, tenants.MemberActor(sender), r.organization, "guest@example.com", tenants.RoleOwner, someInvitation)
	}()
	r.untilWaiting(ctx, 2)
	release()
	if err := <-lost; err != nil {
		t.Fatal(err)
	}
	if err := <-invited; !errors.Is(err, tenants.ErrForbidden) || r.count(`SELECT count(*) FROM organization_invitations`) != 0 {
		t.Errorf("invited: %v", err)
	}
}
