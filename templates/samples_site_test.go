package templates_test

import (
	"mcpauth.example/internal/names"
	. "mcpauth.example/templates"
	"mcpauth.example/templates/docs"
)

var (
	stranger = Site{SignUpHref: "/dashboard/sign-up", SignInHref: "/dashboard/sign-in", DashboardHref: "/dashboard", Version: "1.2.3"}
	visitor  = Site{SignUpHref: "/dashboard/sign-up", SignInHref: "/dashboard/sign-in", DashboardHref: "/dashboard", SignedIn: true, Version: "1.2.3"}
)

// siteSamples are the public pages: the documentation as a stranger reads it, and one page with the values of a member's project.
func siteSamples() []sample {
	samples := []sample{
		{"landing", site, Landing(LandingPage{Site: stranger})},
		{"pricing", site, Pricing(PricingPage{Site: stranger, Charged: true, Plans: planSamples()})},
		{"landing-signed-in", site, Landing(LandingPage{Site: visitor})},
	}
	for _, p := range docs.Pages() {
		samples = append(samples, sample{"docs-" + p.Slug, site, Docs(docsPage(p, stranger))})
	}
	own := docsPage(docs.Pages()[0], visitor)
	own.Projects, own.Project = []Place{{Name: "Acme Tools", Href: "1"}, {Name: "Acme Tools (staging)", Href: "2"}}, "1"
	return append(samples, sample{"docs-own-values", site, Docs(own)})
}

// docsValues are those of a reader without a project at the hosted service.
func docsValues() docs.Values {
	v := docs.Example
	v.Base, v.Version, v.NPM, v.GoSDK = "https://mcpauth.example", names.Version, names.NPM, names.GoSDK
	return v
}

func docsPage(p docs.Page, s Site) DocsPage {
	s.Current = "docs"
	text, _ := docs.Markdown(p.Slug, docsValues())
	body, err := docs.HTML(text)
	if err != nil {
		panic(err)
	}
	view := DocsPage{Site: s, Title: p.Title, About: p.About, Body: body, Action: "/docs/" + p.Slug, MarkdownHref: "/docs/" + p.Slug + ".md",
		NextHref: "/docs/how-it-works", NextTitle: "How it works", Sections: []DocsSection{{Name: "Start"}}}
	for _, other := range docs.Pages() {
		view.Sections[0].Pages = append(view.Sections[0].Pages, NavItem{Label: other.Title, Href: "/docs/" + other.Slug, Current: other.Slug == p.Slug})
	}
	return view
}
