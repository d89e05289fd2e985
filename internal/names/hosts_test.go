package names_test

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/internal/names"
)

// hosts are those of others that the product, its pages, its prompts, its mails, its packages or its documents name, and why. Whatever is
// not here is the installation's own, or reserved for examples.
var hosts = map[string]string{
	"accounts.google.com":       "Google's issuer: people sign in there when a project offers it (OpenID Connect)",
	"login.microsoftonline.com": "Microsoft's issuer: people sign in there when a project offers it (OpenID Connect)",
	"github.com":                "GitHub's sign-in, for people and members; import paths of libraries",
	"api.github.com":            "GitHub's API: who signed in, and with which proved address",
	"api.stripe.com":            "Stripe's API, when the operator takes money",
	"claude.ai":                 "a client: where people add a connector",
	"www.apache.org":            "where the text of our licence says that it comes from",
	"scripts.sil.org":           "where the licences of the fonts say that they come from",
	"www.w3.org":                "names in documents (SVG), and the content security policy",
}

// reserved are for examples and for the computer itself (RFC 2606, RFC 6761), and can be owned by nobody.
var reserved = regexp.MustCompile(`(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|org|net))$|^127(?:\.\d+){3}$|^\[`)

var (
	address  = regexp.MustCompile(`(?i)\b(?:https?|wss?)://(\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)`)
	bareHost = regexp.MustCompile(`(?i)(?:^|[\s"'(>` + "`" + `])((?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|dev|app))\b`)
)

// shown reports whether people or programs outside get to read a file: the product's source, documents and packages, but no test.
func shown(path string) bool {
	switch {
	case strings.HasSuffix(path, "_test.go"), strings.HasPrefix(path, "internal/e2e/"), strings.Contains(path, "/test/"), strings.HasPrefix(path, "internal/mutate/"):
		return false
	case strings.HasPrefix(path, "sdk/typescript/dist/"), path == "CONFORMANCE.md", path == "Makefile", strings.HasPrefix(path, "internal/bench/"):
		return false
	}
	return true
}

// hostsIn finds the hosts that a text names: those in addresses, and in what people read also those that stand alone.
func hostsIn(path, text string) []string {
	found := map[string]bool{}
	for _, match := range address.FindAllStringSubmatch(text, -1) {
		found[strings.ToLower(match[1])] = true
	}
	if strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".templ") {
		for _, match := range bareHost.FindAllStringSubmatch(text, -1) {
			found[strings.ToLower(match[1])] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Every host that the product names is its own, reserved for examples, or stands in the list with its reason; the list holds no more.
func TestHosts(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	walk(t, func(path, text string) {
		if !shown(path) {
			return
		}
		for _, host := range hostsIn(path, text) {
			seen[host] = true
			if hosts[host] == "" && !reserved.MatchString(host) && strings.Contains(host, ".") {
				t.Errorf("%s names %s: want a host of the list, one that is reserved for examples, or the installation's own", path, host)
			}
		}
	})
	for host := range hosts {
		if !seen[host] {
			t.Errorf("the list has %s, which nothing names", host)
		}
	}
	agent := names.UserAgent("https://auth.example")
	if got := hostsIn("", agent); !slices.Equal(got, []string{"auth.example"}) {
		t.Errorf("user agent %q: got hosts %v, want the installation's only", agent, got)
	}
}

// fetched finds what a line tells people, or the programs that read for them, to install, to clone or to fetch. Flags are no names.
var fetched = regexp.MustCompile(`(?:\bgit clone|\bnpm (?:i|install|add|exec)|\bnpx|\bpnpm (?:i|add|dlx)|\byarn add|\bbunx?(?: add)?|\bgo get|\bgo install|\bpip install|\bdocker (?:pull|run)|\bcurl|\bwget|\bGOPROXY=)((?:[ =]+[^\s` + "`" + `,;|)]+)+)`)

// registries are the packages of others that may be installed by name, and why: each is older than we are, and no word in it is ours.
var registries = map[string]string{
	"express@5":                   "what the guard stands in",
	"@modelcontextprotocol/sdk@1": "the official SDK, which the guard builds upon",
	"jose":                        "verifies tokens where there is no guard of ours",
}

// Nothing but the installation itself may be cloned, installed or fetched by who follows our pages; of others only packages of the list.
func TestInstallLines(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	count := 0
	walk(t, func(path, text string) {
		if !shown(path) || strings.HasPrefix(path, "internal/devdb/") || strings.HasPrefix(path, "internal/testrun/") {
			return
		}
		for line := range strings.Lines(text) {
			for _, match := range fetched.FindAllStringSubmatch(line, -1) {
				for word := range strings.FieldsSeq(match[1]) {
					word = strings.Trim(word, `"'=\`)
					switch {
					case registries[word] != "":
						used[word] = true
						count++
					case foreignSource(word):
						t.Errorf("%s: %s\n\tgot %q, want the installation's own address, or a package of the list", path, strings.TrimSpace(line), word)
					case strings.Contains(word, "{{base}}"), strings.Contains(word, "{{go_sdk}}"):
						count++
					}
				}
			}
		}
	})
	for name := range registries {
		if !used[name] {
			t.Errorf("the list has %s, which nothing installs", name)
		}
	}
	if count < 10 {
		t.Errorf("got %d things to install in all pages, want 10 at least: does the pattern still fit?", count)
	}
}

// foreignSource reports whether a word of a command is a place of somebody else: an address, a host with a path, or a scoped package.
func foreignSource(word string) bool {
	if strings.HasPrefix(word, "-") || strings.HasPrefix(word, ".") || strings.HasPrefix(word, "$") || strings.HasPrefix(word, "{{") {
		return false
	}
	if parsed, err := url.Parse(word); err == nil && parsed.Host != "" {
		return !reserved.MatchString(parsed.Hostname())
	}
	return regexp.MustCompile(`^@[a-z0-9-]+/`).MatchString(word) || regexp.MustCompile(`^(?:[a-z0-9-]+\.)+(?:com|org|net|io|ai|dev)(?:/|:|$)`).MatchString(word)
}
