package tenants

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// Bounds of a brand.
const (
	MaxBrandRadius = 24      // CSS pixels
	MaxBrandTitle  = 60      // characters
	MaxBrandText   = 240     // characters
	MaxLogoUpload  = 2 << 20 // bytes
)

// Brand is how a project looks to its people. It holds values, never markup or style sheets (catalogue 149, 262): what people need for
// a safe decision has colours and words of its own, which no brand can change (catalogue 151, 152).
type Brand struct {
	// Accent colours buttons and links, Page and PageDark what lies around the card; each "#rrggbb", empty for ours.
	Accent   string `json:"accent,omitempty"`
	Page     string `json:"page,omitempty"`
	PageDark string `json:"page_dark,omitempty"`
	// Font is one of BrandFonts; empty is the system's.
	Font string `json:"font,omitempty"`
	// Radius of corners in CSS pixels, 0 to MaxBrandRadius; -1 is ours.
	Radius int `json:"radius"`
	// Title and Text stand above the sign-in form, as plain text.
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	// SupportURL, TermsURL and PrivacyURL are https or, for support, mailto.
	SupportURL string `json:"support_url,omitempty"`
	TermsURL   string `json:"terms_url,omitempty"`
	PrivacyURL string `json:"privacy_url,omitempty"`
	// Logo is a PNG that was made here from what was uploaded; empty for none. LogoHash names it.
	Logo     []byte `json:"-"`
	LogoHash string `json:"logo,omitempty"` // hex
	Version  int    `json:"-"`              // 0: a draft
	By       string `json:"-"`              // who published it
}

// brandFonts are stacks of fonts that systems have: nothing is loaded for them.
var brandFonts = []struct{ name, stack string }{
	{"system", `system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif`},
	{"humanist", `Seravek,"Gill Sans Nova",Ubuntu,Calibri,"DejaVu Sans",source-sans-pro,sans-serif`},
	{"geometric", `Avenir,Montserrat,Corbel,"URW Gothic",source-sans-pro,sans-serif`},
	{"rounded", `ui-rounded,"Hiragino Maru Gothic ProN",Quicksand,Comfortaa,Manjari,"Arial Rounded MT Bold",Calibri,sans-serif`},
	{"serif", `"Iowan Old Style","Palatino Linotype","URW Palladio L",P052,Georgia,serif`},
	{"slab", `Rockwell,"Rockwell Nova","Roboto Slab","DejaVu Serif","Sitka Small",serif`},
	{"mono", `ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace`},
}

// BrandFonts lists the fonts to choose from.
func BrandFonts() []string {
	var names []string
	for _, f := range brandFonts {
		names = append(names, f.name)
	}
	return names
}

// ParseBrand checks what a member entered; colours come back in lower case and texts without surrounding space. The error is a
// FieldError for the field's JSON name.
func ParseBrand(b Brand) (Brand, error) {
	for field, colour := range map[string]*string{"accent": &b.Accent, "page": &b.Page, "page_dark": &b.PageDark} {
		if *colour = strings.ToLower(strings.TrimSpace(*colour)); *colour != "" {
			if _, ok := ParseColour(*colour); !ok {
				return b, FieldError{Field: field, Message: "Enter a colour as # and six hexadecimal digits, such as #1e66d1."}
			}
		}
	}
	if b.Font != "" && !slices.Contains(BrandFonts(), b.Font) {
		return b, FieldError{Field: "font", Message: "Choose one of " + strings.Join(BrandFonts(), ", ") + "."}
	}
	if b.Radius < -1 || b.Radius > MaxBrandRadius {
		return b, FieldError{Field: "radius", Message: fmt.Sprintf("Enter 0 to %d pixels.", MaxBrandRadius)}
	}
	for field, text := range map[string]*string{"title": &b.Title, "text": &b.Text} {
		most := map[string]int{"title": MaxBrandTitle, "text": MaxBrandText}[field]
		if *text = strings.TrimSpace(*text); utf8.RuneCountInString(*text) > most || !utf8.ValidString(*text) || strings.ContainsFunc(*text, isHidden) {
			return b, FieldError{Field: field, Message: fmt.Sprintf("Enter plain text of at most %d characters, on one line.", most)}
		}
		if strings.Contains(*text, "://") || strings.Contains(strings.ToLower(*text), "www.") { // catalogue 151
			return b, FieldError{Field: field, Message: "Leave addresses out: links have fields of their own."}
		}
	}
	for field, link := range map[string]*string{"support_url": &b.SupportURL, "terms_url": &b.TermsURL, "privacy_url": &b.PrivacyURL} {
		if *link = strings.TrimSpace(*link); *link != "" && !isBrandLink(*link, field == "support_url") {
			return b, FieldError{Field: field, Message: "Enter an https address of at most 500 characters."}
		}
	}
	return b, nil
}

// isHidden finds what cannot be seen or turns the reading direction.
func isHidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// isBrandLink keeps script schemes out (catalogue 153).
func isBrandLink(text string, mail bool) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > 500 || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	if mail && u.Scheme == "mailto" {
		return strings.Count(u.Opaque, "@") == 1 && u.RawQuery == ""
	}
	return u.Scheme == "https" && u.Host != "" && u.User == nil
}

// palette is what the accent and the page become in one scheme.
//
// The accent stays what the project chose; an edge around it makes a button stand out where the accent alone does not. The button that
// allows is as heavy as the one that denies, so it takes a strong form of the accent.
type palette struct{ accent, press, onAccent, edge, strong, onStrong, link, page, onPage Colour }

func (b Brand) palette(card Colour, page string) (p palette, ownPage bool) {
	accent, _ := ParseColour(b.Accent)
	p.accent, p.onAccent = accent, inkOn(accent)
	p.edge = accent.readable(card, minEdge)
	p.strong, p.onStrong = p.edge, inkOn(p.edge)
	away := white
	if p.onAccent == white {
		away = black
	}
	p.press = p.accent.towards(away, 0.14) // away from the text: its contrast only grows
	p.link = accent.readable(card, MinContrast)
	if p.page, ownPage = ParseColour(page); ownPage {
		p.onPage = inkOn(p.page)
	}
	return p, ownPage
}

// Stylesheet sets the variables of templates/static/flow.css. It is made of parsed values only.
func (b Brand) Stylesheet() string {
	var out strings.Builder
	scheme := func(card Colour, page string) string {
		var vars strings.Builder
		p, ownPage := b.palette(card, page)
		if b.Accent != "" {
			fmt.Fprintf(&vars, "--accent:%s;--press:%s;--onaccent:%s;--outline:%s;--strong:%s;--onstrong:%s;--link:%s;", p.accent, p.press, p.onAccent, p.edge, p.strong, p.onStrong, p.link)
		}
		if ownPage {
			fmt.Fprintf(&vars, "--page:%s;--onpage:%s;", p.page, p.onPage)
		}
		return strings.TrimSuffix(vars.String(), ";")
	}
	light, dark := scheme(cardLight, b.Page), scheme(cardDark, b.PageDark)
	if b.Radius >= 0 {
		light += fmt.Sprintf(";--radius:%dpx;--card-radius:%dpx", b.Radius, min(b.Radius*3/2, MaxBrandRadius))
	}
	for _, f := range brandFonts {
		if f.name == b.Font {
			light += ";--font:" + f.stack
		}
	}
	if light = strings.TrimPrefix(light, ";"); light != "" {
		out.WriteString(":root{" + light + "}\n")
	}
	if dark != "" {
		out.WriteString("@media (prefers-color-scheme:dark){:root{" + dark + "}}\n")
	}
	return out.String()
}

// MailColours are the colours of a button in a message: mail programs know no variables.
func (b Brand) MailColours() (background, text string) {
	if b.Accent == "" {
		return "", ""
	}
	p, _ := b.palette(cardLight, "")
	return p.strong.String(), p.onStrong.String()
}

// BrandStore keeps brands. A published version never changes.
type BrandStore interface {
	// SetBrandDraft stores the draft; an empty logo keeps the one that LogoHash names, of this project.
	SetBrandDraft(ctx context.Context, actor Actor, organization, project id.ID, b Brand) error
	// FindBrandDraft returns the draft, or what is published when there is none, or a brand without anything.
	FindBrandDraft(ctx context.Context, organization, project id.ID) (Brand, error)
	// PublishBrand makes the draft the next version, and shows it. ErrNotFound: there is no draft.
	PublishBrand(ctx context.Context, actor Actor, organization, project id.ID) (version int, err error)
	// ShowBrand goes back to a published version; 0 shows none. ErrNotFound for one that was never published.
	ShowBrand(ctx context.Context, actor Actor, organization, project id.ID, version int) error
	// DiscardBrandDraft succeeds when there is none.
	DiscardBrandDraft(ctx context.Context, actor Actor, organization, project id.ID) error
	// ListBrands returns the published versions, the latest first, at most 100.
	ListBrands(ctx context.Context, organization, project id.ID) ([]Brand, error)
}

// SetBrandDraft checks and stores a draft. Upload is a picture as a member gave it, empty to keep the draft's logo; it is decoded and
// written anew, so that nothing but pixels stays of it (catalogue 150). Errors: a FieldError.
func (p Projects) SetBrandDraft(ctx context.Context, actor Actor, org, project id.ID, b Brand, upload []byte) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	b, err := ParseBrand(b)
	if err != nil {
		return err
	}
	b.Logo = nil
	if len(upload) > 0 {
		if b.Logo, err = p.Logo(upload); err != nil || len(upload) > MaxLogoUpload {
			return FieldError{Field: "logo", Message: "Choose a PNG, JPEG or WebP picture of at most 2 MiB and 4,000 pixels in each direction."}
		}
		b.LogoHash = fmt.Sprintf("%x", secret.Hash(string(b.Logo)))[:32]
	}
	return p.Store.SetBrandDraft(ctx, actor, org, project, b)
}

// PublishBrand shows the draft to people, as a new version.
func (p Projects) PublishBrand(ctx context.Context, actor Actor, org, project id.ID) (version int, err error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return 0, err
	}
	return p.Store.PublishBrand(ctx, actor, org, project)
}

// DiscardBrandDraft forgets the draft; what is published stays.
func (p Projects) DiscardBrandDraft(ctx context.Context, actor Actor, org, project id.ID) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.DiscardBrandDraft(ctx, actor, org, project)
}

// ShowBrand goes back to an earlier version, exactly as it was; 0 goes back to the product's own look.
func (p Projects) ShowBrand(ctx context.Context, actor Actor, org, project id.ID, version int) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.ShowBrand(ctx, actor, org, project, version)
}
