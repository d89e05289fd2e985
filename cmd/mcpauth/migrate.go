package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mcpauth/mcpauth/internal/postgres"
)

type migrateCommand struct{}

// Run needs the database URLs only, so that the owner's credential is given to this command and no other.
func (migrateCommand) Run(ctx context.Context) error {
	values, problems := collect(os.Environ())
	owner := values["MCPAUTH_DATABASE_OWNER_URL"]
	if owner == "" {
		problems = append(problems, errors.New("MCPAUTH_DATABASE_OWNER_URL is missing: expected the URL of the role that owns the tables"))
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := postgres.Migrate(ctx, owner, values["MCPAUTH_DATABASE_URL"]); err != nil {
		return err
	}
	_, err := fmt.Println("The schema is up to date.")
	return err
}
