package endpoints

import (
	"strings"
	"unicode"

	"github.com/mtibben/confusables"
	"golang.org/x/net/idna"

	"mcpauth.example/oauth"
)

// famous are apps whose names people trust, with the hosts of whoever makes them and the schemes that their apps open.
var famous = []struct {
	name  string
	hosts []string
}{
	{"claude", []string{"claude.ai", "claude.com", "anthropic.com"}},
	{"anthropic", []string{"claude.ai", "claude.com", "anthropic.com"}},
	{"chatgpt", []string{"chatgpt.com", "openai.com"}},
	{"openai", []string{"chatgpt.com", "openai.com"}},
	{"codex", []string{"chatgpt.com", "openai.com"}},
	{"cursor", []string{"cursor.com", "cursor.sh", "anysphere.co"}},
	{"visualstudiocode", []string{"vscode.dev", "visualstudio.com", "microsoft.com", "github.com"}},
	{"vscode", []string{"vscode.dev", "visualstudio.com", "microsoft.com", "github.com"}},
	{"copilot", []string{"github.com", "microsoft.com", "vscode.dev"}},
	{"gemini", []string{"google.com"}},
	{"windsurf", []string{"windsurf.com", "codeium.com"}},
	{"perplexity", []string{"perplexity.ai"}},
	{"mistral", []string{"mistral.ai"}},
	{"github", []string{"github.com"}},
	{"google", []string{"google.com"}},
	{"microsoft", []string{"microsoft.com", "microsoftonline.com"}},
}

// nameWarning says what is wrong about the name that an app gave itself; empty when nothing is. An app on the person's own device has
// a warning of its own, since nobody can tell who made it; look-alikes are told all the same.
func nameWarning(client oauth.Client, redirect, project string) string {
	plain, folded := letters(client.Name), skeleton(client.Name)
	host := client.DocumentHost()
	if host == "" && strings.HasPrefix(redirect, "https://") {
		host = oauth.RedirectHost(redirect)
	}
	host, _, _ = strings.Cut(host, ":")
	for _, known := range famous {
		if !strings.Contains(folded, skeleton(known.name)) || belongs(host, known.hosts) {
			continue
		}
		switch {
		case !strings.Contains(plain, known.name):
			return "The name of this app imitates a well-known one with look-alike letters. Deny, unless you know exactly where it comes from."
		case host != "":
			return "This app uses the name of a well-known one, but belongs to " + host + ". Deny, unless you expected that."
		}
	}
	if mixesScripts(client.Name) {
		return "The name of this app mixes letters of different scripts, as imitations do. Deny, unless you know exactly where it comes from."
	}
	if own := skeleton(project); len(own) > 2 && strings.Contains(folded, own) {
		return "The name of this app contains “" + project + "”. That does not mean that " + project + " made it."
	}
	if ascii, err := idna.Lookup.ToUnicode(host); err == nil && mixesScripts(ascii) {
		return "The address of this app mixes letters of different scripts, as imitations do."
	}
	return ""
}

// letters are the letters and digits of a name in lower case.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// skeleton is the same for names that look the same (Unicode TS 39 section 4), upper case and spaces aside.
func skeleton(name string) string { return letters(confusables.Skeleton(letters(name))) }

// belongs reports whether a host is one of the hosts, or below one.
func belongs(host string, hosts []string) bool {
	for _, known := range hosts {
		if host == known || strings.HasSuffix(host, "."+known) {
			return true
		}
	}
	return false
}

// mixesScripts finds words that take letters of Latin, Greek and Cyrillic together.
func mixesScripts(name string) bool {
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
		scripts := 0
		for _, script := range []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic} {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(script, r) }) {
				scripts++
			}
		}
		if scripts > 1 {
			return true
		}
	}
	return false
}
