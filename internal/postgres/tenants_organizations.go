package postgres

import (
	"context"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

type membershipRow struct {
	OrganizationID id.ID
	Name           string
	Role           string
	Suspended      bool
}

func (r membershipRow) membership() tenants.Membership {
	return tenants.Membership{Organization: tenants.Organization{ID: r.OrganizationID, Name: r.Name, Suspended: r.Suspended}, Role: tenants.Role(r.Role)}
}

const membershipSQL = `SELECT m.organization_id, o.name, m.role, o.suspended_at IS NOT NULL AS suspended
	FROM organization_members m JOIN organizations o ON o.id = m.organization_id WHERE m.member_id = @member`

// Memberships returns the organizations a member belongs to, the first joined first.
func (s *Store) Memberships(ctx context.Context, member id.ID) ([]tenants.Membership, error) {
	var rows []membershipRow
	err := s.db.WithContext(ctx).Raw(membershipSQL+` ORDER BY m.created_at, m.organization_id`,
		map[string]any{"member": member}).Scan(&rows).Error
	return mapRows(rows, membershipRow.membership), translate(err)
}

// FindMembership implements tenants.ProjectStore.
func (s *Store) FindMembership(ctx context.Context, member, organization id.ID) (tenants.Membership, error) {
	var row membershipRow
	err := s.db.WithContext(ctx).Raw(membershipSQL+` AND m.organization_id = @organization`,
		map[string]any{"member": member, "organization": organization}).Take(&row).Error
	return row.membership(), translate(err)
}

// CreateOrganization makes an organization that the member owns.
func (s *Store) CreateOrganization(ctx context.Context, actor tenants.Actor, name string, owner id.ID) (tenants.Organization, error) {
	organization := tenants.Organization{ID: id.New(), Name: name}
	err := s.inTransaction(ctx, func(tx *gorm.DB) error { return insertOrganization(tx, actor, organization, owner) })
	return organization, err
}

func insertOrganization(tx *gorm.DB, actor tenants.Actor, organization tenants.Organization, owner id.ID) error {
	return firstError(
		func() error {
			return mustChange(tx.Exec(`INSERT INTO organizations (id, name) SELECT ?, ? FROM members WHERE id = ?`,
				organization.ID, organization.Name, owner))
		},
		func() error {
			return tx.Exec(`INSERT INTO organization_members (organization_id, member_id, role) VALUES (?, ?, ?)`,
				organization.ID, owner, string(tenants.RoleOwner)).Error
		},
		func() error {
			return auditOrganization(tx, organization.ID, change{
				actor: actor, action: "organization.created", target: "organization:" + organization.ID.String(),
			})
		},
	)
}
