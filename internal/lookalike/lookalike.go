// Package lookalike notices names that borrow or imitate well-known ones.
package lookalike

import (
	"strings"
	"unicode"

	"github.com/mtibben/confusables"
)

// imitated are names that phishing pages borrow: of MCP clients, of identity providers, of payment and of this service.
var imitated = strings.Fields(`
	adobe airbnb amazon anthropic apple atlassian auth0 binance bitbucket chatgpt claude cloudflare codex coinbase copilot cursor discord
	docusign dropbox ebay facebook figma gemini github gitlab google gmail hubspot huggingface icloud instagram intuit jira linear linkedin
	mastercard mcpauth microsoft mistral netflix netlify notion office365 okta onedrive openai outlook paypal perplexity revolut salesforce
	sharepoint shopify slack snowflake spotify stripe supabase telegram vercel whatsapp windsurf workday workos zapier zendesk`)

// Of is the well-known name that a text contains or imitates with look-alike letters, a digit for a letter or one letter too few,
// too many or wrong, or empty (catalogue 275). It decides who looks at a project first, and nothing about what the project may do.
func Of(text string) string {
	whole := plainLetters(text)
	for _, name := range imitated {
		if folded := plainLetters(name); strings.Contains(whole, folded) {
			return name
		}
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		folded := plainLetters(word)
		for _, name := range imitated {
			if known := plainLetters(name); len(known) > 5 && oneEditApart(folded, known) {
				return name
			}
		}
	}
	return ""
}

// plainLetters is the same for texts that look the same (Unicode TS 39 section 4); case, digits for letters and separators aside.
func plainLetters(text string) string {
	var kept strings.Builder
	for _, r := range confusables.Skeleton(strings.ToLower(text)) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			kept.WriteRune(unicode.ToLower(r))
		}
	}
	return confusables.Skeleton(strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "i", "l").Replace(kept.String()))
}

// oneEditApart reports whether one letter inserted, left out or replaced, or two neighbours swapped, makes one of the other.
func oneEditApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
