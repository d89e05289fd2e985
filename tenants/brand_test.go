package tenants

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

var plainStyles = regexp.MustCompile(`^(?:(?:@media \(prefers-color-scheme:dark\)\{)?:root\{(?:--(?:accent|press|onaccent|outline|strong|onstrong|link|page|onpage):#[0-9a-f]{6}|--(?:radius|card-radius):[0-9]{1,2}px|--font:[A-Za-z0-9 ",-]+)(?:;(?:--(?:accent|press|onaccent|outline|strong|onstrong|link|page|onpage):#[0-9a-f]{6}|--(?:radius|card-radius):[0-9]{1,2}px|--font:[A-Za-z0-9 ",-]+))*\}{1,2}\n)*$`)

// Whatever colours a project chooses, its people can read every text: 4.5:1 (WCAG 2.2 section 1.4.3), and 3:1 for a button against its
// card (catalogue 152).
func TestBrandColoursCanBeRead(t *testing.T) {
	t.Parallel()
	for i := range 3000 {
		n := i * 5741 // spread over all colours
		c := Colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}
		if i < 8 {
			c = Colour{uint8(i & 1 * 255), uint8(i >> 1 & 1 * 255), uint8(i >> 2 & 1 * 255)}
		}
		b := Brand{Accent: c.String(), Page: c.String(), PageDark: c.String(), Radius: -1}
		for _, card := range []Colour{cardLight, cardDark} {
			p, _ := b.palette(card, b.Page)
			for name, got := range map[string][2]float64{
				"button's text": {Contrast(p.onAccent, p.accent), MinContrast}, "pressed button's text": {Contrast(p.onAccent, p.press), MinContrast},
				"link": {Contrast(p.link, card), MinContrast}, "edge of a button": {Contrast(p.edge, card), minEdge}, "button that allows": {Contrast(p.strong, card), minEdge},
				"its text": {Contrast(p.onStrong, p.strong), MinContrast}, "foot": {Contrast(p.onPage, p.page), MinContrast},
			} {
				if got[0] < got[1] {
					t.Errorf("%s of %s on %s: %.2f", name, c, card, got[0])
				}
			}
		}
		if css := b.Stylesheet(); !plainStyles.MatchString(css) || !strings.Contains(css, "--accent:") {
			t.Fatalf("%s", css)
		}
	}
	if kept := (Brand{Accent: "#ffe600"}); strings.Count(kept.Stylesheet(), "--accent:#ffe600") != 2 {
		t.Errorf("the accent is not the project's: %s", kept.Stylesheet())
	}
}

// The cards that colours are measured against are the cards of the pages.
func TestBrandCards(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("../templates/static/flow.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "prefers-color-scheme:dark")
	if !strings.Contains(light, "--card:#fff;") || !strings.Contains(dark, "--card:"+cardDark.String()+";") {
		t.Error("flow.css has other cards")
	}
}

// Catalogue 149, 151, 153, 262: nothing but values gets in.
func TestParseBrand(t *testing.T) {
	t.Parallel()
	good := Brand{Accent: " #AA00ff ", Page: "#ffffff", PageDark: "#000000", Font: "serif", Radius: 24, Title: " Welcome ", Text: "Sign in with your Acme account.",
		SupportURL: "mailto:help@acme.example", TermsURL: "https://acme.example/terms", PrivacyURL: "https://acme.example/privacy"}
	parsed, err := ParseBrand(good)
	if err != nil || parsed.Accent != "#aa00ff" || parsed.Title != "Welcome" {
		t.Fatalf("%+v %v", parsed, err)
	}
	for field, values := range map[string][]string{
		"accent": {"red", "#fff", "#12345g", "#1234567", "#123456;}", "url(https://x)", "expression(alert(1))", "#12345 ", "#+12345"},
		"page":   {"</style><script>alert(1)</script>", "var(--x)", "#-12345"}, "page_dark": {"@import 'x'"},
		"font":        {"Comic Sans", "system;}*{position:fixed", `x"`},
		"title":       {strings.Repeat("a", 61), "two\nlines", "right\u202eleft", "go to https://evil.example", "www.evil.example", "a\xff", "zero\u200bwidth"},
		"text":        {strings.Repeat("a", 241), "nul\x00"},
		"support_url": {"javascript:alert(1)", "http://acme.example", "data:text/html,x", "mailto:a@b?cc=c@d", "mailto:nobody", "//evil.example", "https://user@evil.example", "https:// x"},
		"terms_url":   {"mailto:help@acme.example", "javascript:alert(1)", " /terms"}, "privacy_url": {"ftp://acme.example", "https://" + strings.Repeat("a", 500)},
	} {
		for _, value := range values {
			b := good
			*map[string]*string{"accent": &b.Accent, "page": &b.Page, "page_dark": &b.PageDark, "font": &b.Font, "title": &b.Title, "text": &b.Text,
				"support_url": &b.SupportURL, "terms_url": &b.TermsURL, "privacy_url": &b.PrivacyURL}[field] = value
			_, err := ParseBrand(b)
			var wrong FieldError
			if !errors.As(err, &wrong) || wrong.Field != field {
				t.Errorf("%s %q: %v", field, value, err)
			}
		}
	}
	for _, radius := range []int{-2, 25, 1 << 30} {
		if _, err := ParseBrand(Brand{Radius: radius}); err == nil {
			t.Errorf("radius %d", radius)
		}
	}
	for _, font := range BrandFonts() {
		if css := (Brand{Font: font}).Stylesheet(); !plainStyles.MatchString(css) || !strings.Contains(css, "--font:") {
			t.Error(css)
		}
	}
}
