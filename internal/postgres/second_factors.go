package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// purposeSecondFactor names the sealing key of the secrets in authenticator apps.
const purposeSecondFactor = "second-factor-secret"

func secondFactorBinding(project, account id.ID) []byte {
	return secret.Join(project[:], account[:])
}

// FindSecondFactor implements signin.SecondFactors.
func (i *identities) FindSecondFactor(ctx context.Context, account id.ID) (out signin.SecondFactor, err error) {
	err = i.people.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT true AS enabled, (SELECT count(*) FROM user_recovery_codes WHERE project_id = f.project_id AND account_id = f.account_id) AS recovery_codes
			FROM user_second_factors f WHERE project_id = ? AND account_id = ?`, i.people.project, account).Scan(&out).Error
	})
	return out, err
}

// EnableTOTP implements signin.SecondFactors.
func (i *identities) EnableTOTP(ctx context.Context, account id.ID, totpSecret []byte, step int64, recoveryHashes [][]byte) error {
	a := i.people
	sealed := a.store.keys.Seal(purposeSecondFactor, totpSecret, secondFactorBinding(a.project, account))
	return a.transaction(ctx, func(tx *gorm.DB) error {
		if err := a.requireNoReviewer(tx, account); err != nil {
			return err
		}
		err := tx.Exec(`INSERT INTO user_second_factors (project_id, account_id, sealed_secret, last_step) VALUES (?, ?, ?, ?)`, a.project, account, sealed, step).Error
		for _, hash := range recoveryHashes {
			if err == nil {
				err = tx.Exec(`INSERT INTO user_recovery_codes (project_id, account_id, code_hash) VALUES (?, ?, ?)`, a.project, account, hash).Error
			}
		}
		if err != nil {
			return err
		}
		return a.record(tx, account, a.name(account), "second_factor_enabled", a.name(account))
	})
}

// UseTOTP implements signin.SecondFactors.
func (i *identities) UseTOTP(ctx context.Context, account id.ID, check func(totpSecret []byte) (int64, bool)) error {
	return i.useSecondFactor(ctx, account, func(tx *gorm.DB, f secondFactorRow) (bool, error) {
		opened, err := i.people.store.keys.Open(purposeSecondFactor, f.SealedSecret, secondFactorBinding(i.people.project, account))
		if err != nil {
			return false, err
		}
		step, ok := check(opened)
		if !ok || step <= f.LastStep {
			return false, nil
		}
		return true, tx.Exec(`UPDATE user_second_factors SET last_step = ?, failures = 0 WHERE project_id = ? AND account_id = ?`, step, i.people.project, account).Error
	})
}

// UseRecoveryCode implements signin.SecondFactors.
func (i *identities) UseRecoveryCode(ctx context.Context, account id.ID, hash []byte) error {
	return i.useSecondFactor(ctx, account, func(tx *gorm.DB, _ secondFactorRow) (bool, error) {
		taken := tx.Exec(`DELETE FROM user_recovery_codes WHERE project_id = ? AND account_id = ? AND code_hash = ?`, i.people.project, account, hash)
		if taken.Error != nil || taken.RowsAffected == 0 {
			return false, taken.Error
		}
		return true, i.people.record(tx, account, i.people.name(account), "recovery_code_used", i.people.name(account))
	})
}

type secondFactorRow struct {
	SealedSecret []byte
	LastStep     int64
	Failures     int
	Paused       bool
}

// useSecondFactor counts what was wrong, for good, while the row is locked: of parallel tries none is free.
func (i *identities) useSecondFactor(ctx context.Context, account id.ID, use func(*gorm.DB, secondFactorRow) (bool, error)) error {
	var outcome error
	err := i.people.transaction(ctx, func(tx *gorm.DB) error {
		var f secondFactorRow
		err := tx.Raw(`SELECT sealed_secret, last_step, failures, coalesce(failures >= ? AND failed_at > now() - make_interval(secs => ?), false) AS paused
			FROM user_second_factors WHERE project_id = ? AND account_id = ? FOR UPDATE`,
			signin.MaxSecondFailures, signin.SecondFactorPause.Seconds(), i.people.project, account).Take(&f).Error
		if err != nil {
			return err
		}
		outcome = signin.ErrCode
		if f.Paused {
			outcome = signin.ErrTooMany
			return nil
		}
		ok, err := use(tx, f)
		if err != nil {
			return err
		}
		if ok {
			outcome = nil
			return nil
		}
		return tx.Exec(`UPDATE user_second_factors SET failed_at = now(),
			failures = CASE WHEN failed_at > now() - make_interval(secs => ?) THEN failures ELSE 0 END + 1 WHERE project_id = ? AND account_id = ?`,
			signin.SecondFactorPause.Seconds(), i.people.project, account).Error
	})
	if err != nil {
		return err
	}
	return outcome
}

// DisableTOTP implements signin.SecondFactors.
func (i *identities) DisableTOTP(ctx context.Context, account id.ID) error {
	a := i.people
	return a.transaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`DELETE FROM user_second_factors WHERE project_id = ? AND account_id = ?`, a.project, account)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return a.record(tx, account, a.name(account), "second_factor_disabled", a.name(account))
	})
}
