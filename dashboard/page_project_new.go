package dashboard

import (
	"errors"
	"net/http"
	"net/url"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) newProject(v *visit) error {
	return d.renderNewProject(v, http.StatusOK, nil, nil, "")
}

// createProject answers with the set-up page itself: the registration secret is on it, this once.
func (d *dashboard) createProject(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	project, server, shown, err := d.Projects.Create(v.ctx(), v.actor(), v.org(), form.Get("name"), form.Get("server_url"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderNewProject(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, tenants.ErrConflict) {
		return d.renderNewProject(v, http.StatusConflict, form, nil, "No address could be made from this name, because all of them are taken. Try another name.")
	}
	if err != nil {
		return err
	}
	return d.renderSetUpOf(v, project, server, shown)
}

// renderSetUpOf shows how to set up a project that was just made.
func (d *dashboard) renderSetUpOf(v *visit, project tenants.Project, server tenants.MCPServer, shown string) error {
	v.project = project
	v.SetParamNames("organization", "project", "server")
	v.SetParamValues(v.org().String(), project.ID.String(), server.ID.String())
	return d.renderSetUp(v, http.StatusCreated, shown)
}

func (d *dashboard) renderNewProject(v *visit, status int, form url.Values, problems map[string]string, alert string) error {
	return web.Render(v, status, templates.NewProject(templates.NewProjectPage{
		Shell: d.shell(v, "Create a project", pathProjects), Action: v.href(pathProjects), CancelHref: v.href(pathProjects), CheckHref: v.href(pathCheckURL),
		Name: field(form, "name", problems["name"]), ServerURL: field(form, "server_url", problems["server_url"]), Alert: alert,
	}))
}
