package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/tenants"
)

type invitationRow struct {
	ID, OrganizationID   id.ID
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
func (s *Store) ListInvitations(ctx context.Context, organization id.ID) ([]tenants.Invitation, error) {
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
func (s *Store) RevokeInvitation(ctx context.Context, actor tenants.Actor, organization, invitation id.ID) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		if err := mustChange(tx.Exec(`DELETE FROM organization_invitations WHERE organization_id = ? AND id = ?`, organization, invitation)); err != nil {
			return err
		}
		return auditOrganization(tx, organization, change{actor: actor, action: "member.invitation_revoked", target: "invitation:" + invitation.String()})
	})
}

// mayGive reports whether somebody belongs to an organization in a role that lets them give another one, and keeps it so until the
// transaction ends. The account is locked before the membership, as by who deletes it.
func mayGive(tx *gorm.DB, organization, member id.ID, role tenants.Role) (bool, error) {
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
func (s *Store) AcceptInvitation(ctx context.Context, member id.ID, email string, invitation id.ID) (organization tenants.Organization, err error) {
	var row struct {
		OrganizationID, InviterID id.ID
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
func endInvitations(tx *gorm.DB, actor tenants.Actor, organization, member id.ID, next tenants.Role) error {
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
