package dashboard

import (
	"net/http"

	"mcpauth.example/internal/names"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
)

// landing is the front page.
func (d *dashboard) landing(v *request) error {
	site, _ := d.site(v, "")
	return web.Render(v, http.StatusOK, templates.Landing(templates.LandingPage{Site: site}))
}

// site is the frame of a public page. It is shown without the database too: then nobody counts as signed in.
func (d *dashboard) site(v *request, current string) (templates.Site, signin.Session) {
	session, err := d.sessionOf(v)
	return templates.Site{
		SignUpHref: pathSignUp, SignInHref: pathSignIn, DashboardHref: pathDashboard, SignedIn: err == nil, Theme: d.theme(v), Version: names.Version,
		Current: current,
	}, session
}
