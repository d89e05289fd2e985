package dashboard

import (
	"net/url"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

// layout is the frame of a page; current is the path of its entry in the left rail.
func (d *dashboard) layout(v *request, title, current string) templates.Shell {
	shell := templates.Shell{
		Title: title, MemberEmail: v.session.Account.Called(), Organization: v.membership.Organization.Name, Project: v.project.Name,
		HomeHref: pathDashboard, SignOutAction: pathSignOut, Now: d.Now(), Flash: d.flash(v),
		NewOrganizationHref: pathNewOrganization, AccountHref: pathAccount, ThemeAction: pathTheme, Theme: d.theme(v), Here: v.Request().URL.RequestURI(),
	}
	for _, m := range v.memberships {
		place := templates.Place{Name: m.Organization.Name, Href: (&request{membership: m}).href(pathProjects)}
		if m.Organization.ID == v.org() {
			shell.HomeHref = place.Href
		}
		shell.Organizations = append(shell.Organizations, place)
	}
	if v.org().IsZero() {
		return shell
	}
	switch {
	case v.membership.Organization.Suspended:
		shell.Banner = "This organization is suspended by whoever runs this service: nobody can connect to its MCP servers, and nothing can be changed. The audit log says why."
	case v.project.Held:
		shell.Banner = "This project is suspended by whoever runs this service: " + v.project.HeldReason
	}
	if shell.Banner == "" {
		shell.Banner = d.billingBanner(v)
	}
	for _, p := range d.pages() {
		if p.nav == (navigation{}) || !p.access.allows(v.membership.Role) || p.nav.group == groupProject && v.project.ID.IsZero() {
			continue
		}
		shell.Nav = append(shell.Nav, templates.NavItem{
			Label: p.nav.label, Icon: p.nav.icon, Group: p.nav.group, Href: v.href(p.path), Current: p.path == current,
		})
	}
	return shell
}

// theme is the colours that the member chose; empty: the system's.
func (d *dashboard) theme(v *request) string {
	if theme := d.cookies.Get(v, cookieTheme); theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

// setTheme remembers the colours in the browser and goes back to the page.
func (d *dashboard) setTheme(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	switch theme := form.Get("theme"); theme {
	case "light", "dark":
		d.cookies.Set(v, cookieTheme, theme, themeLifetime)
	default:
		d.cookies.Clear(v, cookieTheme)
	}
	return seeOther(v, web.LocalPath(form.Get("next"), pathDashboard))
}

// field is a form field as it is shown again.
func field(form url.Values, name, problem string) templates.Field {
	return templates.Field{Value: form.Get(name), Error: problem}
}
