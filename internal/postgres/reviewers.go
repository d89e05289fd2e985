package postgres

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

const (
	// purposeReviewer names the sealing key of reviewers' codes.
	purposeReviewer = "reviewer-code"
	// reasonReviewerEnded is why grants ended with a reviewer's code.
	reasonReviewerEnded = "reviewer_ended"
	// noReviewIsOver is the condition that a row u of users is no reviewer's whose day has passed. Everything that lets a person in or hands out
	// their tokens asks for it: the sweep comes later.
	noReviewIsOver = `(u.reviewer_address IS NULL OR u.reviewer_until > now())`
)

func reviewerBinding(project id.ID, email string) []byte {
	return secret.Join(project[:], []byte(email))
}

// SetReviewer implements tenants.ReviewerStore. The lock on the address keeps it from becoming somebody's meanwhile.
func (s *Store) SetReviewer(ctx context.Context, actor tenants.Actor, organization, project id.ID, email, code string, lasts time.Duration) error {
	people, _ := s.Users(project).(*accounts)
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := requireOwn(tx, organization, project); err != nil {
			return err
		}
		if _, err := people.lockByEmail(tx, email); err == nil || errors.Is(err, signin.ErrBlocked) {
			return tenants.ErrConflict
		} else if !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		account, err := people.reviewerOf(tx, email, actor)
		if err != nil {
			return err
		}
		sealed := s.keys.Seal(purposeReviewer, []byte(code), reviewerBinding(project, email))
		return firstError(
			func() error {
				return tx.Exec(`UPDATE users SET reviewer_code = ?, reviewer_until = now() + make_interval(secs => ?), reviewer_address = ?, reviewer_maker = ?, reviewer_made_at = now()
					WHERE project_id = ? AND id = ?`, sealed, lasts.Seconds(), email, string(actor), project, account).Error
			},
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "user.reviewer_set", target: people.name(account)})
			},
		)
	})
}

// reviewerOf is the account of an address's reviewer, whose sessions and connections end, or a new one without an address to sign in with.
func (a *accounts) reviewerOf(tx *gorm.DB, email string, actor tenants.Actor) (id.ID, error) {
	var known idRow
	result := tx.Raw(`SELECT id FROM users WHERE project_id = ? AND reviewer_address = ? FOR UPDATE`, a.project, email).Scan(&known)
	if result.Error != nil {
		return id.ID{}, result.Error
	}
	if result.RowsAffected > 0 {
		return known.ID, a.endReview(tx, known.ID)
	}
	account, err := a.create(tx, signin.NewAccount{}, string(actor))
	return account.ID, err
}

// requireNoReviewer refuses what would shut the other reviewers out of an account that they share. It locks the account.
func (a *accounts) requireNoReviewer(tx *gorm.DB, account id.ID) error {
	var locked signin.Account
	err := a.one(tx, &locked, a.sql.lockAccount, values{"account": account})
	if err == nil && locked.Reviewer {
		err = signin.ErrNotOffered
	}
	return err
}

// endReview ends what a reviewer's code was used for. A second step, whose recovery codes go with it, would shut out who comes next.
func (a *accounts) endReview(tx *gorm.DB, account id.ID) error {
	return firstError(
		func() error { _, err := a.endSessions(tx, account, id.ID{}); return err },
		func() error {
			return tx.Exec(`DELETE FROM user_second_factors WHERE project_id = ? AND account_id = ?`, a.project, account).Error
		},
		func() error { return a.kind.endGrants(tx, a.project, account, reasonReviewerEnded) },
	)
}

// ListReviewers implements tenants.ReviewerStore.
func (s *Store) ListReviewers(ctx context.Context, organization, project id.ID) (found []tenants.Reviewer, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT u.id, u.reviewer_address AS address, u.reviewer_maker AS maker, u.reviewer_made_at AS made_at, u.reviewer_until AS until, u.reviewer_until <= now() AS ended,
						(SELECT count(*) FROM grants g WHERE g.project_id = u.project_id AND g.user_id = u.id AND `+activeGrant+`) AS connections
					FROM users u WHERE u.project_id = ? AND u.reviewer_address IS NOT NULL ORDER BY ended, u.reviewer_made_at DESC, u.id LIMIT 200`, project).Scan(&found).Error
			},
		)
	})
	return found, err
}

// EndReviewer implements tenants.ReviewerStore.
func (s *Store) EndReviewer(ctx context.Context, actor tenants.Actor, organization, project, reviewer id.ID) error {
	return s.changeUser(ctx, actor, organization, project, reviewer, "user.reviewer_ended", func(tx *gorm.DB, people *accounts) error {
		return firstError(
			func() error {
				return mustChange(tx.Exec(`UPDATE users SET reviewer_until = least(reviewer_until, now()) WHERE project_id = ? AND id = ? AND reviewer_address IS NOT NULL`, project, reviewer))
			},
			func() error { return people.endReview(tx, reviewer) },
		)
	})
}

// sweepReviewers ends, in one project, what reviewers whose day has passed still have, so that guards hear of it. It is no use to them any
// more.
func (s *Store) sweepReviewers(ctx context.Context, project id.ID) (swept int, err error) {
	people, _ := s.Users(project).(*accounts)
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		var over []idRow
		err := tx.Raw(`SELECT u.id FROM users u WHERE u.project_id = ? AND u.reviewer_address IS NOT NULL AND NOT `+noReviewIsOver+`
				AND (EXISTS (SELECT FROM user_sessions s WHERE s.project_id = u.project_id AND s.account_id = u.id AND s.ended_at IS NULL AND s.expires_at > now())
					OR EXISTS (SELECT FROM grants g WHERE g.project_id = u.project_id AND g.user_id = u.id AND g.revoked_at IS NULL))
			ORDER BY u.id LIMIT ? FOR UPDATE SKIP LOCKED`, project, sweepMost).Scan(&over).Error
		for _, reviewer := range over {
			if err == nil {
				err = people.endReview(tx, reviewer.ID)
			}
			if err == nil {
				err = auditProject(tx, project, change{actor: tenants.SystemActor, action: "user.reviewer_ended", target: people.name(reviewer.ID)})
			}
		}
		swept = len(over)
		return err
	})
	return swept, err
}

// FinishReview implements signin.Identities. It counts the attempt in a transaction of its own, as for a code that was mailed.
func (i *identities) FinishReview(ctx context.Context, challenge id.ID, browserHash []byte, check func(code string) bool) (out signin.Account, err error) {
	a := i.people
	of := values{"id": challenge, "browser": browserHash, "purpose": signin.PurposeSignIn, "max": signin.MaxAttempts}
	var attempt struct {
		CodeMac []byte
		Open    bool
	}
	var reviewer struct {
		ID           id.ID
		Email        string
		ReviewerCode []byte
	}
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error { return a.one(tx, &attempt, a.sql.countAttempt, of) },
			func() error {
				return tx.Raw(`SELECT u.id, c.email, u.reviewer_code FROM user_challenges c JOIN users u ON u.project_id = c.project_id AND u.reviewer_address = c.email
					WHERE c.project_id = @project AND c.id = @id AND c.browser_hash = @browser AND u.reviewer_until > now()`, a.with(of)).Scan(&reviewer).Error
			},
		)
	})
	if err != nil {
		return signin.Account{}, err
	}
	code := ""
	if reviewer.ReviewerCode != nil {
		opened, err := a.store.keys.Open(purposeReviewer, reviewer.ReviewerCode, reviewerBinding(a.project, reviewer.Email))
		if err != nil {
			return signin.Account{}, err
		}
		code = string(opened)
	}
	if right := check(code); !right || code == "" || !attempt.Open {
		return signin.Account{}, signin.ErrCode
	}
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		out, err = a.openReview(tx, challenge, browserHash, reviewer.ID, reviewer.ReviewerCode)
		return err
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// openReview uses the challenge up and opens the account, if its code is the same still.
func (a *accounts) openReview(tx *gorm.DB, challenge id.ID, browserHash []byte, account id.ID, sealed []byte) (out signin.Account, err error) {
	of := values{"id": challenge, "browser": browserHash, "account": account, "code": sealed, "purpose": signin.PurposeSignIn}
	for _, statement := range []string{
		`UPDATE user_challenges SET finished_at = now() WHERE project_id = @project AND id = @id AND browser_hash = @browser AND purpose = @purpose
			AND finished_at IS NULL AND expires_at > now() RETURNING id`,
		`SELECT id FROM users WHERE project_id = @project AND id = @account AND reviewer_code = @code AND reviewer_until > now() FOR SHARE`,
	} {
		var row idRow
		if err := a.one(tx, &row, statement, of); err != nil {
			if errors.Is(err, gorm.ErrRecordNotFound) {
				err = signin.ErrCode
			}
			return out, err
		}
	}
	if err := a.one(tx, &out, a.sql.lockAccount, values{"account": account}); err != nil {
		return out, err
	}
	if out.Blocked {
		return out, signin.ErrBlocked
	}
	return out, nil
}
