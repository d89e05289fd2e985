package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// product is the real server with what the bench makes beside it: people with sessions, a client, codes.
type product struct {
	child   *child
	base    string
	log     *os.File
	store   *postgres.Store
	oauth   *oauth.Server
	issuer  *oauth.Issuer
	client  oauth.Client
	people  []signin.Session
	cookies []string
	secret  string
}

// startProduct migrates, starts the server as production would, and seeds a project.
func startProduct(ctx context.Context, o options, database *devdb.Server, dir string) (*product, *target, error) {
	binary, err := buildProduct(ctx, o, dir)
	if err != nil {
		return nil, nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	ring := strings.TrimSpace(secret.NewKeyringText())
	keys, err := secret.ParseKeyring(ring)
	if err != nil {
		return nil, nil, err
	}
	p := &product{base: "http://localhost:" + port}
	environment := environment(o, p.base, "127.0.0.1:"+port, ring, database)
	if err := p.run(ctx, binary, dir, environment, database, "127.0.0.1:"+port); err != nil {
		return p, nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := p.seed(ctx, o.workers, keys, log, database); err != nil {
		return p, nil, fmt.Errorf("seed: %w", err)
	}
	t, err := p.target(ctx, "127.0.0.1:"+port)
	return p, t, err
}

// buildProduct returns the path of the product's program.
func buildProduct(ctx context.Context, o options, dir string) (string, error) {
	if o.binary != "" {
		return o.binary, nil
	}
	binary := filepath.Join(dir, "mcpauth")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./cmd/mcpauth")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the product (run bench in the module's folder): %w: %s", err, out)
	}
	return binary, nil
}

// environment configures one node of the product as production would.
func environment(o options, base, listen, ring string, database *devdb.Server) []string {
	return []string{
		"MCPAUTH_BASE_URL=" + base, "MCPAUTH_ISSUER_TEMPLATE=" + base + "/t/{project}", "MCPAUTH_LISTEN=" + listen,
		"MCPAUTH_DATABASE_URL=" + database.AppURL(devdb.Database), "MCPAUTH_MASTER_KEYS=" + ring, "MCPAUTH_LOG_LEVEL=" + o.logLevel, "MCPAUTH_RATE_LIMITS=off",
		"MCPAUTH_SMTP_URL=smtp://localhost:9?tls=off", "MCPAUTH_MAIL_FROM=bench@mcpauth.example",
	}
}

// run brings the schema up to date and starts the server, each with the credentials it needs and no others.
func (p *product) run(ctx context.Context, binary, dir string, environment []string, database *devdb.Server, address string) error {
	migrate := exec.CommandContext(ctx, binary, "migrate")
	migrate.Env = []string{"MCPAUTH_DATABASE_OWNER_URL=" + database.OwnerURL(devdb.Database), "MCPAUTH_DATABASE_URL=" + database.AppURL(devdb.Database)}
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %s", err, out)
	}
	return p.start(ctx, binary, dir, environment, address)
}

// start starts the server and waits until it is ready.
func (p *product) start(ctx context.Context, binary, dir string, environment []string, address string) error {
	var err error
	if p.log, err = os.CreateTemp(dir, "server-*.log"); err != nil {
		return err
	}
	if p.child, err = startChild(binary, []string{"serve"}, environment, func(c *exec.Cmd) { c.Stdout, c.Stderr = p.log, p.log }); err != nil {
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(15 * time.Second)
	for {
		if l, err := dial(ctx, address, strings.TrimPrefix(p.base, "http://")); err == nil {
			answer, err := l.get("/readyz")
			l.close()
			if err == nil && answer.status == 204 {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.child.done:
			return fmt.Errorf("the server ended: %w: %s", p.child.err, tail(p.log.Name()))
		case <-limit:
			return fmt.Errorf("the server is not ready: %s", tail(p.log.Name()))
		case <-tick.C:
		}
	}
}

// seed makes the project and, for each worker, a person who is signed in.
func (p *product) seed(ctx context.Context, workers int, keys *secret.Keyring, log *slog.Logger, database *devdb.Server) error {
	var err error
	if p.store, err = postgres.Open(ctx, postgres.Config{URL: database.AppURL(devdb.Database)}, keys, log); err != nil {
		return err
	}
	people := signin.Service{Keys: keys, Passwords: signin.NewPasswords()}
	hash, err := people.Passwords.Hash(ctx, secret.Token(""))
	if err != nil {
		return err
	}
	_, organization, err := p.store.EnsureMember(ctx, "member@example.com", hash, "Bench")
	if err != nil {
		return err
	}
	template, err := tenants.ParseIssuerTemplate(p.base + "/t/{project}")
	if err != nil {
		return err
	}
	projects := tenants.Projects{Store: p.store, Primary: template}
	project, _, shown, err := projects.Create(ctx, tenants.SystemActor, organization, "Bench", resourceURL)
	if err != nil {
		return err
	}
	p.secret = shown
	if err := p.store.EnsureScopes(ctx, project.ID, []tenants.Scope{
		{Name: "mcp:tools", Description: "See who you are and list your notes", Default: true},
		{Name: "notes:write", Description: "Add notes in your name"},
	}); err != nil {
		return err
	}
	for i := range workers {
		user, err := p.store.EnsureUser(ctx, project.ID, fmt.Sprintf("user%02d@example.com", i), hash)
		if err != nil {
			return err
		}
		token, session, err := people.NewSession(ctx, p.store.Users(project.ID), signin.NewSession{Account: signin.Account{ID: user, Epoch: signin.FirstEpoch}, Way: signin.Way{Method: tenants.SignInPassword}, Lifetime: 24 * time.Hour})
		if err != nil {
			return err
		}
		session.Account.ID = user
		p.people = append(p.people, session)
		p.cookies = append(p.cookies, "mcpauth_session_"+project.Slug+"="+token)
	}
	epoch, err := p.store.Deployment(ctx)
	if err != nil {
		return err
	}
	p.oauth = oauth.NewServer(oauth.Config{Clients: p.store, Grants: p.store, Guards: p.store, Keys: keys, Epoch: epoch, Now: time.Now, Log: log})
	p.issuer, err = postgres.NewIssuers(p.store, time.Now, log).Resolve(ctx, tenants.Address(project.Issuer))
	return err
}

// target registers the client and reads the documents.
func (p *product) target(ctx context.Context, address string) (*target, error) {
	issuer, err := url.Parse(p.issuer.URL)
	if err != nil {
		return nil, err
	}
	t := &target{name: nameReal, address: address, host: issuer.Host, prefix: issuer.Path, pid: p.child.cmd.Process.Pid, secret: p.secret,
		cookies: p.cookies, codesPerSecond: 2500, codes: p.codes}
	t.tokens = func(ctx context.Context, count int) ([]string, error) { return issue(ctx, t, count) }
	l, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if t.clientID, err = registerClient(l, t.prefix+registerPath, fmt.Sprintf(registration, "client")); err != nil {
		return nil, err
	}
	if p.client, err = p.store.FindClient(ctx, p.issuer.ID, t.clientID); err != nil {
		return nil, err
	}
	t.metadata.path = strings.TrimPrefix(oauth.MetadataURL(p.issuer.URL), "http://"+issuer.Host)
	t.jwks.path = t.prefix + oauth.PathJWKS
	for _, document := range []*expected{&t.metadata, &t.jwks} {
		got, err := l.get(document.path)
		if err != nil || got.status != 200 {
			return nil, errors.Join(err, got.unexpected("the document at "+document.path))
		}
		document.body = got.body
	}
	return t, nil
}

// preparing is how many codes are made at once.
const preparing = 8

// codes approves requests as the consent page would, without its pages. They live a minute, as all codes.
func (p *product) codes(ctx context.Context, count int) ([]string, error) {
	codes := make([]string, count)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range preparing {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				person := p.people[i%len(p.people)]
				location, err := p.oauth.Approve(ctx, p.issuer, &oauth.Request{
					FlowID: id.New(), Random: secret.Bytes(16), ClientID: p.client.ID, Redirect: redirectURI, State: flowState,
					Scopes: strings.Fields(flowScopes), ServerID: p.issuer.Resources[0].ID, Challenge: challenge,
				}, p.client, person.ID, person.Account.ID, oauth.Decision{})
				if err != nil {
					return fmt.Errorf("prepare codes: %w", err)
				}
				u, err := url.Parse(location)
				if err != nil {
					return err
				}
				codes[i] = u.Query().Get("code")
			}
			return nil
		})
	}
	return codes, group.Wait()
}

// issue makes access tokens by exchanging codes.
func issue(ctx context.Context, t *target, count int) ([]string, error) {
	codes, err := t.codes(ctx, count)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, count)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range preparing {
		group.Go(func() error {
			l, err := t.dial(ctx)
			if err != nil {
				return err
			}
			defer l.close()
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				answer, err := t.redeem(l, codes[i])
				if err != nil {
					return err
				}
				tokens[i] = answer.AccessToken
			}
			return nil
		})
	}
	return tokens, group.Wait()
}

// stop ends the server and closes what belongs to it. It may be called on what startProduct returned with an error.
func (p *product) stop() {
	if p.child != nil {
		p.child.stop()
	}
	if p.store != nil {
		p.store.Close()
	}
	if p.log != nil {
		_ = p.log.Close()
	}
}

// freePort is a port that nobody listened on a moment ago: the product's base URL has to name its port before it listens.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// tail is the last of what a server wrote.
func tail(path string) []byte {
	content, _ := os.ReadFile(path) //nolint:gosec // our own folder
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-3):], []byte("\n"))
}
