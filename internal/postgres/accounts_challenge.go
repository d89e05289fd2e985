package postgres

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/mcpauth/mcpauth/internal/mail"
	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/internal/signin"
)

// CreateChallenge takes a lock on the address first, because a count in an INSERT does not see rows that others have not committed:
// without it, requests that come at once would pass the cap together.
func (a *accounts) CreateChallenge(ctx context.Context, challenge signin.Challenge, message mail.Message) error {
	if err := a.kind.checkDetail(challenge.Detail); err != nil {
		return err
	}
	return a.transaction(ctx, func(tx *gorm.DB) error {
		key := a.kind.actor + " " + a.project.String() + " " + challenge.Email
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", key).Error; err != nil {
			return err
		}
		if err := tx.Exec(a.sql.dropChallenges, a.with(values{"email": challenge.Email})).Error; err != nil {
			return err
		}
		result := tx.Exec(a.sql.createChallenge, a.with(values{
			"id": challenge.ID, "purpose": challenge.Purpose, "email": challenge.Email, "browser": challenge.BrowserHash,
			"code_mac": challenge.CodeMAC, "password_hash": challenge.PasswordHash, "detail": challenge.Detail,
			"seconds": challenge.Lifetime.Seconds(), "cap": signin.MaxChallenges,
		}))
		if result.Error != nil {
			return result.Error
		}
		if result.RowsAffected == 0 {
			return signin.ErrTooMany
		}
		return a.store.queue.enqueueMail(tx, message)
	})
}

// FinishChallenge counts the attempt in a transaction of its own, so that nothing that happens afterwards takes it back. Attempts that
// come at once queue for the row, and each sees its own number.
func (a *accounts) FinishChallenge(ctx context.Context, id secret.ID, browserHash []byte, check func(codeMAC []byte) bool) (signin.Account, error) {
	var attempt struct {
		CodeMac []byte
		Open    bool
	}
	err := a.transaction(ctx, func(tx *gorm.DB) error {
		return a.one(tx, &attempt, a.sql.countAttempt, values{
			"id": id, "browser": browserHash, "purpose": signin.PurposeSignUp, "max": signin.MaxAttempts,
		})
	})
	if err != nil {
		return signin.Account{}, err
	}
	right := check(attempt.CodeMac) // asked in any case: a challenge without a right answer takes as long
	if !right || !attempt.Open {
		return signin.Account{}, signin.ErrCode
	}
	var out signin.Account
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		var made struct{ Email, PasswordHash, Detail string }
		err := a.one(tx, &made, a.sql.finishChallenge, values{"id": id, "browser": browserHash, "purpose": signin.PurposeSignUp})
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return signin.ErrCode // another attempt was first
		}
		if err != nil {
			return err
		}
		out, err = a.create(tx, signin.NewAccount{Email: made.Email, PasswordHash: made.PasswordHash, Detail: made.Detail}, "")
		return err
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}
