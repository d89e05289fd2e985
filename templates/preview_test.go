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
