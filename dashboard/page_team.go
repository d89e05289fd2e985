package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) team(v *request) error {
	return d.renderTeam(v, http.StatusOK, url.Values{"role": {string(tenants.RoleDeveloper)}}, nil, "")
}

func (d *dashboard) renderTeam(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	found, err := d.Organizations.Members(v.ctx(), v.actor(), v.org())
	if err != nil {
		return err
	}
	invited, err := d.Organizations.Invitations(v.ctx(), v.actor(), v.org())
	if err != nil {
		return err
	}
	own := v.membership.Role
	view := templates.TeamPage{Shell: d.layout(v, "Team", pathTeam), Email: field(form, "email", problems["email"]), Role: form.Get("role"), RoleError: problems["role"], Alert: alert}
	for _, role := range tenants.Roles() {
		if own.MayGive(role) {
			view.Roles = append(view.Roles, templates.Choice{Value: string(role), Label: string(role)})
		}
	}
	if own.CanChangeMembers() {
		view.InviteAction = v.href(pathInvite)
	}
	for _, m := range found {
		line := templates.MemberLine{ID: m.ID.String(), Email: m.Called(), Role: string(m.Role), Self: m.ID == v.session.Account.ID, JoinedAt: m.JoinedAt, LastActive: m.LastActive}
		if own.MayGive(m.Role) {
			line.RoleAction = v.href(pathMemberRole, ":member", line.ID)
		}
		switch {
		case line.Self && (len(found) > 1 || len(v.memberships) > 1):
			line.RemoveAction = v.href(pathLeave)
		case own.MayGive(m.Role) && !line.Self:
			line.RemoveAction = v.href(pathRemoveMember, ":member", line.ID)
		}
		view.Members = append(view.Members, line)
	}
	for _, i := range invited {
		line := templates.InvitationLine{ID: i.ID.String(), Email: i.Email, Role: string(i.Role), Inviter: i.Inviter, ExpiresAt: i.ExpiresAt}
		if own.CanChangeMembers() {
			line.Action = v.href(pathRevokeInvite, ":invitation", line.ID)
		}
		view.Invitations = append(view.Invitations, line)
	}
	return web.Render(v, status, templates.Team(view))
}

func (d *dashboard) invite(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := d.Limits.Mail(v.ctx(), realm, web.Source(v)); err != nil {
		return err
	}
	email, err := signin.ParseEmail(form.Get("email"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderTeam(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	err = d.Organizations.Invite(v.ctx(), v.actor(), v.org(), email, tenants.Role(form.Get("role")), d.invitationMail(v, form.Get("role")))
	if problems, ok := fieldErrors(err); ok {
		return d.renderTeam(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, tenants.ErrLimit) {
		return d.renderTeam(v, http.StatusConflict, form, nil, limitWords(err, "This organization has as many members as it may have."))
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathTeam), "The invitation is on its way.")
}

func (d *dashboard) invitationMail(v *request, role string) tenants.InvitationMail {
	return func(organization string) (subject, text, html string, err error) {
		view := templates.InvitationMail{Organization: organization, Role: role, URL: d.BaseURL + pathInvitations}
		var out strings.Builder
		err = templates.InvitationMailHTML(view).Render(v.ctx(), &out)
		return "Join " + organization + " at " + service, templates.InvitationMailText(view), out.String(), err
	}
}

func (d *dashboard) revokeInvitation(v *request) error {
	id, err := v.id("invitation")
	if err == nil {
		err = d.Organizations.RevokeInvitation(v.ctx(), v.actor(), v.org(), id)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathTeam), "The invitation is taken back.")
}

func (d *dashboard) setRole(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id, err := v.id("member")
	if err == nil {
		err = d.Organizations.SetRole(v.ctx(), v.actor(), v.org(), id, tenants.Role(form.Get("role")))
	}
	return d.teamChanged(v, err, "The role is changed. It holds from the next request on.")
}

// leave takes the member out of the organization.
func (d *dashboard) leave(v *request) error {
	if err := d.Organizations.Remove(v.ctx(), v.actor(), v.org(), v.session.Account.ID); err != nil {
		return d.teamChanged(v, err, "")
	}
	return seeOther(v, pathDashboard)
}

func (d *dashboard) removeMember(v *request) error {
	id, err := v.id("member")
	if err == nil {
		err = d.Organizations.Remove(v.ctx(), v.actor(), v.org(), id)
	}
	return d.teamChanged(v, err, "Removed. What they made stays.")
}

func (d *dashboard) teamChanged(v *request, err error, done string) error {
	if errors.Is(err, tenants.ErrLastOwner) {
		return d.renderTeam(v, http.StatusConflict, nil, nil, "An organization needs an owner. Make somebody else an owner first.")
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderTeam(v, http.StatusUnprocessableEntity, nil, nil, problems["role"])
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathTeam), done)
}
