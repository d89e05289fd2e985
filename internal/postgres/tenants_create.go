package postgres

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// CreateProject implements tenants.ProjectStore.
func (s *Store) CreateProject(ctx context.Context, actor tenants.Actor, draft tenants.NewProject) (tenants.ProjectSummary, error) {
	row := newProjectRow(draft.Project)
	keys, err := s.newSigningKeys(row.ID)
	if err != nil {
		return tenants.ProjectSummary{}, err
	}
	target := "project:" + row.ID.String()
	created := change{actor: actor, action: "project.created", target: target, detail: map[string]string{"slug": row.Slug}}
	err = s.inProject(ctx, row.ID, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOnlyOrganization(tx, draft) },
			func() error { return lockOpenOrganization(tx, row.OrganizationID) },
			func() error {
				return requireRoomForProduction(tx, row.OrganizationID, row.ID, draft.Limit)
			},
			func() error { return claimSlug(tx, row.Slug) },
			func() error { return insertProject(tx, &row) },
			func() error { return insertIssuers(tx, row.ID, row.Issuer, draft.Project.Aliases) },
			func() error { return insertServer(tx, row.ID, draft.Server) },
			func() error { return upsertScopes(tx, row.ID, draft.Scopes) },
			func() error { return insertSigningKeys(tx, row.ID, keys) },
			func() error {
				if draft.Like == nil {
					return nil
				}
				created.detail["like"] = draft.Like.From.String()
				return applySettings(tx, row.ID, *draft.Like, actor)
			},
			func() error { return insertSecret(tx, row.ID, draft.Server.ID, draft.Secret, nil) },
			func() error { return auditOrganization(tx, row.OrganizationID, created) },
			func() error { return auditProject(tx, row.ID, created) },
			func() error { return notifyProject(tx, row.ID) },
		)
	})
	if err != nil {
		return tenants.ProjectSummary{}, err
	}
	return tenants.ProjectSummary{Project: row.project(draft.Project.Aliases), ServerURL: draft.Server.Resource}, nil
}

// requireOnlyOrganization holds under parallel creations: the lock, whose number means nothing else, is kept to the transaction's end.
func requireOnlyOrganization(tx *gorm.DB, draft tenants.NewProject) error {
	if !draft.OnlyOrganization {
		return nil
	}
	if err := tx.Exec(`SELECT pg_advisory_xact_lock(7591001)`).Error; err != nil {
		return err
	}
	var others bool
	err := tx.Raw(`SELECT EXISTS (SELECT FROM projects WHERE organization_id <> ?)`, draft.Project.OrganizationID).Take(&others).Error
	if err == nil && others {
		return tenants.ErrForbidden
	}
	return err
}

// claimSlug takes a slug for good.
func claimSlug(tx *gorm.DB, slug string) error {
	return orConflict(tx.Exec(`INSERT INTO used_slugs (slug) VALUES (?) ON CONFLICT (slug) DO NOTHING`, slug))
}

// insertProject fills in the time of creation. The organization must exist.
func insertProject(tx *gorm.DB, row *projectRow) error {
	return tx.Raw(`INSERT INTO projects (id, organization_id, slug, name, status, environment)
		SELECT ?, o.id, ?, ?, ?, ? FROM organizations o WHERE o.id = ? RETURNING created_at`,
		row.ID, row.Slug, row.Name, row.Status, row.Environment, row.OrganizationID).Take(&row.CreatedAt).Error
}

func insertIssuers(tx *gorm.DB, project id.ID, primary string, aliases []string) error {
	for i, url := range append([]string{primary}, aliases...) {
		address := tenants.Address(url)
		if address == "" {
			return fmt.Errorf("issuer URL %q: expected an absolute http or https address", url)
		}
		if err := tx.Exec(`INSERT INTO project_issuers (address, url, project_id, is_primary) VALUES (?, ?, ?, ?)`,
			address, url, project, i == 0).Error; err != nil {
			return err
		}
	}
	return nil
}

func insertServer(tx *gorm.DB, project id.ID, server tenants.MCPServer) error {
	return tx.Exec(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES (?, ?, ?, ?)`,
		project, server.ID, server.Name, server.Resource).Error
}

// upsertScopes puts the scopes in the given order and leaves others alone.
func upsertScopes(tx *gorm.DB, project id.ID, scopes []tenants.Scope) error {
	for i, scope := range scopes {
		if err := tx.Exec(`INSERT INTO scopes (project_id, name, description, is_default, position) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (project_id, name) DO UPDATE
			SET description = excluded.description, is_default = excluded.is_default, position = excluded.position`,
			project, scope.Name, scope.Description, scope.Default, i).Error; err != nil {
			return err
		}
	}
	return nil
}

// insertSecret stores a secret by its hash, unless the server has enough; into, when given, gets the row.
func insertSecret(tx *gorm.DB, project, server id.ID, s tenants.NewSecret, into *registrationSecretRow) error {
	var row registrationSecretRow
	if into == nil {
		into = &row
	}
	result := tx.Raw(`INSERT INTO registration_secrets (project_id, id, mcp_server_id, secret_hash, last_four)
		SELECT @project, @id, @server, @hash, @last_four
		WHERE (SELECT count(*) FROM registration_secrets
			WHERE project_id = @project AND mcp_server_id = @server AND revoked_at IS NULL) < @max
		RETURNING id, mcp_server_id, last_four, created_at, last_used_at`, map[string]any{
		"project": project, "id": s.ID, "server": server, "hash": s.Hash, "last_four": s.LastFour, "max": tenants.MaxLiveSecrets,
	}).Scan(into)
	if result.Error == nil && result.RowsAffected == 0 {
		return tenants.ErrLimit
	}
	return result.Error
}

type signingKeyRow struct {
	ID     string
	State  oauth.KeyState
	Sealed []byte
}

// newSigningKeys makes the key that signs now and the one that is published to sign next.
func (s *Store) newSigningKeys(project id.ID) ([]signingKeyRow, error) {
	var rows []signingKeyRow
	for _, state := range []oauth.KeyState{oauth.KeyCurrent, oauth.KeyNext} {
		kid, pkcs8, err := oauth.GenerateKey(oauth.ES256)
		if err != nil {
			return nil, fmt.Errorf("signing key: %w", err)
		}
		rows = append(rows, signingKeyRow{ID: kid, State: state, Sealed: s.keys.Seal(purposeSigningKey, pkcs8, signingKeyBinding(project, kid))})
	}
	return rows, nil
}

func insertSigningKeys(tx *gorm.DB, project id.ID, rows []signingKeyRow) error {
	for _, row := range rows {
		if err := tx.Exec(`INSERT INTO signing_keys (project_id, id, algorithm, state, sealed, activated_at) VALUES (?, ?, ?, ?, ?, CASE WHEN ? = 'current' THEN now() END)`,
			project, row.ID, oauth.ES256, string(row.State), row.Sealed, string(row.State)).Error; err != nil {
			return err
		}
	}
	return nil
}
