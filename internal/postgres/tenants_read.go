package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

const projectColumns = `p.id, p.organization_id, p.slug, p.name, p.status, p.held_at, p.held_reason, p.environment, p.review, p.created_at, coalesce(i.url, '') AS issuer`

// ListProjects implements tenants.ProjectStore.
func (s *Store) ListProjects(ctx context.Context, organization id.ID) ([]tenants.ProjectSummary, error) {
	var rows []projectRow
	err := s.db.WithContext(ctx).Raw(`SELECT `+projectColumns+`
		FROM projects p LEFT JOIN project_issuers i ON i.project_id = p.id AND i.is_primary
		WHERE p.organization_id = ? ORDER BY p.created_at DESC, p.id DESC`, organization).Scan(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	servers, err := s.firstServers(ctx, rows)
	if err != nil {
		return nil, translate(err)
	}
	return mapRows(rows, func(row projectRow) tenants.ProjectSummary {
		return tenants.ProjectSummary{Project: row.project(nil), ServerURL: servers[row.ID]}
	}), nil
}

// firstServers asks each project for its first MCP server. Row-level security shows one project at a time; a batch asks all of them in
// one round trip and one implicit transaction.
func (s *Store) firstServers(ctx context.Context, projects []projectRow) (map[id.ID]string, error) {
	found := make(map[id.ID]string, len(projects))
	batch := &pgx.Batch{}
	for _, project := range projects {
		batch.Queue(setProjectSQL, project.ID.String())
		batch.Queue(`SELECT resource FROM mcp_servers WHERE project_id = $1 ORDER BY created_at, id LIMIT 1`, project.ID.String()).
			Query(func(rows pgx.Rows) error {
				for rows.Next() {
					var resource string
					if err := rows.Scan(&resource); err != nil {
						return err
					}
					found[project.ID] = resource
				}
				return rows.Err()
			})
	}
	return found, s.pool.SendBatch(ctx, batch).Close()
}

// OpenProject implements tenants.ProjectStore.
func (s *Store) OpenProject(ctx context.Context, organization, project id.ID) (tenants.Project, error) {
	var row projectRow
	var aliases []string
	db := s.db.WithContext(ctx)
	err := firstError(
		func() error {
			return db.Raw(`SELECT `+projectColumns+`
				FROM projects p LEFT JOIN project_issuers i ON i.project_id = p.id AND i.is_primary
				WHERE p.id = ? AND p.organization_id = ?`, project, organization).Take(&row).Error
		},
		func() error { return loadAliases(db, project, &aliases) },
	)
	if err != nil {
		return tenants.Project{}, translate(err)
	}
	return row.project(aliases), nil
}

func loadAliases(db *gorm.DB, project id.ID, aliases *[]string) error {
	return db.Raw(`SELECT url FROM project_issuers WHERE project_id = ? AND NOT is_primary ORDER BY created_at, url`, project).Scan(aliases).Error
}

// FindProject implements tenants.ProjectStore.
func (s *Store) FindProject(ctx context.Context, organization, project id.ID) (tenants.ProjectDetail, error) {
	var detail tenants.ProjectDetail
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		var row projectRow
		if err := tx.Raw(`SELECT `+projectColumns+`
			FROM projects p LEFT JOIN project_issuers i ON i.project_id = p.id AND i.is_primary
			WHERE p.id = ? AND p.organization_id = ?`, project, organization).Take(&row).Error; err != nil {
			return err
		}
		var aliases []string
		if err := loadAliases(tx, project, &aliases); err != nil {
			return err
		}
		detail.Project = row.project(aliases)
		return loadConfiguration(tx, project, &detail)
	})
	return detail, err
}

// loadConfiguration reads what hangs below a project that was found to be the organization's.
func loadConfiguration(tx *gorm.DB, project id.ID, detail *tenants.ProjectDetail) error {
	var servers []mcpServerRow
	var secrets []registrationSecretRow
	var scopes []tenantScopeRow
	var groups map[string][]string
	err := firstError(
		func() error {
			return tx.Raw(`SELECT id, name, resource FROM mcp_servers WHERE project_id = ? ORDER BY created_at, id`, project).
				Scan(&servers).Error
		},
		func() error {
			return tx.Raw(`SELECT id, mcp_server_id, last_four, created_at, last_used_at FROM registration_secrets
				WHERE project_id = ? AND revoked_at IS NULL ORDER BY created_at DESC, id DESC`, project).Scan(&secrets).Error
		},
		func() error {
			return tx.Raw(`SELECT name, description, is_default FROM scopes WHERE project_id = ? ORDER BY position, name`, project).
				Scan(&scopes).Error
		},
		func() (err error) {
			groups, err = toolsByScope(tx, project)
			return err
		},
	)
	detail.Servers = mapRows(servers, mcpServerRow.server)
	detail.Secrets = mapRows(secrets, registrationSecretRow.secret)
	detail.Scopes = mapRows(scopes, tenantScopeRow.scope)
	for i, scope := range detail.Scopes {
		detail.Scopes[i].Tools = groups[scope.Name]
	}
	return err
}
