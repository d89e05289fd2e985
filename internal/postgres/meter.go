package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
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

type meteredProject struct {
	ID   id.ID
	Slug string
}

// meteredProjects lists the projects that count for an organization, those that are gone included.
func meteredProjects(tx *gorm.DB, organization id.ID) (found []meteredProject, err error) {
	err = tx.Raw(`SELECT id, slug FROM projects WHERE organization_id = @organization UNION SELECT id, slug FROM deleted_projects WHERE organization_id = @organization ORDER BY slug`,
		map[string]any{"organization": organization}).Scan(&found).Error
	return found, err
}

// MonthlyActiveUsers implements tenants.UsageStore.
func (s *Store) MonthlyActiveUsers(ctx context.Context, organization id.ID, month time.Time) ([]tenants.MonthlyActiveUsers, error) {
	var out []tenants.MonthlyActiveUsers
	err := s.inTransaction(ctx, func(tx *gorm.DB) error {
		if err := tx.Raw(`SELECT id FROM organizations WHERE id = ?`, organization).Take(&idRow{}).Error; err != nil {
			return err
		}
		projects, err := meteredProjects(tx, organization)
		for _, project := range projects {
			var days []struct {
				Day   time.Time
				Count int
			}
			err = firstError(
				func() error { return err },
				func() error { return setProject(tx, project.ID) },
				func() error {
					return tx.Raw(`SELECT (counted_at AT TIME ZONE 'UTC')::date AS day, count(*) AS count FROM connected_users
						WHERE project_id = ? AND month = ?::date GROUP BY 1 ORDER BY 1`, project.ID, month.UTC().Format(time.DateOnly)).Scan(&days).Error
				},
			)
			for _, day := range days {
				out = append(out, tenants.MonthlyActiveUsers{Project: project.Slug, Day: day.Day, Count: day.Count})
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// CountedPeople implements tenants.UsageStore. Each project is read by itself, in the order of its primary key.
func (s *Store) CountedPeople(ctx context.Context, organization id.ID, month time.Time, each func(tenants.CountedPerson) error) error {
	var projects []meteredProject
	err := s.inTransaction(ctx, func(tx *gorm.DB) (err error) {
		projects, err = meteredProjects(tx, organization)
		return err
	})
	const most = 1000
	for _, project := range projects {
		for after := (id.ID{}); err == nil; {
			var rows []struct {
				UserID    id.ID
				Email     string
				CountedAt time.Time
			}
			err = s.inProject(ctx, project.ID, func(tx *gorm.DB) error {
				return tx.Raw(`SELECT c.user_id, coalesce(u.email, '') AS email, c.counted_at FROM connected_users c LEFT JOIN users u ON u.project_id = c.project_id AND u.id = c.user_id
					WHERE c.project_id = ? AND c.month = ?::date AND c.user_id > CAST(? AS uuid) ORDER BY c.user_id LIMIT ?`, project.ID, month.UTC().Format(time.DateOnly), after.String(), most).Scan(&rows).Error
			})
			for _, r := range rows {
				after = r.UserID
				if err == nil {
					err = each(tenants.CountedPerson{Project: project.Slug, User: r.UserID, Email: r.Email, CountedAt: r.CountedAt})
				}
			}
			if len(rows) < most {
				break
			}
		}
	}
	return err
}

// countMonth counts an organization's connected users.
func countMonth(tx *gorm.DB, organization id.ID, month time.Time) (total int, err error) {
	projects, err := meteredProjects(tx, organization)
	for _, project := range projects {
		var count int
		err = firstError(
			func() error { return err },
			func() error { return setProject(tx, project.ID) },
			func() error {
				return tx.Raw(`SELECT count(*) FROM connected_users WHERE project_id = ? AND month = ?::date`, project.ID, month.UTC().Format(time.DateOnly)).Scan(&count).Error
			},
		)
		total += count
	}
	return total, err
}

var _ tenants.AdmissionStore = (*Store)(nil)

// FirstConnection implements tenants.AdmissionStore. Who connected while the project was a development one was not counted, and has a grant.
func (s *Store) FirstConnection(ctx context.Context, project, user id.ID) (organization id.ID, newcomer bool, err error) {
	err = s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&organization, &newcomer) }, firstConnectionSQL, user)
	return organization, newcomer, err
}

// firstConnectionSQL is asked before each consent, so it reads one entry of an index of each table, however many people and months there are.
const firstConnectionSQL = `SELECT organization_id, environment = 'production' AND NOT EXISTS (SELECT FROM connected_users WHERE project_id = $1 AND user_id = $2)
	AND NOT EXISTS (SELECT FROM grants WHERE project_id = $1 AND user_id = $2) FROM projects WHERE id = $1`

// CountConnected implements tenants.AdmissionStore.
func (s *Store) CountConnected(ctx context.Context, organization id.ID, month time.Time) (total int, err error) {
	err = s.inTransaction(ctx, func(tx *gorm.DB) (err error) {
		total, err = countMonth(tx, organization, month)
		return err
	})
	return total, err
}

// monthUsage reads one organization's month. lock is for its account.
func monthUsage(tx *gorm.DB, organization id.ID, month time.Time, lock string) (billing.Usage, error) {
	var sums struct {
		Name                        string
		Included, Reported, Pending int
	}
	var out billing.Usage
	err := firstError(
		func() (err error) { out.Account, err = billingAccount(tx, organization, lock); return err },
		func() error {
			return tx.Raw(`SELECT o.name, coalesce((SELECT included FROM billing_months m WHERE m.organization_id = o.id AND m.month = ?::date), 0) AS included, coalesce(sum(r.value) FILTER (WHERE r.sent_at IS NOT NULL), 0) AS reported, coalesce(sum(r.value) FILTER (WHERE r.sent_at IS NULL), 0) AS pending
				FROM organizations o LEFT JOIN billing_reports r ON r.organization_id = o.id AND r.month = ?::date WHERE o.id = ? GROUP BY o.id, o.name`, month.Format(time.DateOnly), month.Format(time.DateOnly), organization).Take(&sums).Error
		},
		func() (err error) { out.Counted, err = countMonth(tx, organization, month); return err },
	)
	out.Organization, out.Name, out.Month, out.Included, out.Reported, out.Pending = organization, sums.Name, month, sums.Included, sums.Reported, sums.Pending
	return out, err
}

// MonthUsage implements billing.Store.
func (s *Store) MonthUsage(ctx context.Context, organization id.ID, month time.Time) (out billing.Usage, err error) {
	err = s.inTransaction(ctx, func(tx *gorm.DB) (err error) {
		out, err = monthUsage(tx, organization, month, "")
		return err
	})
	return out, err
}

// MonthsUsage implements billing.Store. Organizations without production projects, now and before, have nothing to count.
func (s *Store) MonthsUsage(ctx context.Context, month time.Time) ([]billing.Usage, error) {
	var organizations []idRow
	err := s.db.WithContext(ctx).Raw(`SELECT organization_id AS id FROM projects WHERE environment = 'production' UNION SELECT organization_id FROM deleted_projects
		UNION SELECT organization_id FROM billing_accounts WHERE customer IS NOT NULL ORDER BY 1`).Scan(&organizations).Error
	if err != nil {
		return nil, translate(err)
	}
	var out []billing.Usage
	for _, o := range organizations {
		usage, err := s.MonthUsage(ctx, o.ID, month)
		if err != nil {
			return nil, err
		}
		out = append(out, usage)
	}
	return out, nil
}

// RememberIncluded implements billing.Store.
func (s *Store) RememberIncluded(ctx context.Context, organization id.ID, month time.Time, included int) error {
	return translate(rememberIncluded(s.db.WithContext(ctx), organization, month, included))
}

func rememberIncluded(tx *gorm.DB, organization id.ID, month time.Time, included int) error {
	return tx.Exec(`INSERT INTO billing_months AS m (organization_id, month, included) VALUES (?, ?::date, ?)
		ON CONFLICT (organization_id, month) DO UPDATE SET included = excluded.included WHERE excluded.included > m.included`, organization, month.Format(time.DateOnly), included).Error
}

// PlanReport implements billing.Store.
func (s *Store) PlanReport(ctx context.Context, organization id.ID, month time.Time, decide func(billing.Usage) int) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		usage, err := monthUsage(tx, organization, month, "FOR UPDATE")
		if err != nil {
			return err
		}
		value := decide(usage) - usage.Reported - usage.Pending
		if value <= 0 {
			return nil
		}
		return tx.Exec(`INSERT INTO billing_reports (organization_id, month, sequence, value)
			SELECT @organization, CAST(@month AS date), 1 + coalesce(max(sequence), 0), @value FROM billing_reports WHERE organization_id = @organization AND month = CAST(@month AS date)`,
			map[string]any{"organization": organization, "month": month.Format(time.DateOnly), "value": value}).Error
	})
}

// PendingReports implements billing.Store.
func (s *Store) PendingReports(ctx context.Context) ([]billing.Reported, error) {
	type row struct {
		OrganizationID   id.ID
		Customer         string
		Month, CreatedAt time.Time
		Sequence, Value  int
	}
	var rows []row
	err := s.db.WithContext(ctx).Raw(`SELECT r.organization_id, b.customer, r.month, r.sequence, r.value, r.created_at FROM billing_reports r JOIN billing_accounts b ON b.organization_id = r.organization_id
		WHERE r.sent_at IS NULL AND b.customer IS NOT NULL ORDER BY r.created_at, r.organization_id, r.sequence LIMIT 1000`).Scan(&rows).Error
	return mapRows(rows, func(r row) billing.Reported {
		return billing.Reported{Organization: r.OrganizationID, Customer: r.Customer, Month: r.Month, Sequence: r.Sequence, Value: r.Value, CreatedAt: r.CreatedAt}
	}), translate(err)
}

// ReportSent implements billing.Store.
func (s *Store) ReportSent(ctx context.Context, r billing.Reported) error {
	return translate(s.db.WithContext(ctx).Exec(`UPDATE billing_reports SET sent_at = now() WHERE organization_id = ? AND month = ?::date AND sequence = ? AND sent_at IS NULL`,
		r.Organization, r.Month.Format(time.DateOnly), r.Sequence).Error)
}
