package postgres_test

import (
	"errors"
	"testing"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

// teamRig is an organization with an owner, on a database of its own.
type teamRig struct {
	*accountsRig
	organizations tenants.Organizations
	organization  secret.ID
	owner         secret.ID
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
func (r *accountsRig) id(query string, args ...any) secret.ID {
	r.t.Helper()
	found := r.texts(query, args...)
	if len(found) != 1 {
		r.t.Fatalf("%s: %d rows", query, len(found))
	}
	id, err := secret.ParseID(found[0])
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// person is a member of the service who belongs to the organization in a role, or to none with "".
func (r *teamRig) person(email string, role tenants.Role) secret.ID {
	r.t.Helper()
	person := r.signUp(r.members, email)
	if role != "" {
		r.exec(`INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, $3)`, r.organization.String(), person.ID.String(), string(role))
	}
	return person.ID
}

func someInvitation(string) (subject, text, html string, err error) {
	return "Join", "Join", "<p>Join</p>", nil
}

// invite sends an invitation and returns its id.
func (r *teamRig) invite(by secret.ID, email string, role tenants.Role) secret.ID {
	r.t.Helper()
	if err := r.organizations.Invite(r.t.Context(), tenants.MemberActor(by), r.organization, email, role, someInvitation); err != nil {
		r.t.Fatal(err)
	}
	return r.id(`SELECT id::text FROM organization_invitations WHERE organization_id = $1 AND email = $2`, r.organization.String(), email)
}

// belongs reports whether somebody is in the organization.
func (r *teamRig) belongs(member secret.ID) bool {
	r.t.Helper()
	return r.count(`SELECT count(*) FROM organization_members WHERE organization_id = $1 AND member_id = $2`, r.organization.String(), member.String()) == 1
}

// Whoever suspends an organization waits for what is being added, and what comes later is refused; so is what waited.
func TestSuspensionAndAdditionsTakeTurns(t *testing.T) {
	t.Parallel()
	for name, add := range map[string]func(r *teamRig, guest, invitation secret.ID) error{
		"join": func(r *teamRig, guest, invitation secret.ID) error {
			_, err := r.store.AcceptInvitation(r.t.Context(), guest, "guest@example.com", invitation)
			return err
		},
		"invitation": func(r *teamRig, _, _ secret.ID) error {
			return r.organizations.Invite(r.t.Context(), tenants.MemberActor(r.owner), r.organization, "other@example.com", tenants.RoleViewer, someInvitation)
		},
		"project": func(r *teamRig, _, _ secret.ID) error {
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
