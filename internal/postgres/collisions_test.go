package postgres_test

import (
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// A passkey that is used while its account is deleted waits for the deletion, and opens nothing.
func TestPasskeyAgainstDeletion(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	for kind, c := range map[string]struct {
		accounts signin.Accounts
		ways     signin.Passkeys
		log      string
	}{
		"user":   {r.users, r.store.Identities(r.project), "audit_log"},
		"member": {r.members, r.store.MemberWays(), "organization_audit_log"},
	} {
		account, _ := r.begun(c.accounts)
		r.exec(`UPDATE organization_members SET role = 'viewer'`) // the last owner would not be deleted
		key := signin.Passkey{ID: []byte("id"), Record: []byte(`{}`)}
		if err := c.ways.AddPasskey(t.Context(), account.ID, "localhost", key); err != nil {
			t.Fatal(err)
		}
		ctx := within(t, time.Minute)
		release := r.hold("LOCK TABLE " + c.log + " IN EXCLUSIVE MODE") // the deletion holds the account, and waits
		defer release()
		deleted, used := make(chan error, 1), make(chan error, 1)
		go func() { deleted <- c.accounts.DeleteAccount(ctx, account.ID) }()
		r.untilWaiting(ctx, 1)
		go func() {
			_, err := c.ways.UsePasskey(ctx, "localhost", key, []byte("hash"))
			used <- err
		}()
		r.untilWaiting(ctx, 2)
		release()
		wantError(t, <-deleted, nil)
		wantError(t, <-used, signin.ErrNotFound)
		if n := r.count("SELECT count(*) FROM " + kind + "s"); n != 0 {
			t.Errorf("%d %ss are left", n, kind)
		}
	}
}

// Whoever signs in while one of their organizations is deleted is signed in.
func TestSignInWhileOrganizationGoes(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	account, _, err := r.members.FindByEmail(t.Context(), "owner@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, time.Minute)
	tx, err := r.super.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, "DELETE FROM organizations WHERE id = $1", r.organization.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	began := make(chan error, 1)
	go func() {
		_, _, err := r.service.NewSession(ctx, r.members, withPassword(account))
		began <- err
	}()
	r.untilWaiting(ctx, 1)
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	wantError(t, <-began, nil)
}

// An invitation of somebody whose account is gone meanwhile is not found, and stays what it was.
func TestAcceptWithoutAccount(t *testing.T) {
	t.Parallel()
	r := newTeamRig(t)
	guest := r.person("guest@example.com", "")
	invitation := r.invite(r.owner, "guest@example.com", tenants.RoleViewer)
	if err := r.members.DeleteAccount(t.Context(), guest); err != nil {
		t.Fatal(err)
	}
	for _, who := range []id.ID{guest, id.New()} {
		_, err := r.store.AcceptInvitation(t.Context(), who, "guest@example.com", invitation)
		wantError(t, err, tenants.ErrNotFound)
	}
	if n := r.count(`SELECT count(*) FROM organization_invitations`); n != 1 {
		t.Errorf("%d invitations are left, want 1", n)
	}
}
