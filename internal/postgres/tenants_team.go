package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

var _ tenants.OrganizationStore = (*Store)(nil)

func organizationTarget(id id.ID) string { return "organization:" + id.String() }

// lockOrganization lets one transaction at a time count or change what belongs to an organization.
func lockOrganization(tx *gorm.DB, organization id.ID) error {
	var locked idRow
	return tx.Raw(`SELECT id FROM organizations WHERE id = ? FOR NO KEY UPDATE`, organization).Take(&locked).Error
}

// lockOpenOrganization does so where somebody or something is to be added, which a suspended organization does not allow. Whoever
// suspends it waits for the lock, or came first.
func lockOpenOrganization(tx *gorm.DB, organization id.ID) error {
	var locked struct{ Suspended bool }
	err := tx.Raw(`SELECT suspended_at IS NOT NULL AS suspended FROM organizations WHERE id = ? FOR NO KEY UPDATE`, organization).Take(&locked).Error
	if err == nil && locked.Suspended {
		err = tenants.ErrSuspended
	}
	return err
}

// requireRoom checks a limit by what a statement counts, under the lock of the organization.
func requireRoom(tx *gorm.DB, organization id.ID, limit tenants.Limit, count string, args ...any) error {
	if limit.Max == tenants.Unlimited {
		return nil
	}
	var used int
	return firstError(
		func() error { return lockOrganization(tx, organization) },
		func() error { return tx.Raw(count, args...).Scan(&used).Error },
		func() error { return limit.Check(used) },
	)
}

// teamChange runs a change of who belongs to an organization, once more if it collided with another one.
func (s *Store) teamChange(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return again(ctx, func() error { return s.inTransaction(ctx, fn) })
}

// RenameOrganization implements tenants.OrganizationStore.
func (s *Store) RenameOrganization(ctx context.Context, actor tenants.Actor, organization id.ID, name string) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE organizations SET name = ? WHERE id = ? AND name <> ?`, name, organization, name)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return auditOrganization(tx, organization, change{actor: actor, action: "organization.renamed", target: organizationTarget(organization), detail: map[string]string{"name": name}})
	})
}

// DeleteOrganization implements tenants.OrganizationStore.
func (s *Store) DeleteOrganization(ctx context.Context, _ tenants.Actor, organization id.ID) error {
	return s.teamChange(ctx, func(tx *gorm.DB) error {
		var projects int
		return firstError(
			func() error { return lockOrganization(tx, organization) },
			func() error {
				return tx.Raw(`SELECT count(*) FROM projects WHERE organization_id = ?`, organization).Scan(&projects).Error
			},
			func() error {
				if projects > 0 {
					return errConflict
				}
				if account, err := billingAccount(tx, organization, ""); err != nil || account.Living() {
					return firstError(func() error { return err }, func() error { return tenants.ErrPaid })
				}
				return mustChange(tx.Exec(`DELETE FROM organizations WHERE id = ?`, organization))
			},
		)
	})
}

// ListMembers implements tenants.OrganizationStore.
func (s *Store) ListMembers(ctx context.Context, organization id.ID) ([]tenants.Member, error) {
	type row struct {
		ID          id.ID
		Email, Role string
		KnownAs     string
		CreatedAt   time.Time
		LastActive  *time.Time
	}
	var rows []row
	err := s.db.WithContext(ctx).Raw(`SELECT m.id, m.email, `+memberKnownAs("m")+` AS known_as, o.role, o.created_at, (SELECT max(s.created_at) FROM member_sessions s WHERE s.account_id = m.id) AS last_active
		FROM organization_members o JOIN members m ON m.id = o.member_id WHERE o.organization_id = ?
		ORDER BY array_position(ARRAY['owner', 'admin', 'developer', 'viewer'], o.role), m.email`, organization).Scan(&rows).Error
	return mapRows(rows, func(r row) tenants.Member {
		return tenants.Member{ID: r.ID, Email: r.Email, KnownAs: r.KnownAs, Role: tenants.Role(r.Role), JoinedAt: r.CreatedAt, LastActive: or(r.LastActive)}
	}), translate(err)
}

// ChangeMember implements tenants.OrganizationStore.
func (s *Store) ChangeMember(ctx context.Context, actor tenants.Actor, organization, member id.ID, decide func(actor, target tenants.Role) (tenants.Role, error)) error {
	return s.teamChange(ctx, func(tx *gorm.DB) error { return s.changeMember(tx, actor, organization, member, decide) })
}

func (s *Store) changeMember(tx *gorm.DB, actor tenants.Actor, organization, member id.ID, decide func(actor, target tenants.Role) (tenants.Role, error)) error {
	self, _ := actor.Member()
	var roles struct {
		Own, Target string
		Owners      int
	}
	if err := firstError(
		func() error { return lockOrganization(tx, organization) },
		func() error {
			return tx.Raw(`SELECT coalesce(max(role) FILTER (WHERE member_id = @self), '') AS own, coalesce(max(role) FILTER (WHERE member_id = @member), '') AS target,
				count(*) FILTER (WHERE role = 'owner') AS owners FROM organization_members WHERE organization_id = @organization`,
				values{"self": self, "member": member, "organization": organization}.named()).Scan(&roles).Error
		},
	); err != nil {
		return err
	}
	if roles.Own == "" || roles.Target == "" {
		return errNotFound
	}
	next, err := decide(tenants.Role(roles.Own), tenants.Role(roles.Target))
	switch {
	case err != nil:
		return err
	case string(next) == roles.Target:
		return nil
	case roles.Target == string(tenants.RoleOwner) && roles.Owners == 1:
		return tenants.ErrLastOwner
	}
	if err := endInvitations(tx, actor, organization, member, next); err != nil {
		return err
	}
	told, err := noticeOfChange(tx, actor, member, tenants.Role(roles.Target), next)
	if err != nil {
		return err
	}
	if next != tenants.RoleOwner { // while those who are removed or lowered are owners
		if err := s.tellOfChange(tx, actor, organization, told); err != nil {
			return err
		}
	}
	recorded := change{actor: actor, action: "member.role_changed", target: "member:" + member.String(), detail: map[string]string{"from": roles.Target, "to": string(next)}}
	if next == "" {
		recorded.action, recorded.detail = "member.removed", map[string]string{"role": roles.Target}
		if err := mustChange(tx.Exec(`DELETE FROM organization_members WHERE organization_id = ? AND member_id = ?`, organization, member)); err != nil {
			return err
		}
		return auditOrganization(tx, organization, recorded)
	}
	if err := mustChange(tx.Exec(`UPDATE organization_members SET role = ? WHERE organization_id = ? AND member_id = ?`, string(next), organization, member)); err != nil {
		return err
	}
	if next == tenants.RoleOwner { // the new one as well
		if err := s.tellOfChange(tx, actor, organization, told); err != nil {
			return err
		}
	}
	return auditOrganization(tx, organization, recorded)
}

// leaveOrganizations takes a member whose account is to be deleted out of every organization. All of them are locked before the member, as by
// whoever changes either, and in the order of their ids, as by others who leave several. Who joined one more meanwhile begins anew.
func (s *Store) leaveOrganizations(tx *gorm.DB, member id.ID) error {
	type place struct {
		ID   id.ID
		Name string
	}
	var held, belongs []place
	var locked idRow
	const of = ` FROM organizations WHERE id IN (SELECT organization_id FROM organization_members WHERE member_id = ?) ORDER BY id`
	if err := firstError(
		func() error { return tx.Raw(`SELECT id, name`+of+` FOR NO KEY UPDATE`, member).Scan(&held).Error },
		func() error {
			return tx.Raw(`SELECT id FROM members WHERE id = ? FOR UPDATE`, member).Scan(&locked).Error
		},
		func() error { return tx.Raw(`SELECT id, name`+of, member).Scan(&belongs).Error },
	); err != nil {
		return err
	}
	for _, o := range belongs {
		if !slices.ContainsFunc(held, func(h place) bool { return h.ID == o.ID }) {
			return errAgain
		}
		err := s.changeMember(tx, tenants.MemberActor(member), o.ID, member, func(_, _ tenants.Role) (tenants.Role, error) { return "", nil })
		if errors.Is(err, tenants.ErrLastOwner) {
			return tenants.LastOwnerError{Organization: tenants.Organization{ID: o.ID, Name: o.Name}}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
