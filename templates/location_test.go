package templates_test

import (
	"errors"
	"strings"
	"testing"

	. "mcpauth.example/templates"
)

func TestClientLocation(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"http://localhost:3118/callback?code=a&state=b",
		"http://127.0.0.1:51234/cb",
		"http://[::1]:8080/cb",
		"https://claude.ai/api/mcp/auth_callback?code=x",
		"HTTPS://Example.com/cb",
		"cursor://anysphere.cursor-mcp/oauth/callback?code=x&state=y",
		"com.example.app:/oauth2redirect?code=x",
		"vscode://vscode.github-authentication/did-authenticate",
		"x-app+v2.1:done",
		"https://example.com/cb?next=javascript:alert(1)",
	}
	refused := []string{
		"", "/relative", "//host/path", "relative", "?query", ":no-scheme", "https:", "cursor:", "1app://x", "-app://x", "a_b://x",
		"https:///path", "https:opaque", "http://", "https://user:secret@example.com/", "https://user@example.com/", "http://%zz/",
		"javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "\x00javascript:alert(1)", "\u00a0javascript:alert(1)",
		"javascript&colon;alert(1)", "data:text/html,<script>alert(1)</script>", "DATA:text/html,x", "vbscript:msgbox", "file:///etc/passwd", "about:blank",
		"blob:https://example.com/1", "filesystem:https://example.com/x", "view-source:https://example.com", "jar:https://example.com!/x", "livescript:x", "mocha:x", "mhtml:x", "resource://x", "chrome://settings",
		"https://example.com/a b", "https://example.com\\@evil.example/", "https://example.com/\r\nrefresh: 0", "cursor://x\x7f",
	}
	for _, location := range allowed {
		t.Run("allowed "+location, func(t *testing.T) {
			t.Parallel()
			if got, err := ClientLocation(location); err != nil || string(got) != location {
				t.Errorf("ClientLocation(%q) = %q, %v; want it unchanged", location, got, err)
			}
		})
	}
	for _, location := range refused {
		t.Run("refused "+location, func(t *testing.T) {
			t.Parallel()
			if got, err := ClientLocation(location); !errors.Is(err, ErrLocation) || got != "" {
				t.Errorf("ClientLocation(%q) = %q, %v; want ErrLocation", location, got, err)
			}
		})
	}
}

// The way back must reach the client byte for byte, both through the refresh and through the link.
func TestLeave(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"cursor://anysphere.cursor-mcp/oauth/callback?code=a%22b&state=<\"'>&iss=https://acme.mcpauth.example",
		"http://localhost:3118/callback?code=a&state=b;c,d",
		"https://claude.ai/cb?a=1&amp;b=2",
	} {
		doc := parse(t, Leave(LeavePage{Brand: brand, ClientName: "Claude Code", Location: location}))
		if got := attr(t, doc, "meta[http-equiv=refresh]", "content"); got != "0;url="+location {
			t.Errorf("refresh = %q, want %q", got, "0;url="+location)
		}
		if got := attr(t, doc, "a#continue", "href"); got != location {
			t.Errorf("link = %q, want %q", got, location)
		}
		if got := attr(t, doc, "meta[name=referrer]", "content"); got != "no-referrer" {
			t.Errorf("referrer = %q", got)
		}
		if attr(t, doc, "a#continue", "rel") != "noreferrer" {
			t.Error("the link sends a referrer")
		}
	}
}

func TestLeaveRefuses(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"javascript:alert(1)", "data:text/html,x", "", "/relative"} {
		page := Leave(LeavePage{Brand: brand, ClientName: "Evil", Location: location})
		doc := parse(t, page)
		if n := doc.Find("a, meta[http-equiv]").Length(); n != 0 {
			t.Errorf("%q: %d ways out of the page, want none", location, n)
		}
		if location != "" && strings.Contains(render(t, page), location+"\"") {
			t.Errorf("%q stands on the page", location)
		}
	}
}

// The link of a message may lead back to a client or to a page of ours, never into a script.
func TestMessageLink(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		"/dashboard":           "/dashboard",
		"https://claude.ai/x":  "https://claude.ai/x",
		"cursor://callback?a":  "cursor://callback?a",
		"javascript:alert(1)":  "about:invalid#TemplFailedSanitizationURL",
		"data:text/html,hello": "about:invalid#TemplFailedSanitizationURL",
	} {
		doc := parse(t, Message(MessagePage{Title: "T", LinkText: "Back", LinkURL: link}))
		if got := attr(t, doc, "main a", "href"); got != want {
			t.Errorf("link %q became %q, want %q", link, got, want)
		}
	}
}
