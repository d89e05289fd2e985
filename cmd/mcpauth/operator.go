package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"mcpauth.example/dashboard"
	"mcpauth.example/internal/id"
	"mcpauth.example/internal/lookalike"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/tenants"
)

// openStore opens the store for one command.
func openStore(ctx context.Context, do func(*postgres.Store) error) error {
	s, err := readSettings(os.Environ())
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{URL: s.databaseURL, DirectURL: s.databaseDirectURL, MaxConnections: 2, Notices: dashboard.NoticeMail(s.baseURL)}, s.keys, newLogger(s.logLevel))
	if err != nil {
		return err
	}
	defer store.Close()
	return do(store)
}

type organizationCommand struct {
	List    organizationListCommand    `cmd:"" help:"List organizations with their owners."`
	Suspend organizationSuspendCommand `cmd:"" help:"Let nobody into any project of an organization: no sign-in, no tokens, and those that exist are inactive."`
	Resume  organizationResumeCommand  `cmd:"" help:"End a suspension."`
	Usage   organizationUsageCommand   `cmd:"" help:"Print how many connected users were counted, by production project and day."`
}

type organizationListCommand struct {
	Search string `arg:"" optional:"" help:"Part of a name or of a member's address."`
}

// Run prints a table.
func (c organizationListCommand) Run(ctx context.Context) error {
	return openStore(ctx, func(store *postgres.Store) error {
		found, err := store.ListOrganizations(ctx, c.Search)
		return errors.Join(err, printOrganizations(os.Stdout, found))
	})
}

func printOrganizations(out io.Writer, found []tenants.OrganizationSummary) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tNAME\tPROJECTS\tOWNERS\tSTATE")
	for _, o := range found {
		state := "active"
		if o.Suspended {
			state = "suspended: " + o.Reason
		}
		_, _ = fmt.Fprintf(table, "%s\t%q\t%d\t%s\t%s\n", o.ID, o.Name, o.Projects, strings.Join(o.Owners, " "), state)
	}
	return table.Flush()
}

// organizationOf is what every command on an organization takes.
type organizationOf struct {
	Organization string `arg:"" help:"Id of the organization, as list prints it."`
}

// open opens the store for a command on the organization, and says so when there is none.
func (o organizationOf) open(ctx context.Context, do func(*postgres.Store, id.ID) error) error {
	id, err := id.Parse(o.Organization)
	if err != nil {
		return errors.New("expected the organization's id, as `organization list` prints it")
	}
	err = openStore(ctx, func(store *postgres.Store) error { return do(store, id) })
	if errors.Is(err, tenants.ErrNotFound) {
		return fmt.Errorf("no organization has the id %s; `organization list` prints them", id)
	}
	return err
}

func (o organizationOf) decide(ctx context.Context, do func(tenants.Operator, id.ID) error) error {
	return o.open(ctx, func(store *postgres.Store, id id.ID) error { return do(tenants.Operator{Store: store}, id) })
}

type organizationSuspendCommand struct {
	organizationOf
	Reason string `help:"Why; its members read it." required:""`
}

// Run suspends.
func (c organizationSuspendCommand) Run(ctx context.Context) error {
	return c.decide(ctx, func(o tenants.Operator, id id.ID) error { return o.Suspend(ctx, id, c.Reason) })
}

type organizationResumeCommand struct{ organizationOf }

// Run resumes.
func (c organizationResumeCommand) Run(ctx context.Context) error {
	return c.decide(ctx, func(o tenants.Operator, id id.ID) error { return o.Resume(ctx, id) })
}

type organizationUsageCommand struct {
	organizationOf
	Month string `help:"Calendar month (UTC), such as 2026-11; without it the current one."`
}

// Run prints a table.
func (c organizationUsageCommand) Run(ctx context.Context) error {
	month, err := monthFlag(c.Month)
	if err != nil {
		return err
	}
	return c.open(ctx, func(store *postgres.Store, id id.ID) error {
		found, err := store.MonthlyActiveUsers(ctx, id, month)
		if err != nil {
			return err
		}
		return printUsage(os.Stdout, found)
	})
}

// monthFlag reads --month; empty is the current one.
func monthFlag(text string) (time.Time, error) {
	if text == "" {
		return tenants.MonthOf(time.Now()), nil
	}
	month, err := time.Parse("2006-01", text)
	if err != nil {
		return time.Time{}, errors.New("--month: expected a year and a month, such as 2026-11")
	}
	return month, nil
}

func printUsage(out io.Writer, found []tenants.MonthlyActiveUsers) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PROJECT\tDAY\tCONNECTED USERS")
	total := 0
	for _, day := range found {
		total += day.Count
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\n", day.Project, day.Day.Format(time.DateOnly), day.Count)
	}
	_, _ = fmt.Fprintf(table, "all\t\t%d\n", total)
	return table.Flush()
}

type projectSuspendCommand struct {
	projectOf
	Reason string `help:"Why; its members read it." required:""`
}

// Run holds the project: its own members cannot resume it.
func (c projectSuspendCommand) Run(ctx context.Context) error {
	return c.decide(ctx, func(o tenants.Operator, project id.ID) error { return o.SuspendByOperator(ctx, project, c.Reason) })
}

type projectResumeCommand struct{ projectOf }

// Run releases it.
func (c projectResumeCommand) Run(ctx context.Context) error {
	return c.decide(ctx, func(o tenants.Operator, project id.ID) error { return o.Release(ctx, project) })
}

// decide finds the project for what the operator decides.
func (p projectOf) decide(ctx context.Context, do func(tenants.Operator, id.ID) error) error {
	return openStore(ctx, func(store *postgres.Store) error {
		t, err := p.find(ctx, store)
		if err != nil {
			return err
		}
		return do(tenants.Operator{Store: store}, t.project)
	})
}

type reviewCommand struct {
	List    reviewListCommand    `cmd:"" help:"List projects whose name, words or logo nobody has looked at, those that look like a well-known name first."`
	Approve reviewApproveCommand `cmd:"" help:"Say that the project is what it says."`
	Reject  reviewRejectCommand  `cmd:"" help:"Take the project's brand off its pages until one is approved."`
}

type reviewListCommand struct{}

// Run prints a table.
func (reviewListCommand) Run(ctx context.Context) error {
	return openStore(ctx, func(store *postgres.Store) error {
		found, err := store.ListReviews(ctx)
		return errors.Join(err, printReviews(os.Stdout, found))
	})
}

func printReviews(out io.Writer, found []tenants.Review) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PROJECT\tNAME\tTITLE\tORGANIZATION\tLOOKS LIKE\tSTATE\tWAITS SINCE")
	for _, suspicious := range []bool{true, false} {
		for _, r := range found {
			if known := cmp.Or(lookalike.Of(r.Project.Name), lookalike.Of(r.Project.Slug), lookalike.Of(r.Brand.Title)); (known != "") == suspicious {
				_, _ = fmt.Fprintf(table, "%s\t%q\t%q\t%q\t%s\t%s\t%s\n", r.Project.Slug, r.Project.Name, r.Brand.Title, r.Organization, known, r.State, r.Since.UTC().Format(time.DateTime))
			}
		}
	}
	return table.Flush()
}

type reviewApproveCommand struct{ projectOf }

// Run approves.
func (c reviewApproveCommand) Run(ctx context.Context) error {
	return c.decide(ctx, func(o tenants.Operator, project id.ID) error { return o.Approve(ctx, project) })
}

type reviewRejectCommand struct {
	projectOf
	Reason string `help:"Why; its members read it in their log." required:""`
}

// Run rejects.
func (c reviewRejectCommand) Run(ctx context.Context) error {
	return c.decide(ctx, func(o tenants.Operator, project id.ID) error { return o.Reject(ctx, project, c.Reason) })
}
