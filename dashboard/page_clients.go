package dashboard

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// clientHref is the page of a client. A client id may be an address, so it travels encoded.
func clientHref(v *request, path, clientID string) string {
	return v.href(path, ":client", secret.Encode([]byte(clientID)))
}

// clientID is the client that the path names.
func (v *request) clientID() (string, error) {
	decoded, err := secret.Decode(v.Param("client"))
	if err != nil || len(decoded) == 0 {
		return "", tenants.ErrNotFound
	}
	return string(decoded), nil
}

// documentHost vouches for a client that publishes what it says of itself; empty: nobody does.
func documentHost(c tenants.Client) string {
	return oauth.Client{ID: c.ID, Document: c.Kind == "document"}.DocumentHost()
}

var clientKindWords = map[string]string{"document": "published its own document", "registered": "registered itself", "managed": "was made by hand"}

// clientState says whether a client may come.
func clientState(c tenants.Client, documents tenants.DocumentPolicy) (state, tone string) {
	switch {
	case c.Blocked || c.Decision == "block":
		return "Blocked", "bad"
	case c.Kind == "document" && documents == tenants.DocumentsOff:
		return "Not accepted", "bad"
	case c.Kind == "document" && documents == tenants.DocumentsApproval && c.Decision != "allow":
		return "Needs approval", "warn"
	case c.Decision == "allow":
		return "Allowed by a rule", "ok"
	case c.FirstUsed.IsZero():
		return "Not approved yet", "idle"
	default:
		return "In use", "ok"
	}
}

func (d *dashboard) clients(v *request) error {
	position, err := d.position(v)
	if err != nil {
		return err
	}
	q := tenants.ClientQuery{Search: v.QueryParam("q"), Kind: oneOf(v.QueryParam("kind"), "document", "registered", "managed"), State: oneOf(v.QueryParam("state"), "used", "unused", "blocked")}
	if at, id, ok := strings.Cut(position, " "); ok {
		if q.BeforeTime, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return errCursor
		}
		q.BeforeID = id
	}
	found, err := d.Projects.Clients(v.ctx(), v.actor(), v.org(), v.project.ID, q)
	if err != nil {
		return err
	}
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.ClientsPage{Shell: d.layout(v, "Clients", pathClients), Query: q.Search, Kind: q.Kind, State: q.State, AccessHref: v.href(pathAccess), First: d.firstPage(v)}
	if v.mayChange() {
		view.NewHref = v.href(pathNewClient)
	}
	for _, c := range found {
		line := templates.ClientLine{ID: c.ID, Name: c.Name, Href: clientHref(v, pathClient, c.ID), Host: documentHost(c), Kind: "Nobody: it " + clientKindWords[c.Kind],
			Connections: counted(c.Connections, tenants.CountedTo), LastApproved: c.LastApproved, CreatedAt: c.CreatedAt}
		line.State, line.Tone = clientState(c, settings.DocumentPolicy)
		view.Clients = append(view.Clients, line)
	}
	if len(found) == tenants.ListPage {
		last := found[len(found)-1]
		view.Next = d.pageAfter(v, last.CreatedAt.UTC().Format(time.RFC3339Nano)+" "+last.ID)
	}
	return web.Render(v, http.StatusOK, templates.Clients(view))
}

// oneOf is the value when it is one of those that are known; else empty.
func oneOf(value string, known ...string) string {
	if slices.Contains(known, value) {
		return value
	}
	return ""
}

func (d *dashboard) client(v *request) error {
	id, err := v.clientID()
	if err != nil {
		return err
	}
	c, err := d.Projects.Client(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	if err != nil {
		return err
	}
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	grants, err := d.Projects.Grants(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.GrantQuery{ClientID: id})
	if err != nil {
		return err
	}
	view := templates.ClientPage{
		Shell: d.layout(v, cmp.Or(c.Name, "Client"), pathClients), ID: c.ID, Name: c.Name, Kind: clientKindWords[c.Kind], Host: documentHost(c), URI: c.URI, AuthMethod: c.AuthMethod,
		RedirectURIs: c.RedirectURIs, CreatedAt: c.CreatedAt, RenewedAt: c.RenewedAt, FirstUsed: c.FirstUsed, Connections: counted(c.Connections, tenants.CountedTo),
		ListHref: v.href(pathClients), ConnectionsHref: v.href(pathConnections) + "?" + url.Values{"client": {c.ID}}.Encode(),
		ActivityHref: v.href(pathActivity) + "?" + url.Values{"client": {c.ID}, "show": {"all"}}.Encode(), Grants: grantLines(v, grants, v.Request().URL.Path),
		Secret: d.madeSecret(v).Secret,
	}
	view.State, view.Tone = clientState(c, settings.DocumentPolicy)
	if v.mayChange() {
		view.DeleteAction = clientHref(v, pathDeleteClient, c.ID)
		if c.Blocked {
			view.UnblockAction = clientHref(v, pathUnblockClient, c.ID)
		} else {
			view.BlockAction = clientHref(v, pathBlockClient, c.ID)
		}
		if c.Connections > 0 {
			view.EndAction = clientHref(v, pathEndClient, c.ID)
		}
		if c.Kind == "document" {
			view.BlockHostAction = v.href(pathRules)
			if c.Decision != "allow" {
				view.AllowAction = v.href(pathRules)
			}
		}
	}
	return web.Render(v, http.StatusOK, templates.Client(view))
}

// grantLines shows connections; ending one leads back to a page.
func grantLines(v *request, grants []tenants.Grant, back string) (lines []templates.GrantLine) {
	for _, g := range grants {
		line := templates.GrantLine{
			ID: g.ID.String(), UserEmail: g.UserEmail, UserHref: v.href(pathUser, ":user", g.UserID.String()), ClientName: g.ClientName, ClientHref: clientHref(v, pathClient, g.ClientID),
			ServerName: g.ServerName, Organization: g.Organization, Scopes: g.Scopes, CreatedAt: g.CreatedAt, LastUsed: g.LastUsed, ExpiresAt: g.ExpiresAt,
		}
		if v.mayChange() {
			line.EndAction = v.href(pathEndGrant, ":grant", g.ID.String()) + "?" + url.Values{"back": {back}}.Encode()
		}
		lines = append(lines, line)
	}
	return lines
}

// changeClient runs a change of the client of the path, and says what was done.
func (d *dashboard) changeClient(v *request, back, done string, change func(id string) error) error {
	id, err := v.clientID()
	if err == nil {
		err = change(id)
	}
	if err != nil {
		return err
	}
	if back == pathClient {
		return d.done(v, clientHref(v, pathClient, id), done)
	}
	return d.done(v, v.href(back), done)
}

func (d *dashboard) blockClient(v *request) error {
	return d.changeClient(v, pathClient, "The client is blocked, and its connections ended.", func(id string) error {
		return d.Projects.BlockClient(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	})
}

func (d *dashboard) unblockClient(v *request) error {
	return d.changeClient(v, pathClient, "The client may come again. People have to allow it anew.", func(id string) error {
		return d.Projects.UnblockClient(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	})
}

func (d *dashboard) deleteClient(v *request) error {
	return d.changeClient(v, pathClients, "The client is deleted.", func(id string) error {
		return d.Projects.DeleteClient(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	})
}

func (d *dashboard) endClient(v *request) error {
	return d.changeClient(v, pathClient, "The connections of this client ended.", func(client string) error {
		if _, err := d.Projects.Client(v.ctx(), v.actor(), v.org(), v.project.ID, client); err != nil {
			return err
		}
		_, err := d.Projects.EndGrants(v.ctx(), v.actor(), v.org(), v.project.ID, id.ID{}, client, id.ID{})
		return err
	})
}

func (d *dashboard) newClient(v *request) error {
	return d.renderNewClient(v, http.StatusOK, nil, nil, "")
}

func (d *dashboard) createClient(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	draft := tenants.NewClient{Name: form.Get("name"), RedirectURIs: lines(form.Get("redirect_uris")), Confidential: form.Get("kind") == "confidential"}
	id, shown, err := d.Projects.CreateClient(v.ctx(), v.actor(), v.org(), v.project.ID, draft)
	if problems, ok := fieldErrors(err); ok {
		return d.renderNewClient(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, tenants.ErrLimit) {
		return d.renderNewClient(v, http.StatusConflict, form, nil, limitWords(err, "This project has 1,000 clients made by hand, which is the most. Delete one that is not used."))
	}
	if err != nil {
		return err
	}
	return d.made(v, clientHref(v, pathClient, id), "The client is ready. Give its client id to whoever runs it.", madeSecret{Secret: shown})
}

func (d *dashboard) renderNewClient(v *request, status int, form url.Values, problems map[string]string, alert string) error {
	return web.Render(v, status, templates.NewClient(templates.NewClientPage{
		Shell: d.layout(v, "Add a client", pathClients), Action: v.href(pathClients), CancelHref: v.href(pathClients), Alert: alert, Confidential: form.Get("kind") == "confidential",
		Name: field(form, "name", problems["name"]), RedirectURIs: field(form, "redirect_uris", problems["redirect_uris"]),
	}))
}
