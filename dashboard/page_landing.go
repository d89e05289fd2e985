package dashboard

import (
	"net/http"

	"github.com/mcpauth/mcpauth/internal/web"
	"github.com/mcpauth/mcpauth/templates"
)

// landing is the front page. It is shown without the database too: then nobody counts as signed in.
func (d *dashboard) landing(v *visit) error {
	_, err := d.sessionOf(v)
	return web.Render(v, http.StatusOK, templates.Landing(templates.LandingPage{
		SignUpHref: pathSignUp, SignInHref: pathSignIn, DashboardHref: pathDashboard, SignedIn: err == nil,
	}))
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
