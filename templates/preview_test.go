package templates_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/a-h/templ"

	. "mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// TestPreview renders every page and e-mail; with TEMPLATES_PREVIEW_DIR set it also writes them and their static files to that
// folder, to be looked at in a browser.
func TestPreview(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("TEMPLATES_PREVIEW_DIR")
	pages := append(samples(),
		sample{"mail-code", site, CodeMailHTML(CodeMail{Brand: brand, Code: "493027", Minutes: 10, Requested: "create your account at Acme Tools"})},
		sample{"mail-link", site, CodeMailHTML(CodeMail{Brand: brand, Code: "493027", Minutes: 10, Requested: "sign in at Acme Tools", Link: issuer + "/oauth/sign-in/link?challenge=1&code=493027"})},
		sample{"mail-no-account", site, NoAccountMailHTML(NoAccountMail{Brand: brand})},
		sample{"mail-invitation", site, InvitationMailHTML(InvitationMail{Organization: "Acme", Role: "developer", URL: "https://mcpauth.example/dashboard/invitations"})},
		sample{"mail-new-owner", site, NoticeMailHTML(NoticeMail{Title: "New owner of Acme: alan@acme.example", Label: "Open the team page", URL: "https://mcpauth.example/dashboard/acme/team",
			Text: []string{"grace@acme.example gave alan@acme.example the role owner. Before it was developer.", "An owner can do everything, such as give and take roles, pay, and delete the organization.", "If none of you wanted this, put it right on the team page now."}})},
		sample{"mail-removed", site, NoticeMailHTML(NoticeMail{Title: "alan@acme.example was removed from Acme", Label: "Open the team page", URL: "https://mcpauth.example/dashboard/acme/team",
			Text: []string{"grace@acme.example removed alan@acme.example, whose role was owner. What they made stays with the organization.", "If none of you wanted this, put it right on the team page now."}})},
		sample{"mail-provider", site, NoticeMailHTML(NoticeMail{Title: "Identity provider added: Acme Tools", Label: "Open the sign-in page of the project", URL: "https://mcpauth.example/dashboard/acme/tools/sign-in",
			Text: []string{"grace@acme.example added the identity provider Google of the project Acme Tools in Acme.", "It says who somebody is when they sign in with it.", "If none of you wanted this, put it right on the sign-in page of the project now."}})},
		sample{"mail-known", site, KnownAddressMailHTML(KnownAddressMail{Brand: brand, SignInURL: issuer})},
	)
	asset := regexp.MustCompile(Asset("app.css")[:len("/static/")] + `[a-z0-9.-]+`)
	for _, page := range pages {
		html := render(t, page.page)
		write(t, folder, page.name+".html", html)
		for _, address := range asset.FindAllString(html, -1) {
			write(t, folder, address, fetch(t, address))
		}
	}
	for name, b := range map[string]tenants.Brand{
		"aubergine": {Accent: "#5b1a55", Page: "#f6eef5", PageDark: "#1d0f1c", Font: "humanist", Radius: 14},
		"lime":      {Accent: "#c6ff00", Page: "#10210f", PageDark: "#050a05", Font: "mono", Radius: 0},
	} {
		write(t, folder, "brand-"+name+".css", b.Stylesheet())
	}
	for _, font := range []string{"inter.woff2", "jetbrains-mono.woff2"} {
		write(t, folder, Asset(font), fetch(t, Asset(font)))
	}
}

// render gives the page's HTML.
func render(t *testing.T, page templ.Component) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	if err := page.Render(t.Context(), recorder); err != nil {
		t.Fatalf("render: %v", err)
	}
	return recorder.Body.String()
}

// fetch gets a static file that has to exist.
func fetch(t *testing.T, address string) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	StaticHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, address, nil))
	if recorder.Code != 200 {
		t.Fatalf("GET %s: status %d", address, recorder.Code)
	}
	return recorder.Body.String()
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if folder == "" {
		return
	}
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
