package postgres_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// withPassword is a session of an hour.
func withPassword(account signin.Account) signin.NewSession {
	return signin.NewSession{Account: account, Way: signin.Way{Method: tenants.SignInPassword}, Lifetime: time.Hour}
}

func TestSignUpAndSignIn(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		made := r.signUp(accounts, "Ada@Example.com")
		if made.ID.IsZero() || made.Email != "ada@example.com" || !made.EmailVerified || made.Blocked {
			t.Fatalf("got %+v", made)
		}
		tests := []struct {
			name, email, password string
			want                  error
		}{
			{"right", "ada@example.com", goodPassword, nil},
			{"address in other case", " ADA@EXAMPLE.COM ", goodPassword, nil},
			{"password in other case", "ada@example.com", strings.ToUpper(goodPassword), signin.ErrWrongPassword},
			{"wrong password", "ada@example.com", "wrong horse battery", signin.ErrWrongPassword},
			{"unknown address", "eve@example.com", goodPassword, signin.ErrWrongPassword},
		}
		for _, test := range tests {
			got, err := r.service.SignIn(t.Context(), accounts, test.email, test.password)
			if !errors.Is(err, test.want) || (test.want == nil && got != made) {
				t.Errorf("%s: got %+v, %v, want %v", test.name, got, err, test.want)
			}
		}
		hashes := r.texts("SELECT password_hash FROM " + table + "s")
		if len(hashes) != 1 || !strings.HasPrefix(hashes[0], "$argon2id$") {
			t.Errorf("stored: %q", hashes)
		}

		// Catalogue 105 and 123: a blocked account answers like a wrong password.
		r.exec("UPDATE " + table + "s SET blocked_at = now()")
		_, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword)
		wantError(t, err, signin.ErrWrongPassword)
		_, _, err = r.service.NewSession(t.Context(), accounts, withPassword(made))
		wantError(t, err, signin.ErrBlocked)
	})
}

func TestSignInStrengthensOldHash(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		r.signUp(accounts, "ada@example.com")
		// argon2id of goodPassword with m=64, t=1: as an older release could have stored it.
		const old = "$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$OLDKEY"
		stored := strings.Replace(old, "OLDKEY", weakKey(t), 1)
		r.exec("UPDATE "+table+"s SET password_hash = $1", stored)
		if _, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", "wrong horse battery"); !errors.Is(err, signin.ErrWrongPassword) {
			t.Fatal(err)
		}
		if now := r.texts("SELECT password_hash FROM " + table + "s")[0]; now != stored {
			t.Fatalf("a wrong password changed the hash: %s", now)
		}
		if _, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword); err != nil {
			t.Fatal(err)
		}
		if now := r.texts("SELECT password_hash FROM " + table + "s")[0]; !strings.HasPrefix(now, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("still %s", now)
		}
		if _, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword); err != nil {
			t.Error(err)
		}
	})
}

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		made, err := r.service.CreateAccount(t.Context(), accounts, "Ada@example.com", goodPassword, "Acme")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword); err != nil || got != made {
			t.Errorf("got %+v, %v", got, err)
		}
		_, err = r.service.CreateAccount(t.Context(), accounts, "ada@example.com", goodPassword, "Acme")
		wantError(t, err, signin.ErrConflict)
		if n := r.count("SELECT count(*) FROM " + table + "s"); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}

// Catalogue 106: a session is new each time; only the hash of its token is stored.
func TestSessions(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		account := r.signUp(accounts, "ada@example.com")
		token, session, err := r.service.NewSession(t.Context(), accounts, withPassword(account))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(token, "mcpauth_ss_") || session.Account != account || session.ExpiresAt.Sub(session.AuthTime).Round(time.Second) != time.Hour {
			t.Errorf("got %q, %+v", token, session)
		}
		if n := r.count("SELECT count(*) FROM "+table+"_sessions WHERE token_hash = $1", secret.Hash(token)); n != 1 {
			t.Errorf("%d rows with the token's hash", n)
		}
		found, err := r.service.Session(t.Context(), accounts, token)
		if err != nil || found.ID != session.ID || found.Account != account || !found.ExpiresAt.Equal(session.ExpiresAt) || !found.AuthTime.Equal(session.AuthTime) {
			t.Errorf("got %+v, %v, want %+v", found, err, session)
		}
		for _, bad := range []string{"", "x", token[:len(token)-1], token + "x", secret.Token("mcpauth_ss_"), strings.ToUpper(token)} {
			_, err := r.service.Session(t.Context(), accounts, bad)
			wantError(t, err, signin.ErrNotFound)
		}
		again, second, err := r.service.NewSession(t.Context(), accounts, withPassword(account))
		if err != nil || again == token || second.ID == session.ID {
			t.Fatalf("second session: %v", err)
		}

		// Catalogue 133: what is ended on the server is dead, and only that.
		if err := accounts.EndSession(t.Context(), session.ID); err != nil {
			t.Fatal(err)
		}
		wantError(t, accounts.EndSession(t.Context(), session.ID), signin.ErrNotFound)
		_, err = r.service.Session(t.Context(), accounts, token)
		wantError(t, err, signin.ErrNotFound)
		if _, err := r.service.Session(t.Context(), accounts, again); err != nil {
			t.Errorf("the other session: %v", err)
		}

		for what, change := range map[string][2]string{
			"blocked": {"UPDATE " + table + "s SET blocked_at = now()", "UPDATE " + table + "s SET blocked_at = NULL"},
			"expired": {
				"UPDATE " + table + "_sessions SET expires_at = now() - interval '1 second'",
				"UPDATE " + table + "_sessions SET expires_at = now() + interval '1 hour'",
			},
		} {
			r.exec(change[0])
			if _, err := r.service.Session(t.Context(), accounts, again); !errors.Is(err, signin.ErrNotFound) {
				t.Errorf("%s: got %v", what, err)
			}
			r.exec(change[1])
			if _, err := r.service.Session(t.Context(), accounts, again); err != nil {
				t.Errorf("no longer %s: %v", what, err)
			}
		}
		_, _, err = r.service.NewSession(t.Context(), accounts, withPassword(signin.Account{ID: id.New()}))
		wantError(t, err, signin.ErrNotFound)
	})
}

func TestAuditOfUsers(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	account := r.signUp(r.users, "ada@example.com")
	_, session, err := r.service.NewSession(t.Context(), r.users, withPassword(account))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.users.EndSession(t.Context(), session.ID); err != nil {
		t.Fatal(err)
	}
	who, where := "user:"+account.ID.String(), "session:"+session.ID.String()
	want := []string{who + " user.created " + who, who + " user.signed_in " + where, who + " user.signed_out " + where}
	got := r.texts("SELECT actor || ' ' || action || ' ' || target FROM audit_log WHERE project_id = $1 ORDER BY at", r.project.String())
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := r.count("SELECT count(*) FROM audit_log WHERE project_id <> $1", r.project.String()); n != 0 {
		t.Errorf("%d rows in other projects", n)
	}
}

// A member's sign-up makes the member, the organization, the ownership and the audit rows, all or none.
func TestMemberOwnsOrganization(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	member := r.signUp(r.members, "ada@example.com")
	if n := r.count(`SELECT count(*) FROM organization_members m JOIN organizations o ON o.id = m.organization_id
		WHERE m.member_id = $1 AND m.role = 'owner' AND o.name = 'Acme Tools'`, member.ID.String()); n != 1 {
		t.Fatalf("%d owned organizations", n)
	}
	_, session, err := r.service.NewSession(t.Context(), r.members, withPassword(member))
	if err != nil {
		t.Fatal(err)
	}
	who := "member:" + member.ID.String()
	got := r.texts(`SELECT l.actor || ' ' || l.action FROM organization_audit_log l JOIN organization_members m
		ON m.organization_id = l.organization_id WHERE m.member_id = $1 ORDER BY l.at`, member.ID.String())
	want := []string{who + " organization.created", who + " member.created", who + " member.signed_in"}
	slices.Sort(got[:2])
	slices.Sort(want[:2])
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if session.Account != member {
		t.Errorf("got %+v", session.Account)
	}

	// The last statement fails: nothing of it stays, and the code is still good when the trouble is over.
	id, code := r.begin(r.members, "bob@example.com")
	r.exec("ALTER TABLE organization_audit_log ADD CONSTRAINT trouble CHECK (action <> 'member.created') NOT VALID")
	organizations := r.count("SELECT count(*) FROM organizations")
	if _, err := r.service.FinishSignUp(t.Context(), r.members, id, code, someBrowser); err == nil {
		t.Fatal("expected an error")
	}
	if n := r.count("SELECT count(*) FROM organizations"); n != organizations {
		t.Errorf("%d organizations, want %d", n, organizations)
	}
	if n := r.count("SELECT count(*) FROM members WHERE email = 'bob@example.com'"); n != 0 {
		t.Errorf("%d members", n)
	}
	r.exec("ALTER TABLE organization_audit_log DROP CONSTRAINT trouble")
	if _, err := r.service.FinishSignUp(t.Context(), r.members, id, code, someBrowser); err != nil {
		t.Errorf("after the trouble: %v", err)
	}
}

func TestOrganizationNameIsCheckedBeforeACodeIsSent(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	for _, name := range []string{"", " Acme", "Acme\nTools", "Acme\x00", "\xff", strings.Repeat("é", 101)} {
		err := r.members.CreateChallenge(t.Context(), signin.Challenge{ID: id.New(), Purpose: signin.PurposeSignUp, Detail: name}, someMail)
		var field signin.FieldError
		if !errors.As(err, &field) || field.Field != "detail" {
			t.Errorf("%q: got %v", name, err)
		}
	}
	if n := r.count("SELECT count(*) FROM member_challenges") + r.count("SELECT count(*) FROM river_job"); n != 0 {
		t.Errorf("%d rows written", n)
	}
}

// What belongs to one project cannot be told from nothing in another, and each of the two walls holds alone (catalogue 269): a
// superuser passes row-level security, so that only the explicit conditions are left.
func TestAccountsOfOtherProject(t *testing.T) {
	t.Parallel()
	t.Run("application role", func(t *testing.T) {
		t.Parallel()
		testOtherProject(t, newAccountsRig(t))
	})
	t.Run("without row-level security", func(t *testing.T) {
		t.Parallel()
		database := pgtest.New(t)
		testOtherProject(t, newAccountsRigAs(t, database, database.SuperuserURL))
	})
}

func testOtherProject(t *testing.T, r *accountsRig) {
	t.Helper()
	account := r.signUp(r.users, "ada@example.com")
	token, session, err := r.service.NewSession(t.Context(), r.users, withPassword(account))
	if err != nil {
		t.Fatal(err)
	}
	challenge, code := r.begin(r.users, "bob@example.com")
	for name, foreign := range map[string]signin.Accounts{"other project": r.others, "members": r.members} {
		_, err = r.service.Session(t.Context(), foreign, token)
		if !errors.Is(err, signin.ErrNotFound) {
			t.Errorf("%s: session: %v", name, err)
		}
		if err := foreign.EndSession(t.Context(), session.ID); !errors.Is(err, signin.ErrNotFound) {
			t.Errorf("%s: end session: %v", name, err)
		}
		if _, _, err := r.service.NewSession(t.Context(), foreign, withPassword(account)); !errors.Is(err, signin.ErrNotFound) {
			t.Errorf("%s: new session: %v", name, err)
		}
		if _, err := r.service.FinishSignUp(t.Context(), foreign, challenge, code, someBrowser); !errors.Is(err, signin.ErrNotFound) {
			t.Errorf("%s: challenge: %v", name, err)
		}
		if _, _, err := foreign.FindByEmail(t.Context(), "ada@example.com"); !errors.Is(err, signin.ErrNotFound) {
			t.Errorf("%s: address: %v", name, err)
		}
		if _, err := r.service.SignIn(t.Context(), foreign, "ada@example.com", goodPassword); !errors.Is(err, signin.ErrWrongPassword) {
			t.Errorf("%s: sign-in: %v", name, err)
		}
		if err := foreign.ReplacePasswordHash(t.Context(), account.ID, r.texts("SELECT password_hash FROM users")[0], "x"); err != nil {
			t.Errorf("%s: replace hash: %v", name, err)
		}
	}
	// None of it left a trace: the attempt was not counted, the session lives, the same address is free over there.
	if n := r.count("SELECT attempts FROM user_challenges WHERE id = $1", challenge.String()); n != 0 {
		t.Errorf("%d attempts counted", n)
	}
	if _, err := r.service.Session(t.Context(), r.users, token); err != nil {
		t.Errorf("session: %v", err)
	}
	if _, err := r.service.SignIn(t.Context(), r.users, "ada@example.com", goodPassword); err != nil {
		t.Errorf("sign-in: %v", err)
	}
	if there := r.signUp(r.others, "ada@example.com"); there.ID == account.ID {
		t.Error("one account in two projects")
	}
}

func TestAccountsWithoutDatabase(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	// Nobody but a superuser gets a connection any more, and those that were open are cut.
	r.exec("ALTER DATABASE " + r.texts("SELECT current_database()::text")[0] + " CONNECTION LIMIT 0")
	r.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'mcpauth_app'")
	for name, accounts := range map[string]signin.Accounts{"users": r.users, "members": r.members} {
		_, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword)
		if !errors.Is(err, signin.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable and never a wrong password", name, err)
		}
		if _, err := accounts.CreateAccount(t.Context(), signin.NewAccount{Email: "a@example.com"}); !errors.Is(err, signin.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
}
