// Command mcpauth is the one binary of the product. It reads the configuration and connects the packages; it holds no rule of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"mcpauth.example/internal/names"
)

// commands is the command line. What a deployment sets comes from the environment (settings.go); flags are for what one run decides.
type commands struct {
	Version kong.VersionFlag `help:"Print the version and leave."`

	Serve        serveCommand        `cmd:"" help:"Serve the site, the dashboard and every project's issuer, and work on queued jobs."`
	Worker       workerCommand       `cmd:"" help:"Only work on queued jobs, such as mail."`
	Migrate      migrateCommand      `cmd:"" help:"Bring the database schema up to date, as the database's owner."`
	Restored     restoredCommand     `cmd:"" help:"After the database came back from a backup, and before any node starts: refuse every code and token from before and sign everybody out, since revocations may be lost."`
	Dev          devCommand          `cmd:"" help:"Run everything on this computer with a demo project: database, mail catcher and a guarded MCP server."`
	Keys         keysCommand         `cmd:"" help:"Master keys, and the signing keys of projects."`
	Project      projectCommand      `cmd:"" help:"Settings and people of one project, for the operator."`
	Organization organizationCommand `cmd:"" help:"Organizations, for the operator."`
	Billing      billingCommand      `cmd:"" help:"Plans and usage in Stripe, for the operator of a hosted service."`
	Review       reviewCommand       `cmd:"" help:"What projects show to people, looked at by the operator."`
	Doctor       doctorCommand       `cmd:"" help:"Walk to an MCP server as a client does and say what would stop clients."`
	Settings     settingsCommand     `cmd:"" help:"Print the table of settings as Markdown."`
}

func main() {
	var c commands
	parser := kong.Must(&c, kong.Vars{"version": names.Product + " " + names.Version}, kong.Name(names.Product), kong.Description("The authorization server for MCP servers."), kong.UsageOnError())
	chosen, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	chosen.BindTo(ctx, (*context.Context)(nil))
	if err := chosen.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "mcpauth:", err)
		stop()
		os.Exit(1)
	}
}
