package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// ownedBy is the condition that keeps every change by a member inside the organization.
const ownedBy = `EXISTS (SELECT FROM projects p WHERE p.id = @project AND p.organization_id = @organization)`

// CreateRegistrationSecret implements tenants.ProjectStore. The row of the MCP server is locked, so that the limit holds among
// concurrent calls.
func (s *Store) CreateRegistrationSecret(ctx context.Context, actor tenants.Actor, organization, project, server id.ID,
	stored tenants.NewSecret,
) (tenants.RegistrationSecret, error) {
	var row registrationSecretRow
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error {
				var locked idRow
				return tx.Raw(`SELECT id FROM mcp_servers WHERE project_id = @project AND id = @server AND `+ownedBy+` FOR NO KEY UPDATE`,
					map[string]any{"project": project, "server": server, "organization": organization}).Take(&locked).Error
			},
			func() error { return insertSecret(tx, project, server, stored, &row) },
			func() error {
				return auditProject(tx, project, change{
					actor: actor, action: "registration_secret.created", target: "registration_secret:" + stored.ID.String(),
					detail: map[string]string{"mcp_server": server.String()},
				})
			},
			func() error { return notifyProject(tx, project) },
		)
	})
	return row.secret(), err
}

// RevokeRegistrationSecret implements tenants.ProjectStore.
func (s *Store) RevokeRegistrationSecret(ctx context.Context, actor tenants.Actor, organization, project, id id.ID) error {
	named := map[string]any{"project": project, "id": id, "organization": organization}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE registration_secrets SET revoked_at = now()
			WHERE project_id = @project AND id = @id AND revoked_at IS NULL AND `+ownedBy, named)
		if result.Error != nil {
			return result.Error
		}
		if result.RowsAffected == 0 {
			var before idRow
			return tx.Raw(`SELECT id FROM registration_secrets WHERE project_id = @project AND id = @id AND `+ownedBy, named).
				Take(&before).Error
		}
		return firstError(
			func() error {
				return auditProject(tx, project, change{
					actor: actor, action: "registration_secret.revoked", target: "registration_secret:" + id.String(),
				})
			},
			func() error { return notifyProject(tx, project) },
		)
	})
}

// SetSuspended implements tenants.ProjectStore.
func (s *Store) SetSuspended(ctx context.Context, actor tenants.Actor, organization, project id.ID, suspended bool) error {
	named := map[string]any{"project": project, "organization": organization, "status": status(suspended)}
	recorded := change{actor: actor, action: "project.resumed", target: "project:" + project.String()}
	if suspended {
		recorded.action = "project.suspended"
	}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE projects SET status = @status
			WHERE id = @project AND organization_id = @organization AND status <> @status`, named)
		if result.Error != nil {
			return result.Error
		}
		if result.RowsAffected == 0 {
			var found idRow
			return tx.Raw(`SELECT id FROM projects WHERE id = @project AND organization_id = @organization`, named).Take(&found).Error
		}
		return firstError(
			func() error { return auditOrganization(tx, organization, recorded) },
			func() error { return auditProject(tx, project, recorded) },
			func() error { return notifyProject(tx, project) },
		)
	})
}

// SetIssuers replaces the issuer URLs of a project, for when the address of the installation changed. ErrConflict: another project has
// one of them.
func (s *Store) SetIssuers(ctx context.Context, project id.ID, primary string, aliases []string) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var locked idRow
		return firstError(
			func() error {
				return tx.Raw(`SELECT id FROM projects WHERE id = ? FOR NO KEY UPDATE`, project).Take(&locked).Error
			},
			func() error { return tx.Exec(`DELETE FROM project_issuers WHERE project_id = ?`, project).Error },
			func() error { return insertIssuers(tx, project, primary, aliases) },
			func() error {
				return auditProject(tx, project, change{
					actor: tenants.SystemActor, action: "project.issuers_changed", target: "project:" + project.String(),
					detail: map[string]string{"primary": primary},
				})
			},
			func() error { return notifyProject(tx, project) },
		)
	})
}
