package dashboard_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/dashboard"
	"mcpauth.example/sdk"
	"mcpauth.example/tenants"
)

func (b *browser) sessionCookie(t *testing.T) string {
	t.Helper()
	for _, c := range b.client.Jar.Cookies(must(url.Parse(b.site.url))) {
		if c.Name == "mcpauth_member" {
			return c.Value
		}
	}
	t.Fatal("nobody is signed in")
	return ""
}

func (b *browser) setSession(t *testing.T, value string) {
	t.Helper()
	b.cookie(t, "mcpauth_member", value)
}

func (b *browser) cookie(t *testing.T, name, value string) {
	t.Helper()
	b.client.Jar.SetCookies(must(url.Parse(b.site.url)), []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func TestCreateProjectShowsTheSecretOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	form := b.get(t, projectsPath(organization)+"/new").want(t, http.StatusOK)
	if action, _ := form.doc.Find("main form").Attr("action"); action != projectsPath(organization) {
		t.Errorf("the form posts to %q", action)
	}
	created := b.make(t, projectsPath(organization), "name", "Acme Tools", "server_url", "https://tools.example.com/mcp")
	shown := created.doc.Find(`[data-testid="secret"]`).Text()
	if address, err := tenants.ParseRegistrationSecret(shown); err != nil || address != "http://localhost:8080/t/acme-tools" {
		t.Fatalf("secret %q: %q, %v", shown, address, err)
	}
	if created.Header.Get("Cache-Control") != "no-store" {
		t.Error("the page with the secret may be stored")
	}
	if created.doc.Find(`[data-testid="issuer"]`).Text() != "http://localhost:8080/t/acme-tools" {
		t.Error("no issuer")
	}
	if env, _ := created.doc.Find("env-download").Attr("data-content"); env != "MCPAUTH_SECRET="+shown+"\n" {
		t.Errorf(".env is %q", env)
	}
	snippets := strings.Join(created.doc.Find(`[data-testid="snippet"], [data-testid="client-guide"]`).Map(func(_ int, s *goquery.Selection) string { return s.Text() }), "\n")
	for _, line := range []string{
		`import { mcpAuth } from "mcpAuth";`, `app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));`,
		`mcpauth.example/sdk/go`, `claude mcp add --transport http acme-tools https://tools.example.com/mcp`,
	} {
		if !strings.Contains(snippets, line) {
			t.Errorf("no snippet with %s", line)
		}
	}
	wantInstallLines(t, b, created)
	list := b.get(t, projectsPath(organization)).want(t, http.StatusOK)
	link := list.doc.Find("table a")
	path, _ := link.Attr("href")
	if link.Text() != "Acme Tools" || list.doc.Find("table td").First().Text() != "https://tools.example.com/mcp" {
		t.Errorf("list %q", list.doc.Find("table").Text())
	}
	again := b.get(t, path+"/keys").want(t, http.StatusOK)
	if strings.Contains(again.text, shown[30:]) || again.doc.Find(`[data-testid="secret"]`).Length() != 0 || !strings.Contains(again.text, shown[len(shown)-4:]) {
		t.Error("the secret is shown a second time, or its last four are not")
	}
	if strings.Contains(s.log.String(), shown) {
		t.Error("the log holds the secret")
	}
}

// wantInstallLines demands that pages install our packages from this installation, and name no other place to get them from.
func wantInstallLines(t *testing.T, b *browser, setUp answer) {
	t.Helper()
	npm, module := "npm install http://localhost:8080/sdk/mcpauth-"+sdk.Version()+".tgz", "GOPROXY=http://localhost:8080/go,$(go env GOPROXY) GONOSUMDB=mcpauth.example/sdk/go go get mcpauth.example/sdk/go@v"+sdk.Version()
	lines := setUp.doc.Find(`[data-testid="install"]`).Text()
	prompt := setUp.doc.Find(`[data-testid="prompt"]`).Text()
	pages := map[string]string{"the set-up page": lines, "the prompt": prompt, "llms-full.txt": b.get(t, "/llms-full.txt").want(t, http.StatusOK).text}
	for name, text := range pages {
		for _, want := range []string{npm, module} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: got %q, want a line %q", name, text[:min(len(text), 600)], want)
			}
		}
		if wrong := regexp.MustCompile(`(?i)npm (install|i|add) (@?[a-z/]*mcp-?auth|@mcpauth)|go get github`).FindString(text); wrong != "" {
			t.Errorf("%s: got %q, want packages of this installation only", name, wrong)
		}
	}
}

func TestCreateProjectRefusesWithWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	before := s.everything(t)
	page := b.post(t, projectsPath(organization), "name", "a\u202eb", "server_url", "http://tools.example.com/mcp").want(t, http.StatusUnprocessableEntity)
	if page.doc.Find("input[aria-invalid=true]").Length() != 2 {
		t.Error("both fields should be marked")
	}
	if value, _ := page.doc.Find("input[name=server_url]").Attr("value"); value != "http://tools.example.com/mcp" {
		t.Errorf("what was typed is lost: %q", value)
	}
	if s.everything(t) != before {
		t.Error("something was written")
	}
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	path, first := b.createProject(t, organization, "Acme")
	path += "/keys"
	page := b.get(t, path).want(t, http.StatusOK)
	create, _ := page.doc.Find(`form[action$="/secrets"]`).Attr("action")
	revoke, _ := page.doc.Find(`form[action$="/revoke"]`).Attr("action")
	second := b.make(t, create).doc.Find(`[data-testid="secret"]`).Text()
	if first == second || !strings.HasPrefix(second, "mcpauth_rs_") {
		t.Errorf("secrets %q and %q", first, second)
	}
	b.post(t, revoke).wantRedirect(t, path)
	b.post(t, revoke).wantRedirect(t, path) // a double click
	after := b.get(t, path).want(t, http.StatusOK)
	if after.doc.Find("[data-secret]").Length() != 1 || !strings.Contains(after.doc.Find("[data-secret]").Text(), second[len(second)-4:]) {
		t.Errorf("living secrets: %s", after.doc.Find("[data-secret]").Text())
	}
	for range tenants.MaxLiveSecrets - 1 {
		b.make(t, create)
	}
	b.post(t, create).want(t, http.StatusConflict)
}

// Who only looks is offered nothing to change: on no page of a project is there a form but those of filters.
func TestViewersAreOfferedNoChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range dashboard.Routes() {
		if r.Method != http.MethodGet || r.Access != "viewer" || strings.HasSuffix(r.Path, "/branding/frame") { // a page of people, framed, that sends nothing
			continue
		}
		page := w.as(t, "viewer").get(t, w.path(t, r.Path)).want(t, http.StatusOK)
		page.doc.Find(`main form:not([role=search], [action$="/team/leave"])`).Each(func(_ int, form *goquery.Selection) {
			t.Errorf("%s: a form to %q", r.Path, form.AttrOr("action", ""))
		})
	}
}

// catalogue 134, 139, 261: forms of another origin are refused, also those of a sibling under the same site.
func TestFormsOfOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	before := s.everything(t)
	for _, from := range []string{"cross-site", "same-site"} {
		b.fetchSite = from
		for path, form := range map[string][]string{
			projectsPath(organization): {"name", "Evil", "server_url", "https://evil.example/mcp"},
			"/dashboard/sign-in":       {"email", "ada@example.com", "password", password},
			"/dashboard/sign-up":       {"name", "Evil", "email", "eve@example.com", "password", password},
			"/dashboard/sign-out":      {},
		} {
			refused := b.post(t, path, form...).want(t, http.StatusForbidden)
			if len(refused.Cookies()) != 0 || refused.doc.Find("h1").Length() != 1 {
				t.Errorf("%s to %s: cookies %v", from, path, refused.Cookies())
			}
		}
	}
	if s.everything(t) != before {
		t.Error("something was written")
	}
}

func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	path, _ := b.createProject(t, organization, "Acme")
	page := b.get(t, path)
	paths := []string{"/", "/dashboard", "/dashboard/sign-in", "/dashboard/sign-up", "/dashboard/sign-up/code", "/dashboard/sign-out",
		projectsPath(organization) + "?name=Evil&server_url=https://evil.example/mcp", projectsPath(organization) + "/new", path}
	page.doc.Find("form").Each(func(_ int, form *goquery.Selection) {
		action, _ := form.Attr("action")
		paths = append(paths, action)
	})
	before := s.everything(t)
	for _, path := range paths {
		if got := b.get(t, path); got.StatusCode >= http.StatusInternalServerError {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if s.everything(t) != before {
		t.Error("something was written")
	}
}

// catalogue 140, 282: every answer of the door tells the browser the same, errors too.
func TestEveryAnswerHasSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	big := b.post(t, "/dashboard/sign-in", "email", strings.Repeat("a", 40<<10))
	answers := []answer{b.get(t, "/"), b.get(t, "/nowhere"), b.get(t, "/dashboard"), b.get(t, "/dashboard/sign-out"), big}
	for i, status := range []int{http.StatusOK, http.StatusNotFound, http.StatusSeeOther, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge} {
		a := answers[i].want(t, status)
		if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: policy %q", a.Request.URL, csp)
		}
		if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Request-Id") == "" || a.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", a.Request.URL, a.Header)
		}
		if status >= 400 && (a.doc.Find("h1").Length() != 1 || a.doc.Find("#request-id").Text() != a.Header.Get("X-Request-Id")) {
			t.Errorf("%s: not our page", a.Request.URL)
		}
	}
}

func TestDatabaseOutageIsUnavailable(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	s.outage(t)
	for _, page := range []answer{
		b.get(t, projectsPath(organization)), b.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password),
	} {
		if page.want(t, http.StatusServiceUnavailable); page.Header.Get("Retry-After") == "" || strings.Contains(page.text, "sql") {
			t.Errorf("%v\n%s", page.Header, page.text)
		}
	}
	b.get(t, "/").want(t, http.StatusOK)
}
