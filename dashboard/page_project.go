package dashboard

import (
	"errors"
	"net/http"

	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/internal/web"
	"github.com/mcpauth/mcpauth/oauth"
	"github.com/mcpauth/mcpauth/templates"
	"github.com/mcpauth/mcpauth/tenants"
)

// newSecret is a registration secret that was made by this request. The zero value is none.
type newSecret struct {
	server secret.ID
	text   string
}

// showProject is the overview.
func (d *dashboard) showProject(v *visit) error {
	return d.renderProject(v, http.StatusOK, v.project.ID, newSecret{})
}

// createSecret answers with the project's page itself: the secret is on it, this once.
func (d *dashboard) createSecret(v *visit) error {
	project, err := v.id("project")
	server, serverErr := v.id("server")
	if err := errors.Join(err, serverErr); err != nil {
		return err
	}
	_, shown, err := d.Projects.CreateSecret(v.ctx(), v.actor(), v.membership.Organization.ID, project, server)
	if errors.Is(err, tenants.ErrLimit) {
		return web.Render(v, http.StatusConflict, templates.Message(templates.MessagePage{
			Title: "This server has enough secrets", Text: "No secret was created.", Expected: "fewer than ten secrets in use at once",
			Steps: []string{"Revoke a secret that is not used any more, then create another one."}, LinkText: "Back to the project",
			LinkURL: v.href(pathProject, ":project", project.String()),
		}))
	}
	if err != nil {
		return err
	}
	return d.renderProject(v, http.StatusCreated, project, newSecret{server: server, text: shown})
}

func (d *dashboard) revokeSecret(v *visit) error {
	project, err := v.id("project")
	id, idErr := v.id("secret")
	if err := errors.Join(err, idErr); err != nil {
		return err
	}
	if err := d.Projects.RevokeSecret(v.ctx(), v.actor(), v.membership.Organization.ID, project, id); err != nil {
		return err
	}
	return seeOther(v, v.href(pathProject, ":project", project.String()))
}

func (d *dashboard) renderProject(v *visit, status int, id secret.ID, created newSecret) error {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.membership.Organization.ID, id)
	if err != nil {
		return err
	}
	view := templates.ProjectPage{
		Shell: d.shell(v, found.Name, pathProject), Name: found.Name, Issuer: found.Issuer, Aliases: found.Aliases,
		MetadataURL: oauth.MetadataURL(found.Issuer), Suspended: found.Suspended, Secret: created.text,
		Snippets: snippets(found, created),
	}
	if created.text != "" {
		view.EnvFile = envLine(created.text) + "\n"
	}
	for _, scope := range found.Scopes {
		view.Scopes = append(view.Scopes, templates.ScopeLine{Name: scope.Name, Description: scope.Description})
	}
	for _, server := range found.Servers {
		view.Servers = append(view.Servers, serverRow(v, found, server))
	}
	return web.Render(v, status, templates.Project(view))
}

// serverRow is one MCP server with its living secrets; without the role to change anything it has no buttons.
func serverRow(v *visit, project tenants.ProjectDetail, server tenants.MCPServer) templates.ServerRow {
	row := templates.ServerRow{Name: server.Name, URL: server.Resource}
	if v.mayChange() {
		row.CreateAction = v.href(pathSecrets, ":project", project.ID.String(), ":server", server.ID.String())
	}
	for _, s := range project.Secrets {
		if s.MCPServerID != server.ID {
			continue
		}
		shown := templates.SecretRow{ID: s.ID.String(), LastFour: s.LastFour, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt}
		if v.mayChange() {
			shown.RevokeAction = v.href(pathRevoke, ":project", project.ID.String(), ":secret", s.ID.String())
		}
		row.Secrets = append(row.Secrets, shown)
	}
	return row
}
