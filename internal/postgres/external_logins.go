package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

const (
	// purposeExternalLogin names the sealing key of what a customer's site said of a person.
	purposeExternalLogin = "own-login"
	// reasonOrganizationLeft is why grants for an organization ended when its person left it.
	reasonOrganizationLeft = "organization_left"
	// reasonOwnLoginRemoved is why they ended when nobody says any more who is in it.
	reasonOwnLoginRemoved = "own_login_removed"
)

// externalLoginBinding ties a sealed answer to its visit, whose id is the flow_id of the row.
func externalLoginBinding(project, visit id.ID) []byte { return secret.Join(project[:], visit[:]) }

// StoreExternalLogin implements signin.ExternalLogins.
func (i *identities) StoreExternalLogin(ctx context.Context, provider, visit id.ID, answerHash []byte, login signin.ExternalLogin) error {
	plain, err := json.Marshal(login)
	if err != nil {
		return err
	}
	a := i.people
	sealed := a.store.keys.Seal(purposeExternalLogin, plain, externalLoginBinding(a.project, visit))
	return a.transaction(ctx, func(tx *gorm.DB) error {
		if err := i.lockSubject(tx, login.Subject); err != nil {
			return err
		}
		var living idRow
		if err := tx.Raw(`SELECT id FROM upstream_providers WHERE project_id = ? AND id = ? AND kind = 'own' AND enabled FOR SHARE`, a.project, provider).Take(&living).Error; err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO own_logins (project_id, flow_id, provider_id, answer_hash, sealed, subject, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, now() + make_interval(secs => ?))`, a.project, visit, provider, answerHash, sealed, login.Subject, signin.ExternalLoginLifetime.Seconds()).Error
	})
}

// lockSubject lets what the customer's site says of a person come one after the other: an answer is kept before they leave, and taken back,
// or counts as said afterwards.
func (i *identities) lockSubject(tx *gorm.DB, subject string) error {
	return tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "own login "+i.people.project.String()+" "+subject).Error
}

// SignInExternal implements signin.ExternalLogins. The row stays, so that the request cannot be answered again while it is good.
func (i *identities) SignInExternal(ctx context.Context, provider, visit id.ID, answerHash []byte) (out signin.Account, err error) {
	a := i.people
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		at, err := i.lockProvider(tx, provider)
		if err != nil {
			return err
		}
		var row struct{ Sealed []byte }
		err = a.one(tx, &row, `UPDATE own_logins o SET sealed = '', answer_hash = '' FROM own_logins was
			WHERE o.project_id = @project AND o.flow_id = @visit AND o.provider_id = @provider AND o.answer_hash = @hash AND o.expires_at > now()
				AND was.project_id = o.project_id AND was.flow_id = o.flow_id
			RETURNING was.sealed`, values{"visit": visit, "provider": provider, "hash": answerHash})
		if err != nil {
			return err
		}
		login, err := i.openExternalLogin(visit, row.Sealed)
		if err != nil {
			return err
		}
		out, err = i.signIn(tx, at, login.Identity(), true) // the site decides who its people are
		return err
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// FindExternalLogin implements signin.ExternalLogins.
func (i *identities) FindExternalLogin(ctx context.Context, provider, visit id.ID, answerHash []byte) (login signin.ExternalLogin, err error) {
	a := i.people
	var row struct{ Sealed []byte }
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		return a.one(tx, &row, `SELECT sealed FROM own_logins
			WHERE project_id = @project AND flow_id = @visit AND provider_id = @provider AND answer_hash = @hash AND expires_at > now()`,
			values{"visit": visit, "provider": provider, "hash": answerHash})
	})
	if err != nil {
		return login, err
	}
	return i.openExternalLogin(visit, row.Sealed)
}

func (i *identities) openExternalLogin(visit id.ID, sealed []byte) (login signin.ExternalLogin, err error) {
	plain, err := i.people.store.keys.Open(purposeExternalLogin, sealed, externalLoginBinding(i.people.project, visit))
	if err != nil {
		return login, err
	}
	return login, json.Unmarshal(plain, &login)
}

// remember keeps what a customer's site said of a person. Apps lose what was given to them for an organization that the person left.
func (i *identities) remember(tx *gorm.DB, account signin.Account, identity signin.Identity) error {
	if !identity.FromOwn {
		return nil
	}
	a := i.people
	list := string(signin.OrganizationsJSON(identity.Organizations))
	return firstError(
		func() error {
			return tx.Exec(`UPDATE user_identities SET organizations = ? WHERE project_id = ? AND id = ?`, list, a.project, account.Identity).Error
		},
		func() error { // the release before reads the account's
			return tx.Exec(`UPDATE users SET name = ?, organizations = ? WHERE project_id = ? AND id = ?`, identity.Name, list, a.project, account.ID).Error
		},
		func() error { return endLeft(tx, a.project, account) },
	)
}

// EndMembership implements signin.ExternalLogins. Locks are taken in the order of a sign-in: one that is under way is finished and found, and a
// later one has no answer any more that says what was. The rows of answers stay, empty, so that no request is answered again.
func (i *identities) EndMembership(ctx context.Context, provider id.ID, subject, organization string) (remain []signin.Organization, err error) {
	a := i.people
	err = a.transaction(ctx, func(tx *gorm.DB) error {
		err := firstError(
			func() error { return i.lockSubject(tx, subject) },
			func() error {
				return tx.Exec(`UPDATE own_logins SET sealed = '', answer_hash = '' WHERE project_id = ? AND provider_id = ? AND subject = ? AND sealed <> ''`, a.project, provider, subject).Error
			},
		)
		if err != nil {
			return err
		}
		var row struct{ ID, AccountID id.ID }
		err = tx.Raw(`SELECT id, account_id FROM user_identities WHERE project_id = ? AND issuer = 'own' AND subject = ?`, a.project, subject).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err == nil {
			err = i.lockOwn(tx, row.AccountID)
		}
		if err == nil {
			remain, err = i.leave(tx, provider, signin.Account{ID: row.AccountID, Identity: row.ID}, organization)
		}
		return err
	})
	return remain, err
}

// lockOwn locks an account of which the customer's site speaks. Two that only shared the lock would wait for each other to write.
func (i *identities) lockOwn(tx *gorm.DB, account id.ID) error {
	var locked idRow
	return tx.Raw(`SELECT id FROM users WHERE project_id = ? AND id = ? FOR NO KEY UPDATE`, i.people.project, account).Take(&locked).Error
}

// leave takes an organization from a person, with "" all of them, and says so in the audit log when they had it. With the last one they
// are signed out.
func (i *identities) leave(tx *gorm.DB, provider id.ID, person signin.Account, organization string) (remain []signin.Organization, err error) {
	const without = `coalesce((SELECT jsonb_agg(o) FROM jsonb_array_elements(organizations) AS o WHERE @left <> '' AND o ->> 'id' <> @left), '[]')`
	a := i.people
	v := a.with(values{"left": organization, "identity": person.Identity, "account": person.ID})
	var row struct{ Organizations json.RawMessage }
	err = tx.Raw(`SELECT `+without+` AS organizations FROM user_identities WHERE project_id = @project AND id = @identity`, v).Take(&row).Error
	if err == nil {
		err = json.Unmarshal(row.Organizations, &remain)
	}
	if err != nil {
		return nil, err
	}
	out := organization == ""
	detail := map[string]string{"organization": organization}
	if organization == "" {
		detail = map[string]string{"organizations": "all"}
	}
	err = firstError(
		func() error {
			result := tx.Exec(`UPDATE user_identities SET organizations = `+without+` WHERE project_id = @project AND id = @identity AND organizations <> `+without, v)
			if result.Error != nil || result.RowsAffected == 0 {
				return result.Error
			}
			out = out || len(remain) == 0
			return auditProject(tx, a.project, change{actor: tenants.Actor(providerTarget(provider)), action: "user.organization_left", target: a.name(person.ID), detail: detail})
		},
		func() error { // the release before reads the account's
			return tx.Exec(`UPDATE users SET organizations = `+without+` WHERE project_id = @project AND id = @account`, v).Error
		},
		func() error { return endLeft(tx, a.project, person) },
		func() error {
			if !out {
				return nil
			}
			return i.signOut(tx, provider, person.ID)
		},
	)
	return remain, err
}

// signOut ends the sessions of a person who left everything: whoever lets them in again is the customer's site.
func (i *identities) signOut(tx *gorm.DB, provider, account id.ID) error {
	a := i.people
	var living bool
	return firstError(
		func() error {
			return tx.Raw(`SELECT EXISTS (SELECT FROM user_sessions WHERE project_id = ? AND account_id = ? AND ended_at IS NULL AND expires_at > now())`, a.project, account).Scan(&living).Error
		},
		func() error { _, err := a.endSessions(tx, account, id.ID{}); return err },
		func() error {
			if !living {
				return nil
			}
			return a.record(tx, account, providerTarget(provider), "signed_out", a.name(account))
		},
	)
}

// endLeft ends the connections for organizations that their person does not have any more. Of a connection of which it is not known for
// whom of the account it was made, everybody counts whom the customer's site signs in as the account.
func endLeft(tx *gorm.DB, project id.ID, person signin.Account) error {
	return endGrants(tx, project, reasonOrganizationLeft, `organization IS NOT NULL AND (identity_id = ? OR identity_id IS NULL AND user_id = ?)
		AND NOT EXISTS (SELECT FROM user_identities i WHERE i.project_id = grants.project_id
			AND CASE WHEN grants.identity_id IS NULL THEN i.account_id = grants.user_id AND i.issuer = 'own' ELSE i.id = grants.identity_id END
			AND i.organizations @> jsonb_build_array(jsonb_build_object('id', grants.organization)))`, person.Identity, person.ID)
}

// elsewhere tells of account @account of a project whether its person came through the customer's own login, which no other way
// may go around. While that login is off nobody is kept out for it.
const elsewhere = `EXISTS (SELECT FROM projects WHERE id = @project AND NOT ways_beside_own AND ` + externalLoginIsOffered + `)
	AND EXISTS (SELECT FROM user_identities i WHERE i.project_id = @project AND i.account_id = @account AND i.issuer = 'own')`

// SignsInElsewhere implements signin.Identities.
func (i *identities) SignsInElsewhere(ctx context.Context, account id.ID) (yes bool, err error) {
	err = i.people.transaction(ctx, func(tx *gorm.DB) error {
		yes, err = i.people.signsInElsewhere(tx, account)
		return err
	})
	return yes, err
}

func (a *accounts) signsInElsewhere(tx *gorm.DB, account id.ID) (yes bool, err error) {
	if a.kind.actor != "user" {
		return false, nil
	}
	return yes, tx.Raw(`SELECT `+elsewhere, a.with(values{"account": account})).Scan(&yes).Error
}

// endOtherWays ends the sessions of a project's people of the customer's own login that did not begin there. The project is locked, as by a
// sign-in: none that is under way is missed.
func endOtherWays(tx *gorm.DB, project id.ID) error {
	return tx.Exec(`UPDATE user_sessions s SET ended_at = now() FROM user_identities i
		WHERE s.project_id = ? AND s.ended_at IS NULL AND s.expires_at > now() AND s.method <> 'own'
			AND i.project_id = s.project_id AND i.account_id = s.account_id AND i.issuer = 'own'`, project).Error
}

// requireOurs refuses what would go around the customer's own login. The account is locked, as by a first sign-in there.
func (a *accounts) requireOurs(tx *gorm.DB, account id.ID) error {
	yes, err := a.signsInElsewhere(tx, account)
	if err == nil && yes {
		err = signin.ErrElsewhere
	}
	return err
}

// requireKeeps refuses passwords and passkeys to whoever may have none: people of the customer's own login, and reviewers.
func (a *accounts) requireKeeps(tx *gorm.DB, account id.ID) error {
	if err := a.requireNoReviewer(tx, account); err != nil {
		return err
	}
	return a.requireOurs(tx, account)
}

const (
	// externalLoginIsOffered tells of a row of projects whether the customer's site signs people in now.
	externalLoginIsOffered = `('own' = ANY (sign_in_methods)
		AND EXISTS (SELECT FROM upstream_providers w WHERE w.project_id = projects.id AND w.kind = 'own' AND w.enabled))`

	// externalLoginChoice are parts of a statement for project $1, which has the parts tenant, person and sitting before them. whose is the identity
	// that made the session at the customer's site, a short enough time ago; it is locked after the person, as by those who change it, and so is the own login, as by those who remove it.
	// belonging are all of the account with organizations.
	externalLoginChoice = `whose AS (
			SELECT i.organizations FROM tenant, person, sitting, user_identities i, upstream_providers w
			WHERE w.project_id = $1 AND w.kind = 'own' AND w.enabled AND tenant.own AND i.project_id = $1 AND i.id = sitting.identity_id AND i.account_id = person.id AND i.issuer = 'own'
				AND sitting.auth_time > now() - tenant.organization_session * interval '1 second' FOR SHARE OF i, w
		), belonging AS (
			SELECT i.id FROM tenant, person, user_identities i
			WHERE tenant.own AND i.project_id = $1 AND i.account_id = person.id AND i.issuer = 'own' AND i.organizations <> '[]'
		)`
)

// Organizations implements signin.Identities.
func (i *identities) Organizations(ctx context.Context, session id.ID) (choice signin.Choice, err error) {
	var list json.RawMessage
	err = i.people.store.query(ctx, i.people.project, func(row pgx.Row) error { return row.Scan(&list, &choice.Again) }, `
		WITH tenant AS (SELECT organization_session, `+externalLoginIsOffered+` AS own FROM projects WHERE id = $1),
		sitting AS (SELECT account_id, auth_time, identity_id FROM user_sessions WHERE project_id = $1 AND id = $2),
		person AS (SELECT account_id AS id FROM sitting),
		`+externalLoginChoice+`
		SELECT coalesce((SELECT organizations FROM whose), '[]'), NOT EXISTS (SELECT FROM whose) AND EXISTS (SELECT FROM belonging)`, session)
	if err != nil {
		return signin.Choice{}, err
	}
	return choice, json.Unmarshal(list, &choice.Organizations)
}
