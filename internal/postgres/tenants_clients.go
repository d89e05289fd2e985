package postgres

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// SetRegistrationPolicy implements tenants.ClientStore.
func (s *Store) SetRegistrationPolicy(ctx context.Context, actor tenants.Actor, organization, project id.ID, policy tenants.RegistrationPolicy) error {
	return s.changeRules(ctx, organization, project, change{
		actor: actor, action: "project.registration_policy_changed", target: "project:" + project.String(), detail: map[string]string{"policy": string(policy)},
	}, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET registration_policy = ? WHERE id = ? AND registration_policy <> ?`, string(policy), project, string(policy))
	})
}

type initialAccessTokenRow struct {
	ID        id.ID
	Name      string
	CreatedAt time.Time
	ExpiresAt *time.Time
}

func (r initialAccessTokenRow) token() tenants.InitialAccessToken {
	token := tenants.InitialAccessToken{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt}
	if r.ExpiresAt != nil {
		token.ExpiresAt = *r.ExpiresAt
	}
	return token
}

// CreateInitialAccessToken implements tenants.ClientStore. The project is locked, so that the limit holds among concurrent calls.
func (s *Store) CreateInitialAccessToken(ctx context.Context, actor tenants.Actor, organization, project id.ID, t tenants.NewInitialAccessToken,
) (tenants.InitialAccessToken, error) {
	var row initialAccessTokenRow
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return orLimit(tx.Raw(`INSERT INTO initial_access_tokens (project_id, id, name, token_hash, expires_at)
					SELECT @project, @id, @name, @hash, now() + nullif(@seconds, 0) * interval '1 second'
					WHERE (SELECT count(*) FROM initial_access_tokens
						WHERE project_id = @project AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())) < @max
					RETURNING id, name, created_at, expires_at`, map[string]any{
					"project": project, "id": t.ID, "name": t.Name, "hash": t.Hash, "seconds": int64(t.Lifetime / time.Second), "max": tenants.MaxInitialAccessTokens,
				}).Scan(&row))
			},
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "initial_access_token.created", target: "initial_access_token:" + t.ID.String(),
					detail: map[string]string{"name": t.Name}})
			},
		)
	})
	return row.token(), err
}

// orLimit is ErrLimit for an insertion that a limit kept from happening.
func orLimit(result *gorm.DB) error {
	if result.Error == nil && result.RowsAffected == 0 {
		return tenants.ErrLimit
	}
	return result.Error
}

// RevokeInitialAccessToken implements tenants.ClientStore.
func (s *Store) RevokeInitialAccessToken(ctx context.Context, actor tenants.Actor, organization, project, id id.ID) error {
	named := map[string]any{"project": project, "id": id, "organization": organization}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE initial_access_tokens SET revoked_at = now()
			WHERE project_id = @project AND id = @id AND revoked_at IS NULL AND `+ownedBy, named)
		if result.Error != nil {
			return result.Error
		}
		if result.RowsAffected == 0 {
			var before idRow
			return tx.Raw(`SELECT id FROM initial_access_tokens WHERE project_id = @project AND id = @id AND `+ownedBy, named).Take(&before).Error
		}
		return auditProject(tx, project, change{actor: actor, action: "initial_access_token.revoked", target: "initial_access_token:" + id.String()})
	})
}

// CreateClient implements tenants.ClientStore. Neither a redirect URI nor a grant type holds a space.
func (s *Store) CreateClient(ctx context.Context, actor tenants.Actor, organization, project id.ID, draft tenants.NewClient) (clientID, clientSecret string, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		issuer := &oauth.Issuer{ID: project}
		if err := firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error { return loadURLs(tx, issuer) },
		); err != nil {
			return err
		}
		metadata := "{}"
		if draft.Own {
			issuer, metadata = nil, `{"own_pages": true}`
		}
		c, shown, refused := oauth.NewManagedClient(issuer, draft.Name, draft.RedirectURIs, draft.Confidential)
		if refused != nil {
			return tenants.FieldError{Field: "redirect_uris", Message: refused.Description}
		}
		clientID, clientSecret = c.ID, shown
		return firstError(
			func() error {
				return orLimit(tx.Exec(`INSERT INTO clients (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, metadata, secret_hash)
					SELECT @project, @id, 'managed', @name, string_to_array(@redirects, ' '), string_to_array(@grants, ' '), @method, @type, CAST(@metadata AS jsonb), @hash
					WHERE (SELECT count(*) FROM clients WHERE project_id = @project AND kind = 'managed') < @max`, map[string]any{
					"project": project, "id": c.ID, "name": c.Name, "redirects": strings.Join(c.RedirectURIs, " "), "grants": strings.Join(c.GrantTypes, " "),
					"method": c.AuthMethod, "metadata": metadata, "type": c.ApplicationType, "hash": c.SecretHash, "max": tenants.MaxManagedClients,
				}))
			},
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "client.created", target: "client:" + c.ID, detail: map[string]string{"name": c.Name}})
			},
		)
	})
	if err != nil {
		return "", "", err
	}
	return clientID, clientSecret, nil
}

// BlockClient implements tenants.ClientStore.
func (s *Store) BlockClient(ctx context.Context, actor tenants.Actor, organization, project id.ID, clientID string) error {
	return s.setBlocked(ctx, actor, organization, project, clientID, true)
}

// UnblockClient implements tenants.ClientStore.
func (s *Store) UnblockClient(ctx context.Context, actor tenants.Actor, organization, project id.ID, clientID string) error {
	return s.setBlocked(ctx, actor, organization, project, clientID, false)
}

// setBlocked holds the project: approvals under way are finished and found, later ones see the block.
func (s *Store) setBlocked(ctx context.Context, actor tenants.Actor, organization, project id.ID, clientID string, blocked bool) error {
	recorded := change{actor: actor, action: "client.unblocked", target: "client:" + clientID}
	if blocked {
		recorded.action = "client.blocked"
	}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var before struct{ Blocked bool }
		if err := firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT blocked_at IS NOT NULL AS blocked FROM clients WHERE project_id = ? AND id = ? FOR UPDATE`, project, clientID).Take(&before).Error
			},
		); err != nil || before.Blocked == blocked {
			return err
		}
		return firstError(
			func() error {
				return tx.Exec(`UPDATE clients SET blocked_at = CASE WHEN ? THEN now() END WHERE project_id = ? AND id = ?`, blocked, project, clientID).Error
			},
			func() error {
				if !blocked {
					return nil
				}
				return endClientGrants(tx, project, clientID, reasonClientBlocked)
			},
			func() error { return auditProject(tx, project, recorded) },
		)
	})
}

// DeleteClient implements tenants.ClientStore.
func (s *Store) DeleteClient(ctx context.Context, actor tenants.Actor, organization, project id.ID, clientID string) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var found struct{ ID string }
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT id FROM clients WHERE project_id = ? AND id = ? FOR UPDATE`, project, clientID).Take(&found).Error
			},
			func() error { return dropClient(tx, project, clientID) },
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "client.deleted", target: "client:" + clientID})
			},
		)
	})
}
