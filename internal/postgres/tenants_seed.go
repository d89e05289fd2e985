package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// The verbs of this file bring about a state whatever was there before, for the operator's seeding. They take normalised addresses and
// overwrite passwords: nothing that a stranger can reach may call them.

type seededRow struct {
	ID       id.ID
	Inserted bool
}

// EnsureMember makes sure that the member exists with a verified address and this password, and owns an organization of this name.
func (s *Store) EnsureMember(ctx context.Context, email, passwordHash, organizationName string) (member, organization id.ID, err error) {
	err = s.inTransaction(ctx, func(tx *gorm.DB) error {
		var row seededRow
		// The upsert locks the row, so that two calls at once make one organization.
		if err := tx.Raw(`INSERT INTO members (id, email, email_verified_at, password_hash) VALUES (?, ?, now(), ?)
			ON CONFLICT (email) DO UPDATE SET password_hash = excluded.password_hash,
				email_verified_at = coalesce(members.email_verified_at, now())
			RETURNING id`, id.New(), email, passwordHash).Take(&row).Error; err != nil {
			return err
		}
		member = row.ID
		var owned idRow
		found := tx.Raw(`SELECT o.id FROM organizations o JOIN organization_members m ON m.organization_id = o.id
			WHERE m.member_id = ? AND m.role = ? AND o.name = ? ORDER BY o.created_at, o.id LIMIT 1`,
			member, string(tenants.RoleOwner), organizationName).Scan(&owned)
		if organization = owned.ID; found.Error != nil || found.RowsAffected > 0 {
			return found.Error
		}
		organization = id.New()
		return insertOrganization(tx, tenants.SystemActor, tenants.Organization{ID: organization, Name: organizationName}, member)
	})
	return member, organization, err
}

// EnsureUser makes sure that the user exists in the project with a verified address and this password.
func (s *Store) EnsureUser(ctx context.Context, project id.ID, email, passwordHash string) (id.ID, error) {
	var row seededRow
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := tx.Raw(`INSERT INTO users (project_id, id, email, email_verified_at, password_hash) VALUES (?, ?, ?, now(), ?)
			ON CONFLICT (project_id, email) DO UPDATE SET password_hash = excluded.password_hash,
				email_verified_at = coalesce(users.email_verified_at, now())
			RETURNING id, xmax = 0 AS inserted`, project, id.New(), email, passwordHash).Take(&row).Error; err != nil {
			return err
		}
		if !row.Inserted {
			return nil
		}
		return auditProject(tx, project, change{actor: tenants.SystemActor, action: "user.created", target: "user:" + row.ID.String()})
	})
	return row.ID, err
}

// EnsureScopes makes sure that the project has these scopes, in this order, with these descriptions; further ones stay.
func (s *Store) EnsureScopes(ctx context.Context, project id.ID, scopes []tenants.Scope) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return upsertScopes(tx, project, scopes) },
			func() error { return notifyProject(tx, project) },
		)
	})
}

// EnsureServer makes sure that the project has an MCP server of this exact URL and returns it.
func (s *Store) EnsureServer(ctx context.Context, project id.ID, name, resource string) (tenants.MCPServer, error) {
	var row mcpServerRow
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error {
				return tx.Raw(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES (?, ?, ?, ?)
					ON CONFLICT (project_id, resource) DO UPDATE SET name = excluded.name RETURNING id, name, resource`,
					project, id.New(), name, resource).Take(&row).Error
			},
			func() error { return notifyProject(tx, project) },
		)
	})
	return row.server(), err
}

// ForgetCustomers takes away what organizations pay for, for a stand-in for Stripe that has forgotten them. What the operator agreed to stays.
func (s *Store) ForgetCustomers(ctx context.Context) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error { return tx.Exec(`DELETE FROM billing_accounts WHERE agreed_plan = ''`).Error },
			func() error {
				return tx.Exec(`UPDATE billing_accounts SET customer = NULL, subscription = '', plan = 'free', state = '', yearly = false, cancel_at_period_end = false, period_end = NULL, trial_end = NULL, grace_until = NULL`).Error
			},
			func() error { return tx.Exec(`DELETE FROM billing_invoices`).Error },
			func() error { return tx.Exec(`DELETE FROM billing_reports`).Error },
			func() error { return tx.Exec(`DELETE FROM billing_months`).Error },
			func() error { return tx.Exec(`DELETE FROM billing_events`).Error },
		)
	})
}
