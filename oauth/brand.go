package oauth

import (
	"encoding/hex"

	"mcpauth.example/internal/secret"
)

// Brand is how an issuer's pages look. The values were checked when they were stored; none of them is markup.
type Brand struct {
	Stylesheet []byte // sets variables; empty: none
	Logo       []byte // PNG; empty: none
	Title      string
	Text       string
	SupportURL string
	TermsURL   string
	PrivacyURL string
	// MailBackground and MailText are the colours of a button in a message; empty: the product's own.
	MailBackground, MailText string
}

// StylesheetName and LogoName are file names that change with the content, and empty when there is none.
func (b Brand) StylesheetName() string { return contentName(b.Stylesheet, ".css") }

// LogoName is like StylesheetName.
func (b Brand) LogoName() string { return contentName(b.Logo, ".png") }

func contentName(content []byte, ext string) string {
	if len(content) == 0 {
		return ""
	}
	return hex.EncodeToString(secret.Hash(string(content))[:12]) + ext
}
