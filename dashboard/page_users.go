package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) users(v *request) error {
	return d.renderUsers(v, http.StatusOK, nil, nil)
}

// renderUsers shows the code of a reviewer's account that was just made, this once.
func (d *dashboard) renderUsers(v *request, status int, form url.Values, problems map[string]string) error {
	q := tenants.UserQuery{Search: v.QueryParam("q")}
	position, err := d.position(v)
	if err == nil && position != "" {
		q.Before, err = id.Parse(position)
	}
	if err != nil {
		return errCursor
	}
	found, err := d.Projects.Users(v.ctx(), v.actor(), v.org(), v.project.ID, q)
	if err != nil {
		return err
	}
	made := d.madeSecret(v)
	view := templates.UsersPage{Shell: d.layout(v, "Users", pathUsers), Query: q.Search, First: d.firstPage(v), Code: made.Secret, CodeFor: made.Of, Reviewer: field(form, "email", problems["email"])}
	if v.mayChange() {
		view.ReviewerAction = v.href(pathReviewer)
	}
	if q == (tenants.UserQuery{}) {
		if view.Reviewers, err = d.reviewerLines(v); err != nil {
			return err
		}
	}
	for _, u := range found {
		line := templates.UserLine{Email: u.Called(), Name: u.Name, Href: v.href(pathUser, ":user", u.ID.String()), Connections: u.Connections, CreatedAt: u.CreatedAt, LastSignIn: u.LastSignIn}
		line.State, line.Tone = userState(u)
		view.Users = append(view.Users, line)
	}
	if len(found) == tenants.UsersPage {
		view.Next = d.pageAfter(v, found[len(found)-1].ID.String())
	}
	return web.Render(v, status, templates.Users(view))
}

func userState(u tenants.User) (state, tone string) {
	switch {
	case u.Blocked:
		return "Blocked", "bad"
	case u.ReviewerEnded:
		return "Reviewer, ended", "idle"
	case !u.ReviewerUntil.IsZero():
		return "Reviewer", "warn"
	case u.Connections > 0:
		return "Connected", "ok"
	default:
		return "No connection", "idle"
	}
}

func (d *dashboard) makeReviewer(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(form.Get("days"))
	if err != nil || days < 1 {
		days = 30
	}
	code, err := d.Projects.SetReviewer(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("email"), time.Duration(min(days, 90))*24*time.Hour)
	if problems, ok := fieldErrors(err); ok {
		return d.renderUsers(v, http.StatusUnprocessableEntity, form, problems)
	}
	if err != nil {
		return err
	}
	return d.made(v, v.href(pathUsers), "", madeSecret{Secret: code, Of: form.Get("email")})
}

// reviewerLines are the accounts for reviewers with who made them.
func (d *dashboard) reviewerLines(v *request) (lines []templates.ReviewerLine, err error) {
	found, err := d.Projects.Reviewers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	members, err := d.Organizations.Members(v.ctx(), v.actor(), v.org())
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		line := templates.ReviewerLine{Address: r.Address, Maker: makerOf(members, r.Maker), Href: v.href(pathUser, ":user", r.ID.String()), MadeAt: r.MadeAt, Until: r.Until, Ended: r.Ended, Connections: r.Connections}
		if v.mayChange() && !r.Ended {
			line.ID, line.EndAction = r.ID.String(), v.href(pathEndReviewer, ":reviewer", r.ID.String())
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// makerOf is how a page calls who made something.
func makerOf(members []tenants.Member, maker tenants.Actor) string {
	for _, m := range members {
		if tenants.MemberActor(m.ID) == maker {
			return m.Called()
		}
	}
	if maker == tenants.SystemActor {
		return "the operator"
	}
	return "a former member"
}

func (d *dashboard) endReviewer(v *request) error {
	id, err := v.id("reviewer")
	if err == nil {
		err = d.Projects.EndReviewer(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathUsers), "Ended. The code, its sessions and its connections are over.")
}

func (d *dashboard) user(v *request) error {
	return d.renderUser(v, http.StatusOK, "")
}

func (d *dashboard) renderUser(v *request, status int, problem string) error {
	id, err := v.id("user")
	if err != nil {
		return err
	}
	u, err := d.Projects.User(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	if err != nil {
		return err
	}
	grants, err := d.Projects.Grants(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.GrantQuery{UserID: id})
	if err != nil {
		return err
	}
	href := func(path string) string { return v.href(path, ":user", u.ID.String()) }
	view := templates.UserPage{Shell: d.layout(v, u.Called(), pathUsers), ID: u.ID.String(), Email: u.Called(), Name: u.Name, ListHref: v.href(pathUsers), CreatedAt: u.CreatedAt, LastSignIn: u.LastSignIn,
		ReviewerUntil: u.ReviewerUntil, Grants: grantLines(v, grants, href(pathUser)), DeleteError: problem}
	view.State, view.Tone = userState(u)
	if v.mayChange() {
		view.SessionsAction, view.DisconnectAction, view.DeleteAction = href(pathEndUserSessions), href(pathDisconnectUser), href(pathDeleteUser)
		if u.Blocked {
			view.UnblockAction = href(pathUnblockUser)
		} else {
			view.BlockAction = href(pathBlockUser)
		}
	}
	return web.Render(v, status, templates.User(view))
}

// changeUser runs a change of the user of the path, and says what was done.
func (d *dashboard) changeUser(v *request, done string, change func(id id.ID) error) error {
	id, err := v.id("user")
	if err == nil {
		err = change(id)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathUser, ":user", id.String()), done)
}

func (d *dashboard) blockUser(v *request) error {
	return d.changeUser(v, "Blocked. Sessions and connections ended.", func(id id.ID) error {
		return d.Projects.BlockUser(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	})
}

func (d *dashboard) unblockUser(v *request) error {
	return d.changeUser(v, "This person may sign in again.", func(id id.ID) error {
		return d.Projects.UnblockUser(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	})
}

func (d *dashboard) endUserSessions(v *request) error {
	return d.changeUser(v, "Signed out everywhere.", func(id id.ID) error {
		return d.Projects.EndUserSessions(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	})
}

func (d *dashboard) disconnectUser(v *request) error {
	return d.changeUser(v, "Every app is disconnected.", func(chosen id.ID) error {
		return d.Projects.EndUserGrants(v.ctx(), v.actor(), v.org(), v.project.ID, chosen, id.ID{})
	})
}

func (d *dashboard) deleteUser(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	id, err := v.id("user")
	if err != nil {
		return err
	}
	u, err := d.Projects.User(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	if err != nil {
		return err
	}
	if strings.TrimSpace(form.Get("confirm")) != u.Called() {
		return d.renderUser(v, http.StatusUnprocessableEntity, "Expected exactly: "+u.Called())
	}
	if err := d.Projects.DeleteUser(v.ctx(), v.actor(), v.org(), v.project.ID, id); err != nil {
		return err
	}
	return d.done(v, v.href(pathUsers), "The person is deleted.")
}

func (d *dashboard) connections(v *request) error {
	q := tenants.GrantQuery{ClientID: v.QueryParam("client")}
	position, err := d.position(v)
	if err == nil && position != "" {
		q.Before, err = id.Parse(position)
	}
	if err != nil {
		return errCursor
	}
	view := templates.ConnectionsPage{Shell: d.layout(v, "Connections", pathConnections), First: d.firstPage(v)}
	if err := d.filterConnections(v, &q, &view); err != nil {
		return err
	}
	found, err := d.Projects.Grants(v.ctx(), v.actor(), v.org(), v.project.ID, q)
	if err != nil {
		return err
	}
	view.Grants = grantLines(v, found, v.Request().URL.RequestURI())
	if len(found) == tenants.ListPage {
		view.Next = d.pageAfter(v, found[len(found)-1].ID.String())
	}
	return web.Render(v, http.StatusOK, templates.Connections(view))
}

// filterConnections reads the filters; ids that name nothing find nothing.
func (d *dashboard) filterConnections(v *request, q *tenants.GrantQuery, view *templates.ConnectionsPage) error {
	servers, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	for _, s := range servers.Servers {
		view.Servers = append(view.Servers, templates.Choice{Value: s.ID.String(), Label: s.Name})
		if v.QueryParam("server") == s.ID.String() {
			q.ServerID, view.Server = s.ID, s.ID.String()
		}
	}
	if q.ClientID != "" {
		c, err := d.Projects.Client(v.ctx(), v.actor(), v.org(), v.project.ID, q.ClientID)
		if err != nil {
			return err
		}
		view.ClientID, view.Client = c.ID, c.Name
	}
	if text := v.QueryParam("user"); text != "" {
		id, err := id.Parse(text)
		if err != nil {
			return tenants.ErrNotFound
		}
		u, err := d.Projects.User(v.ctx(), v.actor(), v.org(), v.project.ID, id)
		if err != nil {
			return err
		}
		q.UserID, view.UserID, view.User = id, text, u.Called()
	}
	if view.ClientID+view.UserID+view.Server != "" {
		view.ClearHref = v.href(pathConnections)
	}
	return nil
}

// endGrant ends one connection and goes back to the list it stood in.
func (d *dashboard) endGrant(v *request) error {
	chosen, err := v.id("grant")
	if err != nil {
		return err
	}
	ended, err := d.Projects.EndGrants(v.ctx(), v.actor(), v.org(), v.project.ID, chosen, "", id.ID{})
	if err != nil {
		return err
	}
	return d.done(v, web.LocalPath(v.QueryParam("back"), v.href(pathConnections)), endedWords(ended))
}
