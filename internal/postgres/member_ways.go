package postgres

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
)

// memberWays is what proves members besides passwords and codes.
type memberWays struct{ people *accounts }

// MemberWays are the passkeys of members and their accounts at GitHub.
func (s *Store) MemberWays() signin.MemberWays {
	people, _ := s.Members().(*accounts)
	return memberWays{people}
}

const memberPasskey = `SELECT credential_id, account_id, record, agent, created_at, last_used_at FROM member_passkeys `

// ListPasskeys implements signin.Passkeys.
func (m memberWays) ListPasskeys(ctx context.Context, account id.ID, host string) (found []signin.Passkey, err error) {
	var rows []passkeyRow
	err = m.people.store.db.WithContext(ctx).Raw(memberPasskey+`WHERE account_id = ? AND rp_id = ? ORDER BY created_at, credential_id`, account, host).Scan(&rows).Error
	for _, r := range rows {
		found = append(found, r.passkey())
	}
	return found, translate(err)
}

// FindPasskey implements signin.Passkeys.
func (m memberWays) FindPasskey(ctx context.Context, host string, id []byte) (signin.Passkey, id.ID, error) {
	var row passkeyRow
	err := m.people.store.db.WithContext(ctx).Raw(memberPasskey+`WHERE rp_id = ? AND credential_id = ?`, host, id).Take(&row).Error
	return row.passkey(), row.AccountID, translate(err)
}

// AddPasskey implements signin.Passkeys. The lock on the member makes the count exact.
func (m memberWays) AddPasskey(ctx context.Context, account id.ID, host string, p signin.Passkey) error {
	a := m.people
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var locked idRow
		if err := a.one(tx, &locked, a.sql.lockForDeletion, values{"account": account}); err != nil {
			return err
		}
		var many int
		return firstError(
			func() error {
				return tx.Raw(`SELECT count(*) FROM member_passkeys WHERE account_id = ? AND rp_id = ?`, account, host).Scan(&many).Error
			},
			func() error {
				if many >= signin.MaxPasskeys {
					return signin.ErrTooMany
				}
				return orConflict(tx.Exec(`INSERT INTO member_passkeys (rp_id, credential_id, account_id, record, agent) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
					host, p.ID, account, string(p.Record), p.Agent))
			},
			func() error { return a.record(tx, account, a.name(account), "passkey_added", passkeyTarget(p.ID)) },
		)
	})
}

// UsePasskey implements signin.Passkeys.
func (m memberWays) UsePasskey(ctx context.Context, host string, p signin.Passkey, challengeHash []byte) (out signin.Account, err error) {
	a := m.people
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		if err := useMemberAnswer(tx, challengeHash, signin.PasskeyLifetime); err != nil {
			return err
		}
		var used idRow // the account is locked first, as by those who delete it
		if err := tx.Raw(`SELECT account_id AS id FROM member_passkeys WHERE rp_id = ? AND credential_id = ?`, host, p.ID).Take(&used).Error; err != nil {
			return err
		}
		if err := m.open(tx, used.ID, &out); err != nil {
			return err
		}
		return mustChange(tx.Exec(`UPDATE member_passkeys SET record = ?, last_used_at = now() WHERE rp_id = ? AND credential_id = ? AND account_id = ?`,
			string(p.Record), host, p.ID, used.ID))
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// open reads the account of who proved themself, unless it is blocked.
func (m memberWays) open(tx *gorm.DB, member id.ID, out *signin.Account) error {
	if err := m.people.one(tx, out, m.people.sql.lockAccount, values{"account": member}); err != nil {
		return err
	}
	if out.Blocked {
		return signin.ErrBlocked
	}
	return nil
}

// RemovePasskey implements signin.Passkeys.
func (m memberWays) RemovePasskey(ctx context.Context, account id.ID, host string, id []byte) error {
	a := m.people
	return a.transaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`DELETE FROM member_passkeys WHERE account_id = ? AND rp_id = ? AND credential_id = ?`, account, host, id)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return a.record(tx, account, a.name(account), "passkey_removed", passkeyTarget(id))
	})
}

// SignInGitHub implements signin.MemberWays. As with every provider, the subject says who it is; the address ties a new one to an account
// only when both sides verified it and nobody of GitHub is tied to it yet (catalogue 120).
func (m memberWays) SignInGitHub(ctx context.Context, identity signin.Identity, stateHash []byte, organization string) (out signin.Account, err error) {
	a := m.people
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		if err := useMemberAnswer(tx, stateHash, signin.ProviderRequestLifetime); err != nil {
			return err
		}
		out, err = m.known(tx, identity)
		if errors.Is(err, gorm.ErrRecordNotFound) { // of two first sign-ins at once, the second one finds what the first one made
			if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "member at github "+identity.Subject).Error; err != nil {
				return err
			}
			out, err = m.known(tx, identity)
		}
		if errors.Is(err, gorm.ErrRecordNotFound) {
			out, err = m.tie(tx, identity, organization)
		}
		return err
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// known opens the account of who was here before.
func (m memberWays) known(tx *gorm.DB, identity signin.Identity) (out signin.Account, err error) {
	var known idRow
	found := tx.Raw(`UPDATE member_identities SET last_used_at = now(), contact = ? WHERE provider = 'github' AND subject = ? RETURNING account_id AS id`,
		contactOf(identity), identity.Subject).Scan(&known)
	if found.Error == nil && found.RowsAffected == 0 {
		return out, gorm.ErrRecordNotFound
	}
	if found.Error != nil {
		return out, found.Error
	}
	return out, m.open(tx, known.ID, &out)
}

// tie gives somebody new the account of their address, or one of their own, without the address when it is somebody's.
func (m memberWays) tie(tx *gorm.DB, identity signin.Identity, organization string) (signin.Account, error) {
	a := m.people
	address, err := signin.ParseEmail(identity.Email)
	if err != nil || !identity.EmailVerified {
		return signin.Account{}, signin.ErrUnverified
	}
	fresh := signin.NewAccount{Email: address, Detail: organization}
	out, err := a.lockByEmail(tx, address)
	if err == nil {
		fresh.Email = ""
		var taken bool
		err = tx.Raw(`SELECT EXISTS (SELECT FROM member_identities WHERE provider = 'github' AND account_id = ?)`, out.ID).Scan(&taken).Error
		if err == nil && (taken || !out.EmailVerified) {
			err = gorm.ErrRecordNotFound
		}
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		out, err = a.create(tx, fresh, "")
	}
	if err != nil {
		return signin.Account{}, err
	}
	return out, firstError(
		func() error {
			return tx.Exec(`INSERT INTO member_identities (provider, subject, contact, account_id, last_used_at) VALUES ('github', ?, ?, ?, now())`, identity.Subject, contactOf(identity), out.ID).Error
		},
		func() error { return a.record(tx, out.ID, a.name(out.ID), "identity_tied", "provider:github") },
	)
}

// useMemberAnswer notes an answer, and forgets those that would be refused as old.
func useMemberAnswer(tx *gorm.DB, hash []byte, ttl time.Duration) error {
	if err := tx.Exec(`DELETE FROM member_answers WHERE state_hash IN (SELECT state_hash FROM member_answers WHERE expires_at < now() - interval '10 minutes' ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)`).Error; err != nil {
		return err
	}
	result := tx.Exec(`INSERT INTO member_answers (expires_at, state_hash) VALUES (now() + make_interval(secs => ?), ?) ON CONFLICT DO NOTHING`, ttl.Seconds(), hash)
	if result.Error == nil && result.RowsAffected == 0 {
		return gorm.ErrRecordNotFound
	}
	return result.Error
}
