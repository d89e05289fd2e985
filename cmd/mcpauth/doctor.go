package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"mcpauth.example/internal/doctor"
)

type doctorCommand struct {
	URL      string `arg:"" name:"mcp url" help:"URL of the MCP server, exactly as people type it into clients."`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
	Register bool   `help:"Also register a client, which stays behind."`
}

// Run prints the report; a failure is an error, so that the exit status is 1.
func (c doctorCommand) Run(ctx context.Context) error { return c.examine(ctx, os.Stdout) }

func (c doctorCommand) examine(ctx context.Context, out io.Writer) error {
	report := doctor.Run(ctx, c.URL, doctor.Options{Register: c.Register})
	var err error
	if c.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.Print(out)
	}
	if err == nil && !report.Passed {
		err = errors.New("clients cannot connect to this server as it is")
	}
	return err
}
