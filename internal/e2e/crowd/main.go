// Command crowd counts people in a project this month whom nobody knows, so that a limit can be looked at without ten thousand sign-ins.
// It takes the project's slug and how many, and the environment of `mcpauth dev`.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/secret"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("expected a slug and a number")
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	keys, err := secret.LoadOrCreateKeyring(os.Getenv("MCPAUTH_MASTER_KEYS_FILE"))
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{URL: os.Getenv("MCPAUTH_DATABASE_URL"), MaxConnections: 2}, keys, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	project, err := store.ProjectBySlug(ctx, args[0])
	if err != nil {
		return err
	}
	return store.SeedConnected(ctx, project, count)
}
