package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// accounts keeps the people of one project, or the members. Both live in tables of the same shape; what differs is in kind.
type accounts struct {
	store   *Store
	project id.ID // zero: members
	kind    accountKind
	sql     accountStatements
}

// accountKind is what differs between users and members besides names of tables.
type accountKind struct {
	actor string // what the audit log calls such a person
	// checkDetail judges what an account is to be made with, before anything is sent.
	checkDetail func(detail string) error
	// afterCreate adds what belongs to a new account, in its transaction.
	afterCreate func(tx *gorm.DB, account id.ID, detail string, actor string) error
	// leave takes an account that is to be deleted out of what others share with it, and locks it after that.
	leave func(tx *gorm.DB, account id.ID) error
	// endGrants ends the connections of the apps that the person allowed.
	endGrants func(tx *gorm.DB, project, account id.ID, reason string) error
	// forget removes the person's name from records that stay.
	forget func(tx *gorm.DB, project, account id.ID) error
	audit  string
}

// Users are the people who sign in at one project's issuer.
func (s *Store) Users(project id.ID) signin.Accounts {
	return &accounts{store: s, project: project, sql: userStatements, kind: accountKind{
		actor:       "user",
		checkDetail: func(string) error { return nil },
		afterCreate: func(tx *gorm.DB, _ id.ID, _ string, _ string) error { return s.requireRoomForUser(tx, project) },
		leave:       func(*gorm.DB, id.ID) error { return nil },
		endGrants: func(tx *gorm.DB, project, account id.ID, reason string) error {
			return endGrants(tx, project, reason, "user_id = ?", account)
		},
		forget: func(tx *gorm.DB, project, account id.ID) error {
			return tx.Exec(`UPDATE activity SET user_id = NULL WHERE project_id = ? AND user_id = ?`, project, account).Error
		},
		audit: auditUser,
	}}
}

// Members are the people who use the dashboard. A new member's detail is the name of the organization that is made for them.
func (s *Store) Members() signin.Accounts {
	return &accounts{store: s, sql: memberStatements, kind: accountKind{
		actor:       "member",
		checkDetail: checkOrganizationName,
		afterCreate: createOwnOrganization,
		leave:       s.leaveOrganizations,
		endGrants:   func(*gorm.DB, id.ID, id.ID, string) error { return nil },
		forget:      func(*gorm.DB, id.ID, id.ID) error { return nil },
		audit:       auditMember,
	}}
}

// transaction runs fn where the tables of these accounts can be seen, once more if it collided with another one.
func (a *accounts) transaction(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return again(ctx, func() error {
		if a.kind.actor == "user" {
			return a.store.inProject(ctx, a.project, fn)
		}
		return a.store.inTransaction(ctx, fn)
	})
}

// one runs a statement that answers with one row; no row is gorm.ErrRecordNotFound.
func (a *accounts) one(tx *gorm.DB, row any, statement string, v values) error {
	result := tx.Raw(statement, a.with(v)).Scan(row)
	if result.Error == nil && result.RowsAffected == 0 {
		return gorm.ErrRecordNotFound
	}
	return result.Error
}

// with adds the project, which every statement on a tenant table names.
func (a *accounts) with(v values) map[string]any {
	v["project"] = a.project
	return v.named()
}

// lookup answers a question by one value in one round trip.
func (a *accounts) lookup(ctx context.Context, statement string, value any, scan func(pgx.Row) error) error {
	if a.kind.actor == "user" {
		return a.store.query(ctx, a.project, scan, statement, value)
	}
	return translate(scan(a.store.pool.QueryRow(ctx, statement, value)))
}

// record writes the audit row of a change in its transaction. For members it goes to every organization they belong to.
func (a *accounts) record(tx *gorm.DB, account id.ID, actor, action, target string) error {
	return tx.Exec(a.kind.audit, a.with(values{
		"id": id.New(), "actor": actor, "action": a.kind.actor + "." + action, "target": target, "account": account,
	})).Error
}

func (a *accounts) name(account id.ID) string { return a.kind.actor + ":" + account.String() }

func (a *accounts) FindByEmail(ctx context.Context, email string) (signin.Account, string, error) {
	out, hash := signin.Account{}, ""
	err := a.lookup(ctx, a.sql.findByEmail, email, func(row pgx.Row) error {
		return row.Scan(&out.ID, &out.Email, &out.EmailVerified, &out.Blocked, &out.Epoch, &hash)
	})
	if err != nil {
		return signin.Account{}, "", err
	}
	return out, hash, nil
}

func (a *accounts) CreateAccount(ctx context.Context, account signin.NewAccount) (signin.Account, error) {
	var out signin.Account
	err := a.transaction(ctx, func(tx *gorm.DB) error {
		var err error
		out, err = a.create(tx, account, "system")
		return err
	})
	if err != nil {
		return signin.Account{}, err
	}
	return out, nil
}

// create inserts an account, whose address is proven, with all that belongs to it. An empty actor: the person made it.
func (a *accounts) create(tx *gorm.DB, account signin.NewAccount, actor string) (signin.Account, error) {
	out := signin.Account{ID: id.New(), Email: account.Email, EmailVerified: account.Email != "", Epoch: signin.FirstEpoch}
	if actor == "" {
		actor = a.name(out.ID)
	}
	if err := a.lockAddress(tx, account.Email); err != nil {
		return signin.Account{}, err
	}
	err := tx.Exec(a.sql.createAccount, a.with(values{"id": out.ID, "email": account.Email, "password_hash": account.PasswordHash})).Error
	if err != nil {
		return signin.Account{}, err
	}
	if err := a.kind.afterCreate(tx, out.ID, account.Detail, actor); err != nil {
		return signin.Account{}, err
	}
	return out, a.record(tx, out.ID, actor, "created", a.name(out.ID))
}

func (a *accounts) ReplacePasswordHash(ctx context.Context, account id.ID, oldHash, newHash string) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		return tx.Exec(a.sql.replaceHash, a.with(values{"account": account, "old": oldHash, "new": newHash})).Error
	})
}

// CreateSession locks the account against being blocked, and against the end of all its sessions, while the session is made; and the
// project, before the account as everywhere, against other rules for the customer's own login.
func (a *accounts) CreateSession(ctx context.Context, tokenHash []byte, asked signin.NewSession) (signin.Session, error) {
	out := signin.Session{ID: id.New(), Agent: asked.Agent}
	err := a.transaction(ctx, func(tx *gorm.DB) error {
		err := firstError(
			func() error { return a.lockRules(tx) },
			func() error {
				return a.one(tx, &out.Account, a.sql.lockAccount, values{"account": asked.Account.ID})
			},
		)
		switch {
		case err != nil:
			return err
		case out.Account.Blocked:
			return signin.ErrBlocked
		case out.Account.Epoch != asked.Account.Epoch:
			return signin.ErrSignedOut
		}
		if out.Account.Reviewer && asked.Way.Method != tenants.SignInEmailCode {
			return signin.ErrNotOffered
		}
		if asked.Way.Method != tenants.SignInExternal {
			if err := a.requireOurs(tx, out.Account.ID); err != nil {
				return err
			}
		}
		if err := a.replace(tx, asked); err != nil {
			return err
		}
		var times struct{ AuthTime, ExpiresAt time.Time }
		err = a.one(tx, &times, a.sql.createSession, values{
			"id": out.ID, "token_hash": tokenHash, "account": asked.Account.ID, "seconds": asked.Lifetime.Seconds(), "agent": asked.Agent,
			"method": asked.Way.Method, "provider": asked.Way.Provider, "identity": asked.Way.Identity,
		})
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return signin.ErrNotOffered
		}
		if err != nil {
			return err
		}
		out.AuthTime, out.ExpiresAt = times.AuthTime, times.ExpiresAt
		return a.record(tx, out.Account.ID, a.name(out.Account.ID), "signed_in", "session:"+out.ID.String())
	})
	if err != nil {
		return signin.Session{}, err
	}
	return out, nil
}

// replace ends the session that another one takes the place of.
func (a *accounts) replace(tx *gorm.DB, asked signin.NewSession) error {
	if asked.Replaces.IsZero() {
		return nil
	}
	account := asked.Account.ID
	result := tx.Exec(a.sql.endOwnSession, a.with(values{"account": account, "id": asked.Replaces}))
	switch {
	case result.Error != nil:
		return result.Error
	case result.RowsAffected == 0:
		return signin.ErrReplaced
	}
	return a.record(tx, account, a.name(account), "signed_out", "session:"+asked.Replaces.String())
}

// lockRules keeps the rules of a project as they are.
func (a *accounts) lockRules(tx *gorm.DB) error {
	if a.kind.actor != "user" {
		return nil
	}
	var locked idRow
	return a.one(tx, &locked, `SELECT id FROM projects WHERE id = @project FOR SHARE`, values{})
}

func (a *accounts) FindSession(ctx context.Context, tokenHash []byte) (signin.Session, error) {
	var out signin.Session
	err := a.lookup(ctx, a.sql.findSession, tokenHash, func(row pgx.Row) error {
		return row.Scan(&out.ID, &out.AuthTime, &out.ExpiresAt, &out.Account.ID, &out.Account.Email, &out.Account.EmailVerified, &out.Account.Epoch, &out.Account.KnownAs, &out.Account.Reviewer)
	})
	if err != nil {
		return signin.Session{}, err
	}
	return out, nil
}

func (a *accounts) EndSession(ctx context.Context, session id.ID) error {
	return a.transaction(ctx, func(tx *gorm.DB) error {
		var ended struct{ AccountID id.ID }
		if err := a.one(tx, &ended, a.sql.endSession, values{"id": session}); err != nil {
			return err
		}
		return a.record(tx, ended.AccountID, a.name(ended.AccountID), "signed_out", "session:"+session.String())
	})
}
