package templates

import "github.com/a-h/templ"

// Site is the frame of a public page.
type Site struct {
	SignUpHref, SignInHref, DashboardHref string
	SignedIn                              bool
	// Theme is "light", "dark" or "" for the system's.
	Theme string
	// Version is that of the product.
	Version string
	// Current is the entry of the header that the page belongs to: "docs", "pricing" or "".
	Current string
}

// DocsPage is one page of the documentation. Its filter has the field project.
type DocsPage struct {
	Site
	Title, About string
	Sections     []DocsSection
	Body         templ.Component
	// MarkdownHref is the same page as Markdown, NextHref and NextTitle lead on; empty on the last page.
	MarkdownHref, NextHref, NextTitle string
	// Action is this page, for the choice of a project; without projects the examples of the documentation are shown.
	Action   string
	Projects []Place // Href is the id
	Project  string  // id of the chosen one
}

// DocsSection is a run of pages under one heading.
type DocsSection struct {
	Name  string
	Pages []NavItem
}
