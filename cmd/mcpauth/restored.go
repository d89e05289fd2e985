package main

import (
	"context"
	"fmt"
	"os"

	"mcpauth.example/internal/postgres"
)

type restoredCommand struct{}

// Run needs the owner's URL, as migrate does.
func (restoredCommand) Run(ctx context.Context) error {
	owner, _, err := ownerURLs(os.Environ())
	if err != nil {
		return err
	}
	ended, err := postgres.Restored(ctx, owner)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("Every code and token from before is refused, %d connections ended, and everybody is signed out: people sign in and connect again. Start the nodes now.\n", ended)
	return err
}
