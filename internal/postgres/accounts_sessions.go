package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
)

// reasonAccountDeleted is why grants ended with their person's account.
const reasonAccountDeleted = "account_deleted"

type sessionRow struct {
	ID                             id.ID
	AuthTime, CreatedAt, ExpiresAt time.Time
	Agent                          string
}

// ListSessions implements signin.Accounts.
func (a *accounts) ListSessions(ctx context.Context, account id.ID) (found []signin.Session, err error) {
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
func (a *accounts) EndSessions(ctx context.Context, account, id id.ID) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		if id.IsZero() {
			return firstError(
				func() error { _, err := a.endSessions(tx, account, id); return err },
				func() error { return a.record(tx, account, a.name(account), "signed_out", a.name(account)) },
			)
		}
		result := tx.Exec(a.sql.endOwnSession, a.with(values{"account": account, "id": id}))
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return a.record(tx, account, a.name(account), "signed_out", "session:"+id.String())
	})
}

// endSessions ends all sessions of an account but the kept one, and the codes on their way to its address, which somebody else may have
// read. Raising the epoch comes first and locks the account: a session that is being made is finished and then seen by the statement after
// it, and a later one is refused for its old proof. It returns the new epoch.
func (a *accounts) endSessions(tx *gorm.DB, account, kept id.ID) (int, error) {
	var raised struct{ Epoch int }
	err := firstError(
		func() error { return a.one(tx, &raised, a.sql.raiseEpoch, values{"account": account}) },
		func() error {
			return tx.Exec(a.sql.endSessions, a.with(values{"account": account, "kept": kept})).Error
		},
		func() error { return tx.Exec(a.sql.endChallenges, a.with(values{"account": account})).Error },
	)
	return raised.Epoch, err
}

// endOtherSessions does so for the browser of a session that has to be alive still: of two that end each other, one stays.
func (a *accounts) endOtherSessions(tx *gorm.DB, account, kept id.ID) error {
	var locked idRow
	return firstError(
		func() error { _, err := a.endSessions(tx, account, kept); return err },
		func() error { return a.one(tx, &locked, a.sql.lockSession, values{"account": account, "id": kept}) },
	)
}

// EndEarlierSessions implements signin.Accounts. The account is locked before its sessions, as by those who end all of them.
func (a *accounts) EndEarlierSessions(ctx context.Context, account, kept, id id.ID) (later int, err error) {
	target := a.name(account)
	if !id.IsZero() {
		target = "session:" + id.String()
	}
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		var locked idRow
		var left struct{ Many int }
		err := firstError(
			func() error { return a.one(tx, &locked, a.sql.lockForDeletion, values{"account": account}) },
			func() error { return a.one(tx, &locked, a.sql.lockSession, values{"account": account, "id": kept}) },
			func() error {
				return a.one(tx, &left, a.sql.countLater, values{"account": account, "kept": kept, "id": id})
			},
		)
		if err != nil {
			return err
		}
		later = left.Many
		ended := tx.Exec(a.sql.endEarlier, a.with(values{"account": account, "kept": kept, "id": id}))
		if ended.Error != nil || ended.RowsAffected == 0 {
			return ended.Error
		}
		return a.record(tx, account, a.name(account), "signed_out", target)
	})
	return later, err
}

// EndOtherSessions implements signin.Accounts.
func (a *accounts) EndOtherSessions(ctx context.Context, account, kept id.ID) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error { return a.endOtherSessions(tx, account, kept) },
			func() error { return a.record(tx, account, a.name(account), "signed_out", a.name(account)) },
		)
	})
}

// SetPassword implements signin.Accounts. The browser that sets it stays signed in, every other one does not.
func (a *accounts) SetPassword(ctx context.Context, account, kept id.ID, passwordHash string) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error { return a.endOtherSessions(tx, account, kept) },
			func() error { return a.requireKeeps(tx, account) },
			func() error {
				return tx.Exec(a.sql.setHash, a.with(values{"account": account, "new": passwordHash})).Error
			},
			func() error { return a.record(tx, account, a.name(account), "password_set", a.name(account)) },
		)
	})
}

// DeleteAccount implements signin.Accounts. Guards hear of the end of the person's connections before the rows go, and the timeline
// forgets whose steps they were.
func (a *accounts) DeleteAccount(ctx context.Context, account id.ID) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var locked idRow
		if err := firstError(
			func() error { return a.kind.leave(tx, account) },
			func() error { return a.one(tx, &locked, a.sql.lockForDeletion, values{"account": account}) },
		); err != nil {
			return err
		}
		if err := a.requireNoReviewer(tx, account); err != nil {
			return err
		}
		if err := a.record(tx, account, a.name(account), "deleted", a.name(account)); err != nil { // while it is known whose it was
			return err
		}
		return a.erase(tx, account)
	})
}

// erase ends and deletes what belongs to an account.
func (a *accounts) erase(tx *gorm.DB, account id.ID) error {
	return firstError(
		func() error { return a.kind.endGrants(tx, a.project, account, reasonAccountDeleted) },
		func() error { return a.kind.forget(tx, a.project, account) },
		func() error { return tx.Exec(a.sql.endAllChallenges, a.with(values{"account": account})).Error },
		func() error { return tx.Exec(a.sql.deleteAccount, a.with(values{"account": account})).Error },
	)
}

// sweepSessions deletes, in one project, what is over: sessions a month after their end, and challenges a day after theirs.
func (s *Store) sweepSessions(ctx context.Context, project id.ID) (swept int, err error) {
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
