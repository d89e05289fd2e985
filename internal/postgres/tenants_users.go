package postgres

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

const (
	// Why grants ended that the project's people ended.
	reasonUserBlocked = "user_blocked"
	reasonMember      = "member"
)

type userRow struct {
	ID            id.ID
	Email         string
	KnownAs       string
	Name          string
	Blocked       bool
	CreatedAt     time.Time
	LastSignIn    *time.Time
	Connections   int
	ReviewerUntil *time.Time
	ReviewerEnded bool
}

func (r userRow) user() tenants.User {
	u := tenants.User{ID: r.ID, Email: r.Email, KnownAs: r.KnownAs, Name: r.Name, Blocked: r.Blocked, CreatedAt: r.CreatedAt, Connections: r.Connections}
	if r.LastSignIn != nil {
		u.LastSignIn = *r.LastSignIn
	}
	if r.ReviewerUntil != nil {
		u.ReviewerUntil, u.ReviewerEnded = *r.ReviewerUntil, r.ReviewerEnded
	}
	return u
}

var selectUsers = `SELECT u.id, u.email, u.name, u.blocked_at IS NOT NULL AS blocked, u.created_at,
			(SELECT max(s.created_at) FROM user_sessions s WHERE s.project_id = u.project_id AND s.account_id = u.id) AS last_sign_in,
			(SELECT count(*) FROM grants g WHERE g.project_id = u.project_id AND g.user_id = u.id AND ` + activeGrant + `) AS connections,
			CASE WHEN u.reviewer_address IS NOT NULL THEN u.reviewer_until END AS reviewer_until, coalesce(u.reviewer_until <= now(), false) AS reviewer_ended, ` + knownAs("u") + ` AS known_as
		FROM users u WHERE u.project_id = @project`

const activeGrant = `g.revoked_at IS NULL AND g.code_redeemed_at IS NOT NULL AND g.expires_at > now() AND coalesce(g.idle_expires_at, g.access_expires_at) > now()`

func (s *Store) users(ctx context.Context, organization, project id.ID, condition string, v values) (found []tenants.User, err error) {
	var rows []userRow
	v["project"] = project
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error { return tx.Raw(selectUsers+condition, v.named()).Scan(&rows).Error },
		)
	})
	for _, r := range rows {
		found = append(found, r.user())
	}
	return found, err
}

// ListUsers implements tenants.UserStore. Ids grow with time, so they are the cursor.
func (s *Store) ListUsers(ctx context.Context, organization, project id.ID, q tenants.UserQuery) ([]tenants.User, error) {
	return s.users(ctx, organization, project, ` AND (CAST(@before AS uuid) IS NULL OR u.id < CAST(@before AS uuid))
			AND (CAST(@search AS text) = '' OR position(CAST(@search AS text) IN u.email) > 0 OR position(CAST(@search AS text) IN lower(u.name)) > 0
				OR position(CAST(@search AS text) IN u.reviewer_address) > 0
				OR EXISTS (SELECT FROM user_identities i WHERE i.project_id = u.project_id AND i.account_id = u.id AND position(CAST(@search AS text) IN lower(i.contact)) > 0))
		ORDER BY u.id DESC LIMIT @most`, values{"before": q.Before, "search": strings.ToLower(strings.TrimSpace(q.Search)), "most": tenants.UsersPage})
}

// FindUser implements tenants.UserStore.
func (s *Store) FindUser(ctx context.Context, organization, project, user id.ID) (tenants.User, error) {
	found, err := s.users(ctx, organization, project, ` AND u.id = @user`, values{"user": user})
	if err == nil && len(found) == 0 {
		err = tenants.ErrNotFound
	}
	if err != nil {
		return tenants.User{}, err
	}
	return found[0], nil
}

// changeUser runs a change with the user locked: an approval or a sign-in under way is finished and found, and a later one sees it.
func (s *Store) changeUser(ctx context.Context, actor tenants.Actor, organization, project, user id.ID, action string, run func(tx *gorm.DB, people *accounts) error) error {
	people, _ := s.Users(project).(*accounts)
	return people.transaction(ctx, func(tx *gorm.DB) error {
		var locked idRow
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error { return people.one(tx, &locked, people.sql.lockForDeletion, values{"account": user}) },
			func() error { return run(tx, people) },
			func() error {
				return auditProject(tx, project, change{actor: actor, action: action, target: people.name(user)})
			},
		)
	})
}

// SetUserBlocked implements tenants.UserStore.
func (s *Store) SetUserBlocked(ctx context.Context, actor tenants.Actor, organization, project, user id.ID, blocked bool) error {
	action := "user.unblocked"
	if blocked {
		action = "user.blocked"
	}
	return s.changeUser(ctx, actor, organization, project, user, action, func(tx *gorm.DB, people *accounts) error {
		if !blocked {
			return tx.Exec(`UPDATE users SET blocked_at = NULL WHERE project_id = ? AND id = ?`, project, user).Error
		}
		return firstError(
			func() error {
				return tx.Exec(`UPDATE users SET blocked_at = coalesce(blocked_at, now()) WHERE project_id = ? AND id = ?`, project, user).Error
			},
			func() error { _, err := people.endSessions(tx, user, id.ID{}); return err },
			func() error { return people.kind.endGrants(tx, project, user, reasonUserBlocked) },
		)
	})
}

// DeleteUser implements tenants.UserStore.
func (s *Store) DeleteUser(ctx context.Context, actor tenants.Actor, organization, project, user id.ID) error {
	return s.changeUser(ctx, actor, organization, project, user, "user.deleted", func(tx *gorm.DB, people *accounts) error {
		return people.erase(tx, user)
	})
}

// EndUserSessions implements tenants.UserStore.
func (s *Store) EndUserSessions(ctx context.Context, actor tenants.Actor, organization, project, user id.ID) error {
	return s.changeUser(ctx, actor, organization, project, user, "user.signed_out", func(tx *gorm.DB, people *accounts) error {
		_, err := people.endSessions(tx, user, id.ID{})
		return err
	})
}

// ListUserGrants implements tenants.UserStore.
func (s *Store) ListUserGrants(ctx context.Context, organization, project, user id.ID) (found []tenants.UserGrant, err error) {
	var rows []struct {
		ID                                                 id.ID
		ClientID, ClientName, Resource, Scopes, Membership string
		CreatedAt                                          time.Time
	}
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT g.id, g.client_id, c.name AS client_name, g.resource, array_to_string(g.scopes, ' ') AS scopes, coalesce(g.organization, '') AS membership, g.created_at
					FROM grants g JOIN clients c ON c.project_id = g.project_id AND c.id = g.client_id
					WHERE g.project_id = ? AND g.user_id = ? AND `+activeGrant+` ORDER BY g.created_at DESC, g.id LIMIT 200`, project, user).Scan(&rows).Error
			},
		)
	})
	for _, r := range rows {
		found = append(found, tenants.UserGrant{ID: r.ID, ClientID: r.ClientID, ClientName: r.ClientName, Resource: r.Resource, Scopes: strings.Fields(r.Scopes),
			Organization: r.Membership, CreatedAt: r.CreatedAt})
	}
	return found, err
}

// EndUserGrants implements tenants.UserStore.
func (s *Store) EndUserGrants(ctx context.Context, actor tenants.Actor, organization, project, user, grant id.ID) error {
	return s.changeUser(ctx, actor, organization, project, user, "user.grants_revoked", func(tx *gorm.DB, _ *accounts) error {
		consents, ended, args := `user_id = ?`, `user_id = ?`, []any{user}
		if !grant.IsZero() {
			consents += ` AND (client_id, resource) IN (SELECT client_id, resource FROM grants WHERE project_id = ? AND id = ? AND user_id = ?)`
			ended += ` AND id = ?`
		}
		remove := []any{project, user}
		if !grant.IsZero() {
			remove, args = append(remove, project, grant, user), append(args, grant)
		}
		return firstError(
			func() error {
				return tx.Exec(`DELETE FROM consents WHERE project_id = ? AND `+consents, remove...).Error
			},
			func() error { return endGrants(tx, project, reasonMember, ended, args...) },
		)
	})
}
