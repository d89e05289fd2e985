package dashboard

import (
	"errors"
	"net/http"
	"net/url"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) newProject(v *request) error {
	return d.renderNewProject(v, http.StatusOK, nil, nil, "")
}

// createProject leads to the set-up page, where the registration secret is shown this once.
func (d *dashboard) createProject(v *request) error {
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
	return d.madeServer(v, project, server, shown)
}

// madeServer leads to the page that says how to set up an MCP server that was just made.
func (d *dashboard) madeServer(v *request, project tenants.Project, server tenants.MCPServer, shown string) error {
	return d.made(v, v.href(pathSetUp, ":server", server.ID.String(), ":project", project.ID.String()), "", madeSecret{Secret: shown})
}

func (d *dashboard) renderNewProject(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	return web.Render(v, status, templates.NewProject(templates.NewProjectPage{
		Shell: d.layout(v, "Create a project", pathProjects), Action: v.href(pathProjects), CancelHref: v.href(pathProjects), CheckHref: v.href(pathCheckURL),
		Name: field(form, "name", problems["name"]), ServerURL: field(form, "server_url", problems["server_url"]), Alert: alert,
	}))
}
