package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"mcpauth.example/internal/demo"
	"mcpauth.example/internal/devdb"
	"mcpauth.example/internal/mail/catcher"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/web"
	"mcpauth.example/tenants"
	"mcpauth.example/tenants/billing/stripefake"
)

type devCommand struct {
	DataDir      string `help:"Folder for the database, the master keys and dev.json." default:".data" type:"path"`
	Listen       string `help:"Address of the product; it is reached as http://localhost with this port." default:"localhost:8080"`
	MCPListen    string `help:"Address of the demo MCP server." default:"localhost:8090" name:"mcp-listen"`
	StripeListen string `help:"Address of the stand-in for Stripe." default:"localhost:0" name:"stripe-listen"`
	Reset        bool   `help:"Throw the data of the folder away first."`
	Verbose      bool   `help:"Log every request." short:"v"`
}

// Run starts everything, says where it is, and serves until the context ends.
func (c devCommand) Run(ctx context.Context) error {
	given, err := devEnvironment(os.Environ())
	if err != nil {
		return err
	}
	log := newLogger(slog.LevelWarn)
	if c.Verbose {
		log = newLogger(slog.LevelInfo)
	}
	listener, base, err := listenLocal(c.Listen, "--listen")
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	mcpListener, mcpBase, err := listenLocal(c.MCPListen, "--mcp-listen")
	if err != nil {
		return err
	}
	defer func() { _ = mcpListener.Close() }()
	database, err := devdb.Start(ctx, devdb.Options{DataDir: c.DataDir, Durable: true, Reset: c.Reset, Log: log})
	if err != nil {
		return err
	}
	defer func() {
		if err := database.Stop(); err != nil {
			log.Error("stop the database", "error", err)
		}
	}()
	if c.Reset {
		for _, name := range []string{devFile, keysFile} {
			if err := os.Remove(filepath.Join(c.DataDir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("reset: %w", err)
			}
		}
	}
	caught, err := catcher.Start("localhost:0")
	if err != nil {
		return err
	}
	defer func() { _ = caught.Close() }()
	s, err := devSettings(given, c.DataDir, base, caught.URL(), database)
	if err != nil {
		return err
	}
	stripe, err := startStripe(ctx, c.StripeListen, base)
	if err != nil {
		return err
	}
	s.stripeKey, s.stripeSecrets, s.stripeURL = stripefake.Key, []string{stripe.secret}, stripe.url
	if err := postgres.Migrate(ctx, s.databaseOwnerURL, s.databaseURL); err != nil {
		return err
	}
	a, err := newApp(ctx, s, log)
	if err != nil {
		return err
	}
	defer a.store.Close()
	if err := stripe.sell(ctx, a); err != nil {
		return fmt.Errorf("seed the stand-in for Stripe: %w", err)
	}
	seeded, simulator, err := seed(ctx, a, c.DataDir, mcpBase+"/mcp")
	if err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	a.root = withLocalPages(a.root, caught, simulator)
	tools, err := demo.New(seeded.RegistrationSecret, log)
	if err != nil {
		return err
	}
	fmt.Print(seeded.welcome(c.DataDir))
	return runDev(ctx, a, listener, mcpListener, tools, database, stripe)
}

// runDev serves the product and the demo MCP server until the context ends or the database does.
func runDev(ctx context.Context, a *app, listener, mcpListener net.Listener, tools http.Handler, database *devdb.Server, stripe *standIn) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return stripe.group.Wait() })
	group.Go(func() error { return a.run(ctx, listener, true) })
	group.Go(func() error { return web.Serve(ctx, mcpListener, tools) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-database.Done():
			return errors.New("the database ended; start `mcpauth dev` again, the data is kept")
		}
	})
	return group.Wait()
}

// keysFile holds the master keys of a data folder.
const keysFile = "master.keys"

// inDev are the settings that `dev` takes from the environment like serve does. The others it decides itself, and those that dev.env
// holds may be there: they are for the commands of the operator.
var inDev = []string{"MCPAUTH_CLIENT_METADATA_OVERRIDES", "MCPAUTH_REVIEWS", "MCPAUTH_RATE_LIMITS"}

// devEnvironment reads what the developer chose; all problems are reported at once.
func devEnvironment(environment []string) (settings, error) {
	values, problems := collect(environment)
	var s settings
	for _, known := range settingsTable {
		if value := values[known.Name]; value != "" && slices.Contains(inDev, known.Name) {
			if err := known.apply(&s, value); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", known.Name, err))
			}
		}
	}
	return s, errors.Join(problems...)
}

// devSettings adds the settings of local work to what was chosen: projects by path, since few systems resolve *.localhost and some clients accept http on
// localhost only, and by host as an alias.
func devSettings(s settings, dataDir, base, smtpURL string, database *devdb.Server) (settings, error) {
	keys, err := secret.LoadOrCreateKeyring(filepath.Join(dataDir, keysFile))
	if err != nil {
		return settings{}, err
	}
	primary, err := tenants.ParseIssuerTemplate(base + "/t/{project}")
	if err != nil {
		return settings{}, err
	}
	_, port, _ := net.SplitHostPort(base[len("http://"):])
	alias, err := tenants.ParseIssuerTemplate("http://{project}.localhost:" + port)
	if err != nil {
		return settings{}, err
	}
	s.local, s.egressLoopback, s.keys = true, true, keys
	s.baseURL, s.issuerTemplate, s.issuerAliases = base, primary, []tenants.IssuerTemplate{alias}
	s.databaseURL, s.databaseDirectURL, s.databaseOwnerURL = database.AppURL(devdb.Database), database.AppURL(devdb.Database), database.OwnerURL(devdb.Database)
	s.smtpURL, s.mailFrom = smtpURL, "mail@mcpauth.localhost"
	return s, nil
}

// listenLocal listens on an address of this computer and returns the URL under which browsers and clients reach it.
func listenLocal(address, flag string) (net.Listener, string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %w (choose another with %s localhost:PORT)", flag, address, err, flag)
	}
	tcp, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, "", fmt.Errorf("%s %s: expected host:port", flag, address)
	}
	return listener, "http://localhost:" + strconv.Itoa(tcp.Port), nil
}
