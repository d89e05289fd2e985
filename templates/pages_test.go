package templates_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"
	"golang.org/x/net/html"

	"mcpauth.example/templates"
)

// parse renders a page and reads it like a browser.
func parse(t *testing.T, page templ.Component) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(render(t, page)))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// attr gives an attribute of the one element that matches.
func attr(t *testing.T, doc *goquery.Document, selector, name string) string {
	t.Helper()
	found := doc.Find(selector)
	if found.Length() != 1 {
		t.Fatalf("%s: %d elements, want 1", selector, found.Length())
	}
	return found.AttrOr(name, "")
}

func TestEveryPage(t *testing.T) {
	t.Parallel()
	for _, page := range samples() {
		t.Run(page.name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, page.page)
			checkFrame(t, doc, page.kind)
			checkPolicy(t, doc, page.kind)
			checkForms(t, doc, strings.HasPrefix(page.name, "consent") || slices.Contains([]string{"sign-in", "sign-in-error", "sign-in-ways", "sign-in-code-only", "sign-in-all-ways", "offer-passkey", "second-step", "sign-up", "code", "reset", "new-password", "link"}, page.name))
			checkReferences(t, doc)
		})
	}
}

func checkFrame(t *testing.T, doc *goquery.Document, k kind) {
	t.Helper()
	for selector, want := range map[string]int{`html[lang="en"]`: 1, `meta[name=viewport]`: 1, "head > title": 1, "h1": 1, "main": 1} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d elements, want %d", selector, got, want)
		}
	}
	if strings.TrimSpace(doc.Find("title").Text()) == "" || strings.TrimSpace(doc.Find("h1").Text()) == "" {
		t.Error("empty title or heading")
	}
	if robots := doc.Find(`meta[name=robots]`).AttrOr("content", ""); (k != site) != strings.Contains(robots, "noindex") {
		t.Errorf("robots = %q", robots)
	}
	if text := doc.Find("body").Text(); strings.Contains(text, "@ui.") || strings.Contains(text, "{ ") && k == flow {
		t.Error("template code shows on the page")
	}
	if k != flow {
		return
	}
	if words := regexp.MustCompile(`(?i)\b(clients?|scopes?|tokens?|grants?|authorization server|redirect|please|oops|simply)\b|!`).FindString(doc.Find("body").Text()); words != "" {
		t.Errorf("a page for end users says %q", words)
	}
}

// checkPolicy holds the page to the Content-Security-Policy it is served with: no inline style or script, nothing from elsewhere.
func checkPolicy(t *testing.T, doc *goquery.Document, k kind) {
	t.Helper()
	if n := doc.Find("style, base, object, embed").Length(); n != 0 {
		t.Errorf("%d forbidden elements", n)
	}
	doc.Find("iframe").Each(func(_ int, s *goquery.Selection) { // previews of a project's own pages
		if sandbox, ok := s.Attr("sandbox"); k != dashboard || !ok || strings.Contains(sandbox, "allow-scripts") || !strings.HasPrefix(s.AttrOr("src", ""), "/dashboard/") || s.AttrOr("title", "") == "" {
			t.Errorf("frame %q with sandbox %q", s.AttrOr("src", ""), sandbox)
		}
	})
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			if name := strings.ToLower(a.Key); name == "style" || strings.HasPrefix(name, "on") || name == "srcdoc" || name == "formaction" && !strings.HasPrefix(a.Val, "/oauth/") && (k != dashboard || !strings.HasPrefix(a.Val, "/dashboard/")) {
				t.Errorf("<%s %s>", goquery.NodeName(s), a.Key)
			}
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
				t.Errorf("<%s %s=%q>", goquery.NodeName(s), a.Key, a.Val)
			}
		}
	})
	doc.Find("script").Each(func(_ int, s *goquery.Selection) {
		if k == flow && s.AttrOr("src", "") != templates.Asset("passkey.js") || s.Text() != "" || s.AttrOr("type", "") != "module" {
			t.Error("inline script, or a script on an issuer's page")
		}
	})
	doc.Find("[src], link[href]").Each(func(_ int, s *goquery.Selection) {
		if strings.HasPrefix(s.AttrOr("src", ""), "data:image/") { // a picture of ours that is made for the page
			return
		}
		if goquery.NodeName(s) == "iframe" || strings.HasPrefix(s.AttrOr("src", ""), "/dashboard/") && goquery.NodeName(s) == "img" {
			return
		}
		fetch(t, s.AttrOr("src", s.AttrOr("href", ""))) // fails for everything that is not a static file of ours
	})
}

// checkForms holds every form to method, action and button; inside an authorization each carries the sealed request.
func checkForms(t *testing.T, doc *goquery.Document, withRequest bool) {
	t.Helper()
	doc.Find("form").Each(func(_ int, form *goquery.Selection) {
		filters := form.AttrOr("method", "") == "get" && form.AttrOr("role", "") == "search"
		if form.AttrOr("method", "") != "post" && !filters || form.AttrOr("action", "") == "" {
			t.Errorf("form without post or action: %s", form.AttrOr("action", ""))
		}
		if carries := form.Find(`input[type=hidden][name=request][value="sealed-request"]`).Length() == 1; carries != withRequest {
			t.Errorf("form %s carries the request: %v, want %v", form.AttrOr("action", ""), carries, withRequest)
		}
		id := form.AttrOr("id", "none")
		if form.Find("button[type=submit]").Length()+doc.Find(`button[type=submit][form="`+id+`"]`).Length() == 0 {
			t.Errorf("form %s without a button", form.AttrOr("action", ""))
		}
	})
	doc.Find("input[type=checkbox], input[type=radio]").Each(func(_ int, input *goquery.Selection) {
		if strings.TrimSpace(input.Closest("label").Text()) == "" {
			t.Errorf("box %q has no label", input.AttrOr("name", ""))
		}
	})
	doc.Find("input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select").Each(func(_ int, input *goquery.Selection) {
		name := input.AttrOr("id", "")
		if label := doc.Find(`label[for="` + input.AttrOr("id", "") + `"]`); label.Length() != 1 || strings.TrimSpace(label.Text()) == "" {
			t.Errorf("field %q has no label", name)
		}
		if goquery.NodeName(input) != "select" && input.AttrOr("type", "") != "file" && input.AttrOr("autocomplete", "") == "" {
			t.Errorf("field %q has no autocomplete", name)
		}
		if input.AttrOr("type", "") == "password" && input.AttrOr("value", "") != "" {
			t.Error("a password is shown again")
		}
		_, invalid := input.Attr("aria-invalid")
		if shown := doc.Find("#"+name+"-error").Length() == 1; shown != invalid || invalid && !strings.Contains(input.AttrOr("aria-describedby", ""), name+"-error") {
			t.Errorf("field %q is not tied to its error", name)
		}
	})
	doc.Find("button").Each(func(_ int, button *goquery.Selection) {
		if strings.TrimSpace(button.Text()+button.AttrOr("aria-label", "")) == "" {
			t.Error("button without a name")
		}
	})
}

// checkReferences finds ids used twice and references to ids that do not exist.
func checkReferences(t *testing.T, doc *goquery.Document) {
	t.Helper()
	ids := map[string]int{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n != 1 {
			t.Errorf("id %q is used %d times", id, n)
		}
	}
	for _, name := range []string{"aria-describedby", "aria-labelledby", "for", "popovertarget"} {
		doc.Find("[" + name + "]").Each(func(_ int, s *goquery.Selection) {
			for id := range strings.FieldsSeq(s.AttrOr(name, "")) {
				if ids[id] == 0 {
					t.Errorf("%s names %q, which is not on the page", name, id)
				}
			}
		})
	}
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		if id := strings.TrimPrefix(s.AttrOr("href", ""), "#"); id != "" && ids[id] == 0 {
			t.Errorf("link to #%s leads nowhere", id)
		}
	})
	if n := count(doc, html.CommentNode); n != 0 {
		t.Errorf("%d comments are sent to the browser", n)
	}
}

func count(doc *goquery.Document, wanted html.NodeType) (n int) {
	for node := range doc.Nodes[0].Descendants() {
		if node.Type == wanted {
			n++
		}
	}
	return n
}
