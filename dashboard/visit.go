package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/internal/signin"
	"github.com/mcpauth/mcpauth/templates"
	"github.com/mcpauth/mcpauth/tenants"
)

// Names of the cookies, before the prefix.
const (
	cookieSession = "mcpauth_member"           // token of the session
	cookieBrowser = "mcpauth_member_browser"   // opaque value that a code is bound to
	cookieSignUp  = "mcpauth_member_challenge" // which code is on its way to which address, to show the form again
)

// visit is one request: who it is from, and, below an organization, with which role.
type visit struct {
	echo.Context
	session     signin.Session // zero: nobody is signed in
	memberships []tenants.Membership
	membership  tenants.Membership // of the organization in the path
}

// serve wraps a page in its check. Without a session a page to look at leads to sign-in and back; another organization is not there.
func (d *dashboard) serve(p page) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := &visit{Context: c}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		if p.access == anyone {
			return p.handler(v)
		}
		var err error
		if v.session, err = d.sessionOf(c); err != nil {
			if errors.Is(err, signin.ErrNotFound) {
				return seeOther(c, pathSignIn+next(c.Request()))
			}
			return err
		}
		if v.memberships, err = d.Memberships.Memberships(c.Request().Context(), v.session.Account.ID); err != nil {
			return err
		}
		if p.access != members {
			if err := v.enter(p.access); err != nil {
				return err
			}
		}
		return p.handler(v)
	}
}

// enter finds the membership in the organization of the path (catalogue 216: another one's is not found rather than forbidden).
func (v *visit) enter(needed access) error {
	organization, err := v.id("organization")
	if err != nil {
		return err
	}
	for _, m := range v.memberships {
		if m.Organization.ID == organization {
			if v.membership = m; !needed.allows(m.Role) {
				return tenants.ErrForbidden
			}
			return nil
		}
	}
	return tenants.ErrNotFound
}

// next remembers where somebody wanted to go. A posted form is not sent again.
func next(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == pathDashboard {
		return ""
	}
	return "?" + url.Values{"next": {r.URL.Path}}.Encode()
}

// sessionOf returns signin.ErrNotFound when nobody is signed in.
func (d *dashboard) sessionOf(c echo.Context) (signin.Session, error) {
	token := d.cookies.Get(c, cookieSession)
	if token == "" {
		return signin.Session{}, signin.ErrNotFound
	}
	return d.SignIn.Session(c.Request().Context(), d.Accounts, token)
}

func (v *visit) ctx() context.Context { return v.Request().Context() }

func (v *visit) actor() tenants.Actor { return tenants.MemberActor(v.session.Account.ID) }

// id reads an id of the path; what is no id names nothing.
func (v *visit) id(name string) (secret.ID, error) {
	id, err := secret.ParseID(v.Param(name))
	if err != nil {
		return secret.ID{}, tenants.ErrNotFound
	}
	return id, nil
}

// mayChange reports whether the member may change projects of the organization.
func (v *visit) mayChange() bool { return v.membership.Role.CanChangeProjects() }

// href fills the path of a page with this organization's id and further pairs of name and value.
func (v *visit) href(path string, pairs ...string) string {
	names := append([]string{":organization", v.membership.Organization.ID.String()}, pairs...)
	return strings.NewReplacer(names...).Replace(path)
}

// shell is the frame of a page; current is the path of its entry in the left rail, project the open one, if any.
func (d *dashboard) shell(v *visit, title, current string, project tenants.Project) templates.Shell {
	shell := templates.Shell{
		Title: title, MemberEmail: v.session.Account.Email, Organization: v.membership.Organization.Name, Project: project.Name,
		HomeHref: v.href(pathProjects), SignOutAction: pathSignOut, Now: d.Now(),
	}
	for _, p := range d.pages() {
		if p.nav == (navigation{}) || !p.access.allows(v.membership.Role) || p.nav.group == groupProject && project.ID.IsZero() {
			continue
		}
		shell.Nav = append(shell.Nav, templates.NavItem{
			Label: p.nav.label, Icon: p.nav.icon, Group: p.nav.group, Href: v.href(p.path, ":project", project.ID.String()),
			Current: p.path == current,
		})
	}
	return shell
}

func seeOther(c echo.Context, path string) error { return c.Redirect(http.StatusSeeOther, path) }

// field is a form field as it is shown again.
func field(form url.Values, name, problem string) templates.Field {
	return templates.Field{Value: form.Get(name), Error: problem}
}
