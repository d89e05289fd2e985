package postgres

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
)

// identities are what other providers say of the people of one project.
type identities struct{ people *accounts }

// Identities are the providers of one project and its people's identities there.
func (s *Store) Identities(project id.ID) signin.Identities {
	people, _ := s.Users(project).(*accounts)
	return &identities{people: people}
}

// FindProvider implements signin.Identities.
func (i *identities) FindProvider(ctx context.Context, id id.ID) (signin.Provider, error) {
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
// (catalogue 124).
func (i *identities) SignInIdentity(ctx context.Context, provider id.ID, identity signin.Identity, allowNew bool) (out signin.Account, err error) {
	err = i.people.transaction(ctx, func(tx *gorm.DB) error {
		at, err := i.lockProvider(tx, provider)
		if err != nil {
			return err
		}
		out, err = i.signIn(tx, at, identity, allowNew)
		return err
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

func (i *identities) lockProvider(tx *gorm.DB, provider id.ID) (place, error) {
	var living struct{ Kind string }
	err := tx.Raw(`SELECT kind FROM upstream_providers WHERE project_id = ? AND id = ? AND enabled FOR SHARE`, i.people.project, provider).Take(&living).Error
	return place{provider: provider, kind: living.Kind}, err
}

func (i *identities) signIn(tx *gorm.DB, at place, identity signin.Identity, allowNew bool) (signin.Account, error) {
	if identity.Issuer == "" || identity.Subject == "" || identity.FromOwn != (at.kind == signin.ProviderOwn) {
		return signin.Account{}, signin.ErrIdentityProvider
	}
	out, err := i.known(tx, at, identity)
	if errors.Is(err, gorm.ErrRecordNotFound) { // of two first sign-ins at once, the second one finds what the first one made
		key := "identity " + i.people.project.String() + " " + identity.Issuer + " " + identity.Subject
		if err := tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", key).Error; err != nil {
			return out, err
		}
		out, err = i.known(tx, at, identity)
	}
	if errors.Is(err, gorm.ErrRecordNotFound) {
		out, err = i.tie(tx, at, identity, allowNew)
	}
	if err != nil {
		return out, err
	}
	return out, i.remember(tx, out, identity)
}

// place is where an identity comes from.
type place struct {
	provider id.ID
	kind     string
}

// contactOf is what a provider says of an address, kept to be shown.
func contactOf(identity signin.Identity) string {
	address, err := signin.ParseEmail(identity.Email)
	if err != nil {
		return ""
	}
	return address
}

// providerIsThere is the condition that the provider of a row i of user_identities was not removed. Removing one writes nothing there.
const providerIsThere = `EXISTS (SELECT FROM upstream_providers p WHERE p.project_id = i.project_id AND p.id = i.provider_id)`

// known opens the account of an identity that was here before. A row without issuer is from before issuers were kept, at this provider,
// whose issuer has not changed since: with another one it would have another id. The account is locked first, as by those who delete it.
func (i *identities) known(tx *gorm.DB, at place, identity signin.Identity) (signin.Account, error) {
	a := i.people
	var row struct{ ID, AccountID id.ID }
	err := tx.Raw(`SELECT id, account_id FROM user_identities
		WHERE project_id = ? AND subject = ? AND (issuer = ? OR issuer IS NULL AND provider_id = ?) ORDER BY issuer NULLS LAST LIMIT 1`,
		a.project, identity.Subject, identity.Issuer, at.provider).Take(&row).Error
	if err != nil {
		return signin.Account{}, err
	}
	if identity.FromOwn { // what the site says of the account is written below
		if err := i.lockOwn(tx, row.AccountID); err != nil {
			return signin.Account{}, err
		}
	}
	var out signin.Account
	if err := a.one(tx, &out, a.sql.lockAccount, values{"account": row.AccountID}); err != nil {
		return signin.Account{}, err
	}
	if out.Blocked {
		return signin.Account{}, signin.ErrBlocked
	}
	out.Identity = row.ID
	return out, tx.Exec(`UPDATE user_identities i SET last_used_at = now(), issuer = ?, contact = ?, provider_id = CASE WHEN `+providerIsThere+` THEN provider_id ELSE ? END
		WHERE project_id = ? AND id = ?`,
		identity.Issuer, contactOf(identity), at.provider, a.project, row.ID).Error
}

// tie gives a new identity the account of its address where both sides proved it, or one of its own (catalogue 120). Whether an address
// has an account is told to nobody: who is refused here was told by the provider that the address is theirs.
func (i *identities) tie(tx *gorm.DB, at place, identity signin.Identity, allowNew bool) (signin.Account, error) {
	a := i.people
	address, err := signin.ParseEmail(identity.Email)
	if err != nil || !identity.EmailVerified {
		return signin.Account{}, signin.ErrUnverified
	}
	fresh := signin.NewAccount{Email: address}
	out, err := a.lockByEmail(tx, address)
	if err == nil {
		fresh.Email = "" // it is somebody's
		var joins bool
		if joins, err = i.joins(tx, out, at, identity); err == nil && !joins {
			err = gorm.ErrRecordNotFound
		}
	}
	joined := err == nil
	if errors.Is(err, gorm.ErrRecordNotFound) && allowNew {
		out, err = a.create(tx, fresh, "")
	}
	if err == nil {
		out, err = i.record(tx, out, at, identity)
	}
	if err == nil && joined && identity.FromOwn {
		out.Epoch, err = i.endOlder(tx, out)
	}
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// endOlder ends the sessions of an account from before its person came through the customer's own login, where no other way may begin one.
// It returns the epoch of the account.
func (i *identities) endOlder(tx *gorm.DB, account signin.Account) (int, error) {
	yes, err := i.people.signsInElsewhere(tx, account.ID)
	if err != nil || !yes {
		return account.Epoch, err
	}
	return i.people.endSessions(tx, account.ID, id.ID{})
}

// joins reports whether an identity may join the account of its address: a proven one, which has nobody of this provider yet, nor, unless
// the customer's site sends them, anybody of that site whom other ways may not reach.
func (i *identities) joins(tx *gorm.DB, account signin.Account, at place, identity signin.Identity) (bool, error) {
	if !account.EmailVerified {
		return false, nil
	}
	taken, err := i.taken(tx, account.ID, at, identity.Issuer)
	if err == nil && !taken && !identity.FromOwn {
		taken, err = i.people.signsInElsewhere(tx, account.ID)
	}
	return err == nil && !taken, err
}

// taken reports whether an account has an identity of a provider already. Microsoft has an issuer for each tenant, and where it is not
// known yet it may be any.
func (i *identities) taken(tx *gorm.DB, account id.ID, at place, issuer string) (taken bool, err error) {
	same := "issuer = ?"
	if at.kind == signin.ProviderMicrosoft {
		same, issuer = "(issuer IS NULL AND "+providerIsThere+" OR starts_with(issuer, ?))", issuer[:strings.Index(issuer, ".com/")+len(".com/")]
	}
	return taken, tx.Raw(`SELECT EXISTS (SELECT FROM user_identities i WHERE project_id = ? AND account_id = ? AND (provider_id = ? OR `+same+`))`,
		i.people.project, account, at.provider, issuer).Scan(&taken).Error
}

// record ties an identity to an account.
func (i *identities) record(tx *gorm.DB, out signin.Account, at place, identity signin.Identity) (signin.Account, error) {
	a := i.people
	row := id.New()
	err := tx.Exec(`INSERT INTO user_identities (project_id, id, provider_id, issuer, subject, contact, account_id) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		a.project, row, at.provider, identity.Issuer, identity.Subject, contactOf(identity), out.ID).Error
	if err != nil {
		return signin.Account{}, err
	}
	if err := a.record(tx, out.ID, a.name(out.ID), "identity_tied", providerTarget(at.provider)); err != nil {
		return signin.Account{}, err
	}
	err = a.one(tx, &out, a.sql.lockAccount, values{"account": out.ID}) // with what it is called now
	out.Identity = row
	return out, err
}
