package dashboard

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) keys(v *request) error {
	return d.renderKeys(v, http.StatusOK, d.madeSecret(v), "")
}

// renderKeys shows a registration secret that was just made of a server, this once.
func (d *dashboard) renderKeys(v *request, status int, shown madeSecret, problem string) error {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	keys, err := d.Projects.Keys(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.KeysPage{Shell: d.layout(v, "Keys and secrets", pathKeys), Algorithm: settings.SigningAlgorithm, Secret: shown.Secret, EnvFile: envFile(shown.Secret), Name: found.Name, ReplaceError: problem}
	if v.mayChange() {
		view.RotateAction, view.ReplaceAction = v.href(pathRotateKeys), v.href(pathReplaceKeys)
	}
	for _, s := range found.Servers {
		view.Servers = append(view.Servers, serverRow(v, found, s))
		if s.ID.String() == shown.Of {
			view.SecretServer = s.Name
		}
	}
	for _, key := range keys {
		view.Keys = append(view.Keys, d.keyLine(key))
	}
	return web.Render(v, status, templates.Keys(view))
}

// keyLine says who still needs a key.
func (d *dashboard) keyLine(key tenants.KeyInfo) templates.KeyLine {
	line := templates.KeyLine{ID: key.ID, Algorithm: key.Algorithm, CreatedAt: key.CreatedAt}
	switch {
	case key.State == "next":
		line.State, line.Tone, line.Note = "Next", "idle", "Published, so that servers know it before it signs."
	case key.State == "current":
		line.State, line.Tone, line.Note = "Signs", "ok", "Every token issued now."
	case key.NeededUntil.After(d.Now()):
		line.State, line.Tone, line.Note = "Retired", "warn", holders(key.Holders)+" Tokens that it signed are good until "+shortDate(key.NeededUntil)+"."
	default:
		line.State, line.Tone, line.Note = "Retired", "idle", "Nobody: every token that it signed has expired."
	}
	return line
}

// serverRow is one MCP server with its living secrets; without the role to change anything it has no buttons.
func serverRow(v *request, project tenants.ProjectDetail, server tenants.MCPServer) templates.ServerRow {
	row := templates.ServerRow{Name: server.Name, URL: server.Resource}
	if v.mayChange() {
		row.CreateAction = v.href(pathSecrets, ":server", server.ID.String())
	}
	for _, s := range project.Secrets {
		if s.MCPServerID != server.ID {
			continue
		}
		shown := templates.SecretRow{ID: s.ID.String(), LastFour: s.LastFour, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt}
		if v.mayChange() {
			shown.RevokeAction = v.href(pathRevoke, ":secret", s.ID.String())
		}
		row.Secrets = append(row.Secrets, shown)
	}
	return row
}

// createSecret leads to the keys, where the secret is shown this once.
func (d *dashboard) createSecret(v *request) error {
	server, err := v.id("server")
	if err != nil {
		return err
	}
	_, shown, err := d.Projects.CreateSecret(v.ctx(), v.actor(), v.org(), v.project.ID, server)
	if errors.Is(err, tenants.ErrLimit) {
		return web.Render(v, http.StatusConflict, templates.Message(templates.MessagePage{
			Title: "This server has enough secrets", Text: "No secret was created.", Expected: "fewer than ten secrets in use at once",
			Steps: []string{"Revoke a secret that is not used any more, then create another one."}, LinkText: "Back to keys and secrets", LinkURL: v.href(pathKeys),
		}))
	}
	if err != nil {
		return err
	}
	return d.made(v, v.href(pathKeys), "", madeSecret{Secret: shown, Of: server.String()})
}

func (d *dashboard) revokeSecret(v *request) error {
	id, err := v.id("secret")
	if err == nil {
		err = d.Projects.RevokeSecret(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathKeys), "The secret is revoked.")
}

func (d *dashboard) rotateKeys(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	rotated, after, err := d.Projects.RotateKeys(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("algorithm"), false)
	switch {
	case err != nil:
		if _, ok := fieldErrors(err); ok {
			return d.done(v, v.href(pathKeys), "Nothing was changed: choose ES256, EdDSA or RS256.")
		}
		return err
	case rotated:
		return d.done(v, v.href(pathKeys), "The next key signs from now on.")
	default:
		return d.done(v, v.href(pathKeys), "The next key has to be known first: it signs after "+shortDate(after)+".")
	}
}

func (d *dashboard) replaceKeys(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if problems, ok := fieldErrors(tenants.Confirm(form.Get("confirm"), v.project.Name)); ok {
		return d.renderKeys(v, http.StatusUnprocessableEntity, madeSecret{}, problems["confirm"])
	}
	if _, _, err := d.Projects.RotateKeys(v.ctx(), v.actor(), v.org(), v.project.ID, "", true); err != nil {
		return err
	}
	return d.done(v, v.href(pathKeys), "Every key was replaced. Tokens from before are refused.")
}

// holders names who still uses a retired key.
func holders(known []tenants.KeyHolder) string {
	if len(known) == 0 {
		return "No connection holds a token of it."
	}
	parts := make([]string, 0, len(known))
	for _, h := range known {
		client := h.Client
		if client == "" {
			client = "a client without a name"
		}
		parts = append(parts, strconv.Itoa(h.Connections)+" of "+client)
	}
	return "Still used by connections: " + strings.Join(parts, ", ") + "."
}
