package dashboard

import (
	"net/http"

	"github.com/mcpauth/mcpauth/internal/web"
	"github.com/mcpauth/mcpauth/templates"
)

func (d *dashboard) projects(v *visit) error {
	found, err := d.Projects.List(v.ctx(), v.actor(), v.membership.Organization.ID)
	if err != nil {
		return err
	}
	view := templates.ProjectsPage{Shell: d.shell(v, "Projects", pathProjects)}
	if v.mayChange() {
		view.CreateHref = v.href(pathNewProject)
	}
	for _, p := range found {
		view.Projects = append(view.Projects, templates.ProjectRow{
			Name: p.Name, Href: v.href(pathProject, ":project", p.ID.String()), Issuer: p.Issuer, ServerURL: p.ServerURL,
			Suspended: p.Suspended, CreatedAt: p.CreatedAt,
		})
	}
	return web.Render(v, http.StatusOK, templates.Projects(view))
}

// home leads to the projects of the organization that the member joined first.
func (d *dashboard) home(v *visit) error {
	if len(v.memberships) == 0 {
		return web.Render(v, http.StatusOK, templates.Message(templates.MessagePage{
			Title: "You belong to no organization", Text: "You are signed in as " + v.session.Account.Email + ".",
			Steps: []string{"Ask an owner of your organization to invite this address."},
		}))
	}
	v.membership = v.memberships[0]
	return seeOther(v, v.href(pathProjects))
}
