package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// reasonServerRemoved is why grants end whose MCP server is gone.
const reasonServerRemoved = "server_removed"

func serverTarget(id id.ID) string { return "mcp_server:" + id.String() }

// AddServer implements tenants.ServerStore. The project is locked, so that the limit holds among concurrent calls.
func (s *Store) AddServer(ctx context.Context, actor tenants.Actor, organization, project id.ID, server tenants.MCPServer, stored tenants.NewSecret, limit tenants.Limit) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error { return requireRoomForServer(tx, project, limit) },
			func() error { return insertServer(tx, project, server) },
			func() error { return insertSecret(tx, project, server.ID, stored, nil) },
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "mcp_server.added", target: serverTarget(server.ID),
					detail: map[string]string{"name": server.Name, "resource": server.Resource}})
			},
			func() error { return notifyProject(tx, project) },
		)
	})
}

// requireRoomForServer counts under the lock of the project.
func requireRoomForServer(tx *gorm.DB, project id.ID, limit tenants.Limit) error {
	var servers int
	err := tx.Raw(`SELECT count(*) FROM mcp_servers WHERE project_id = ?`, project).Scan(&servers).Error
	switch {
	case err != nil:
		return err
	case servers >= tenants.MaxServers:
		return tenants.ErrLimit
	default:
		return limit.Check(servers)
	}
}

// RenameServer implements tenants.ServerStore.
func (s *Store) RenameServer(ctx context.Context, actor tenants.Actor, organization, project, server id.ID, name string) error {
	recorded := change{actor: actor, action: "mcp_server.renamed", target: serverTarget(server), detail: map[string]string{"name": name}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		var found idRow
		if result := tx.Raw(`SELECT id FROM mcp_servers WHERE project_id = ? AND id = ?`, project, server).Take(&found); result.Error != nil {
			return result
		}
		return tx.Exec(`UPDATE mcp_servers SET name = ? WHERE project_id = ? AND id = ? AND name <> ?`, name, project, server, name)
	})
}

// RemoveServer implements tenants.ServerStore. The lock keeps approvals out, so that none slips between; grants and secrets go with the
// row, the revocations stay for guards that verify by themselves.
func (s *Store) RemoveServer(ctx context.Context, actor tenants.Actor, organization, project, server id.ID) error {
	var row mcpServerRow
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT id, name, resource FROM mcp_servers WHERE project_id = ? AND id = ? FOR UPDATE`, project, server).Take(&row).Error
			},
			func() error { return endGrants(tx, project, reasonServerRemoved, `mcp_server_id = ?`, server) },
			func() error {
				return tx.Exec(`DELETE FROM consents WHERE project_id = ? AND resource = ?`, project, row.Resource).Error
			},
			func() error {
				return mustChange(tx.Exec(`DELETE FROM mcp_servers WHERE project_id = ? AND id = ?`, project, server))
			},
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "mcp_server.removed", target: serverTarget(server),
					detail: map[string]string{"name": row.Name, "resource": row.Resource}})
			},
			func() error { return notifyProject(tx, project) },
		)
	})
}
