package postgres

import (
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/tenants"
)

// tellOwners tells each owner of an act in its transaction. Who is removed or lowered is told before, who is raised after.
func (s *Store) tellOwners(tx *gorm.DB, actor tenants.Actor, organization id.ID, notice tenants.Notice) (err error) {
	if s.notices == nil {
		return nil
	}
	if notice.By == "" {
		if notice.By, err = addressOf(tx, actor); err != nil {
			return err
		}
	}
	return s.mailOwners(tx, organization, func(name string) (subject, text, html string, err error) {
		notice.Organization = tenants.Organization{ID: organization, Name: name}
		return s.notices(notice)
	})
}

// mailOwners queues a mail for each owner who has an address. render takes the name of the organization.
func (s *Store) mailOwners(tx *gorm.DB, organization id.ID, render func(name string) (subject, text, html string, err error)) error {
	var owners []struct{ Name, Email string }
	err := tx.Raw(`SELECT o.name, m.email FROM organization_members om JOIN organizations o ON o.id = om.organization_id JOIN members m ON m.id = om.member_id
		WHERE om.organization_id = ? AND om.role = 'owner' AND m.blocked_at IS NULL AND m.email IS NOT NULL ORDER BY m.email`, organization).Scan(&owners).Error
	if err != nil {
		return err
	}
	for _, owner := range owners {
		subject, text, html, err := render(owner.Name)
		if err != nil {
			return err
		}
		if err := s.queue.enqueueMail(tx, mail.Message{To: owner.Email, FromName: "mcpauth", Subject: subject, Text: text, HTML: html}); err != nil {
			return err
		}
	}
	return nil
}

// addressOf is a member's address, or how one without is called, and "" for whoever is no member.
func addressOf(tx *gorm.DB, actor tenants.Actor) (string, error) {
	var row struct{ Email string }
	member, ok := actor.Member()
	if !ok {
		return "", nil
	}
	err := tx.Raw(`SELECT coalesce(m.email, `+memberKnownAs("m")+`) AS email FROM members m WHERE m.id = ?`, member).Scan(&row).Error
	return row.Email, err
}

// tellOfProvider tells owners of a provider of the project, or of its external login.
func (s *Store) tellOfProvider(tx *gorm.DB, actor tenants.Actor, organization, project id.ID, notice tenants.Notice) error {
	var row struct{ Name string }
	if err := tx.Raw(`SELECT name FROM projects WHERE id = ?`, project).Scan(&row).Error; err != nil {
		return err
	}
	notice.Project = tenants.Project{ID: project, Name: row.Name}
	return s.tellOwners(tx, actor, organization, notice)
}

// noticeOfChange is what owners are told of another role of a member, with "" of their end in the organization.
func noticeOfChange(tx *gorm.DB, actor tenants.Actor, member id.ID, from, to tenants.Role) (tenants.Notice, error) {
	address, err := addressOf(tx, tenants.MemberActor(member))
	notice := tenants.Notice{Kind: tenants.NoticeRole, Member: address, From: from, To: to}
	if self, _ := actor.Member(); to == "" {
		if notice.Kind = tenants.NoticeRemoved; self == member {
			notice.Kind = tenants.NoticeLeft
		}
	}
	return notice, err
}

// tellOfChange leaves out changes between roles that cannot take the organization from anybody.
func (s *Store) tellOfChange(tx *gorm.DB, actor tenants.Actor, organization id.ID, notice tenants.Notice) error {
	if notice.Kind == tenants.NoticeRole && !tenants.TellsOfRole(notice.From, notice.To) {
		return nil
	}
	return s.tellOwners(tx, actor, organization, notice)
}
