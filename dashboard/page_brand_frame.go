package dashboard

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"mcpauth.example/internal/secret"
	"mcpauth.example/templates"
	"mcpauth.example/templates/static"
	"mcpauth.example/tenants"
)

// policyFrame is for pages that are shown inside the editor: they run nothing, send nothing, and only we may frame them.
const policyFrame = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'self'; base-uri 'none'"

// darkScheme opens the part of a style sheet that is for the dark scheme.
const darkScheme = "@media (prefers-color-scheme:dark)"

// framed opens the look that an address carries, for this project alone.
func (d *dashboard) framed(v *request) (b tenants.Brand, err error) {
	sealed, err := secret.Decode(v.QueryParam("look"))
	if err == nil {
		sealed, err = d.Keys.Open(purposeDraft, sealed, v.project.ID[:])
	}
	if err == nil {
		err = json.Unmarshal(sealed, &b)
	}
	if err != nil {
		return b, errCursor
	}
	header := v.Response().Header()
	header.Set("Content-Security-Policy", policyFrame)
	header.Set("X-Frame-Options", "SAMEORIGIN")
	return b, nil
}

// brandFrame shows one of the issuer's own pages with the look of the form. It is the real component, with the real style sheets, of which
// only the choice of the scheme is taken from the system.
func (d *dashboard) brandFrame(v *request) error {
	b, err := d.framed(v)
	if err != nil {
		return err
	}
	shown := templates.Brand{Name: v.project.Name, Title: b.Title, Text: b.Text, SupportURL: b.SupportURL, TermsURL: b.TermsURL, PrivacyURL: b.PrivacyURL}
	query := url.Values{"scheme": {v.QueryParam("scheme")}, "look": {v.QueryParam("look")}}
	shown.StylesheetURL = v.href(pathBrandStyle) + "?" + query.Encode()
	if b.LogoHash != "" {
		shown.LogoURL = v.href(pathBrandLogo) + "?" + query.Encode()
	}
	var page bytes.Buffer
	if err := stateOf(v.QueryParam("state")).page(shown, v.project).Render(v.ctx(), &page); err != nil {
		return err
	}
	html := strings.ReplaceAll(page.String(), `href="`+templates.Asset("flow.css")+`"`, `href="`+templ.EscapeString(v.href(pathBrandBase)+"?"+query.Encode())+`"`)
	return v.HTML(http.StatusOK, html)
}

// inScheme makes a style sheet show one scheme whatever the system prefers.
func inScheme(css, scheme string) string {
	media := "@media not all"
	if scheme == "dark" {
		media = "@media all"
	}
	return strings.ReplaceAll(css, darkScheme, media)
}

func (d *dashboard) brandBase(v *request) error {
	if _, err := d.framed(v); err != nil {
		return err
	}
	content, err := static.Content("flow.css")
	if err != nil {
		return err
	}
	return v.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(inScheme(string(content), v.QueryParam("scheme"))))
}

func (d *dashboard) brandStyle(v *request) error {
	b, err := d.framed(v)
	if err != nil {
		return err
	}
	return v.Blob(http.StatusOK, "text/css; charset=utf-8", []byte(inScheme(b.Stylesheet(), v.QueryParam("scheme"))))
}

// brandLogo gives out the logo of the draft, or of what is published.
func (d *dashboard) brandLogo(v *request) error {
	b, err := d.framed(v)
	if err != nil {
		return err
	}
	stored, err := d.Projects.BrandDraft(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	if len(stored.Logo) == 0 || stored.LogoHash != b.LogoHash {
		return echo.ErrNotFound
	}
	return v.Blob(http.StatusOK, "image/png", stored.Logo)
}

// brandState is one of the pages that the editor shows.
type brandState struct {
	id, label string
	page      func(b templates.Brand, project tenants.Project) templ.Component
}

func stateOf(id string) brandState {
	for _, s := range brandStates {
		if s.id == id {
			return s
		}
	}
	return brandStates[0]
}

var brandStates = []brandState{
	{"new", "Consent: a new client", func(b templates.Brand, p tenants.Project) templ.Component {
		return templates.Consent(previewConsent(b, p))
	}},
	{"verified", "Consent: a verified client", func(b templates.Brand, p tenants.Project) templ.Component {
		c := previewConsent(b, p)
		c.ClientName, c.ClientHost, c.Destination = "Claude", "claude.ai", templates.Destination{Host: "claude.ai", Kind: "web"}
		return templates.Consent(c)
	}},
	{"warning", "Consent: a name that imitates", func(b templates.Brand, p tenants.Project) templ.Component {
		c := previewConsent(b, p)
		c.ClientName = p.Name + " Support"
		c.NameWarning = "This app uses a name like \"" + p.Name + "\" but is not made by " + p.Name + "."
		c.Destination = templates.Destination{Host: "unknown.example", Kind: "web"}
		return templates.Consent(c)
	}},
	{"step-up", "Consent: asking for more", func(b templates.Brand, p tenants.Project) templ.Component {
		c := previewConsent(b, p)
		c.Scopes[0].New = false
		return templates.Consent(c)
	}},
	{"organizations", "Consent: choosing an organization", func(b templates.Brand, p tenants.Project) templ.Component {
		c := previewConsent(b, p)
		c.Selectable, c.Organizations = true, []templates.OrganizationLine{{ID: "north", Name: "Harbour North"}, {ID: "south", Name: "Harbour South"}}
		return templates.Consent(c)
	}},
	{"sign-in", "Sign-in", func(b templates.Brand, p tenants.Project) templ.Component {
		return templates.SignIn(templates.SignInPage{FlowPage: previewFlow(b, p), Action: "/", SignUpAction: "/", ResetAction: "/",
			Ways: []templates.SignInWay{{ID: "email-code", Label: "E-mail me a code", Action: "/", Email: true}}})
	}},
	{"error", "An error", func(b templates.Brand, _ tenants.Project) templ.Component {
		return templates.Message(templates.MessagePage{Brand: b, Title: "This link cannot be used", Text: "The app asked to be answered at an address that it has not registered.",
			Steps: []string{"Close this page.", "Remove the connection in the app and connect again."}})
	}},
	{"account", "Connected apps", func(b templates.Brand, p tenants.Project) templ.Component {
		return templates.Account(templates.AccountPage{Brand: b, Email: "ada@harbour.example", Token: "preview", DisconnectAction: "/", SessionsAction: "/", DeleteAction: "/",
			Connections: []templates.ConnectionLine{{ClientID: "preview", Name: "Claude Code", Server: p.Name, Resource: p.Issuer, Scopes: []string{"Use the tools of " + p.Name}}}})
	}},
}

func previewFlow(b templates.Brand, p tenants.Project) templates.FlowPage {
	return templates.FlowPage{Brand: b, ClientName: "Claude Code", ServerName: p.Name, Request: "preview"}
}

func previewConsent(b templates.Brand, p tenants.Project) templates.ConsentPage {
	return templates.ConsentPage{
		FlowPage: previewFlow(b, p), Action: "/", SwitchAction: "/", Approval: "preview", AccountEmail: "ada@harbour.example", Resource: p.Issuer, KeepsAccess: true, AccountHref: "/",
		Scopes:      []templates.ScopeLine{{Name: "mcp:tools", Description: "Use the tools of " + p.Name, New: true}, {Name: "notes:write", Description: "Add notes in your name", New: true}},
		Destination: templates.Destination{Host: "localhost", Kind: "loopback"},
	}
}
