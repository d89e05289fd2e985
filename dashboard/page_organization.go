package dashboard

import (
	"errors"
	"net/http"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// home leads to the projects of the organization that the member joined first, or to what they are invited to.
func (d *dashboard) home(v *request) error {
	if len(v.memberships) == 0 {
		return seeOther(v, pathInvitations)
	}
	v.membership = v.memberships[0]
	return seeOther(v, v.href(pathProjects))
}

func (d *dashboard) invitations(v *request) error {
	found, err := d.Organizations.Store.InvitationsFor(v.ctx(), v.session.Account.Email)
	if err != nil {
		return err
	}
	view := templates.InvitationsPage{Shell: d.layout(v, "Invitations", pathInvitations), Email: v.session.Account.Called(), Alone: len(v.memberships) == 0, NewHref: pathNewOrganization}
	for _, i := range found {
		line := templates.InvitationLine{ID: i.ID.String(), Organization: i.Organization.Name, Role: string(i.Role), Inviter: i.Inviter, ExpiresAt: i.ExpiresAt}
		if !i.Organization.Suspended {
			line.Action = v.href(pathAcceptInvitation, ":invited", line.ID)
		}
		view.Invitations = append(view.Invitations, line)
	}
	return web.Render(v, http.StatusOK, templates.Invitations(view))
}

// acceptInvitation takes no more than the id: who has proved the address may join, in the role that was offered (catalogue 218).
func (d *dashboard) acceptInvitation(v *request) error {
	id, err := v.id("invited")
	if err != nil {
		return err
	}
	if !v.session.Account.EmailVerified {
		return tenants.ErrForbidden
	}
	organization, err := d.Organizations.Store.AcceptInvitation(v.ctx(), v.session.Account.ID, v.session.Account.Email, id)
	switch {
	case errors.Is(err, tenants.ErrSuspended):
		return errSuspendedOrganization
	case errors.Is(err, tenants.ErrNotFound):
		return errNoInvitation
	}
	if err != nil {
		return err
	}
	v.membership.Organization = organization
	return d.done(v, v.href(pathProjects), "You joined the organization.")
}

func (d *dashboard) newOrganization(v *request) error {
	return d.renderNewOrganization(v, http.StatusOK, templates.Field{})
}

func (d *dashboard) renderNewOrganization(v *request, status int, name templates.Field) error {
	return web.Render(v, status, templates.NewOrganization(templates.NewOrganizationPage{Shell: d.layout(v, "Create an organization", ""), Action: pathOrganizations, Name: name}))
}

func (d *dashboard) createOrganization(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	organization, err := d.Organizations.Create(v.ctx(), v.session.Account.ID, form.Get("name"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderNewOrganization(v, http.StatusUnprocessableEntity, field(form, "name", problems["name"]))
	}
	if err != nil {
		return err
	}
	v.membership.Organization = organization
	return d.done(v, v.href(pathProjects), "The organization is there.")
}

func (d *dashboard) organizationSettings(v *request) error {
	return d.renderOrganization(v, http.StatusOK, templates.Field{Value: v.membership.Organization.Name}, "")
}

func (d *dashboard) renderOrganization(v *request, status int, name templates.Field, problem string) error {
	view := templates.OrganizationPage{Shell: d.layout(v, "Organization", pathOrgSettings), ID: v.org().String(), OrganizationName: v.membership.Organization.Name, Name: name, DeleteError: problem}
	if v.membership.Role.CanChangeMembers() {
		view.RenameAction = v.href(pathOrgSettings)
	}
	if v.membership.Role == tenants.RoleOwner {
		view.DeleteAction = v.href(pathDeleteOrg)
	}
	return web.Render(v, status, templates.OrganizationSettings(view))
}

func (d *dashboard) renameOrganization(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Organizations.Rename(v.ctx(), v.actor(), v.org(), form.Get("name"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderOrganization(v, http.StatusUnprocessableEntity, field(form, "name", problems["name"]), "")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathOrgSettings), "The organization has its new name.")
}

func (d *dashboard) deleteOrganization(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Organizations.Delete(v.ctx(), v.actor(), v.org(), v.membership.Organization.Name, form.Get("confirm"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderOrganization(v, http.StatusUnprocessableEntity, templates.Field{Value: v.membership.Organization.Name}, problems["confirm"])
	}
	if err != nil {
		return err
	}
	return d.done(v, pathDashboard, "The organization is deleted.")
}
