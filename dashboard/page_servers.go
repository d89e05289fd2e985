package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/templates/ui"
	"mcpauth.example/tenants"
)

// counted is a number that lists do not count to its end.
func counted(n, most int) string {
	if n > most {
		return ui.Number(most) + "+"
	}
	return ui.Number(n)
}

func (d *dashboard) servers(v *request) error {
	found, err := d.Projects.Servers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.ServersPage{Shell: d.layout(v, "MCP servers", pathServers), ScopesHref: v.href(pathScopes)}
	if v.mayChange() {
		view.NewHref = v.href(pathNewServer)
	}
	for _, s := range found {
		view.Servers = append(view.Servers, templates.ServerLine{
			Name: s.Name, URL: s.Resource, Href: v.href(pathServer, ":server", s.ID.String()), SetUpHref: v.href(pathSetUp, ":server", s.ID.String()),
			Secrets: s.Secrets, SecretUsed: s.SecretUsed, Connections: counted(s.Connections, tenants.CountedTo),
		})
	}
	return web.Render(v, http.StatusOK, templates.Servers(view))
}

func (d *dashboard) newServer(v *request) error {
	return d.renderNewServer(v, http.StatusOK, nil, nil, "")
}

// addServer leads to the set-up page, where the registration secret is shown this once.
func (d *dashboard) addServer(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	server, shown, err := d.Projects.AddServer(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("name"), form.Get("server_url"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderNewServer(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, tenants.ErrLimit) {
		return d.renderNewServer(v, http.StatusConflict, form, nil, limitWords(err, "This project has as many MCP servers as it may have. Remove one that is not used."))
	}
	if err != nil {
		return err
	}
	return d.madeServer(v, v.project, server, shown)
}

func (d *dashboard) renderNewServer(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	return web.Render(v, status, templates.NewServer(templates.NewServerPage{
		Shell: d.layout(v, "Add an MCP server", pathServers), Action: v.href(pathServers), CancelHref: v.href(pathServers), CheckHref: v.href(pathCheckURL),
		Name: field(form, "name", problems["name"]), ServerURL: field(form, "server_url", problems["server_url"]), Alert: alert,
	}))
}

// findServer is the MCP server of the path with its use.
func (d *dashboard) findServer(v *request) (tenants.ServerSummary, error) {
	id, err := v.id("server")
	if err != nil {
		return tenants.ServerSummary{}, err
	}
	found, err := d.Projects.Servers(v.ctx(), v.actor(), v.org(), v.project.ID)
	for _, s := range found {
		if s.ID == id {
			return s, nil
		}
	}
	if err == nil {
		err = tenants.ErrNotFound
	}
	return tenants.ServerSummary{}, err
}

func (d *dashboard) server(v *request) error {
	return d.renderServer(v, http.StatusOK, nil, nil, "")
}

// renderServer shows a server; the problem of a confirmation belongs to the form that id names.
func (d *dashboard) renderServer(v *request, status int, form url.Values, problems map[string]string, id string) error {
	s, err := d.findServer(v)
	if err != nil {
		return err
	}
	tools, err := d.Projects.ToolUse(v.ctx(), v.actor(), v.org(), v.project.ID, s.ID)
	if err != nil {
		return err
	}
	href := func(path string) string { return v.href(path, ":server", s.ID.String()) }
	view := templates.ServerPage{
		Shell: d.layout(v, s.Name, pathServers), Name: s.Name, URL: s.Resource, ListHref: v.href(pathServers), SetUpHref: href(pathSetUp), KeysHref: v.href(pathKeys),
		ConnectionsHref: v.href(pathConnections) + "?server=" + s.ID.String(), Connections: counted(s.Connections, tenants.CountedTo), CreatedAt: s.CreatedAt, SecretUsed: s.SecretUsed,
		Rename: templates.Field{Value: s.Name},
	}
	if v.mayChange() {
		view.RenameAction, view.RemoveAction, view.EndAction = href(pathRenameServer), href(pathRemoveServer), href(pathEndServer)
	}
	switch id {
	case "rename":
		view.Rename = field(form, "name", problems["name"])
	case "remove":
		view.RemoveError = problems["confirm"]
	case "end":
		view.EndError = problems["confirm"]
	}
	for _, t := range tools {
		view.Tools = append(view.Tools, templates.ToolLine(t))
	}
	return web.Render(v, status, templates.Server(view))
}

func (d *dashboard) renameServer(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id, err := v.id("server")
	if err == nil {
		err = d.Projects.RenameServer(v.ctx(), v.actor(), v.org(), v.project.ID, id, form.Get("name"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderServer(v, http.StatusUnprocessableEntity, form, problems, "rename")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathServer, ":server", id.String()), "The server has its new name.")
}

// confirmed runs a dangerous act on an MCP server once its name was typed.
func (d *dashboard) confirmed(v *request, id string, act func(tenants.ServerSummary) error) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	s, err := d.findServer(v)
	if err == nil {
		err = tenants.Confirm(form.Get("confirm"), s.Name)
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderServer(v, http.StatusUnprocessableEntity, form, problems, id)
	}
	if err != nil {
		return err
	}
	return act(s)
}

func (d *dashboard) removeServer(v *request) error {
	return d.confirmed(v, "remove", func(s tenants.ServerSummary) error {
		if err := d.Projects.RemoveServer(v.ctx(), v.actor(), v.org(), v.project.ID, s.ID); err != nil {
			return err
		}
		return d.done(v, v.href(pathServers), "The server is removed, and its connections ended.")
	})
}

func (d *dashboard) endServer(v *request) error {
	return d.confirmed(v, "end", func(s tenants.ServerSummary) error {
		ended, err := d.Projects.EndGrants(v.ctx(), v.actor(), v.org(), v.project.ID, id.ID{}, "", s.ID)
		if err != nil {
			return err
		}
		return d.done(v, v.href(pathServer, ":server", s.ID.String()), endedWords(ended))
	})
}

func endedWords(ended int) string {
	switch ended {
	case 0:
		return "There was no connection to end."
	case 1:
		return "One connection ended."
	default:
		return strconv.Itoa(ended) + " connections ended."
	}
}

// limitWords says which limit was reached and what to do.
func limitWords(err error, otherwise string) string {
	if limit, ok := errors.AsType[*tenants.LimitError](err); ok {
		return limit.Error()
	}
	return otherwise
}

// shortDate is a day for sentences.
func shortDate(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }
