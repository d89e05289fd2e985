package templates

import "time"

// BrandPage is the branding editor. Fields: accent, page, page_dark, font, radius, title, text, support_url, terms_url, privacy_url, logo
// (a file), remove_logo, then ("draft" or "publish").
type BrandPage struct {
	Shell
	Action, PreviewAction                         string // Action is empty for who may not
	Accent, Page, PageDark, Radius                Field
	Title, Text, SupportURL, TermsURL, PrivacyURL Field
	Logo                                          Field
	HasLogo                                       bool
	LogoURL                                       string
	Font                                          string
	Fonts                                         []string
	Draft                                         bool // there is one that is not published
	DiscardAction                                 string
	Preview                                       BrandPreview
	Versions                                      []BrandVersion
	State, Scheme, Size                           string
}

// BrandPreview shows the pages of the issuer as the form has them. Its fields are state, scheme and size.
type BrandPreview struct {
	Src, State, Scheme, Size string
	States                   []Choice
	Problem                  string // what cannot be shown
	Contrasts                []ContrastLine
	Remark                   string
}

// ContrastLine is how well a text can be read, as a ratio.
type ContrastLine struct{ What, Light, Dark string }

// BrandVersion is a published version.
type BrandVersion struct {
	Number, By, ShowAction string
	At                     time.Time
	Current                bool
}
