package dashboard

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) scopes(v *request) error {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.ScopesPage{
		Shell: d.layout(v, "Scopes and tools", pathServers), ServersHref: v.href(pathServers), SelectableAction: v.href(pathSelectable), Selectable: settings.ScopesSelectable,
		MayChange: v.mayChange(), Remarks: scopeRemarks(found.Scopes),
	}
	if v.mayChange() {
		view.NewHref = v.href(pathNewScope)
	}
	for _, s := range found.Scopes {
		view.Scopes = append(view.Scopes, templates.ScopeRow{
			Name: s.Name, Description: s.Description, Default: s.Default, Tools: s.Tools,
			EditHref: v.href(pathScope, ":scope", s.Name), UpAction: v.href(pathMoveScope, ":scope", s.Name),
		})
	}
	return web.Render(v, http.StatusOK, templates.Scopes(view))
}

// scopeRemarks says what people or clients could stumble over.
func scopeRemarks(scopes []tenants.Scope) (remarks []string) {
	groups := map[string][]string{}
	for _, s := range scopes {
		for _, tool := range s.Tools {
			groups[tool] = append(groups[tool], s.Name)
		}
		if strings.EqualFold(s.Description, s.Name) {
			remarks = append(remarks, "People read \""+s.Description+"\" as it is. Say what happens in their name.")
		}
	}
	for _, tool := range slices.Sorted(maps.Keys(groups)) {
		if len(groups[tool]) > 1 {
			remarks = append(remarks, "The tool "+tool+" stands in several groups, so it needs all of "+strings.Join(groups[tool], ", ")+".")
		}
	}
	if len(scopes) > 8 {
		remarks = append(remarks, "People read two or three lines, not more. Think of putting scopes together.")
	}
	return remarks
}

func (d *dashboard) newScope(v *request) error {
	return d.renderScope(v, http.StatusOK, tenants.Scope{}, true, nil, nil)
}

// findScope is the scope that the path names.
func (d *dashboard) findScope(v *request) (tenants.Scope, error) {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return tenants.Scope{}, err
	}
	wanted, err := url.PathUnescape(v.Param("scope"))
	i := slices.IndexFunc(found.Scopes, func(s tenants.Scope) bool { return err == nil && s.Name == wanted })
	if i < 0 {
		return tenants.Scope{}, tenants.ErrNotFound
	}
	return found.Scopes[i], nil
}

func (d *dashboard) scope(v *request) error {
	scope, err := d.findScope(v)
	if err != nil {
		return err
	}
	return d.renderScope(v, http.StatusOK, scope, false, nil, nil)
}

func scopeOf(form url.Values, name string) tenants.Scope {
	return tenants.Scope{Name: name, Description: form.Get("description"), Default: form.Get("default") == "yes", Tools: lines(form.Get("tools"))}
}

// lines are the lines of a text that hold something.
func lines(text string) (out []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func (d *dashboard) addScope(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	scope := scopeOf(form, strings.TrimSpace(form.Get("name")))
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(found.Scopes, func(s tenants.Scope) bool { return s.Name == scope.Name }) {
		err = tenants.FieldError{Field: "name", Message: "There is a scope of this name already."}
	} else {
		err = d.Projects.SetScope(v.ctx(), v.actor(), v.org(), v.project.ID, scope)
	}
	if errors.Is(err, tenants.ErrLimit) {
		err = tenants.FieldError{Field: "name", Message: "This project has as many scopes as it may have. Delete one that is not used."}
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderScope(v, http.StatusUnprocessableEntity, scope, true, form, problems)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathScopes), "The scope is there. Guards learn of it within a minute.")
}

func (d *dashboard) changeScope(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	known, err := d.findScope(v)
	if err != nil {
		return err
	}
	scope := scopeOf(form, known.Name)
	err = d.Projects.SetScope(v.ctx(), v.actor(), v.org(), v.project.ID, scope)
	if problems, ok := fieldErrors(err); ok {
		return d.renderScope(v, http.StatusUnprocessableEntity, scope, false, form, problems)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathScopes), "Saved. Guards learn of it within a minute.")
}

func (d *dashboard) renderScope(v *request, status int, s tenants.Scope, isNew bool, form url.Values, problems map[string]string) error {
	tools := strings.Join(s.Tools, "\n")
	if form != nil {
		tools = form.Get("tools")
	}
	view := templates.ScopePage{
		Shell: d.layout(v, "Add a scope", pathServers), New: isNew, Action: v.href(pathScopes), CancelHref: v.href(pathScopes), Default: s.Default, DefaultError: problems["default"],
		Name: templates.Field{Value: s.Name, Error: problems["name"]}, Description: templates.Field{Value: s.Description, Error: problems["description"]},
		Tools: templates.Field{Value: tools, Error: problems["tools"]},
	}
	if !isNew {
		view.Title = s.Name
		view.Action, view.DeleteAction = v.href(pathScope, ":scope", s.Name), v.href(pathDeleteScope, ":scope", s.Name)
	}
	unassigned, err := d.unassigned(v)
	view.Unassigned = unassigned
	if err != nil {
		return err
	}
	return web.Render(v, status, templates.Scope(view))
}

// unassigned are tools that were called and stand in no group.
func (d *dashboard) unassigned(v *request) (tools []string, err error) {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return nil, err
	}
	for _, server := range found.Servers {
		used, err := d.Projects.ToolUse(v.ctx(), v.actor(), v.org(), v.project.ID, server.ID)
		if err != nil {
			return nil, err
		}
		for _, u := range used {
			if u.Tool != "" && !slices.Contains(tools, u.Tool) && !slices.ContainsFunc(found.Scopes, func(s tenants.Scope) bool { return slices.Contains(s.Tools, u.Tool) }) {
				tools = append(tools, u.Tool)
			}
		}
	}
	return tools, nil
}

func (d *dashboard) deleteScope(v *request) error {
	scope, err := d.findScope(v)
	if err == nil {
		err = d.Projects.DeleteScope(v.ctx(), v.actor(), v.org(), v.project.ID, scope.Name)
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderScope(v, http.StatusUnprocessableEntity, scope, false, nil, problems)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathScopes), "The scope is deleted.")
}

func (d *dashboard) moveScope(v *request) error {
	scope, err := d.findScope(v)
	if err == nil {
		err = d.Projects.MoveScope(v.ctx(), v.actor(), v.org(), v.project.ID, scope.Name)
	}
	if err != nil {
		return err
	}
	return seeOther(v, v.href(pathScopes))
}

func (d *dashboard) setSelectable(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if err := d.Projects.SetScopesSelectable(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("selectable") == "yes"); err != nil {
		return err
	}
	return d.done(v, v.href(pathScopes), "Saved.")
}
