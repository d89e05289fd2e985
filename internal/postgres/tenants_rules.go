package postgres

import (
	"context"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// clientDecision is what a project decided about a document's client; null: nothing. A rule for the id goes before one for its
// host, as in oauth.
func clientDecision(project, id string) string {
	return `(SELECT r.decision FROM client_rules r WHERE r.project_id = ` + project + `
		AND (r.subject = 'client' AND r.value = ` + id + ` OR r.subject = 'host' AND r.value = lower(split_part(split_part(` + id + `, '/', 3), ':', 1)))
		ORDER BY r.subject LIMIT 1)`
}

// lockProject keeps approvals out until the transaction ends, and answers ErrNotFound for a project of another organization.
func lockProject(tx *gorm.DB, organization, project id.ID) error {
	var locked idRow
	return tx.Raw(`SELECT id FROM projects WHERE id = ? AND organization_id = ? FOR NO KEY UPDATE`, project, organization).Take(&locked).Error
}

// SetDocumentPolicy implements tenants.ProjectStore.
func (s *Store) SetDocumentPolicy(ctx context.Context, actor tenants.Actor, organization, project id.ID, policy tenants.DocumentPolicy) error {
	return s.changeRules(ctx, organization, project, change{
		actor: actor, action: "project.document_policy_changed", target: "project:" + project.String(), detail: map[string]string{"policy": string(policy)},
	}, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET document_policy = ? WHERE id = ? AND document_policy <> ?`, string(policy), project, string(policy))
	})
}

// SetSignInMethods implements tenants.ProjectStore.
func (s *Store) SetSignInMethods(ctx context.Context, actor tenants.Actor, organization, project id.ID, methods []string) error {
	text := strings.Join(methods, " ")
	return s.changeRules(ctx, organization, project, change{
		actor: actor, action: "project.sign_in_methods_changed", target: "project:" + project.String(), detail: map[string]string{"methods": text},
	}, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET sign_in_methods = string_to_array(?, ' ') WHERE id = ? AND sign_in_methods <> string_to_array(?, ' ')`, text, project, text)
	})
}

// SetScopesSelectable implements tenants.ScopeStore.
func (s *Store) SetScopesSelectable(ctx context.Context, actor tenants.Actor, organization, project id.ID, selectable bool) error {
	return s.changeRules(ctx, organization, project, change{
		actor: actor, action: "project.scopes_selectable_changed", target: "project:" + project.String(), detail: map[string]string{"selectable": strconv.FormatBool(selectable)},
	}, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET scopes_selectable = ? WHERE id = ? AND scopes_selectable <> ?`, selectable, project, selectable)
	})
}

// SetClientRule implements tenants.ProjectStore. The project is locked: approvals under way are finished and found by the block, and
// later ones see the rule.
func (s *Store) SetClientRule(ctx context.Context, actor tenants.Actor, organization, project id.ID, rule tenants.ClientRule) error {
	decision, action := "block", "client_rule.blocked"
	if rule.Allow {
		decision, action = "allow", "client_rule.allowed"
	}
	return s.changeRules(ctx, organization, project, change{actor: actor, action: action, target: ruleTarget(rule)}, func(tx *gorm.DB) *gorm.DB {
		var others int
		result := tx.Raw(`SELECT count(*) FROM client_rules WHERE project_id = ? AND (subject, value) <> (?, ?)`, project, ruleSubject(rule), rule.Value).Scan(&others)
		if result.Error == nil && others >= tenants.MaxClientRules {
			_ = result.AddError(tenants.ErrLimit)
		}
		if result.Error != nil {
			return result
		}
		result = tx.Exec(`INSERT INTO client_rules AS r (project_id, subject, value, decision) VALUES (?, ?, ?, ?)
			ON CONFLICT (project_id, subject, value) DO UPDATE SET decision = excluded.decision WHERE r.decision <> excluded.decision`,
			project, ruleSubject(rule), rule.Value, decision)
		if result.Error != nil || result.RowsAffected == 0 || rule.Allow {
			return result
		}
		if err := endBlockedGrants(tx, project); err != nil {
			_ = result.AddError(err)
		}
		return result
	})
}

// endBlockedGrants revokes what clients with a document hold that the rules block now.
func endBlockedGrants(tx *gorm.DB, project id.ID) error {
	return endGrants(tx, project, reasonClientBlocked, `client_id IN (SELECT c.id FROM clients c
		WHERE c.project_id = ? AND c.kind = 'document' AND `+clientDecision("c.project_id", "c.id")+` = 'block')`, project)
}

// DeleteClientRule implements tenants.ProjectStore.
func (s *Store) DeleteClientRule(ctx context.Context, actor tenants.Actor, organization, project id.ID, rule tenants.ClientRule) error {
	return s.changeRules(ctx, organization, project, change{actor: actor, action: "client_rule.deleted", target: ruleTarget(rule)}, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`DELETE FROM client_rules WHERE project_id = ? AND subject = ? AND value = ?`, project, ruleSubject(rule), rule.Value)
	})
}

// changeRules runs one change, and records and announces it if it changed something.
func (s *Store) changeRules(ctx context.Context, organization, project id.ID, recorded change, run func(*gorm.DB) *gorm.DB) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := lockProject(tx, organization, project); err != nil {
			return err
		}
		if result := run(tx); result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return firstError(
			func() error { return auditProject(tx, project, recorded) },
			func() error { return notifyProject(tx, project) },
		)
	})
}

func ruleSubject(rule tenants.ClientRule) string {
	if rule.Host {
		return "host"
	}
	return "client"
}

func ruleTarget(rule tenants.ClientRule) string { return ruleSubject(rule) + ":" + rule.Value }
