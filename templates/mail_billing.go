package templates

import (
	"strings"
)

// BillingMail is about what an organization pays for.
type BillingMail struct {
	Organization, Subject string
	Text                  []string // paragraphs
	URL                   string   // of the billing page
}

// BillingMailText is the plain text of BillingMailHTML.
func BillingMailText(m BillingMail) string {
	parts := append([]string{m.Subject}, m.Text...)
	return strings.Join(append(parts, billingLink+": "+m.URL, "-- \n"+Brand{}.sender()+"\n"), "\n\n")
}

const billingLink = "Usage and billing"
