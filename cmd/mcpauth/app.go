package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mcpauth.example/api"
	"mcpauth.example/dashboard"
	"mcpauth.example/internal/dnsproof"
	"mcpauth.example/internal/egress"
	"mcpauth.example/internal/lookalike"
	"mcpauth.example/internal/mail"
	"mcpauth.example/internal/names"
	"mcpauth.example/internal/picture"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/oauth/endpoints"
	"mcpauth.example/sdk"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing"
)

// app is the product, connected.
type app struct {
	settings settings
	log      *slog.Logger
	store    *postgres.Store
	issuers  *postgres.Issuers
	feed     *postgres.Feed
	activity *postgres.Activity
	signin   *signin.Service
	projects tenants.Projects
	sender   *mail.Sender
	limits   *web.Limits
	outgoing *egress.Client
	doors    *endpoints.Handler
	billing  *billing.Service // nil: off
	api      http.Handler
	root     http.Handler // the site and the dashboard
	rootHost string
	static   http.Handler
	packages *sdk.Handler // our own SDKs, to install
}

// newApp connects everything. The database must be migrated.
func newApp(ctx context.Context, s settings, log *slog.Logger) (*app, error) {
	store, err := postgres.Open(ctx, postgres.Config{URL: s.databaseURL, DirectURL: s.databaseDirectURL, MaxConnections: s.databaseMax, Billing: s.stripeKey != "", Notices: dashboard.NoticeMail(s.baseURL)}, s.keys, log)
	if err != nil {
		return nil, err
	}
	epoch, err := store.Deployment(ctx)
	if err != nil {
		store.Close()
		return nil, fmt.Errorf("read the deployment (is the schema migrated?): %w", err)
	}
	sender, err := mail.NewSender(s.smtpURL, s.mailFrom)
	if err != nil {
		store.Close()
		return nil, err
	}
	charged, err := newBilling(s, store, log)
	if err != nil {
		store.Close()
		return nil, err
	}
	packages, err := sdk.NewHandler()
	if err != nil {
		store.Close()
		return nil, err
	}
	a := &app{
		billing: charged, api: api.New(api.Config{Billing: charged, Log: log}),
		settings: s, log: log, store: store, sender: sender, rootHost: tenants.Address(s.baseURL),
		issuers:  postgres.NewIssuers(store, time.Now, log),
		feed:     postgres.NewFeed(store, log),
		activity: postgres.NewActivity(store, log),
		signin:   &signin.Service{Keys: s.keys, Passwords: signin.NewPasswords()},
		projects: tenants.Projects{Store: store, Primary: s.issuerTemplate, Aliases: s.issuerAliases, OneOrganization: !s.local && pathPrefix(s) != "", Logo: picture.Logo, LooksLike: lookalike.Of,
			Domains: &tenants.Domains{Prover: dnsproof.Prover{}, Own: ownHosts(s)}, Plans: plansOf(charged)},
		static: templates.StaticHandler(), packages: packages,
	}
	a.outgoing = egress.New(egress.Config{Agent: names.UserAgent(s.baseURL), Loopback: s.egressLoopback})
	documents := egress.NewDocuments(a.outgoing, web.NewLimits(store, time.Now).LocalUses, time.Now, s.documentOverrides)
	if !s.unlimited {
		a.limits = web.NewLimits(store, time.Now)
	}
	a.doors = endpoints.New(endpoints.Config{
		OAuth: oauth.NewServer(oauth.Config{
			Clients: store, Grants: store, Guards: store, Feed: a.feed, Documents: documents, LocalDocuments: s.egressLoopback, Keys: s.keys, Epoch: epoch,
			Now: time.Now, Log: log,
		}),
		SignIn: a.signin, Issuers: a.issuers, Accounts: store.Users, Identities: store.Identities,
		IdentityProviders: signin.NewIdentityProviders(a.outgoing.HTTP(signin.ProviderAnswerMax), time.Now), PathPrefix: pathPrefix(s), BaseURL: s.baseURL,
		TrustedProxies: s.trustedProxies, Limits: a.limits, Admit: admission(charged, store), Reviews: s.reviews, Activity: a.activity, Now: time.Now, Log: log,
	})
	a.root = newRoot(a)
	return a, nil
}

// ownHosts are the host of the site and those below which projects get theirs.
func ownHosts(s settings) []string {
	hosts := []string{tenants.Address(s.baseURL)}
	for _, template := range append([]tenants.IssuerTemplate{s.issuerTemplate}, s.issuerAliases...) {
		host, _, _ := strings.Cut(tenants.Address(template.URL("project")), "/")
		hosts = append(hosts, strings.TrimPrefix(host, "project."))
	}
	for i, host := range hosts {
		hosts[i], _, _ = strings.Cut(host, ":")
	}
	return hosts
}

// askedForCertificate answers a reverse proxy that makes certificates on demand (Caddy's on_demand_tls ask): only for hosts that a project
// answers at (catalogue 266). The proxy is the one to bound how many it makes.
func (a *app) askedForCertificate(w http.ResponseWriter, r *http.Request) {
	domain := strings.ToLower(r.URL.Query().Get("domain"))
	if domain != a.rootHost {
		if issuer, err := a.issuers.Resolve(r.Context(), domain); err != nil || issuer.Suspended || strings.Contains(domain, "/") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// pathPrefix is the part of a path-form issuer URL between host and project, such as "/t/"; empty when every template is a host.
func pathPrefix(s settings) string {
	for _, template := range append([]tenants.IssuerTemplate{s.issuerTemplate}, s.issuerAliases...) {
		if u, err := url.Parse(template.URL("project")); err == nil && template.InPath() {
			return strings.TrimSuffix(u.Path, "project")
		}
	}
	return ""
}

// ServeHTTP sends a request to the door it is for: health and static files on every host, the site, our own packages and what programs call on the root host, issuers elsewhere.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/healthz":
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/readyz":
		a.ready(w, r)
	case r.URL.Path == "/tls-ask":
		a.askedForCertificate(w, r)
	case strings.HasPrefix(r.URL.Path, "/static/"):
		a.static.ServeHTTP(w, r)
	case tenants.Address("https://"+r.Host) == a.rootHost && strings.HasPrefix(r.URL.Path, "/api/"):
		a.api.ServeHTTP(w, r)
	case tenants.Address("https://"+r.Host) == a.rootHost && !a.doors.Claims(r.URL.Path) && a.packages.Serves(r.URL.Path):
		a.packages.ServeHTTP(w, r)
	case tenants.Address("https://"+r.Host) == a.rootHost && !a.doors.Claims(r.URL.Path):
		a.root.ServeHTTP(w, r)
	default:
		a.doors.ServeHTTP(w, r)
	}
}

// ready tells a load balancer whether this process can answer, and nothing else.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
