package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"mcpauth.example/internal/postgres"
)

type migrateCommand struct{}

// Run needs the database URLs only, so that the owner's credential is given to this command and no other.
func (migrateCommand) Run(ctx context.Context) error {
	owner, app, err := ownerURLs(os.Environ())
	if err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, owner, app); err != nil {
		return err
	}
	_, err = fmt.Println("The schema is up to date.")
	return err
}

// ownerURLs reads what the commands need that work as the database's owner: its URL, and the application's, which may be empty.
func ownerURLs(environ []string) (owner, app string, err error) {
	values, problems := collect(environ)
	if owner = values["MCPAUTH_DATABASE_OWNER_URL"]; owner == "" {
		problems = append(problems, errors.New("MCPAUTH_DATABASE_OWNER_URL is missing: expected the URL of the role that owns the tables"))
	}
	return owner, values["MCPAUTH_DATABASE_URL"], errors.Join(problems...)
}
