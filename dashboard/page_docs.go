package dashboard

import (
	"net/http"
	"strings"

	"mcpauth.example/internal/names"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/sdk"
	"mcpauth.example/templates"
	"mcpauth.example/templates/docs"
	"mcpauth.example/tenants"
)

// docsProjects is how many projects a reader may choose among.
const docsProjects = 50

// noProject is the choice of the documentation's own examples.
const noProject = "none"

// docsHome leads to the first page.
func (d *dashboard) docsHome(v *request) error { return seeOther(v, docsHref(docs.Pages()[0].Slug)) }

func docsHref(slug string) string { return strings.ReplaceAll(pathDocsPage, ":page", slug) }

// docsPage shows a page of the documentation, or with the ending .md gives it out as Markdown.
func (d *dashboard) docsPage(v *request) error {
	slug, raw := strings.CutSuffix(v.Param("page"), ".md")
	frame, session := d.site(v, "docs")
	projects := d.readersProjects(v, session)
	chosen, values := chooseValues(projects, v.QueryParam("project"))
	text, ok := docs.Markdown(slug, d.installation(values))
	if !ok {
		return tenants.ErrNotFound
	}
	if raw {
		return markdown(v, text)
	}
	body, err := docs.HTML(text)
	if err != nil {
		return err
	}
	view := templates.DocsPage{Site: frame, Body: body, Action: docsHref(slug), MarkdownHref: docsHref(slug) + ".md", Project: chosen, Sections: docsSections(slug)}
	for _, p := range projects {
		view.Projects = append(view.Projects, templates.Place{Name: p.Name, Href: p.ID.String()})
	}
	for i, page := range docs.Pages() {
		if page.Slug == slug {
			view.Title, view.About = page.Title, page.About
			if next := i + 1; next < len(docs.Pages()) {
				view.NextHref, view.NextTitle = docsHref(docs.Pages()[next].Slug), docs.Pages()[next].Title
			}
		}
	}
	return web.Render(v, http.StatusOK, templates.Docs(view))
}

func docsSections(current string) (sections []templates.DocsSection) {
	for _, page := range docs.Pages() {
		if len(sections) == 0 || sections[len(sections)-1].Name != page.Section {
			sections = append(sections, templates.DocsSection{Name: page.Section})
		}
		last := &sections[len(sections)-1]
		last.Pages = append(last.Pages, templates.NavItem{Label: page.Title, Href: docsHref(page.Slug), Current: page.Slug == current})
	}
	return sections
}

// readersProjects are those whose values a signed-in reader may see in the examples. Whatever goes wrong, the page is there without them.
func (d *dashboard) readersProjects(v *request, session signin.Session) (projects []tenants.ProjectSummary) {
	if session.ID.IsZero() {
		return nil
	}
	memberships, err := d.Memberships.Memberships(v.ctx(), session.Account.ID)
	if err != nil {
		return nil
	}
	for _, m := range memberships {
		found, err := d.Projects.List(v.ctx(), tenants.MemberActor(session.Account.ID), m.Organization.ID)
		if err != nil {
			return nil
		}
		projects = append(projects, found...)
	}
	return projects[:min(len(projects), docsProjects)]
}

// chooseValues takes the project that was asked for, else the first one that has an MCP server.
func chooseValues(projects []tenants.ProjectSummary, wanted string) (chosen string, values docs.Values) {
	for _, p := range projects {
		if id := p.ID.String(); wanted != noProject && p.ServerURL != "" && (wanted == "" || wanted == id) {
			return id, docs.Values{Issuer: p.Issuer, Resource: p.ServerURL, Slug: p.Slug}
		}
	}
	return "", docs.Example
}

// installation fills in what this installation and its packages are called.
func (d *dashboard) installation(v docs.Values) docs.Values {
	v.Base, v.Version, v.NPM, v.GoSDK = d.BaseURL, sdk.Version(), names.NPM, names.GoSDK
	return v
}

// llms is an index of the documentation for programs that read (llmstxt.org).
func (d *dashboard) llms(v *request) error {
	var out strings.Builder
	out.WriteString("# mcpauth\n\n> The authorization server for MCP servers: one line in front of your tools, and every MCP client can discover it, introduce itself, " +
		"send its person through sign-in and consent, and call your tools with a token that only your server accepts.\n")
	section := ""
	for _, page := range docs.Pages() {
		if page.Section != section {
			section = page.Section
			out.WriteString("\n## " + section + "\n\n")
		}
		out.WriteString("- [" + page.Title + "](" + d.BaseURL + docsHref(page.Slug) + ".md): " + page.About + "\n")
	}
	out.WriteString("\n## Optional\n\n- [Everything on one page](" + d.BaseURL + pathLLMsFull + ")\n")
	return markdown(v, out.String())
}

// llmsFull is the whole documentation in one text.
func (d *dashboard) llmsFull(v *request) error {
	var out strings.Builder
	for _, page := range docs.Pages() {
		text, _ := docs.Markdown(page.Slug, d.installation(docs.Example))
		out.WriteString(text + "\n\n")
	}
	return markdown(v, out.String())
}

func markdown(v *request, text string) error {
	return v.Blob(http.StatusOK, "text/markdown; charset=utf-8", []byte(text))
}
