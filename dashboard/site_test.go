package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/dnsproof"
	"mcpauth.example/internal/dnsproof/dnstest"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/picture"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing/stripefake"
)

// site is a dashboard on a database of its own.
type site struct {
	url      string
	store    *postgres.Store
	signin   *signin.Service
	projects tenants.Projects
	keys     *secret.Keyring
	db       *pgtest.Database
	super    *pgxpool.Pool
	mails    chan mail.Message
	log      *lockedBuffer
	dns      *dnstest.Server
	config   dashboard.Config
	fake     *stripefake.Fake
	door     atomic.Pointer[echo.Echo]
}

// onlyHere keeps requests on this computer.
func onlyHere(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host) {
		return nil, errors.New("not of this computer: " + address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
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

const localURL = "http://localhost:8080"

func newSite(t *testing.T) *site { return newSiteAt(t, localURL) }

func newSiteAt(t *testing.T, baseURL string) *site {
	t.Helper()
	return openSite(t, pgtest.New(t), must(secret.ParseKeyring(secret.NewKeyringText())), baseURL, nil)
}

// copy is the site on a copy of the database, which nobody may be connected to.
func (s *site) copy(t *testing.T) *site {
	t.Helper()
	return openSite(t, s.db.Copy(t), s.keys, localURL, s.fake)
}

// close ends every connection, so that the database can be copied.
func (s *site) close() {
	s.store.Close()
	s.super.Close()
}

func openSite(t *testing.T, db *pgtest.Database, keys *secret.Keyring, baseURL string, fake *stripefake.Fake) *site {
	t.Helper()
	s := &site{fake: fake, db: db, keys: keys, mails: make(chan mail.Message, 10), log: &lockedBuffer{}}
	s.dns = dnstest.New(t)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.store = must(postgres.Open(t.Context(), postgres.Config{URL: db.AppURL, MaxConnections: 5, Notices: dashboard.NoticeMail(localURL)}, keys, log))
	t.Cleanup(s.store.Close)
	s.super = must(pgxpool.New(t.Context(), db.SuperuserURL))
	t.Cleanup(s.super.Close)
	s.signin = &signin.Service{Keys: keys, Passwords: signin.NewPasswords()}
	s.projects = tenants.Projects{
		Store: s.store, Primary: must(tenants.ParseIssuerTemplate("http://localhost:8080/t/{project}")),
		Aliases: []tenants.IssuerTemplate{must(tenants.ParseIssuerTemplate("http://{project}.localhost:8080"))}, Logo: picture.Logo,
		Domains: &tenants.Domains{Prover: dnsproof.Prover{Servers: []string{s.dns.Address}}, Own: []string{"localhost"}},
	}
	config := dashboard.Config{
		Ways: s.store.MemberWays(), Identities: s.store.Identities, IdentityProviders: signin.NewIdentityProviders(http.DefaultClient, time.Now),
		SignIn: s.signin, Accounts: s.store.Members(), Memberships: s.store, Projects: s.projects, Organizations: tenants.Organizations{Store: s.store},
		Keys: keys, Outgoing: &http.Client{Transport: &http.Transport{DialContext: onlyHere}}, BaseURL: baseURL, Log: log, Now: time.Now,
	}
	s.openBilling(t, &config, log)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.door.Load().ServeHTTP(w, r) }))
	s.door.Store(dashboard.New(config))
	s.config = config
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

// exec runs a statement as a superuser.
func (s *site) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := s.super.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// everything is the content of all tables, but for queued jobs' bookkeeping and the counters of limits.
func (s *site) everything(t *testing.T) string {
	t.Helper()
	var query, out string
	err := s.super.QueryRow(t.Context(), `SELECT string_agg(format('SELECT %L || x::text AS t FROM %I x', tablename || ' ', tablename), ' UNION ALL ')
		FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'river%' AND tablename NOT IN ('goose_db_version', 'rate_limits')`).Scan(&query)
	if err == nil {
		err = s.super.QueryRow(t.Context(), `SELECT coalesce(string_agg(t, E'\n' ORDER BY t), '') FROM (`+query+`) x`).Scan(&out)
	}
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
	// origin is the Origin header; empty: none is sent.
	origin string
	// referer is the Referer header; empty: none is sent.
	referer string
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
	if method == http.MethodGet {
		return b.send(t, method, path, "", nil)
	}
	return b.send(t, method, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func (b *browser) send(t *testing.T, method, path, contentType string, body io.Reader) answer {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), method, b.site.url+path, body))
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if b.fetchSite != "" {
		request.Header.Set("Sec-Fetch-Site", b.fetchSite)
	}
	if b.referer != "" {
		request.Header.Set("Referer", b.referer)
	}
	if b.origin != "" {
		request.Header.Set("Origin", b.origin)
	}
	response, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content := must(io.ReadAll(response.Body))
	return answer{response, must(goquery.NewDocumentFromReader(bytes.NewReader(content))), string(content)}
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

// make sends a form that makes something, and opens the page that it leads to.
func (b *browser) make(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	made := b.post(t, path, pairs...).want(t, http.StatusSeeOther)
	return b.get(t, made.Header.Get("Location")).want(t, http.StatusOK)
}

// textOf is for goquery's Map.
func textOf(_ int, s *goquery.Selection) string { return s.Text() }

const password = "correct horse battery"

// member makes a member with an organization, and signs in.
func (s *site) member(t *testing.T, email string) (b *browser, member, organization id.ID) {
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
func (s *site) colleague(t *testing.T, email string, organization id.ID, role tenants.Role) *browser {
	t.Helper()
	b, member, own := s.member(t, email)
	if _, err := s.super.Exec(t.Context(), `UPDATE organization_members SET organization_id = $1, role = $2
		WHERE member_id = $3 AND organization_id = $4`, organization.String(), string(role), member.String(), own.String()); err != nil {
		t.Fatal(err)
	}
	return b
}

func projectsPath(organization id.ID) string {
	return "/dashboard/" + organization.String() + "/projects"
}

// createProject creates one through the form and returns its path and the secret shown.
func (b *browser) createProject(t *testing.T, organization id.ID, name string) (path, shown string) {
	t.Helper()
	page := b.make(t, projectsPath(organization), "name", name, "server_url", "https://tools.example.com/mcp")
	list := b.get(t, projectsPath(organization)).want(t, http.StatusOK)
	path, _ = list.doc.Find("table a").First().Attr("href")
	return path, page.doc.Find(`[data-testid="secret"]`).Text()
}
