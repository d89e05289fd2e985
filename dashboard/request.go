package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/tenants"
)

// Names of the cookies, before the prefix.
const (
	cookieSession = "mcpauth_member"           // token of the session
	cookieBrowser = "mcpauth_member_browser"   // opaque value that a code is bound to
	cookieSignUp  = "mcpauth_member_challenge" // which code is on its way to which address, to show the form again
	cookieGitHub  = "mcpauth_github"           // a sign-in that is under way at GitHub, sealed
	cookieTest    = "mcpauth_test"             // the authorization that a member tries, sealed
	cookieTheme   = "mcpauth_theme"            // light or dark
	cookieFlash   = "mcpauth_flash"            // what was just done, for the next page
)

// themeLifetime is how long a browser remembers the colours.
const themeLifetime = 365 * 24 * time.Hour

// request is one request: who it is from, and, below an organization, with which role, and below a project, which one.
type request struct {
	echo.Context
	session     signin.Session // zero: nobody is signed in
	memberships []tenants.Membership
	membership  tenants.Membership // of the organization in the path
	project     tenants.Project    // in the path; it belongs to the organization
}

// serve wraps a page in its check. Without a session a page to look at leads to sign-in and back; another organization is not there.
func (d *dashboard) serve(p page) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := &request{Context: c}
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		if err := web.CheckAddress(c); err != nil {
			return err
		}
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
			if err := d.enter(v, p); err != nil {
				return err
			}
		}
		if p.proof.recent && !d.proved(v) {
			return d.proveAgain(v, p)
		}
		return p.handler(v)
	}
}

// enter finds the membership in the organization of the path, and the project of the path in that organization (catalogue 216: what is
// another one's is not found rather than forbidden).
func (d *dashboard) enter(v *request, p page) error {
	organization, err := v.id("organization")
	if err != nil {
		return err
	}
	for _, m := range v.memberships {
		if m.Organization.ID == organization {
			v.membership = m
		}
	}
	if v.membership.Organization.ID.IsZero() {
		return tenants.ErrNotFound
	}
	if strings.Contains(p.path, "/:project") {
		id, err := v.id("project")
		if err != nil {
			return err
		}
		if v.project, err = d.Projects.Open(v.ctx(), v.actor(), organization, id); err != nil {
			return err
		}
	}
	if !p.access.allows(v.membership.Role) {
		return tenants.ErrForbidden
	}
	if v.membership.Organization.Suspended && p.method != http.MethodGet {
		return tenants.ErrSuspended
	}
	return nil
}

// next remembers where somebody wanted to go. A posted form is not sent again.
func next(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == pathDashboard {
		return ""
	}
	return "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
}

// sessionOf returns signin.ErrNotFound when nobody is signed in.
func (d *dashboard) sessionOf(c echo.Context) (signin.Session, error) {
	token, begun := c.Get(cookieSession).(string) // of a session that this request began
	if !begun {
		token = d.cookies.Get(c, cookieSession)
	}
	if token == "" {
		return signin.Session{}, signin.ErrNotFound
	}
	return d.SignIn.Session(c.Request().Context(), d.Accounts, token)
}

func (v *request) ctx() context.Context { return v.Request().Context() }

func (v *request) actor() tenants.Actor { return tenants.MemberActor(v.session.Account.ID) }

// org is the organization of the path.
func (v *request) org() id.ID { return v.membership.Organization.ID }

// id reads an id of the path; what is no id names nothing.
func (v *request) id(name string) (id.ID, error) {
	parsed, err := id.Parse(v.Param(name))
	if err != nil {
		return id.ID{}, tenants.ErrNotFound
	}
	return parsed, nil
}

// form reads the posted form.
func (v *request) form() (url.Values, error) { return web.Form(v) }

// mayChange reports whether the member may change projects of the organization.
func (v *request) mayChange() bool { return v.membership.Role.CanChangeProjects() }

// href fills the path of a page with the ids of this organization and project and with further pairs of name and value.
func (v *request) href(path string, pairs ...string) string {
	names := append([]string{}, pairs...)
	names = append(names, ":organization", v.membership.Organization.ID.String())
	if !v.project.ID.IsZero() {
		names = append(names, ":project", v.project.ID.String())
	}
	for i := 1; i < len(names); i += 2 {
		names[i] = url.PathEscape(names[i])
	}
	return strings.NewReplacer(names...).Replace(path)
}

// flashLifetime is how long a message waits for the page that shows it.
const flashLifetime = time.Minute

// done leads to a page that says what was just done.
func (d *dashboard) done(v *request, path, message string) error {
	d.cookies.Set(v, cookieFlash, secret.Encode([]byte(message)), flashLifetime)
	return seeOther(v, path)
}

// flash takes the message that waits for this page.
func (d *dashboard) flash(v *request) string {
	value := d.cookies.Get(v, cookieFlash)
	if value == "" {
		return ""
	}
	d.cookies.Clear(v, cookieFlash)
	text, err := secret.Decode(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// madeSecret is a secret that the next page shows, this once. Of is what it belongs to, where a page has several.
type madeSecret struct{ Secret, Of string }

// made leads to the page of what was just made, with the secret that it shows this once, if it has one, and a message, if there is one.
func (d *dashboard) made(v *request, path, message string, s madeSecret) error {
	if s.Secret != "" {
		if err := d.once.Keep(v, path, v.sitting(), s); err != nil {
			return err
		}
	}
	if message == "" {
		return seeOther(v, path)
	}
	return d.done(v, path, message)
}

// madeSecret takes the secret that waits for this page.
func (d *dashboard) madeSecret(v *request) (s madeSecret) {
	d.once.Take(v, v.Request().URL.Path, v.sitting(), &s)
	return s
}

// sitting is whose page it is: this member in this session.
func (v *request) sitting() []byte { return secret.Join(v.session.Account.ID[:], v.session.ID[:]) }

func seeOther(c echo.Context, path string) error { return c.Redirect(http.StatusSeeOther, path) }
