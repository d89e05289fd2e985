package tenants

import (
	"slices"
	"strings"

	"mcpauth.example/internal/secret"
)

// Lengths of a slug in characters. It is a DNS label and part of addresses that people read.
const (
	minSlug = 3
	maxSlug = 40
)

// suffixLength random letters tell a slug from one that is taken.
const suffixLength = 6

// reservedSlugs could be taken for an address of the service itself, or are asked for by mail programs and certificate authorities.
var reservedSlugs = strings.Fields(`
	about abuse access account accounts acme admin admins administrator api apis app apps assets auth authorize autoconfig autodiscover
	beta billing blog broadcasthost cache cdn challenge client clients cloud com community config connect console contact customer
	dashboard data demo-app dev developer developers dns doc docs domain domains download email events example feed feedback files ftp
	git graphql group guest health healthz help home host hostmaster http https identity idp imap info internal invite invoice
	isatap issuer jobs jwks legal lists local localdomain localhost log login logout logs mail mailer-daemon marketing mcp mcpauth
	metrics mobile monitor monitoring mta-sts mx name news newsletter noc noreply ns ns1 ns2 ns3 ns4 null oauth oauth2 oidc
	openid operator org owner partner partners pay payment payments ping policy pop pop3 portal postmaster preview pricing privacy
	prod production project projects proxy public readyz register registry relay root saml sample scim sdk search secure security
	server servers service services session settings sftp shop sign-in sign-up signin signout signup site smtp ssh ssl sso staging
	static stats status store stripe subdomain support sysadmin system team teams telemetry tenant tenants terms test tls token
	tokens tools undefined update upload user users verify webhook webhooks webmail webmaster well-known wiki wpad www www1 www2 www3`)

// NewSlug makes a slug of a project's name: 3 to 40 characters of a-z, 0-9 and single dashes, beginning with a letter, never a reserved
// one. The same name gives the same slug, unless nothing of the name can be kept.
func NewSlug(name string) string {
	base := slugCharacters(name)
	if !ValidSlug(base) {
		return withSuffix(base)
	}
	return base
}

// ValidSlug reports whether a project may have the slug.
func ValidSlug(slug string) bool {
	if len(slug) < minSlug || len(slug) > maxSlug || slugCharacters(slug) != slug {
		return false
	}
	return !slices.Contains(reservedSlugs, slug)
}

// withSuffix is another slug for the same name, for when the first is taken.
func withSuffix(base string) string {
	base = strings.TrimRight(base[:min(len(base), maxSlug-suffixLength-1)], "-")
	if base == "" {
		base = "project"
	}
	return base + "-" + letters(suffixLength)
}

// slugCharacters keeps a-z and 0-9, turns each run of anything else into one dash, and drops what may not begin or end a slug.
func slugCharacters(name string) string {
	var out strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		letter := r >= 'a' && r <= 'z'
		if !letter && (r < '0' || r > '9' || out.Len() == 0) {
			dash = out.Len() > 0
			continue
		}
		if dash {
			out.WriteByte('-')
			dash = false
		}
		out.WriteRune(r)
	}
	slug := out.String()
	return strings.TrimRight(slug[:min(len(slug), maxSlug)], "-")
}

// letters returns n random lower-case letters, each equally likely.
func letters(n int) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range secret.Bytes(n) {
			if b < 234 && len(out) < n { // 234 is the largest multiple of 26 below 256
				out = append(out, 'a'+b%26)
			}
		}
	}
	return string(out)
}
