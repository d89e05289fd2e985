package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

var _ tenants.OrganizationStore = (*Store)(nil)

func organizationTarget(id secret.ID) string { return "organization:" + id.String() }

// lockOrganization lets one transaction at a time count or change what belongs to an organization.
func lockOrganization(tx *gorm.DB, organization secret.ID) error {
	var locked idRow
	return tx.Raw(`SELECT id FROM organizations WHERE id = ? FOR NO KEY UPDATE`, organization).Take(&locked).Error
}

// lockOpenOrganization does so where somebody or something is to be added, which a suspended organization does not allow. Whoever
// suspends it waits for the lock, or came first.
func lockOpenOrganization(tx *gorm.DB, organization secret.ID) error {
	var locked struct{ Suspended bool }
	err := tx.Raw(`SELECT suspended_at IS NOT NULL AS suspended FROM organizations WHERE id = ? FOR NO KEY UPDATE`, organization).Take(&locked).Error
	if err == nil && locked.Suspended {
		err = tenants.ErrSuspended
	}
	return err
}

// requireRoom checks a limit by what a statement counts, under the lock of the organization.
func requireRoom(tx *gorm.DB, organization secret.ID, limit tenants.Limit, count string, args ...any) error {
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
func (s *Store) RenameOrganization(ctx context.Context, actor tenants.Actor, organization secret.ID, name string) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE organizations SET name = ? WHERE id = ? AND name <> ?`, name, organization, name)
		if result.Error != nil || result.RowsAffected == 0 {
			return result.Error
		}
		return auditOrganization(tx, organization, change{actor: actor, action: "organization.renamed", target: organizationTarget(organization), detail: map[string]string{"name": name}})
	})
}

// DeleteOrganization implements tenants.OrganizationStore.
func (s *Store) DeleteOrganization(ctx context.Context, _ tenants.Actor, organization secret.ID) error {
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
func (s *Store) ListMembers(ctx context.Context, organization secret.ID) ([]tenants.Member, error) {
	type row struct {
		ID          secret.ID
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

type invitationRow struct {
	ID, OrganizationID   secret.ID
	Name, Email, Role    string
	Inviter, InviterRole string
	Suspended            bool
	CreatedAt, ExpiresAt time.Time
}

func (r invitationRow) invitation() tenants.Invitation {
	return tenants.Invitation{ID: r.ID, Organization: tenants.Organization{ID: r.OrganizationID, Name: r.Name, Suspended: r.Suspended}, Email: r.Email, Role: tenants.Role(r.Role),
		Inviter: r.Inviter, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt}
}

var selectInvitations = `SELECT i.id, i.organization_id, o.name, o.suspended_at IS NOT NULL AS suspended, i.email, i.role, i.created_at, i.expires_at,
		coalesce(m.email, ` + memberKnownAs("m") + `) AS inviter, b.role AS inviter_role
	FROM organization_invitations i JOIN organizations o ON o.id = i.organization_id JOIN members m ON m.id = i.inviter_id AND m.blocked_at IS NULL
		JOIN organization_members b ON b.organization_id = i.organization_id AND b.member_id = i.inviter_id
	WHERE i.expires_at > now() AND `

// invitations reads those that are open and whose senders may still give the role.
func (s *Store) invitations(ctx context.Context, condition string, arg any) (found []tenants.Invitation, err error) {
	var rows []invitationRow
	err = s.db.WithContext(ctx).Raw(selectInvitations+condition, arg).Scan(&rows).Error
	for _, r := range rows {
		if tenants.Role(r.InviterRole).MayGive(tenants.Role(r.Role)) {
			found = append(found, r.invitation())
		}
	}
	return found, translate(err)
}

// ListInvitations implements tenants.OrganizationStore.
func (s *Store) ListInvitations(ctx context.Context, organization secret.ID) ([]tenants.Invitation, error) {
	return s.invitations(ctx, `i.organization_id = ? ORDER BY i.email`, organization)
}

// InvitationsFor implements tenants.OrganizationStore.
func (s *Store) InvitationsFor(ctx context.Context, email string) ([]tenants.Invitation, error) {
	return s.invitations(ctx, `i.email = ? ORDER BY i.created_at DESC LIMIT 20`, email)
}

// Invite implements tenants.OrganizationStore. Members and open invitations count as seats; an invitation that is sent anew counts once.
func (s *Store) Invite(ctx context.Context, actor tenants.Actor, invitation tenants.Invitation, seats tenants.Limit, render tenants.InvitationMail) error {
	organization := invitation.Organization.ID
	return s.teamChange(ctx, func(tx *gorm.DB) error {
		var row struct {
			Name   string
			Member bool
		}
		return firstError(
			func() error { return lockOpenOrganization(tx, organization) },
			func() error {
				inviter, _ := actor.Member()
				ok, err := mayGive(tx, organization, inviter, invitation.Role)
				if err == nil && !ok {
					err = tenants.ErrForbidden
				}
				return err
			},
			func() error {
				return tx.Raw(`SELECT name, EXISTS (SELECT FROM organization_members o JOIN members m ON m.id = o.member_id WHERE o.organization_id = @organization AND m.email = @email) AS member
					FROM organizations WHERE id = @organization`, map[string]any{"organization": organization, "email": invitation.Email}).Take(&row).Error
			},
			func() error {
				if row.Member {
					return errConflict
				}
				return requireRoom(tx, organization, seats, `SELECT (SELECT count(*) FROM organization_members WHERE organization_id = ?)
					+ (SELECT count(*) FROM organization_invitations WHERE organization_id = ? AND expires_at > now() AND email <> ?)`, organization, organization, invitation.Email)
			},
			func() error {
				return tx.Exec(`INSERT INTO organization_invitations (organization_id, id, email, role, invited_by, expires_at)
					VALUES (@organization, @id, @email, @role, @actor, now() + make_interval(secs => @seconds))
					ON CONFLICT (organization_id, email) DO UPDATE SET id = excluded.id, role = excluded.role, invited_by = excluded.invited_by, created_at = now(), expires_at = excluded.expires_at`,
					map[string]any{"organization": organization, "id": invitation.ID, "email": invitation.Email, "role": string(invitation.Role), "actor": string(actor),
						"seconds": tenants.InvitationLifetime.Seconds()}).Error
			},
			func() error {
				return auditOrganization(tx, organization, change{actor: actor, action: "member.invited", target: "invitation:" + invitation.ID.String(),
					detail: map[string]string{"email": invitation.Email, "role": string(invitation.Role)}})
			},
			func() error {
				subject, text, html, err := render(row.Name)
				if err != nil {
					return err
				}
				return s.queue.enqueueMail(tx, mail.Message{To: invitation.Email, FromName: "mcpauth", Subject: subject, Text: text, HTML: html})
			},
		)
	})
}

// RevokeInvitation implements tenants.OrganizationStore.
func (s *Store) RevokeInvitation(ctx context.Context, actor tenants.Actor, organization, invitation secret.ID) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		if err := mustChange(tx.Exec(`DELETE FROM organization_invitations WHERE organization_id = ? AND id = ?`, organization, invitation)); err != nil {
			return err
		}
		return auditOrganization(tx, organization, change{actor: actor, action: "member.invitation_revoked", target: "invitation:" + invitation.String()})
	})
}

// mayGive reports whether somebody belongs to an organization in a role that lets them give another one, and keeps it so until the
// transaction ends. The account is locked before the membership, as by who deletes it.
func mayGive(tx *gorm.DB, organization, member secret.ID, role tenants.Role) (bool, error) {
	var account idRow
	var own struct{ Role string }
	err := firstError(
		func() error {
			return tx.Raw(`SELECT id FROM members WHERE id = ? AND blocked_at IS NULL FOR SHARE`, member).Scan(&account).Error
		},
		func() error {
			return tx.Raw(`SELECT role FROM organization_members WHERE organization_id = ? AND member_id = ? FOR SHARE`, organization, account.ID).Scan(&own).Error
		},
	)
	return tenants.Role(own.Role).MayGive(role), err
}

// AcceptInvitation implements tenants.OrganizationStore: the row is the right to join, and goes when it is used. Whoever lowers or removes
// the member who sent it waits for the locks, or came first.
func (s *Store) AcceptInvitation(ctx context.Context, member secret.ID, email string, invitation secret.ID) (organization tenants.Organization, err error) {
	var row struct {
		OrganizationID, InviterID secret.ID
		Role                      string
	}
	err = s.teamChange(ctx, func(tx *gorm.DB) error {
		return firstError(
			func() error {
				return tx.Raw(`SELECT organization_id, inviter_id, role FROM organization_invitations WHERE id = ? AND email = ? AND expires_at > now() AND inviter_id IS NOT NULL`, invitation, email).Take(&row).Error
			},
			func() error { return lockOpenOrganization(tx, row.OrganizationID) },
			func() error {
				ok, err := mayGive(tx, row.OrganizationID, row.InviterID, tenants.Role(row.Role))
				if err == nil && !ok {
					err = errNotFound
				}
				return err
			},
			func() error {
				return mustChange(tx.Exec(`DELETE FROM organization_invitations WHERE organization_id = ? AND id = ? AND email = ? AND inviter_id = ? AND expires_at > now()`,
					row.OrganizationID, invitation, email, row.InviterID))
			},
			func() error {
				return tx.Exec(`INSERT INTO organization_members (organization_id, member_id, role) VALUES (?, ?, ?) ON CONFLICT (organization_id, member_id) DO NOTHING`,
					row.OrganizationID, member, row.Role).Error
			},
			func() error {
				if !tenants.TellsOfRole("", tenants.Role(row.Role)) {
					return nil
				}
				inviter, err := addressOf(tx, tenants.MemberActor(row.InviterID))
				if err != nil {
					return err
				}
				return s.tellOwners(tx, "", row.OrganizationID, tenants.Notice{Kind: tenants.NoticeJoined, By: inviter, Member: email, To: tenants.Role(row.Role)})
			},
			func() error {
				return auditOrganization(tx, row.OrganizationID, change{actor: tenants.MemberActor(member), action: "member.joined", target: "member:" + member.String(), detail: map[string]string{"role": row.Role}})
			},
		)
	})
	return tenants.Organization{ID: row.OrganizationID}, err
}

// endInvitations ends what a member sent and may no longer send in another role.
func endInvitations(tx *gorm.DB, actor tenants.Actor, organization, member secret.ID, next tenants.Role) error {
	var beyond []string
	for _, role := range tenants.Roles() {
		if !next.MayGive(role) {
			beyond = append(beyond, string(role))
		}
	}
	var ended []idRow
	if len(beyond) == 0 {
		return nil
	}
	err := tx.Raw(`DELETE FROM organization_invitations WHERE organization_id = ? AND inviter_id = ? AND role IN ? RETURNING id`, organization, member, beyond).Scan(&ended).Error
	for _, row := range ended {
		if err == nil {
			err = auditOrganization(tx, organization, change{actor: actor, action: "member.invitation_revoked", target: "invitation:" + row.ID.String(),
				detail: map[string]string{"because": "its sender may not give the role any more"}})
		}
	}
	return err
}

// ChangeMember implements tenants.OrganizationStore.
func (s *Store) ChangeMember(ctx context.Context, actor tenants.Actor, organization, member secret.ID, decide func(actor, target tenants.Role) (tenants.Role, error)) error {
	return s.teamChange(ctx, func(tx *gorm.DB) error { return s.changeMember(tx, actor, organization, member, decide) })
}

func (s *Store) changeMember(tx *gorm.DB, actor tenants.Actor, organization, member secret.ID, decide func(actor, target tenants.Role) (tenants.Role, error)) error {
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
func (s *Store) leaveOrganizations(tx *gorm.DB, member secret.ID) error {
	type place struct {
		ID   secret.ID
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
