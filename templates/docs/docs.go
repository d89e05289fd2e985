// Package docs is the documentation of the product: one Markdown file per page, rendered to HTML with the reader's own values, or given
// out as it is to programs that read.
//
// It owns the words of the documentation; of the project it imports templates/ui only.
package docs

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"

	"mcpauth.example/templates/ui"
)

//go:embed pages/*.md
var files embed.FS

// Page is one page of the documentation. The first heading of its file is its title.
type Page struct {
	Slug, Title, About string
	Section            string
}

// Pages lists the documentation in the order of its rail.
func Pages() []Page {
	return []Page{
		{"quickstart", "Quickstart", "From an open MCP server to a guarded one in ten minutes", "Start"},
		{"how-it-works", "How it works", "OAuth for MCP in plain words: who takes part, six steps, what a token is", "Start"},
		{"express", "Express", "The one line, what it answers, who is calling", "Servers"},
		{"fetch", "Next.js, Hono and fetch", "Verify tokens in handlers that take a Request", "Servers"},
		{"go", "Go", "The guard for net/http", "Servers"},
		{"any-language", "Any other language", "A document, a challenge and a check", "Servers"},
		{"clients", "Clients", "How people add your server to Claude, ChatGPT, Cursor, VS Code and Codex", "Guides"},
		{"consent", "What people see", "The consent page, and taking access back", "Guides"},
		{"sign-in", "Sign-in", "How people prove who they are; your own login", "Guides"},
		{"scopes", "Scopes and tools", "What can be allowed, tool by tool", "Guides"},
		{"domains", "Custom domains", "Sign-in at an address of yours, proved in the DNS", "Guides"},
		{"troubleshooting", "When a connection fails", "What the timeline says and what to do", "Guides"},
		{"tokens", "Tokens and revocation", "Lifetimes, rotation, keys, and what ends a connection", "Reference"},
		{"endpoints", "Endpoints", "Every address of an issuer, with requests to copy", "Reference"},
		{"security", "Security", "What we hold to, how it is proved, what is not done yet", "Reference"},
		{"conformance", "Conformance", "Every requirement of the protocol, and where it is proved", "Reference"},
		{"attacks", "Attacks", "Every attack that we know of, and where it is proved to fail", "Reference"},
		{"asks-again", "What asks again", "Every form of the dashboard: which ask who you are, and why the others do not", "Reference"},
		{"billing", "Plans and billing", "The one meter, limits, failed payments, cancelling", "Reference"},
		{"self-hosting", "Self-hosting", "One binary, one PostgreSQL", "Reference"},
		{"settings", "Settings", "Every environment variable of the service", "Reference"},
	}
}

// Values are put in place of {{issuer}}, {{resource}} and so on. They stand in code only, and hold no backtick.
type Values struct {
	// The reader's own.
	Issuer   string // issuer URL of the project
	Resource string // URL of its MCP server
	Slug     string
	// The installation's: {{base}}, {{version}}, {{npm}} and {{go_sdk}}.
	Base       string // root URL of the site, without a slash at its end
	Version    string // that its SDKs are given out as
	NPM, GoSDK string // names of the SDKs' packages
}

// Example is for readers who have no project. The installation's values are missing in it.
var Example = Values{Issuer: "https://acme.mcpauth.example", Resource: "https://tools.acme.example/mcp", Slug: "acme"}

func (v Values) fillIn(text string) string {
	return strings.NewReplacer("{{issuer}}", v.Issuer, "{{resource}}", v.Resource, "{{slug}}", v.Slug,
		"{{base}}", v.Base, "{{version}}", v.Version, "{{npm}}", v.NPM, "{{go_sdk}}", v.GoSDK).Replace(text)
}

// Markdown returns the text of a page with the values filled in; false: there is no such page.
func Markdown(slug string, v Values) (string, bool) {
	for _, p := range Pages() {
		if p.Slug != slug {
			continue
		}
		text, err := files.ReadFile("pages/" + slug + ".md")
		if err != nil {
			return "", false
		}
		return v.fillIn(string(text)), true
	}
	return "", false
}

// markdown turns pages into HTML; raw HTML in them is left out.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(codeRenderer{}, 100))),
	)
})

// HTML renders the text of a page.
func HTML(text string) (templ.Component, error) {
	var out bytes.Buffer
	if err := markdown().Convert([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	return templ.Raw(out.String()), nil
}

// codeRenderer makes blocks of code that can be copied and scrolled by keyboard, and tables that scroll in themselves.
type codeRenderer struct{}

func (r codeRenderer) RegisterFuncs(register renderer.NodeRendererFuncRegisterer) {
	register.Register(ast.KindFencedCodeBlock, r.code)
}

func (codeRenderer) code(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var code bytes.Buffer
	for i := range node.Lines().Len() {
		line := node.Lines().At(i)
		code.Write(line.Value(source))
	}
	block, ok := node.(*ast.FencedCodeBlock)
	if !ok {
		return ast.WalkStop, fmt.Errorf("docs: %s is no block of code", node.Kind())
	}
	return ast.WalkSkipChildren, renderCode(w, code.String(), string(block.Language(source)))
}

func renderCode(w io.Writer, code, language string) error {
	what := map[string]string{"sh": "Command", "js": "Code in JavaScript", "go": "Code in Go", "json": "JSON", "http": "Header", "text": "Address"}[language]
	if what == "" {
		what = "Code"
	}
	return ui.CodePanel(code, what, "").Render(context.Background(), w)
}
