package postgres

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

// identities are what other providers say of the people of one project.
type identities struct{ people *accounts }

// Identities are the providers of one project and its people's identities there.
func (s *Store) Identities(project secret.ID) signin.Identities {
	people, _ := s.Users(project).(*accounts)
	return &identities{people: people}
}

// FindProvider implements signin.Identities.
func (i *identities) FindProvider(ctx context.Context, id secret.ID) (signin.Provider, error) {
	s, project := i.people.store, i.people.project
	var row providerRow
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT id, kind, name, issuer, client_id, sealed_secret FROM upstream_providers WHERE project_id = ? AND id = ? AND enabled`, project, id).Take(&row).Error
	})
	if err != nil {
		return signin.Provider{}, err
	}
	opened, err := s.keys.Open(purposeProviderSecret, row.SealedSecret, providerBinding(project, id))
	if err != nil {
		return signin.Provider{}, err
	}
	return signin.Provider{ID: row.ID, Kind: row.Kind, Name: row.Name, Issuer: row.Issuer, ClientID: row.ClientID, ClientSecret: string(opened)}, nil
}

// SignInIdentity implements signin.Identities. The provider is locked, so that one that is switched off ties nobody any more
// (catalogue 124); the lock on the person orders two first sign-ins at once.
func (i *identities) SignInIdentity(ctx context.Context, provider secret.ID, identity signin.Identity, allowNew bool) (out signin.Account, err error) {
	a := i.people
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		var living idRow
		if err := tx.Raw(`SELECT id FROM upstream_providers WHERE project_id = ? AND id = ? AND enabled FOR SHARE`, a.project, provider).Take(&living).Error; err != nil {
			return err
		}
		var known idRow
		found := tx.Raw(`UPDATE user_identities SET last_used_at = now() WHERE project_id = ? AND provider_id = ? AND subject = ? RETURNING account_id AS id`,
			a.project, provider, identity.Subject).Scan(&known)
		switch {
		case found.Error != nil:
			return found.Error
		case found.RowsAffected > 0:
			if err := a.one(tx, &out, a.sql.lockAccount, values{"account": known.ID}); err != nil {
				return err
			}
			if out.Blocked {
				return signin.ErrBlocked
			}
			return i.remember(tx, out.ID, identity)
		}
		if out, err = i.tie(tx, provider, identity, allowNew); err != nil {
			return err
		}
		return i.remember(tx, out.ID, identity)
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// tie gives a new identity the account of its address, or one of its own (catalogue 120).
func (i *identities) tie(tx *gorm.DB, provider secret.ID, identity signin.Identity, allowNew bool) (signin.Account, error) {
	a := i.people
	address, err := signin.ParseEmail(identity.Email)
	if err != nil || !identity.EmailVerified {
		return signin.Account{}, signin.ErrUnverified
	}
	out, err := a.lockByEmail(tx, address)
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound) && allowNew:
		out, err = a.create(tx, signin.NewAccount{Email: address}, "")
	case err == nil && !out.EmailVerified:
		err = signin.ErrUnverified
	}
	if err != nil {
		return signin.Account{}, err
	}
	err = tx.Exec(`INSERT INTO user_identities (project_id, provider_id, subject, account_id) VALUES (?, ?, ?, ?)`, a.project, provider, identity.Subject, out.ID).Error
	if err != nil {
		return signin.Account{}, err
	}
	return out, a.record(tx, out.ID, a.name(out.ID), "identity_tied", providerTarget(provider))
}
