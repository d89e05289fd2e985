package postgres

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// SetScope implements tenants.ScopeStore. The project is locked, so that limit and default hold among concurrent calls.
func (s *Store) SetScope(ctx context.Context, actor tenants.Actor, organization, project id.ID, scope tenants.Scope) error {
	tools, err := json.Marshal(scope.Tools)
	if err != nil {
		return err
	}
	named := map[string]any{"project": project, "name": scope.Name, "description": scope.Description, "default": scope.Default, "tools": string(tools)}
	recorded := change{actor: actor, action: "scope.changed", target: "scope:" + scope.Name, detail: map[string]string{"description": scope.Description, "tools": string(tools)}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		var others int
		result := tx.Raw(`SELECT count(*) FROM scopes WHERE project_id = @project AND name <> @name`, named).Scan(&others)
		if result.Error == nil && others >= tenants.MaxScopes {
			_ = result.AddError(tenants.ErrLimit)
		}
		if result.Error != nil {
			return result
		}
		return runAll(tx, named,
			`INSERT INTO scopes AS s (project_id, name, description, is_default, position)
				SELECT @project, @name, @description, @default, coalesce(max(position) + 1, 0) FROM scopes WHERE project_id = @project
				ON CONFLICT (project_id, name) DO UPDATE SET description = excluded.description, is_default = excluded.is_default
				WHERE (s.description, s.is_default) <> (excluded.description, excluded.is_default)`,
			`DELETE FROM tool_groups WHERE project_id = @project AND scope = @name
				AND tool NOT IN (SELECT jsonb_array_elements_text(CAST(@tools AS jsonb)))`,
			`INSERT INTO tool_groups (project_id, scope, tool) SELECT @project, @name, jsonb_array_elements_text(CAST(@tools AS jsonb))
				ON CONFLICT (project_id, scope, tool) DO NOTHING`)
	})
}

// DeleteScope implements tenants.ScopeStore.
func (s *Store) DeleteScope(ctx context.Context, actor tenants.Actor, organization, project id.ID, name string) error {
	recorded := change{actor: actor, action: "scope.deleted", target: "scope:" + name}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		return runAll(tx, map[string]any{"project": project, "name": name}, `DELETE FROM scopes WHERE project_id = @project AND name = @name`)
	})
}

// runAll runs statements that change the scopes, and answers with the sum of the rows that they changed. It fails when they leave no
// default scope.
func runAll(tx *gorm.DB, named map[string]any, statements ...string) *gorm.DB {
	changed := int64(0)
	var result *gorm.DB
	for _, statement := range statements {
		if result = tx.Exec(statement, named); result.Error != nil {
			return result
		}
		changed += result.RowsAffected
	}
	result.RowsAffected = changed
	if changed == 0 {
		return result
	}
	var defaults bool
	if err := tx.Raw(`SELECT EXISTS (SELECT FROM scopes WHERE project_id = @project AND is_default)`, named).Take(&defaults).Error; err != nil {
		_ = result.AddError(err)
	} else if !defaults {
		_ = result.AddError(tenants.NoDefaultScope())
	}
	return result
}

// toolsByScope reads the groups of tools of a project.
func toolsByScope(tx *gorm.DB, project id.ID) (map[string][]string, error) {
	var rows []struct {
		Scope string
		Tool  string
	}
	err := tx.Raw(`SELECT scope, tool FROM tool_groups WHERE project_id = ? ORDER BY scope, tool COLLATE "C"`, project).Scan(&rows).Error
	groups := map[string][]string{}
	for _, row := range rows {
		groups[row.Scope] = append(groups[row.Scope], row.Tool)
	}
	return groups, err
}
