package docs_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/templates/docs"
)

// Every file is a page, every page renders, its links within the documentation lead somewhere, and the reader's values stand in code only:
// that is what keeps an address that somebody chose from becoming markup.
func TestPages(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, p := range docs.Pages() {
		known[p.Slug] = true
	}
	entries, err := os.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !known[strings.TrimSuffix(entry.Name(), ".md")] {
			t.Errorf("%s is in no list", entry.Name())
		}
	}
	for _, p := range docs.Pages() {
		doc := page(t, p.Slug, docs.Values{Issuer: "§issuer§", Resource: "§resource§", Slug: "§slug§", Base: "§base§", Version: "§version§", NPM: "§npm§", GoSDK: "§go§"})
		if doc.Find("h1").Length() != 1 {
			t.Errorf("%s: %d headings of the first level", p.Slug, doc.Find("h1").Length())
		}
		doc.Find("code, copy-button").Remove()
		if text := doc.Text(); strings.Contains(text, "§") || strings.Contains(text, "{{") {
			t.Errorf("%s: a value stands outside of code", p.Slug)
		}
		doc.Find("a").Each(func(_ int, a *goquery.Selection) {
			if slug, ok := strings.CutPrefix(a.AttrOr("href", ""), "/docs/"); ok && !known[slug] {
				t.Errorf("%s: link to %s", p.Slug, slug)
			}
		})
	}
}

// Catalogue 223: what a member chose as an address is text on every page of the documentation.
func TestValuesAreText(t *testing.T) {
	t.Parallel()
	evil := `https://e.example/"><script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1))`
	for _, p := range docs.Pages() {
		doc := page(t, p.Slug, docs.Values{Issuer: evil, Resource: evil, Slug: evil})
		if n := doc.Find(`script, img, a[href^="javascript:"]`).Length(); n != 0 {
			t.Errorf("%s: %d elements came from a value", p.Slug, n)
		}
	}
}

// What readers copy has no placeholder of ours left in it.
func TestMarkdownFillsIn(t *testing.T) {
	t.Parallel()
	for _, p := range docs.Pages() {
		text, ok := docs.Markdown(p.Slug, docs.Example)
		if left := regexp.MustCompile(`\{\{\w+\}\}`).FindString(text); !ok || left != "" {
			t.Errorf("%s: %v, left %q", p.Slug, ok, left)
		}
	}
	if _, ok := docs.Markdown("../docs.go", docs.Example); ok {
		t.Error("a page that does not exist")
	}
}

func page(t *testing.T, slug string, v docs.Values) *goquery.Document {
	t.Helper()
	text, ok := docs.Markdown(slug, v)
	if !ok {
		t.Fatalf("%s is not there", slug)
	}
	component, err := docs.HTML(text)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := component.Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
