package postgres_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// stops are the acts that end sessions of an account all at once, and whether one stays.
var stops = map[string]struct {
	keeps bool
	run   func(ctx context.Context, r *accountsRig, accounts signin.Accounts, kept signin.Session) error
}{
	"everywhere else": {true, func(ctx context.Context, _ *accountsRig, accounts signin.Accounts, kept signin.Session) error {
		return accounts.EndOtherSessions(ctx, kept.Account.ID, kept.ID)
	}},
	"new password": {true, func(ctx context.Context, r *accountsRig, accounts signin.Accounts, kept signin.Session) error {
		return accounts.SetPassword(ctx, kept.Account.ID, kept.ID, r.texts("SELECT password_hash FROM users UNION ALL SELECT password_hash FROM members")[0])
	}},
	"everywhere": {false, func(ctx context.Context, _ *accountsRig, accounts signin.Accounts, kept signin.Session) error {
		return accounts.EndSessions(ctx, kept.Account.ID, id.ID{})
	}},
}

// begun is an account with its first session.
func (r *accountsRig) begun(accounts signin.Accounts) (signin.Account, signin.Session) {
	r.t.Helper()
	account := r.signUp(accounts, "ada@example.com")
	_, session, err := r.service.NewSession(r.t.Context(), accounts, withPassword(account))
	if err != nil {
		r.t.Fatal(err)
	}
	return account, session
}

// livingSessions are the ids of those that are not ended.
func (r *accountsRig) livingSessions(table string) []string {
	r.t.Helper()
	return r.texts("SELECT id::text FROM " + table + "_sessions WHERE ended_at IS NULL")
}

// Catalogue 135: however many browsers there are, none but the kept one stays signed in, and a proof from before begins nothing.
func TestEndAllSessions(t *testing.T) {
	t.Parallel()
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
				account, kept := r.begun(accounts)
				for range 140 {
					if _, _, err := r.service.NewSession(t.Context(), accounts, withPassword(account)); err != nil {
						t.Fatal(err)
					}
				}
				if err := stop.run(t.Context(), r, accounts, kept); err != nil {
					t.Fatal(err)
				}
				left := r.livingSessions(table)
				if stop.keeps && (len(left) != 1 || left[0] != kept.ID.String()) || !stop.keeps && len(left) != 0 {
					t.Errorf("%d sessions are left", len(left))
				}
				_, _, err := r.service.NewSession(t.Context(), accounts, withPassword(account))
				wantError(t, err, signin.ErrSignedOut)
				again, err := r.service.SignIn(t.Context(), accounts, "ada@example.com", goodPassword)
				if err == nil {
					_, _, err = r.service.NewSession(t.Context(), accounts, withPassword(again))
				}
				wantError(t, err, nil)
			})
		})
	}
}

// A session that is being made at the same moment is waited for and ended.
func TestEndAllSessionsWaitsForOneThatBegins(t *testing.T) {
	t.Parallel()
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
				account, kept := r.begun(accounts)
				ctx := within(t, time.Minute)
				log := map[string]string{"user": "audit_log", "member": "organization_audit_log"}[table]
				release := r.hold("LOCK TABLE " + log + " IN EXCLUSIVE MODE") // a session is made, and cannot be committed
				defer release()
				answers := make(chan error, 2)
				go func() {
					_, _, err := r.service.NewSession(ctx, accounts, withPassword(account))
					answers <- err
				}()
				r.untilWaiting(ctx, 1)
				go func() { answers <- stop.run(ctx, r, accounts, kept) }()
				r.untilWaiting(ctx, 2)
				release()
				for range 2 {
					if err := <-answers; err != nil {
						t.Error(err)
					}
				}
				if left := r.livingSessions(table); len(left) > 1 || len(left) == 1 && left[0] != kept.ID.String() {
					t.Errorf("left: %q, kept: %s", left, kept.ID)
				}
			})
		})
	}
}

// While people go on signing in, what is left is the kept session and those whose proof came after the stop.
func TestEndAllSessionsAmongSignIns(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		_, kept := r.begun(accounts)
		ctx := within(t, time.Minute)
		var mu sync.Mutex
		proofs := map[string]int{kept.ID.String(): signin.FirstEpoch + 1} // as good as after
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for range 40 {
					account, _, err := accounts.FindByEmail(ctx, "ada@example.com")
					if err != nil {
						t.Error(err)
						return
					}
					_, session, err := r.service.NewSession(ctx, accounts, withPassword(account))
					if err != nil && !errors.Is(err, signin.ErrSignedOut) {
						t.Error(err)
						return
					}
					mu.Lock()
					proofs[session.ID.String()] = account.Epoch
					mu.Unlock()
				}
			})
		}
		if err := accounts.EndOtherSessions(ctx, kept.Account.ID, kept.ID); err != nil {
			t.Error(err)
		}
		work.Wait()
		for _, id := range r.livingSessions(table) {
			if proofs[id] <= signin.FirstEpoch {
				t.Errorf("%s began with a proof of epoch %d", id, proofs[id])
			}
		}
	})
}

// Of two browsers that sign each other out, one stays; the other one changes nothing any more.
func TestSignOutEachOther(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		account, one := r.begun(accounts)
		_, two, err := r.service.NewSession(t.Context(), accounts, withPassword(account))
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan error, 2)
		for i, kept := range []signin.Session{one, two} {
			go func() { answers <- accounts.SetPassword(t.Context(), account.ID, kept.ID, "hash of "+strconv.Itoa(i)) }()
		}
		first, second := <-answers, <-answers
		if (first == nil) == (second == nil) || first != nil && !errors.Is(first, signin.ErrNotFound) || second != nil && !errors.Is(second, signin.ErrNotFound) {
			t.Errorf("answers: %v, %v", first, second)
		}
		if left := r.livingSessions(table); len(left) != 1 {
			t.Errorf("left: %q", left)
		}
	})
}

// The owner of a project who signs a person out, or blocks them, ends what is about to begin as well.
func TestOwnersEndWhatBegins(t *testing.T) {
	t.Parallel()
	r := newAccountsRig(t)
	organization := r.organization()
	for name, stop := range map[string]func(user id.ID) error{
		"sign out": func(user id.ID) error {
			return r.store.EndUserSessions(t.Context(), tenants.SystemActor, organization, r.project, user)
		},
		"block and unblock": func(user id.ID) error {
			if err := r.store.SetUserBlocked(t.Context(), tenants.SystemActor, organization, r.project, user, true); err != nil {
				return err
			}
			return r.store.SetUserBlocked(t.Context(), tenants.SystemActor, organization, r.project, user, false)
		},
	} {
		account := r.signUp(r.users, name[:4]+"@example.com")
		if err := stop(account.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.service.NewSession(t.Context(), r.users, withPassword(account)); !errors.Is(err, signin.ErrSignedOut) {
			t.Errorf("%s: a sign-in from before: %v, want ErrSignedOut", name, err)
		}
	}
}

// Of sessions that are to take the place of one, one begins; the others are refused, and what they would have replaced is over.
func TestOneSessionReplacesAnother(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		account, old := r.begun(accounts)
		asked := withPassword(account)
		asked.Replaces = old.ID
		answers := make(chan error, 8)
		for range cap(answers) {
			go func() {
				_, _, err := r.service.NewSession(t.Context(), accounts, asked)
				answers <- err
			}()
		}
		refused := 0
		for range cap(answers) {
			if err := <-answers; err != nil {
				wantError(t, err, signin.ErrReplaced)
				refused++
			}
		}
		if left := r.livingSessions(table); refused != cap(answers)-1 || len(left) != 1 || left[0] == old.ID.String() {
			t.Errorf("%d were refused, %q are left, want one that is not %s", refused, left, old.ID)
		}
		asked.Replaces = r.id("SELECT id::text FROM " + table + "_sessions WHERE ended_at IS NULL")
		asked.Account = r.signUp(accounts, "eve@example.com")
		_, _, err := r.service.NewSession(t.Context(), accounts, asked)
		wantError(t, err, signin.ErrReplaced) // it is somebody else's
	})
}

// mailed asks for a code and returns its challenge and what the message would carry.
func (r *accountsRig) mailed(accounts signin.Accounts, email string, reset bool) (challenge id.ID, code string) {
	r.t.Helper()
	begin := r.service.BeginSignIn
	if reset {
		begin = r.service.BeginReset
	}
	challenge, err := begin(r.t.Context(), accounts, signin.EmailCode{Email: email, Browser: someBrowser}, func(_ id.ID, c string, _ bool) (mail.Message, error) {
		code = c
		return mail.Message{Subject: "Your code", Text: "Your code is " + c}, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return challenge, code
}

// A code that was on its way when every session ended may have been read by whoever they were ended for: it opens nothing any more.
func TestEndAllSessionsEndsCodes(t *testing.T) {
	t.Parallel()
	for name, stop := range stops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, _ string) {
				_, kept := r.begun(accounts)
				r.signUp(accounts, "eve@example.com")
				before, old := r.mailed(accounts, "ada@example.com", false)
				reset, oldReset := r.mailed(accounts, "ada@example.com", true)
				other, others := r.mailed(accounts, "eve@example.com", false)
				if err := stop.run(t.Context(), r, accounts, kept); err != nil {
					t.Fatal(err)
				}
				_, err := r.service.FinishSignIn(t.Context(), accounts, before, old, someBrowser, false)
				wantError(t, err, signin.ErrCode)
				_, err = r.service.FinishReset(t.Context(), accounts, reset, oldReset, someBrowser, "another long password")
				wantError(t, err, signin.ErrCode)
				_, err = r.service.FinishSignIn(t.Context(), accounts, other, others, someBrowser, false)
				wantError(t, err, nil)
				after, fresh := r.mailed(accounts, "ada@example.com", false)
				account, err := r.service.FinishSignIn(t.Context(), accounts, after, fresh, someBrowser, false)
				if err == nil {
					_, _, err = r.service.NewSession(t.Context(), accounts, withPassword(account))
				}
				wantError(t, err, nil)
			})
		})
	}
}

// A code that is entered while every session ends is one from before it: whoever is second waits for the first, and nobody for each other.
func TestEndAllSessionsAgainstCode(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		_, kept := r.begun(accounts)
		challenge, code := r.mailed(accounts, "ada@example.com", false)
		ctx := within(t, time.Minute)
		log := map[string]string{"user": "audit_log", "member": "organization_audit_log"}[table]
		release := r.hold("LOCK TABLE " + log + " IN EXCLUSIVE MODE") // the sessions are ended, and it cannot be committed
		defer release()
		ended, entered := make(chan error, 1), make(chan error, 1)
		go func() { ended <- accounts.EndOtherSessions(ctx, kept.Account.ID, kept.ID) }()
		r.untilWaiting(ctx, 1)
		go func() {
			_, err := r.service.FinishSignIn(ctx, accounts, challenge, code, someBrowser, false)
			entered <- err
		}()
		r.untilWaiting(ctx, 2)
		release()
		wantError(t, <-ended, nil)
		wantError(t, <-entered, signin.ErrCode)
	})
}

// Of two codes that are entered at once, of which each sets a password, one does.
func TestTwoResetsAtOnce(t *testing.T) {
	t.Parallel()
	kinds(t, func(t *testing.T, r *accountsRig, accounts signin.Accounts, table string) {
		account, _ := r.begun(accounts)
		ctx := within(t, time.Minute)
		type sent struct {
			id   id.ID
			code string
		}
		var codes [2]sent
		for i := range codes {
			codes[i].id, codes[i].code = r.mailed(accounts, "ada@example.com", true)
		}
		release := r.hold("SELECT id FROM " + table + "s WHERE id = '" + account.ID.String() + "' FOR UPDATE")
		defer release()
		answers := make(chan error, 2)
		for _, c := range codes {
			go func() {
				_, err := r.service.FinishReset(ctx, accounts, c.id, c.code, someBrowser, "another long password")
				answers <- err
			}()
		}
		r.untilWaiting(ctx, 2)
		release()
		first, second := <-answers, <-answers
		if first != nil {
			first, second = second, first
		}
		wantError(t, first, nil)
		wantError(t, second, signin.ErrCode)
	})
}
