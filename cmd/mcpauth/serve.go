package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sync/errgroup"

	"mcpauth.example/internal/names"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/web"
)

type serveCommand struct {
	Jobs bool `help:"Work on queued jobs as well." default:"true" negatable:""`
}

// Run serves until the context ends.
func (c serveCommand) Run(ctx context.Context) error {
	s, err := readSettings(os.Environ())
	if err != nil {
		return err
	}
	log := newLogger(s.logLevel)
	a, err := newApp(ctx, s, log)
	if err != nil {
		return err
	}
	defer a.store.Close()
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.InfoContext(ctx, "serving", "version", names.Version, "address", listener.Addr().String(), "base_url", s.baseURL)
	return a.run(ctx, listener, c.Jobs)
}

// run serves and listens for changes, and works on jobs if asked to, until the context ends or one of them fails.
func (a *app) run(ctx context.Context, listener net.Listener, jobs bool) error {
	group, ctx := errgroup.WithContext(ctx)
	served, end := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer end()
		return web.Serve(ctx, listener, a)
	})
	group.Go(func() error { return a.activity.Run(served) }) // until the last answer was given
	group.Go(func() error { return a.store.Listen(ctx, a.issuers, a.feed) })
	group.Go(func() error {
		<-ctx.Done()
		a.feed.Close() // streams would keep the server from ending
		return nil
	})
	if jobs {
		group.Go(func() error { return a.work(ctx) })
	}
	return group.Wait()
}

type workerCommand struct{}

// Run works on jobs until the context ends.
func (workerCommand) Run(ctx context.Context) error {
	s, err := readSettings(os.Environ())
	if err != nil {
		return err
	}
	a, err := newApp(ctx, s, newLogger(s.logLevel))
	if err != nil {
		return err
	}
	defer a.store.Close()
	return a.work(ctx)
}

// work does the queued jobs until the context ends.
func (a *app) work(ctx context.Context) error {
	options := []postgres.WorkOption{postgres.RotateKeysEvery(a.settings.keyRotation), postgres.CheckDomains(a.projects.CheckDueDomains)}
	if a.billing != nil {
		options = append(options, postgres.ReconcileBilling(a.billing.Reconcile))
	}
	return a.store.Work(ctx, a.sender, options...)
}

func newLogger(level slog.Level) *slog.Logger {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)
	return log
}
