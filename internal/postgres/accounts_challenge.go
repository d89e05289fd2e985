package postgres

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/signin"
)

// reasonPasswordReset is why grants ended with a password.
const reasonPasswordReset = "password_reset"

// CreateChallenge takes a lock on the address first, because a count in an INSERT does not see rows that others have not committed:
// without it, requests that come at once would pass the cap together.
func (a *accounts) CreateChallenge(ctx context.Context, challenge signin.Challenge, message mail.Message) error {
	if challenge.Purpose == signin.PurposeSignUp {
		if err := a.kind.checkDetail(challenge.Detail); err != nil {
			return err
		}
	}
	return a.transaction(ctx, func(tx *gorm.DB) error {
		if err := a.lockAddress(tx, challenge.Email); err != nil {
			return err
		}
		if err := tx.Exec(a.sql.dropChallenges, a.with(values{"email": challenge.Email})).Error; err != nil {
			return err
		}
		result := tx.Exec(a.sql.createChallenge, a.with(values{
			"id": challenge.ID, "purpose": challenge.Purpose, "email": challenge.Email, "browser": challenge.BrowserHash,
			"code_mac": challenge.CodeMAC, "password_hash": challenge.PasswordHash, "detail": challenge.Detail,
			"seconds": challenge.Lifetime.Seconds(), "cap": signin.MaxChallenges, "apart": signin.PurposeConfirm,
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

// answered is what a challenge was for.
type answered struct{ Email, PasswordHash, Detail string }

// FinishChallenge makes the account of a sign-up.
func (a *accounts) FinishChallenge(ctx context.Context, id id.ID, browserHash []byte, check func(codeMAC []byte) bool) (out signin.Account, err error) {
	err = a.answer(ctx, signin.PurposeSignUp, id, browserHash, check, func(tx *gorm.DB, c answered) (err error) {
		out, err = a.create(tx, signin.NewAccount{Email: c.Email, PasswordHash: c.PasswordHash, Detail: c.Detail}, "")
		return err
	})
	return out, err
}

// FinishSignIn implements signin.Accounts.
func (a *accounts) FinishSignIn(ctx context.Context, id id.ID, browserHash []byte, allowNew bool, check func(codeMAC []byte) bool) (out signin.Account, err error) {
	err = a.answer(ctx, signin.PurposeSignIn, id, browserHash, check, func(tx *gorm.DB, c answered) (err error) {
		out, err = a.lockByEmail(tx, c.Email)
		if errors.Is(err, gorm.ErrRecordNotFound) && allowNew {
			out, err = a.create(tx, signin.NewAccount{Email: c.Email}, "")
		}
		return err
	})
	return out, err
}

// FinishConfirm implements signin.Accounts.
func (a *accounts) FinishConfirm(ctx context.Context, id id.ID, browserHash []byte, check func(codeMAC []byte) bool) (out signin.Account, err error) {
	err = a.answer(ctx, signin.PurposeConfirm, id, browserHash, check, func(tx *gorm.DB, c answered) (err error) {
		out, err = a.lockByEmail(tx, c.Email)
		return err
	})
	return out, err
}

// FinishReset implements signin.Accounts. What an account loses with its password is all that whoever knew it may have gained.
func (a *accounts) FinishReset(ctx context.Context, challenge id.ID, browserHash []byte, passwordHash string, check func(codeMAC []byte) bool) (out signin.Account, err error) {
	err = a.answer(ctx, signin.PurposeReset, challenge, browserHash, check, func(tx *gorm.DB, c answered) (err error) {
		if out, err = a.lockByEmail(tx, c.Email); err != nil {
			return err
		}
		if err := a.requireOurs(tx, out.ID); err != nil {
			return err
		}
		account := values{"account": out.ID, "new": passwordHash}
		return firstError(
			func() error { return tx.Exec(a.sql.setHash, a.with(account)).Error },
			func() error { out.Epoch, err = a.endSessions(tx, out.ID, id.ID{}); return err },
			func() error { return a.kind.endGrants(tx, a.project, out.ID, reasonPasswordReset) },
			func() error { return a.record(tx, out.ID, a.name(out.ID), "password_reset", a.name(out.ID)) },
		)
	})
	return out, err
}

// lockAddress lets one transaction at a time ask whose an address is and give it to an account.
func (a *accounts) lockAddress(tx *gorm.DB, email string) error {
	if email == "" {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", a.kind.actor+" "+a.project.String()+" "+email).Error
}

// lockByEmail keeps an account from being blocked while it is signed in. Without one, nobody else makes it meanwhile.
func (a *accounts) lockByEmail(tx *gorm.DB, email string) (signin.Account, error) {
	var out signin.Account
	if err := a.lockAddress(tx, email); err != nil {
		return signin.Account{}, err
	}
	if err := a.one(tx, &out, a.sql.lockByEmail, values{"email": email}); err != nil {
		return signin.Account{}, err
	}
	if out.Blocked {
		return signin.Account{}, signin.ErrBlocked
	}
	return out, nil
}

// lockOfChallenge locks the address and its account before the challenge, as whoever ends an account's codes does.
func (a *accounts) lockOfChallenge(tx *gorm.DB, of values) error {
	var asked answered
	err := a.one(tx, &asked, a.sql.whoseChallenge, of)
	if err == nil {
		_, err = a.lockByEmail(tx, asked.Email)
	}
	if errors.Is(err, gorm.ErrRecordNotFound) { // there is nothing to lock
		return nil
	}
	return err
}

// FindChallenge implements signin.Accounts.
func (a *accounts) FindChallenge(ctx context.Context, id id.ID, browserHash []byte) (string, error) {
	var found answered
	err := a.transaction(ctx, func(tx *gorm.DB) error {
		return a.one(tx, &found, a.sql.findChallenge, values{"id": id, "browser": browserHash})
	})
	return found.Detail, err
}

// answer counts the attempt in a transaction of its own, so that nothing that happens afterwards takes it back. Attempts that come at
// once queue for the row, and each sees its own number; of those that are right one runs then.
func (a *accounts) answer(ctx context.Context, purpose string, id id.ID, browserHash []byte, check func(codeMAC []byte) bool, then func(*gorm.DB, answered) error) error {
	var attempt struct {
		CodeMac []byte
		Open    bool
	}
	err := a.transaction(ctx, func(tx *gorm.DB) error {
		return a.one(tx, &attempt, a.sql.countAttempt, values{"id": id, "browser": browserHash, "purpose": purpose, "max": signin.MaxAttempts})
	})
	if err != nil {
		return err
	}
	right := check(attempt.CodeMac) // asked in any case: a challenge without a right answer takes as long
	if !right || !attempt.Open {
		return signin.ErrCode
	}
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var made answered
		err := a.lockOfChallenge(tx, values{"id": id, "browser": browserHash, "purpose": purpose})
		if err != nil {
			return err
		}
		err = a.one(tx, &made, a.sql.finishChallenge, values{"id": id, "browser": browserHash, "purpose": purpose})
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return signin.ErrCode // another attempt was first
		}
		if err != nil {
			return err
		}
		return then(tx, made)
	})
}
