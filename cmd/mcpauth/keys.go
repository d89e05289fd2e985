package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mcpauth.example/internal/postgres"
	"mcpauth.example/internal/secret"
	"mcpauth.example/tenants"
)

type keysCommand struct {
	New    keysNewCommand    `cmd:"" help:"Print a fresh master key ring, as MCPAUTH_MASTER_KEYS takes it."`
	Rotate keysRotateCommand `cmd:"" help:"Let projects sign with their next key. No unexpired token is refused for it."`
}

type keysNewCommand struct{}

// Run prints the ring and nothing else, so that it can be redirected into a file.
func (keysNewCommand) Run() error {
	_, err := fmt.Print(secret.NewKeyringText())
	return err
}

type keysRotateCommand struct {
	Project   string `help:"Slug of one project." xor:"which" required:""`
	All       bool   `help:"Every project." xor:"which" required:""`
	Algorithm string `help:"Algorithm from now on: ES256, EdDSA or RS256." enum:",ES256,EdDSA,RS256" default:""`
	Now       bool   `help:"For a key that others know: drop every key at once. All access tokens issued so far are refused, and until they fetched the keys again verifiers refuse new ones; clients refresh and go on. Whoever verifies with keys fetched before believes the old ones for up to five minutes more."`
}

// Run rotates and prints a line for each project.
func (c keysRotateCommand) Run(ctx context.Context) error {
	s, err := readSettings(os.Environ())
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{URL: s.databaseURL, DirectURL: s.databaseDirectURL, MaxConnections: 2}, s.keys, newLogger(s.logLevel))
	if err != nil {
		return err
	}
	defer store.Close()
	return c.rotate(ctx, store, os.Stdout)
}

// rotate goes on after a project that failed and returns every error.
func (c keysRotateCommand) rotate(ctx context.Context, store *postgres.Store, out io.Writer) error {
	slugs := []string{c.Project}
	if c.All {
		var err error
		if slugs, err = store.ProjectSlugs(ctx); err != nil {
			return err
		}
	}
	var problems []error
	for _, slug := range slugs {
		id, err := store.ProjectBySlug(ctx, slug)
		var result postgres.RotatedKeys
		if err == nil {
			result, err = store.RotateKeys(ctx, tenants.SystemActor, id, postgres.KeyRotation{Algorithm: c.Algorithm, Replace: c.Now})
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("project %s: %w", slug, err))
			continue
		}
		_, _ = fmt.Fprintf(out, "%s: %s\n", slug, rotationText(result))
	}
	return errors.Join(problems...)
}

func rotationText(r postgres.RotatedKeys) string {
	after := r.After.UTC().Format(time.RFC3339)
	switch r.Outcome {
	case postgres.KeysRotated:
		return "signs with " + r.Current + " now"
	case postgres.KeysReplaced:
		return "signs with " + r.Current + " now, every other key is gone"
	case postgres.KeysPublished:
		return "the next key was published; the worker lets it sign after " + after
	default:
		return "not yet, verifiers may not know the next key or still need too many old ones; try again after " + after
	}
}
