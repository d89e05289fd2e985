package dashboard_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpauth/mcpauth/dashboard"
	"github.com/mcpauth/mcpauth/internal/mail"
	"github.com/mcpauth/mcpauth/internal/postgres"
	"github.com/mcpauth/mcpauth/internal/postgres/pgtest"
	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/internal/signin"
	"github.com/mcpauth/mcpauth/tenants"
)

// site is a dashboard on a database of its own.
type site struct {
	url    string
	store  *postgres.Store
	signin *signin.Service
	db     *pgtest.Database
	super  *pgxpool.Pool
	mails  chan mail.Message
	log    *lockedBuffer
}

// Send implements postgres.MailSender.
func (s *site) Send(_ context.Context, m mail.Message) error {
	s.mails <- m
	return nil
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newSite(t *testing.T) *site { return newSiteAt(t, "http://localhost:8080") }

func newSiteAt(t *testing.T, baseURL string) *site {
	t.Helper()
	db := pgtest.New(t)
	s := &site{db: db, mails: make(chan mail.Message, 10), log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	keys := must(secret.ParseKeyring(secret.NewKeyringText()))
	s.store = must(postgres.Open(t.Context(), postgres.Config{URL: db.AppURL, MaxConnections: 5}, keys, log))
	t.Cleanup(s.store.Close)
	s.super = must(pgxpool.New(t.Context(), db.SuperuserURL))
	t.Cleanup(s.super.Close)
	s.signin = &signin.Service{Keys: keys, Passwords: signin.NewPasswords()}
	server := httptest.NewServer(dashboard.New(dashboard.Config{
		SignIn: s.signin, Accounts: s.store.Members(), Memberships: s.store,
		Projects: tenants.Projects{
			Store: s.store, Primary: must(tenants.ParseIssuerTemplate("http://localhost:8080/t/{project}")),
			Aliases: []tenants.IssuerTemplate{must(tenants.ParseIssuerTemplate("http://{project}.localhost:8080"))},
		},
		BaseURL: baseURL, Log: log, Now: time.Now,
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	s.url = server.URL
	return s
}

// work delivers queued mail until the test ends.
func (s *site) work(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.store.Work(ctx, s, postgres.PollEvery(10*time.Millisecond)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// rows counts what a query returns, seen by a superuser.
func (s *site) rows(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := s.super.QueryRow(t.Context(), `SELECT count(*) FROM (`+query+`) q`, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// everything is the content of all tables that a page could change. Times of last use are left out.
func (s *site) everything(t *testing.T) string {
	t.Helper()
	var out string
	err := s.super.QueryRow(t.Context(), `SELECT string_agg(t, E'\n' ORDER BY t) FROM (
		SELECT m::text t FROM members m UNION ALL SELECT o::text FROM organizations o UNION ALL SELECT om::text FROM organization_members om
		UNION ALL SELECT ms::text FROM member_sessions ms UNION ALL SELECT mc::text FROM member_challenges mc
		UNION ALL SELECT p::text FROM projects p UNION ALL SELECT i::text FROM project_issuers i UNION ALL SELECT u::text FROM used_slugs u
		UNION ALL SELECT r::text FROM registration_secrets r UNION ALL SELECT a::text FROM audit_log a
		UNION ALL SELECT oa::text FROM organization_audit_log oa) x`).Scan(&out)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// outage cuts every connection of the application and lets none in.
func (s *site) outage(t *testing.T) {
	t.Helper()
	for _, statement := range []string{
		"ALTER DATABASE " + pgx.Identifier{s.db.Name}.Sanitize() + " CONNECTION LIMIT 0",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
	} {
		if _, err := s.super.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// browser is one person's browser. It follows no redirects by itself.
type browser struct {
	site   *site
	client *http.Client
	// fetchSite is what the browser says about where a request comes from.
	fetchSite string
}

func (s *site) browser() *browser {
	return &browser{site: s, fetchSite: "same-origin", client: &http.Client{
		Jar:           must(cookiejar.New(nil)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response with its page.
type answer struct {
	*http.Response
	doc  *goquery.Document
	text string
}

func (b *browser) do(t *testing.T, method, path string, form url.Values) answer {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), method, b.site.url+path, strings.NewReader(form.Encode())))
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	request.Header.Set("Sec-Fetch-Site", b.fetchSite)
	response, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body := must(io.ReadAll(response.Body))
	return answer{response, must(goquery.NewDocumentFromReader(bytes.NewReader(body))), string(body)}
}

func (b *browser) get(t *testing.T, path string) answer {
	t.Helper()
	return b.do(t, http.MethodGet, path, nil)
}

func (b *browser) post(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(t, http.MethodPost, path, form)
}

func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, expected %d\n%s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.doc.Find("main").Text())
	}
	return a
}

func (a answer) wantRedirect(t *testing.T, to string) {
	t.Helper()
	if a.want(t, http.StatusSeeOther); a.Header.Get("Location") != to {
		t.Errorf("redirected to %q, expected %q", a.Header.Get("Location"), to)
	}
}

const password = "correct horse battery"

// member makes a member with an organization, and signs in.
func (s *site) member(t *testing.T, email string) (b *browser, member, organization secret.ID) {
	t.Helper()
	member, organization, err := s.store.EnsureMember(t.Context(), email, must(s.signin.Passwords.Hash(t.Context(), password)), "Acme of "+email)
	if err != nil {
		t.Fatal(err)
	}
	b = s.browser()
	b.post(t, "/dashboard/sign-in", "email", email, "password", password).wantRedirect(t, "/dashboard")
	return b, member, organization
}

// colleague signs in as a further member of an organization.
func (s *site) colleague(t *testing.T, email string, organization secret.ID, role tenants.Role) *browser {
	t.Helper()
	b, member, own := s.member(t, email)
	if _, err := s.super.Exec(t.Context(), `UPDATE organization_members SET organization_id = $1, role = $2
		WHERE member_id = $3 AND organization_id = $4`, organization.String(), string(role), member.String(), own.String()); err != nil {
		t.Fatal(err)
	}
	return b
}

func projectsPath(organization secret.ID) string {
	return "/dashboard/" + organization.String() + "/projects"
}

// createProject creates one through the form and returns its path and the secret shown.
func (b *browser) createProject(t *testing.T, organization secret.ID, name string) (path, shown string) {
	t.Helper()
	page := b.post(t, projectsPath(organization), "name", name, "server_url", "https://tools.example.com/mcp").want(t, http.StatusCreated)
	list := b.get(t, projectsPath(organization)).want(t, http.StatusOK)
	path, _ = list.doc.Find("table a").First().Attr("href")
	return path, page.doc.Find(`[data-testid="secret"]`).Text()
}
