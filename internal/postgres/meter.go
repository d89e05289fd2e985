package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/tenants"
)

// countConnected is the part of a statement that hands out tokens which counts the person for the calendar month (UTC) of a production
// project. got names the part that returns their user_id, with a condition. It is no statement of its own, and a second token of the month writes nothing.
func countConnected(got string) string {
	return `INSERT INTO connected_users (project_id, month, user_id)
		SELECT $1, date_trunc('month', now() AT TIME ZONE 'UTC')::date, user_id FROM ` + got + `
			AND EXISTS (SELECT FROM projects WHERE id = $1 AND environment = 'production')
		ON CONFLICT (project_id, month, user_id) DO NOTHING`
}

var _ tenants.UsageStore = (*Store)(nil)

// ConnectedUsers implements tenants.UsageStore.
func (s *Store) ConnectedUsers(ctx context.Context, organization secret.ID, month time.Time) ([]tenants.ConnectedUsers, error) {
	var projects []struct {
		ID   secret.ID
		Slug string
	}
	db := s.db.WithContext(ctx)
	err := firstError(
		func() error {
			return db.Raw(`SELECT id FROM organizations WHERE id = ?`, organization).Take(&idRow{}).Error
		},
		func() error {
			return db.Raw(`SELECT id, slug FROM projects WHERE organization_id = ? ORDER BY slug`, organization).Scan(&projects).Error
		},
	)
	if err != nil {
		return nil, translate(err)
	}
	var out []tenants.ConnectedUsers
	for _, project := range projects {
		var days []struct {
			Day   time.Time
			Count int
		}
		err := s.inProject(ctx, project.ID, func(tx *gorm.DB) error {
			return tx.Raw(`SELECT (counted_at AT TIME ZONE 'UTC')::date AS day, count(*) AS count FROM connected_users
				WHERE project_id = ? AND month = ?::date GROUP BY 1 ORDER BY 1`, project.ID, month.UTC().Format(time.DateOnly)).Scan(&days).Error
		})
		if err != nil {
			return nil, err
		}
		for _, day := range days {
			out = append(out, tenants.ConnectedUsers{Project: project.Slug, Day: day.Day, Count: day.Count})
		}
	}
	return out, nil
}
