package dashboard

import (
	"net/http"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

func (d *dashboard) projects(v *request) error {
	found, err := d.Projects.List(v.ctx(), v.actor(), v.membership.Organization.ID)
	if err != nil {
		return err
	}
	view := templates.ProjectsPage{Shell: d.layout(v, "Projects", pathProjects)}
	if v.mayChange() {
		view.CreateHref = v.href(pathNewProject)
	}
	for _, p := range found {
		view.Projects = append(view.Projects, templates.ProjectRow{
			Name: p.Name, Href: v.href(pathProject, ":project", p.ID.String()), Issuer: p.Issuer, ServerURL: p.ServerURL,
			Suspended: p.Suspended || p.Held, Production: p.Production, CreatedAt: p.CreatedAt,
		})
	}
	return web.Render(v, http.StatusOK, templates.Projects(view))
}
