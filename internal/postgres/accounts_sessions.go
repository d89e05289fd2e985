package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// reasonAccountDeleted is why grants ended with their person's account.
const reasonAccountDeleted = "account_deleted"

type sessionRow struct {
	ID                             secret.ID
	AuthTime, CreatedAt, ExpiresAt time.Time
	Agent                          string
}

// ListSessions implements signin.Accounts.
func (a *accounts) ListSessions(ctx context.Context, account secret.ID) (found []signin.Session, err error) {
	var rows []sessionRow
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Raw(a.sql.listSessions, a.with(values{"account": account})).Scan(&rows).Error
	})
	for _, r := range rows {
		found = append(found, signin.Session{ID: r.ID, Account: signin.Account{ID: account}, AuthTime: r.AuthTime, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Agent: r.Agent})
	}
	return found, err
}

// EndSessions implements signin.Accounts.
func (a *accounts) EndSessions(ctx context.Context, account, id secret.ID) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(a.sql.endOwnSessions, a.with(values{"account": account, "id": id}))
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		target := a.name(account)
		if !id.IsZero() {
			target = "session:" + id.String()
		}
		return a.record(tx, account, a.name(account), "signed_out", target)
	})
}

// SetPassword implements signin.Accounts. The browser that sets it stays signed in, every other one does not.
func (a *accounts) SetPassword(ctx context.Context, account, kept secret.ID, passwordHash string) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error {
				return tx.Exec(a.sql.setHash, a.with(values{"account": account, "new": passwordHash})).Error
			},
			func() error {
				return tx.Exec(a.sql.endOtherSessions, a.with(values{"account": account, "id": kept})).Error
			},
			func() error { return a.record(tx, account, a.name(account), "password_set", a.name(account)) },
		)
	})
}

// DeleteAccount implements signin.Accounts. Guards hear of the end of the person's connections before the rows go, and the timeline
// forgets whose steps they were.
func (a *accounts) DeleteAccount(ctx context.Context, account secret.ID) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var locked idRow
		if err := a.one(tx, &locked, a.sql.lockForDeletion, values{"account": account}); err != nil {
			return err
		}
		if err := a.record(tx, account, a.name(account), "deleted", a.name(account)); err != nil { // while it is known whose it was
			return err
		}
		return a.erase(tx, account)
	})
}

// erase ends and deletes what belongs to an account.
func (a *accounts) erase(tx *gorm.DB, account secret.ID) error {
	return firstError(
		func() error { return a.kind.endGrants(tx, a.project, account, reasonAccountDeleted) },
		func() error { return a.kind.forget(tx, a.project, account) },
		func() error { return tx.Exec(a.sql.endAllChallenges, a.with(values{"account": account})).Error },
		func() error { return tx.Exec(a.sql.deleteAccount, a.with(values{"account": account})).Error },
	)
}

// sweepSessions deletes, in one project, what is over: sessions a month after their end, and challenges a day after theirs.
func (s *Store) sweepSessions(ctx context.Context, project secret.ID) (swept int, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`WITH over AS (
				DELETE FROM user_challenges WHERE project_id = ? AND id IN (
					SELECT id FROM user_challenges WHERE project_id = ? AND expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT ?) RETURNING 1
			)
			DELETE FROM user_sessions WHERE project_id = ? AND id IN (
				SELECT id FROM user_sessions WHERE project_id = ? AND expires_at < now() - interval '30 days' ORDER BY expires_at LIMIT ?)`,
			project, project, sweepMost, project, project, sweepMost)
		swept = int(result.RowsAffected)
		return result.Error
	})
	return swept, err
}
