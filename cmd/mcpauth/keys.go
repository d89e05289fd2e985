package main

import (
	"fmt"

	"github.com/mcpauth/mcpauth/internal/secret"
)

type keysCommand struct {
	New keysNewCommand `cmd:"" help:"Print a fresh master key ring, as MCPAUTH_MASTER_KEYS takes it."`
}

type keysNewCommand struct{}

// Run prints the ring and nothing else, so that it can be redirected into a file.
func (keysNewCommand) Run() error {
	_, err := fmt.Print(secret.NewKeyringText())
	return err
}
