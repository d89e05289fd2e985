package postgres_test

import (
	"errors"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// Whoever is the only owner of one of their organizations keeps their account, and everything else, and hears which one it is.
func TestLastOwnerKeepsTheirAccount(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	second := r.person("second@example.com", tenants.RoleOwner)
	alone, err := r.organizations.Create(t.Context(), r.owner, "Only mine")
	if err != nil {
		t.Fatal(err)
	}
	memberships := `SELECT count(*) FROM organization_members WHERE member_id = $1`
	err = r.members.DeleteAccount(t.Context(), r.owner)
	if last, ok := errors.AsType[tenants.LastOwnerError](err); !ok || last.Organization.ID != alone.ID || last.Organization.Name != "Only mine" || !errors.Is(err, tenants.ErrLastOwner) {
		t.Errorf("got %v, want that Only mine needs an owner", err)
	}
	if n := r.count(memberships, r.owner.String()); n != 2 || r.count(`SELECT count(*) FROM members WHERE id = $1`, r.owner.String()) != 1 {
		t.Errorf("belongs to %d organizations, want 2", n)
	}
	r.exec(`DELETE FROM organizations WHERE id = $1`, alone.ID.String())
	if err := r.members.DeleteAccount(t.Context(), r.owner); err != nil {
		t.Fatal(err)
	}
	if n := r.count(memberships, second.String()); n != 1 || r.belongs(r.owner) {
		t.Errorf("the other owner belongs to %d organizations, want 1", n)
	}
	if n := r.count(`SELECT count(*) FROM organization_audit_log WHERE organization_id = $1 AND action = 'member.removed' AND actor = $2`, r.organization.String(), string(tenants.MemberActor(r.owner))); n != 1 {
		t.Errorf("the log of the organization tells of it %d times, want once", n)
	}
}

// Of the owners of the same organizations who delete their accounts at once, one stays.
func TestOwnersWhoGoAtOnce(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	owners := []id.ID{r.owner, r.person("second@example.com", tenants.RoleOwner), r.person("third@example.com", tenants.RoleOwner)}
	for _, owner := range owners {
		if _, err := r.organizations.Create(t.Context(), owner, "Shared"); err != nil {
			t.Fatal(err)
		}
	}
	r.exec(`INSERT INTO organization_members (organization_id, member_id, role) SELECT m.organization_id, p.id, 'owner' FROM organization_members m, members p ON CONFLICT DO NOTHING`)
	ctx := within(t, time.Minute)
	answers := make(chan error, len(owners))
	for _, owner := range owners {
		go func() { answers <- r.members.DeleteAccount(ctx, owner) }()
	}
	stayed := 0
	for range owners {
		if err := <-answers; err != nil {
			wantError(t, err, tenants.ErrLastOwner)
			stayed++
		}
	}
	without := r.count(`SELECT count(*) FROM organizations o WHERE EXISTS (SELECT FROM organization_audit_log l WHERE l.organization_id = o.id)
		AND NOT EXISTS (SELECT FROM organization_members m WHERE m.organization_id = o.id AND m.role = 'owner')`)
	if stayed != 1 || without != 0 {
		t.Errorf("%d stayed, want 1; %d organizations have no owner, want none", stayed, without)
	}
}

// Whoever joins an organization while their account is being deleted leaves it as well.
func TestDeletionSeesWhatWasJoined(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	guest := r.person("guest@example.com", "")
	id := r.invite(r.owner, "guest@example.com", tenants.RoleOwner)
	ctx := within(t, time.Minute)
	release := r.hold("LOCK TABLE organization_audit_log IN EXCLUSIVE MODE") // joined, and cannot be committed
	defer release()
	joined, deleted := make(chan error, 1), make(chan error, 1)
	go func() { joined <- r.accept(guest, id) }()
	r.untilWaiting(ctx, 1)
	go func() { deleted <- r.members.DeleteAccount(ctx, guest) }()
	r.untilWaiting(ctx, 2)
	release()
	wantError(t, <-joined, nil)
	wantError(t, <-deleted, nil)
	if n := r.count(`SELECT count(*) FROM organization_audit_log WHERE organization_id = $1 AND action = 'member.removed'`, r.organization.String()); n != 1 || r.belongs(guest) {
		t.Errorf("the log tells %d times who left, want once", n)
	}
}

// A code that is entered while its account is deleted neither stops the deletion nor opens anything.
func TestDeletionAgainstCode(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		account := r.signUp(accounts, "ada@example.com")
		r.exec(`DELETE FROM organization_members WHERE member_id = $1`, account.ID.String())
		challenge, code := r.mailed(accounts, "ada@example.com", false)
		ctx := within(t, time.Minute)
		log := map[string]string{"user": "audit_log", "member": "organization_audit_log"}[table]
		release := r.hold("LOCK TABLE " + log + " IN EXCLUSIVE MODE") // the deletion holds the account
		defer release()
		deleted, entered := make(chan error, 1), make(chan error, 1)
		go func() { deleted <- accounts.DeleteAccount(ctx, account.ID) }()
		r.untilWaiting(ctx, 1)
		go func() {
			_, err := r.service.FinishSignIn(ctx, accounts, challenge, code, someBrowser, false)
			entered <- err
		}()
		r.untilWaiting(ctx, 2)
		release()
		wantError(t, <-deleted, nil)
		wantError(t, <-entered, signin.ErrCode)
	})
}
