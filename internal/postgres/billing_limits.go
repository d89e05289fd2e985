package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// requireRoomForUser bounds the people of a development project, the new one included, under the lock of the project.
func (s *Store) requireRoomForUser(tx *gorm.DB, project id.ID) error {
	if !s.billing {
		return nil
	}
	var row struct{ Environment string }
	err := tx.Raw(`SELECT environment FROM projects WHERE id = ? FOR NO KEY UPDATE`, project).Take(&row).Error
	if err != nil || row.Environment == environmentProduction {
		return err
	}
	return s.requireFewPeople(tx, project)
}

// requireFewPeople holds a project to what a development project may have.
func (s *Store) requireFewPeople(tx *gorm.DB, project id.ID) error {
	if !s.billing {
		return nil
	}
	var used int
	if err := tx.Raw(`SELECT count(*) FROM (SELECT FROM users WHERE project_id = ? LIMIT ?) AS living`, project, tenants.DevelopmentUsersMax+1).Scan(&used).Error; err != nil {
		return err
	}
	return tenants.Limit{What: tenants.CountDevelopmentUsers, Max: tenants.DevelopmentUsersMax, Way: "Keep it a production project."}.Check(used - 1)
}

// retention is how long the timeline of a project is kept.
func (s *Store) retention(ctx context.Context, project id.ID) (time.Duration, error) {
	if !s.billing {
		return tenants.ActivityRetention, nil
	}
	var organization idRow
	if err := s.db.WithContext(ctx).Raw(`SELECT organization_id AS id FROM projects WHERE id = ?`, project).Scan(&organization).Error; err != nil {
		return 0, translate(err)
	}
	account, err := s.BillingAccount(ctx, organization.ID)
	return time.Duration(account.Retention(time.Now())) * 24 * time.Hour, err
}

// How long events of Stripe and what was counted are kept. Stripe sends an event again for three days, and people for thirty.
const (
	eventsKept    = "60 days"
	connectedKept = "25 months"
)

// sweepBilling forgets old events.
func (s *Store) sweepBilling(ctx context.Context) (int, error) {
	result := s.db.WithContext(ctx).Exec(`DELETE FROM billing_events WHERE received_at < now() - CAST(? AS interval)`, eventsKept)
	return int(result.RowsAffected), translate(result.Error)
}

// sweepConnected forgets, in one project, who was counted in months long ago.
func (s *Store) sweepConnected(ctx context.Context, project id.ID) (swept int, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`DELETE FROM connected_users WHERE project_id = ? AND ctid IN (SELECT ctid FROM connected_users WHERE project_id = ? AND month < now() - CAST(? AS interval) LIMIT ?)`,
			project, project, connectedKept, sweepMost)
		swept = int(result.RowsAffected)
		return result.Error
	})
	return swept, err
}

// LimitUse implements billing.Store.
func (s *Store) LimitUse(ctx context.Context, organization id.ID) (billing.Use, error) {
	var use billing.Use
	var projects []idRow
	err := s.inTransaction(ctx, func(tx *gorm.DB) error {
		named := map[string]any{"organization": organization}
		err := firstError(
			func() error {
				return tx.Raw(`SELECT (SELECT count(*) FROM projects WHERE organization_id = @organization AND environment = 'production') AS projects,
					(SELECT count(*) FROM project_domains d JOIN projects p ON p.id = d.project_id WHERE p.organization_id = @organization) AS domains,
					(SELECT count(*) FROM organization_members WHERE organization_id = @organization)
						+ (SELECT count(*) FROM organization_invitations WHERE organization_id = @organization AND expires_at > now()) AS seats`, named).Scan(&use).Error
			},
			func() error {
				return tx.Raw(`SELECT id FROM projects WHERE organization_id = @organization`, named).Scan(&projects).Error
			},
		)
		for _, project := range projects {
			var servers int
			err = firstError(
				func() error { return err },
				func() error { return setProject(tx, project.ID) },
				func() error {
					return tx.Raw(`SELECT count(*) FROM mcp_servers WHERE project_id = ?`, project.ID).Scan(&servers).Error
				},
			)
			use.Servers = max(use.Servers, servers)
		}
		return err
	})
	return use, err
}
