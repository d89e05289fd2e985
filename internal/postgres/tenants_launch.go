package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// Values of projects.environment.
const (
	environmentDevelopment = "development"
	environmentProduction  = "production"
)

func environment(production bool) string {
	if production {
		return environmentProduction
	}
	return environmentDevelopment
}

// SetProduction implements tenants.LaunchStore.
func (s *Store) SetProduction(ctx context.Context, actor tenants.Actor, organization, project id.ID, production bool, limit tenants.Limit) error {
	value := environment(production)
	recorded := change{actor: actor, action: "project.environment_changed", target: "project:" + project.String(), detail: map[string]string{"environment": value}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		err := requireRoomForProduction(tx, organization, project, limit)
		if !production {
			err = s.requireFewPeople(tx, project)
		}
		if err != nil {
			refused := tx.Session(&gorm.Session{})
			_ = refused.AddError(err)
			return refused
		}
		return tx.Exec(`UPDATE projects SET environment = ? WHERE id = ? AND environment <> ?`, value, project, value)
	})
}

// requireRoomForProduction counts the production projects of an organization; one that is among them already needs no room.
func requireRoomForProduction(tx *gorm.DB, organization, project id.ID, limit tenants.Limit) error {
	return requireRoom(tx, organization, limit, `SELECT count(*) FROM projects WHERE organization_id = ? AND environment = 'production'
		AND NOT EXISTS (SELECT FROM projects WHERE id = ? AND environment = 'production')`, organization, project)
}

// ReadSettingsCopy implements tenants.LaunchStore.
func (s *Store) ReadSettingsCopy(ctx context.Context, organization, project id.ID) (tenants.SettingsCopy, error) {
	var row struct{ Data string }
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT jsonb_build_object(
				'project', (SELECT to_jsonb(s) FROM (SELECT p.access_token_ttl, p.refresh_idle_ttl, p.refresh_ttl, p.refresh_grace, p.sign_up_open, p.scopes_selectable,
					p.document_policy, p.registration_policy, ARRAY(SELECT m FROM unnest(p.sign_in_methods) WITH ORDINALITY AS of (m, n) WHERE m NOT IN ('upstream', 'own') ORDER BY n) AS sign_in_methods) s),
				'scopes', (SELECT coalesce(jsonb_agg(to_jsonb(s) - 'project_id'), '[]') FROM scopes s WHERE s.project_id = p.id),
				'tools', (SELECT coalesce(jsonb_agg(to_jsonb(g) - 'project_id'), '[]') FROM tool_groups g WHERE g.project_id = p.id),
				'rules', (SELECT coalesce(jsonb_agg(to_jsonb(r) - 'project_id' - 'created_at'), '[]') FROM client_rules r WHERE r.project_id = p.id),
				'brand', (SELECT jsonb_build_object('settings', b.settings, 'logo_hash', b.logo_hash, 'logo', encode(l.png, 'base64'))
					FROM brands b LEFT JOIN brand_logos l ON l.project_id = b.project_id AND l.hash = b.logo_hash
					WHERE b.project_id = p.id AND b.version = p.brand_version AND b.version > 0)
			)::text AS data FROM projects p WHERE p.id = ? AND p.organization_id = ?`, project, organization).Take(&row).Error
	})
	return tenants.SettingsCopy{From: project, Data: []byte(row.Data)}, err
}

// ApplySettingsCopy implements tenants.LaunchStore.
func (s *Store) ApplySettingsCopy(ctx context.Context, actor tenants.Actor, organization, project id.ID, settings tenants.SettingsCopy) error {
	recorded := change{actor: actor, action: "project.settings_copied", target: "project:" + project.String(), detail: map[string]string{"from": settings.From.String()}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		result := tx.Exec(`SELECT 1`) // always something to tell
		if err := applySettings(tx, project, settings, actor); err != nil {
			_ = result.AddError(err)
		}
		return result
	})
}

// applySettings replaces what a copy holds. Clients that its rules block lose what they have; a brand becomes a new version.
func applySettings(tx *gorm.DB, project id.ID, settings tenants.SettingsCopy, actor tenants.Actor) error {
	named := map[string]any{"project": project, "data": string(settings.Data), "actor": string(actor)}
	for _, statement := range []string{
		`UPDATE projects p SET access_token_ttl = s.access_token_ttl, refresh_idle_ttl = s.refresh_idle_ttl, refresh_ttl = s.refresh_ttl, refresh_grace = s.refresh_grace,
				sign_up_open = s.sign_up_open, scopes_selectable = s.scopes_selectable, document_policy = s.document_policy, registration_policy = s.registration_policy,
				sign_in_methods = CASE WHEN s.sign_in_methods <@ ARRAY['passkey', 'totp'] THEN s.sign_in_methods || ARRAY['email_code'] ELSE s.sign_in_methods END
			FROM jsonb_to_record(CAST(@data AS jsonb)->'project') AS s (access_token_ttl integer, refresh_idle_ttl integer, refresh_ttl integer, refresh_grace integer,
				sign_up_open boolean, scopes_selectable boolean, document_policy text, registration_policy text, sign_in_methods text[])
			WHERE p.id = @project`,
		`DELETE FROM scopes WHERE project_id = @project`,
		`INSERT INTO scopes (project_id, name, description, is_default, position)
			SELECT @project, * FROM jsonb_to_recordset(CAST(@data AS jsonb)->'scopes') AS s (name text, description text, is_default boolean, position integer)`,
		`INSERT INTO tool_groups (project_id, scope, tool) SELECT @project, * FROM jsonb_to_recordset(CAST(@data AS jsonb)->'tools') AS s (scope text, tool text)`,
		`DELETE FROM client_rules WHERE project_id = @project`,
		`INSERT INTO client_rules (project_id, subject, value, decision)
			SELECT @project, * FROM jsonb_to_recordset(CAST(@data AS jsonb)->'rules') AS s (subject text, value text, decision text)`,
		`INSERT INTO brand_logos (project_id, hash, png) SELECT @project, b->>'logo_hash', decode(b->>'logo', 'base64')
			FROM (SELECT CAST(@data AS jsonb)->'brand' AS b) AS brand WHERE b->>'logo' IS NOT NULL ON CONFLICT DO NOTHING`,
	} {
		if err := tx.Exec(statement, named).Error; err != nil {
			return err
		}
	}
	if err := endBlockedGrants(tx, project); err != nil {
		return err
	}
	var version int
	if err := tx.Raw(`INSERT INTO brands (project_id, version, settings, logo_hash, written_by)
		SELECT @project, (SELECT coalesce(max(version), 0) + 1 FROM brands WHERE project_id = @project), b->'settings', b->>'logo_hash', @actor
		FROM (SELECT CAST(@data AS jsonb)->'brand' AS b) AS brand WHERE jsonb_typeof(b) = 'object' RETURNING version`, named).Scan(&version).Error; err != nil || version == 0 {
		return err
	}
	return showVersion(tx, project, version).Error
}
