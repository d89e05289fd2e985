package postgres

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

var _ tenants.OperatorStore = (*Store)(nil)

// Values of projects.review.
const (
	reviewApproved = "approved"
	reviewRejected = "rejected"
)

// ListOrganizations implements tenants.OperatorStore.
func (s *Store) ListOrganizations(ctx context.Context, search string) ([]tenants.OrganizationSummary, error) {
	var rows []struct {
		ID              id.ID
		Name            string
		SuspendedAt     *time.Time
		SuspendedReason string
		CreatedAt       time.Time
		Owners          string
		Projects        int
	}
	err := s.db.WithContext(ctx).Raw(`SELECT o.id, o.name, o.suspended_at, o.suspended_reason, o.created_at,
			(SELECT coalesce(string_agg(m.email, ' ' ORDER BY m.email), '') FROM organization_members om JOIN members m ON m.id = om.member_id
				WHERE om.organization_id = o.id AND om.role = 'owner') AS owners,
			(SELECT count(*) FROM projects p WHERE p.organization_id = o.id) AS projects
		FROM organizations o
		WHERE @search = '' OR strpos(lower(o.name), lower(@search)) > 0 OR EXISTS (SELECT FROM organization_members om JOIN members m ON m.id = om.member_id
			WHERE om.organization_id = o.id AND strpos(m.email, lower(@search)) > 0)
		ORDER BY o.name, o.id`, map[string]any{"search": search}).Scan(&rows).Error
	found := make([]tenants.OrganizationSummary, 0, len(rows))
	for _, r := range rows {
		found = append(found, tenants.OrganizationSummary{Organization: tenants.Organization{ID: r.ID, Name: r.Name, Suspended: r.SuspendedAt != nil},
			Owners: strings.Fields(r.Owners), Projects: r.Projects, CreatedAt: r.CreatedAt, Reason: r.SuspendedReason})
	}
	return found, translate(err)
}

// SuspendOrganization implements tenants.OperatorStore.
func (s *Store) SuspendOrganization(ctx context.Context, organization id.ID, suspended bool, reason string) error {
	recorded := change{actor: tenants.SystemActor, action: "organization.resumed", target: organizationTarget(organization)}
	if suspended {
		recorded.action, recorded.detail = "organization.suspended", map[string]string{"reason": reason}
	}
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE organizations SET suspended_at = CASE WHEN @suspended THEN now() END, suspended_reason = @reason
			WHERE id = @id AND (suspended_at IS NOT NULL) <> @suspended`, map[string]any{"id": organization, "suspended": suspended, "reason": reason})
		if result.Error != nil {
			return result.Error
		}
		if result.RowsAffected == 0 {
			return lockOrganization(tx, organization) // not found, or nothing to do
		}
		return firstError(
			func() error { return auditOrganization(tx, organization, recorded) },
			func() error {
				return tx.Exec(`SELECT pg_notify(?, id::text) FROM projects WHERE organization_id = ?`, projectsChannel, organization).Error
			},
		)
	})
}

// SuspendProjectByOperator implements tenants.OperatorStore.
func (s *Store) SuspendProjectByOperator(ctx context.Context, project id.ID, held bool, reason string) error {
	recorded := change{actor: tenants.SystemActor, action: "project.released"}
	if held {
		recorded.action, recorded.detail = "project.held", map[string]string{"reason": reason}
	}
	return s.decide(ctx, project, recorded, `UPDATE projects SET held_at = CASE WHEN @yes THEN now() END, held_reason = @reason
		WHERE id = @project AND (held_at IS NOT NULL) <> @yes`, map[string]any{"project": project, "yes": held, "reason": reason})
}

// DecideReview implements tenants.OperatorStore.
func (s *Store) DecideReview(ctx context.Context, project id.ID, approved bool, reason string) error {
	recorded := change{actor: tenants.SystemActor, action: "project.approved"}
	if !approved {
		recorded.action, recorded.detail = "project.rejected", map[string]string{"reason": reason}
	}
	return s.decide(ctx, project, recorded, `UPDATE projects SET review = CASE WHEN @yes THEN 'approved' ELSE 'rejected' END, review_due = NULL
		WHERE id = @project AND (review_due IS NOT NULL OR review <> CASE WHEN @yes THEN 'approved' ELSE 'rejected' END)`, map[string]any{"project": project, "yes": approved})
}

// decide changes the project's row, tells its organization's log and its own, and every node.
func (s *Store) decide(ctx context.Context, project id.ID, recorded change, statement string, args map[string]any) error {
	recorded.target = "project:" + project.String()
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var owner struct{ OrganizationID id.ID }
		if err := tx.Raw(`SELECT organization_id FROM projects WHERE id = ? FOR NO KEY UPDATE`, project).Take(&owner).Error; err != nil {
			return err
		}
		result := tx.Exec(statement, args)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return firstError(
			func() error { return auditOrganization(tx, owner.OrganizationID, recorded) },
			func() error { return auditProject(tx, project, recorded) },
			func() error { return notifyProject(tx, project) },
		)
	})
}

// ListReviews implements tenants.OperatorStore.
func (s *Store) ListReviews(ctx context.Context) ([]tenants.Review, error) {
	var rows []struct {
		Row          projectRow `gorm:"embedded"`
		ReviewDue    time.Time
		Organization string
	}
	err := s.db.WithContext(ctx).Raw(`SELECT ` + projectColumns + `, p.review_due, o.name AS organization
		FROM projects p JOIN organizations o ON o.id = p.organization_id LEFT JOIN project_issuers i ON i.project_id = p.id AND i.is_primary
		WHERE p.review_due IS NOT NULL ORDER BY p.review_due, p.id LIMIT 1000`).Scan(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	found := make([]tenants.Review, 0, len(rows))
	for _, r := range rows {
		review := tenants.Review{Project: r.Row.project(nil), Organization: r.Organization, State: r.Row.Review, Since: r.ReviewDue}
		if review.Brand, err = s.shownBrand(ctx, r.Row.ID); err != nil {
			return nil, err
		}
		found = append(found, review)
	}
	return found, nil
}

// shownBrand reads the published version that is chosen, the zero value when none is.
func (s *Store) shownBrand(ctx context.Context, project id.ID) (found tenants.Brand, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		var row brandRow
		result := tx.Raw(selectBrand+` AND b.version = (SELECT brand_version FROM projects WHERE id = ?) AND b.version > 0`, project, project).Scan(&row)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		found, err = row.brand()
		return err
	})
	return found, err
}
