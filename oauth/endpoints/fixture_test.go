package endpoints_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcpauth.example/internal/egress"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/picture"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/postgres/pgtest"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/tenants"
)

const (
	userPassword = "correct horse battery"
	testVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	testCallback = "http://127.0.0.1:41234/callback"
	registered   = "http://127.0.0.1:33418/callback" // another port on purpose
)

// world is a database with projects in it and a door that is built like the product's.
type world struct {
	t        *testing.T
	db       *pgtest.Database
	super    *pgxpool.Pool
	keys     *secret.Keyring
	store    *postgres.Store
	projects tenants.Projects
	org      id.ID
	clock    *clock
	door     *endpoints.Handler
	logged   *lockedBuffer
	cut      func() // takes the database away from the door that was built last
	demo     *tenant
	other    *tenant
	charged  bool // doors are built with billing on
}

// tenant is one project with what a test presents at it.
type tenant struct {
	w       *world
	project tenants.Project
	server  tenants.MCPServer
	guard   string // registration secret
	issuer  string // the issuer URL that requests go to
	user    string // e-mail address
}

// clock is the time of the day for what the database does not judge.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(by time.Duration) { c.offset.Add(int64(by)) }

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

// passwordHash is made once: the same password serves every test.
var passwordHash = sync.OnceValues(func() (string, error) {
	return signin.NewPasswords().Hash(context.Background(), userPassword)
})

func newWorld(t *testing.T) *world {
	t.Helper()
	keys, err := secret.ParseKeyring(secret.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: pgtest.New(t), keys: keys, clock: &clock{}, logged: &lockedBuffer{}}
	if w.super, err = pgxpool.New(t.Context(), w.db.SuperuserURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.super.Close)
	w.store, w.door = w.newDoor()
	primary, aliases := template(t, "http://localhost:8080/t/{project}"), template(t, "http://{project}.localhost:8080")
	secure := template(t, "https://{project}.mcpauth.example")
	w.projects = tenants.Projects{Store: w.store, Primary: primary, Aliases: []tenants.IssuerTemplate{aliases, secure}, Logo: picture.Logo}
	if _, w.org, err = w.store.EnsureMember(t.Context(), "owner@example.com", "hash", "Acme"); err != nil {
		t.Fatal(err)
	}
	w.demo, w.other = w.newTenant("Demo"), w.newTenant("Other")
	return w
}

func template(t *testing.T, text string) tenants.IssuerTemplate {
	t.Helper()
	parsed, err := tenants.ParseIssuerTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// newDoor builds a process of its own on the world's database: pool, memory of issuers, handlers. Nothing limits it.
func (w *world) newDoor() (*postgres.Store, *endpoints.Handler) {
	w.t.Helper()
	return w.newDoorWith(func(*endpoints.Config, *postgres.Store) {})
}

func (w *world) newDoorWith(change func(*endpoints.Config, *postgres.Store)) (*postgres.Store, *endpoints.Handler) {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.logged, nil))
	through, cable := layCable(w.t, w.db.AppURL)
	w.cut = cable.cut
	store, err := postgres.Open(w.t.Context(), postgres.Config{URL: through, MaxConnections: 6, Billing: w.charged}, w.keys, log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(store.Close)
	config := endpoints.Config{
		OAuth: w.server(store, nil), SignIn: &signin.Service{Keys: w.keys, Passwords: signin.NewPasswords()}, Issuers: postgres.NewIssuers(store, w.clock.now, log),
		Accounts: store.Users, Identities: store.Identities,
		IdentityProviders: signin.NewIdentityProviders(egress.New(egress.Config{Loopback: true}).HTTP(signin.ProviderAnswerMax), w.clock.now), PathPrefix: "/t/", BaseURL: "https://mcpauth.example", Now: w.clock.now, Log: log,
	}
	change(&config, store)
	return store, endpoints.New(config)
}

// server decides on a store; documents may be nil.
func (w *world) server(store *postgres.Store, documents oauth.DocumentFetcher) *oauth.Server {
	w.t.Helper()
	epoch, err := store.Deployment(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.logged, nil))
	feed := postgres.NewFeed(store, log)
	w.t.Cleanup(feed.Close)
	return oauth.NewServer(oauth.Config{Clients: store, Grants: store, Guards: store, Feed: feed, Documents: documents, Keys: w.keys, Epoch: epoch,
		Now: w.clock.now, Log: log})
}

func (w *world) newTenant(name string) *tenant {
	w.t.Helper()
	slug := strings.ToLower(name)
	project, server, guard, err := w.projects.Create(w.t.Context(), tenants.SystemActor, w.org, name, "https://"+slug+".example.com/mcp")
	if err != nil {
		w.t.Fatal(err)
	}
	tn := &tenant{w: w, project: project, server: server, guard: guard, issuer: project.Issuer, user: "ada@" + slug + ".example"}
	if err := w.store.EnsureScopes(w.t.Context(), project.ID, []tenants.Scope{
		{Name: "mcp:tools", Description: "Use the tools", Default: true}, {Name: "notes:write", Description: "Add notes in your name"},
	}); err != nil {
		w.t.Fatal(err)
	}
	tn.addUser(tn.user)
	return tn
}

func (tn *tenant) addUser(email string) id.ID {
	tn.w.t.Helper()
	hash, err := passwordHash()
	if err != nil {
		tn.w.t.Fatal(err)
	}
	id, err := tn.w.store.EnsureUser(tn.w.t.Context(), tn.project.ID, email, hash)
	if err != nil {
		tn.w.t.Fatal(err)
	}
	return id
}

// at is the same project in the name of another of its issuer URLs.
func (tn *tenant) at(issuer string) *tenant {
	moved := *tn
	moved.issuer = issuer
	return &moved
}

// secure is the project at its https issuer URL.
func (tn *tenant) secure() *tenant { return tn.at("https://" + tn.project.Slug + ".mcpauth.example") }

// host is the project at its host-form issuer URL without TLS.
func (tn *tenant) host() *tenant { return tn.at("http://" + tn.project.Slug + ".localhost:8080") }

// forget makes the memory of issuers stale, as if its time had passed.
func (w *world) forget() { w.clock.advance(time.Minute) }

// exec runs a statement past row-level security. Tests move the rows' times and never wait.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	tag, err := w.super.Exec(w.t.Context(), statement, args...)
	if err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
	if tag.RowsAffected() == 0 {
		w.t.Fatalf("%s: no row", statement)
	}
}

// value reads one value past row-level security.
func value[T any](w *world, query string, args ...any) T {
	w.t.Helper()
	var v T
	if err := w.super.QueryRow(w.t.Context(), query, args...).Scan(&v); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return v
}

// rows describes every table by its number of rows and the sum of the rows' hashes: any write shows.
func (w *world) rows() map[string]string {
	w.t.Helper()
	result, err := w.super.Query(w.t.Context(), `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`)
	if err != nil {
		w.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(result, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	parts := make([]string, 0, len(tables))
	for _, table := range tables {
		parts = append(parts, `SELECT '`+table+`', count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM `+table+` t`)
	}
	found, err := w.super.Query(w.t.Context(), strings.Join(parts, " UNION ALL "))
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for found.Next() {
		var name, state string
		if err := found.Scan(&name, &state); err != nil {
			w.t.Fatal(err)
		}
		out[name] = state
	}
	if len(out) < 20 || found.Err() != nil {
		w.t.Fatalf("%d tables, %v", len(out), found.Err())
	}
	return out
}
