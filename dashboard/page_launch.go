package dashboard

import (
	"errors"
	"net/http"
	"net/url"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// launchLinks is where each point of the checklist is put right.
var launchLinks = map[string]struct{ path, label string }{
	"running": {pathDanger, "Resume"}, "issuer": {pathSettings, "Addresses"}, "server": {pathServers, "MCP servers"}, "guard": {pathServers, "Set it up"},
	"connected": {pathActivity, "Activity"}, "called": {pathActivity, "Activity"}, "scopes": {pathScopes, "Say it in words"}, "sign_in": {pathSignInSettings, "Sign-in"},
	"brand": {pathBrand, "Branding"}, "support": {pathBrand, "Branding"}, "owners": {pathTeam, "Team"},
}

func (d *dashboard) launch(v *request) error {
	return d.renderLaunch(v, http.StatusOK, nil, nil, "")
}

func (d *dashboard) launchFacts(v *request) (facts tenants.LaunchFacts, err error) {
	ctx, actor, org, project := v.ctx(), v.actor(), v.org(), v.project.ID
	facts = tenants.LaunchFacts{Project: v.project, Reviewed: true, Now: d.Now()}
	if facts.Servers, err = d.Projects.Servers(ctx, actor, org, project); err != nil {
		return facts, err
	}
	detail, err := d.Projects.Find(ctx, actor, org, project)
	if err != nil {
		return facts, err
	}
	facts.Scopes = detail.Scopes
	if facts.Settings, err = d.Projects.Settings(ctx, actor, org, project); err != nil {
		return facts, err
	}
	brands, err := d.Projects.Brands(ctx, actor, org, project)
	if err != nil {
		return facts, err
	}
	for _, b := range brands {
		if b.Version == facts.Settings.BrandVersion {
			facts.Brand = b
		}
	}
	if facts.Providers, err = d.Projects.Providers(ctx, actor, org, project); err != nil {
		return facts, err
	}
	members, err := d.Organizations.Members(ctx, actor, org)
	if err != nil {
		return facts, err
	}
	for _, m := range members {
		if m.Role == tenants.RoleOwner {
			facts.Owners++
		}
	}
	for _, s := range facts.Servers {
		facts.Connected = facts.Connected || s.Connections > 0
		use, err := d.Projects.ToolUse(ctx, actor, org, project, s.ID)
		if err != nil {
			return facts, err
		}
		for _, u := range use {
			facts.Called = facts.Called || u.Calls > 0
		}
	}
	if d.Reviews {
		facts.Reviewed = v.project.Reviewed
	}
	return facts, nil
}

func (d *dashboard) renderLaunch(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	facts, err := d.launchFacts(v)
	if err != nil {
		return err
	}
	view := templates.LaunchPage{Shell: d.layout(v, "Launch", pathLaunch), Production: v.project.Production, Alert: alert,
		Name: field(form, "name", problems["name"]), ServerURL: field(form, "server_url", problems["server_url"]), To: field(form, "to", problems["to"])}
	for _, p := range facts.Checklist() {
		line := templates.LaunchLine{Key: p.Key, State: string(p.State), Text: p.Text}
		if link, ok := launchLinks[p.Key]; ok && p.State != tenants.LaunchDone {
			line.Href, line.Link = v.href(link.path), link.label
		}
		view.Points = append(view.Points, line)
	}
	if v.mayChange() {
		view.EnvironmentAction, view.CreateAction = v.href(pathEnvironment), v.href(pathLaunchCreate)
		others, err := d.Projects.List(v.ctx(), v.actor(), v.org())
		if err != nil {
			return err
		}
		for _, p := range others {
			if p.ID != v.project.ID {
				view.Others = append(view.Others, templates.Choice{Value: p.ID.String(), Label: p.Name + " (" + p.Slug + ")"})
			}
		}
		if len(view.Others) > 0 {
			view.CopyAction = v.href(pathLaunchCopy)
		}
	}
	return web.Render(v, status, templates.Launch(view))
}

func (d *dashboard) setEnvironment(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	production := form.Get("environment") == "production"
	if err := d.Projects.SetProduction(v.ctx(), v.actor(), v.org(), v.project.ID, production); err != nil {
		if errors.Is(err, tenants.ErrLimit) {
			return d.renderLaunch(v, http.StatusConflict, nil, nil, limitWords(err, "This organization has as many production projects as it may have."))
		}
		return err
	}
	if production {
		return d.done(v, v.href(pathLaunch), "This project is for production.")
	}
	return d.done(v, v.href(pathLaunch), "This project is for development.")
}

// createLike leads to the set-up page of the new project, where the registration secret is shown this once.
func (d *dashboard) createLike(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	project, server, shown, err := d.Projects.CreateLike(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("name"), form.Get("server_url"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderLaunch(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, tenants.ErrLimit) {
		return d.renderLaunch(v, http.StatusConflict, form, nil, limitWords(err, "This organization has as many production projects as it may have."))
	}
	if err != nil {
		return err
	}
	return d.madeServer(v, project, server, shown)
}

func (d *dashboard) copySettings(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	to, err := id.Parse(form.Get("to"))
	if err != nil {
		return d.renderLaunch(v, http.StatusUnprocessableEntity, form, map[string]string{"to": "Choose a project."}, "")
	}
	err = d.Projects.CopySettings(v.ctx(), v.actor(), v.org(), v.project.ID, to)
	if problems, ok := fieldErrors(err); ok {
		return d.renderLaunch(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathLaunch, ":project", to.String()), "Copied. Sign-in providers and your own login carry credentials: set them up here anew.")
}
