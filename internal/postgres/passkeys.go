package postgres

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
)

type passkeyRow struct {
	CredentialID []byte
	AccountID    id.ID
	Record       json.RawMessage
	Agent        string
	CreatedAt    time.Time
	LastUsedAt   *time.Time
}

func (r passkeyRow) passkey() signin.Passkey {
	p := signin.Passkey{ID: r.CredentialID, Agent: r.Agent, CreatedAt: r.CreatedAt, Record: r.Record}
	if r.LastUsedAt != nil {
		p.LastUsedAt = *r.LastUsedAt
	}
	return p
}

func passkeyTarget(id []byte) string { return "passkey:" + base64.RawURLEncoding.EncodeToString(id) }

// ListPasskeys implements signin.Passkeys.
func (i *identities) ListPasskeys(ctx context.Context, account id.ID, host string) (found []signin.Passkey, err error) {
	var rows []passkeyRow
	err = i.people.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT credential_id, account_id, record, agent, created_at, last_used_at FROM user_passkeys
			WHERE project_id = ? AND account_id = ? AND rp_id = ? ORDER BY created_at, credential_id`, i.people.project, account, host).Scan(&rows).Error
	})
	for _, r := range rows {
		found = append(found, r.passkey())
	}
	return found, err
}

// FindPasskey implements signin.Passkeys.
func (i *identities) FindPasskey(ctx context.Context, host string, id []byte) (signin.Passkey, id.ID, error) {
	var row passkeyRow
	err := i.people.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT credential_id, account_id, record, agent, created_at, last_used_at FROM user_passkeys
			WHERE project_id = ? AND rp_id = ? AND credential_id = ?`, i.people.project, host, id).Take(&row).Error
	})
	return row.passkey(), row.AccountID, err
}

// AddPasskey implements signin.Passkeys. The lock on the person makes the count exact.
func (i *identities) AddPasskey(ctx context.Context, account id.ID, host string, p signin.Passkey) error {
	a := i.people
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var locked idRow
		if err := a.one(tx, &locked, a.sql.lockForDeletion, values{"account": account}); err != nil {
			return err
		}
		var many int
		return firstError(
			func() error { return a.requireKeeps(tx, account) },
			func() error {
				return tx.Raw(`SELECT count(*) FROM user_passkeys WHERE project_id = ? AND account_id = ? AND rp_id = ?`, a.project, account, host).Scan(&many).Error
			},
			func() error {
				if many >= signin.MaxPasskeys {
					return signin.ErrTooMany
				}
				return tx.Exec(`INSERT INTO user_passkeys (project_id, rp_id, credential_id, account_id, record, agent) VALUES (?, ?, ?, ?, ?, ?)`,
					a.project, host, p.ID, account, string(p.Record), p.Agent).Error
			},
			func() error { return a.record(tx, account, a.name(account), "passkey_added", passkeyTarget(p.ID)) },
		)
	})
}

// UsePasskey implements signin.Passkeys.
func (i *identities) UsePasskey(ctx context.Context, host string, p signin.Passkey, challengeHash []byte) (out signin.Account, err error) {
	a := i.people
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		if err := i.useAnswer(tx, challengeHash, signin.PasskeyLifetime); err != nil {
			return err
		}
		var used idRow // the account is locked first, as by those who delete it
		if err := tx.Raw(`SELECT account_id AS id FROM user_passkeys WHERE project_id = ? AND rp_id = ? AND credential_id = ?`, a.project, host, p.ID).Take(&used).Error; err != nil {
			return err
		}
		if err := a.one(tx, &out, a.sql.lockAccount, values{"account": used.ID}); err != nil {
			return err
		}
		if out.Blocked {
			return signin.ErrBlocked
		}
		return mustChange(tx.Exec(`UPDATE user_passkeys SET record = ?, last_used_at = now() WHERE project_id = ? AND rp_id = ? AND credential_id = ? AND account_id = ?`,
			string(p.Record), a.project, host, p.ID, used.ID))
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// RemovePasskey implements signin.Passkeys.
func (i *identities) RemovePasskey(ctx context.Context, account id.ID, host string, id []byte) error {
	a := i.people
	return a.transaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`DELETE FROM user_passkeys WHERE project_id = ? AND account_id = ? AND rp_id = ? AND credential_id = ?`, a.project, account, host, id)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return a.record(tx, account, a.name(account), "passkey_removed", passkeyTarget(id))
	})
}
