package templates_test

import (
	"strings"
	"testing"

	. "mcpauth.example/templates"
)

func TestCodeMail(t *testing.T) {
	t.Parallel()
	m := CodeMail{Brand: Brand{Name: "Acme <b>\u202ETools"}, Code: "493027", Minutes: 10, Requested: "create your account at <b>Acme</b>"}
	doc := parse(t, CodeMailHTML(m))
	if doc.Find("b, a, img, script, link").Length() != 0 {
		t.Error("the mail has markup from a name, or something to fetch or follow")
	}
	for kind, body := range map[string]string{"html": doc.Find("body").Text(), "text": CodeMailText(m)} {
		for _, want := range []string{"493027", "10 minutes", "create your account at <b>Acme</b>", "Acme <b>Tools", "ignore this mail"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is missing in %q", kind, want, body)
			}
		}
	}
	if m.Minutes = 1; !strings.Contains(CodeMailText(m), "one minute") {
		t.Error("one minute is told as a number of minutes")
	}
}

func TestKnownAddressMail(t *testing.T) {
	t.Parallel()
	m := KnownAddressMail{Brand: brand, SignInURL: issuer + "/account"}
	doc := parse(t, KnownAddressMailHTML(m))
	if got := attr(t, doc, "a", "href"); got != m.SignInURL {
		t.Errorf("link = %q", got)
	}
	for kind, body := range map[string]string{"html": doc.Find("body").Text(), "text": KnownAddressMailText(m)} {
		if !strings.Contains(body, "Acme Tools") || !strings.Contains(body, "nothing was changed") {
			t.Errorf("%s: %q", kind, body)
		}
	}
	if !strings.Contains(KnownAddressMailText(m), "Sign in: "+m.SignInURL+"\n") {
		t.Error("the text has no link")
	}
	m.SignInURL = "javascript:alert(1)"
	if got := attr(t, parse(t, KnownAddressMailHTML(m)), "a", "href"); strings.HasPrefix(got, "javascript") {
		t.Errorf("link = %q", got)
	}
}

// Names that members chose are text in the mail, and one line in its subject.
func TestNoticeMail(t *testing.T) {
	t.Parallel()
	m := NoticeMail{Title: "New owner of Acme <b>\u202ETools\r\nBcc: x: ada@acme.example", Text: []string{"eve <script>alert(1)</script>\nSent by Acme"}, Label: "Open the team page", URL: "https://mcpauth.example/dashboard/acme/team"}
	doc := parse(t, NoticeMailHTML(m))
	if doc.Find("b, img, script, link").Length() != 0 || attr(t, doc, "a", "href") != m.URL {
		t.Error("the mail has markup from a name, or something to fetch, or leads elsewhere")
	}
	for kind, body := range map[string]string{"html": doc.Find("body").Text(), "text": NoticeMailText(m)} {
		for _, want := range []string{"New owner of Acme <b>Tools Bcc: x: ada@acme.example", "eve <script>alert(1)</script> Sent by Acme", "Sent by mcpauth."} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: %q is missing in %q", kind, want, body)
			}
		}
	}
	if want := "New owner of Acme <b>Tools Bcc: x: ada@acme.example"; m.Subject() != want {
		t.Errorf("subject %q, want %q", m.Subject(), want)
	}
	if !strings.Contains(NoticeMailText(m), "Open the team page: "+m.URL) {
		t.Error("the text has no link")
	}
}

func TestMailNamesItsSenderOnce(t *testing.T) {
	t.Parallel()
	for project, want := range map[string]string{"": "Sent by mcpauth.", "mcpauth": "Sent by mcpauth.", "Acme": "Sent by mcpauth for Acme."} {
		m := CodeMail{Brand: Brand{Name: project}, Code: "493027", Minutes: 10}
		for kind, body := range map[string]string{"html": parse(t, CodeMailHTML(m)).Find("body").Text(), "text": CodeMailText(m)} {
			if !strings.Contains(body, want) {
				t.Errorf("%s for %q: %q is missing in %q", kind, project, want, body)
			}
		}
	}
}
