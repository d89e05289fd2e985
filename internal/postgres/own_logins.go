package postgres

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
)

const (
	// purposeOwnLogin names the sealing key of what a customer's site said of a person.
	purposeOwnLogin = "own-login"
	// reasonOrganizationLeft is why grants for an organization ended when its person left it.
	reasonOrganizationLeft = "organization_left"
)

func ownLoginBinding(project, flow secret.ID) []byte { return secret.Join(project[:], flow[:]) }

// KeepOwnLogin implements signin.OwnLogins.
func (i *identities) KeepOwnLogin(ctx context.Context, provider, flow secret.ID, answerHash []byte, login signin.OwnLogin) error {
	plain, err := json.Marshal(login)
	if err != nil {
		return err
	}
	a := i.people
	sealed := a.store.keys.Seal(purposeOwnLogin, plain, ownLoginBinding(a.project, flow))
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var living idRow
		if err := tx.Raw(`SELECT id FROM upstream_providers WHERE project_id = ? AND id = ? AND kind = 'own' AND enabled FOR SHARE`, a.project, provider).Take(&living).Error; err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO own_logins (project_id, flow_id, provider_id, answer_hash, sealed, expires_at)
			VALUES (?, ?, ?, ?, ?, now() + make_interval(secs => ?))`, a.project, flow, provider, answerHash, sealed, signin.OwnLoginLifetime.Seconds()).Error
	})
}

// TakeOwnLogin implements signin.OwnLogins. The row stays, so that the request cannot be answered again while it is good.
func (i *identities) TakeOwnLogin(ctx context.Context, provider, flow secret.ID, answerHash []byte) (login signin.OwnLogin, err error) {
	a := i.people
	var row struct{ Sealed []byte }
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		return a.one(tx, &row, `UPDATE own_logins o SET sealed = '', answer_hash = '' FROM own_logins was
			WHERE o.project_id = @project AND o.flow_id = @flow AND o.provider_id = @provider AND o.answer_hash = @hash AND o.expires_at > now()
				AND was.project_id = o.project_id AND was.flow_id = o.flow_id
			RETURNING was.sealed`, values{"flow": flow, "provider": provider, "hash": answerHash})
	})
	if err != nil {
		return login, err
	}
	return i.openOwnLogin(flow, row.Sealed)
}

// FindOwnLogin implements signin.OwnLogins.
func (i *identities) FindOwnLogin(ctx context.Context, provider, flow secret.ID, answerHash []byte) (login signin.OwnLogin, err error) {
	a := i.people
	var row struct{ Sealed []byte }
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		return a.one(tx, &row, `SELECT sealed FROM own_logins
			WHERE project_id = @project AND flow_id = @flow AND provider_id = @provider AND answer_hash = @hash AND expires_at > now()`,
			values{"flow": flow, "provider": provider, "hash": answerHash})
	})
	if err != nil {
		return login, err
	}
	return i.openOwnLogin(flow, row.Sealed)
}

func (i *identities) openOwnLogin(flow secret.ID, sealed []byte) (login signin.OwnLogin, err error) {
	plain, err := i.people.store.keys.Open(purposeOwnLogin, sealed, ownLoginBinding(i.people.project, flow))
	if err != nil {
		return login, err
	}
	return login, json.Unmarshal(plain, &login)
}

// remember keeps what a customer's site said of a person. Apps lose what was given to them for an organization that the person left.
func (i *identities) remember(tx *gorm.DB, account secret.ID, identity signin.Identity) error {
	if !identity.FromOwn {
		return nil
	}
	a := i.people
	list := string(signin.OrganizationsJSON(identity.Organizations))
	if err := tx.Exec(`UPDATE users SET name = ?, organizations = ? WHERE project_id = ? AND id = ?`,
		identity.Name, list, a.project, account).Error; err != nil {
		return err
	}
	return endGrants(tx, a.project, reasonOrganizationLeft, "user_id = ? AND organization IS NOT NULL AND organization NOT IN (SELECT o ->> 'id' FROM jsonb_array_elements(CAST(? AS jsonb)) AS o)",
		account, list)
}

// Organizations implements signin.Identities.
func (i *identities) Organizations(ctx context.Context, account secret.ID) (list []signin.Organization, err error) {
	var row struct{ Organizations json.RawMessage }
	err = i.people.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT organizations FROM users WHERE project_id = ? AND id = ?`, i.people.project, account).Take(&row).Error
	})
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(row.Organizations, &list)
}
