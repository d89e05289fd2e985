// Command bench measures the product against its floor: the built server with row-level security, audit and request log on, and a bare
// server (package floor) that does only what cannot be left out, in turn, on one durable PostgreSQL, under the same load.
//
// It owns the load program, the counting of processor time, and the report. It connects packages as cmd does and may import the store;
// nothing imports it. Load goes to addresses of this computer that bench itself listens on, bounded in time and number.
//
// What a figure means: server, PostgreSQL and load share the processors, so the processor seconds per 1,000 operations (server plus
// PostgreSQL) and their ratio to the floor in the same round are to be trusted; operations per second come second.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"mcpauth.example/internal/bench/floor"
)

// options is what one run decides.
type options struct {
	workers   int
	rounds    int
	window    time.Duration
	only      string
	workloads []string
	binary    string
	dataDir   string
	logLevel  string
	out       string
	fresh     bool
	// revocations is how many grants are revoked to measure how soon guards refuse; 0 measures workloads.
	revocations int
	// linear is how many operations on shared grants are checked for an order that explains them.
	linear int
	// passwords is how many people type wrong passwords at once while tokens are refreshed.
	passwords int
	// dashboard is how many rows of activity a project has whose pages are looked at.
	dashboard int
	// meter is how many people get tokens over a month boundary, and are then compared with what the meter counted.
	meter int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == floorCommand {
		return floor.Run(ctx, os.Stdin)
	}
	if len(args) == 1 && args[0] == guardCommand {
		return runGuard(ctx, os.Stdin, os.Stdout)
	}
	o, err := parseOptions(args, os.Stderr)
	if err != nil {
		return err
	}
	if o.passwords > 0 {
		return measurePasswords(ctx, o, os.Stdout, os.Stderr)
	}
	if o.dashboard > 0 {
		return measureDashboard(ctx, o, os.Stdout, os.Stderr)
	}
	if o.meter > 0 {
		return measureMeter(ctx, o, os.Stdout, os.Stderr)
	}
	if o.linear > 0 {
		return measureLinearity(ctx, o, os.Stdout, os.Stderr)
	}
	if o.revocations > 0 {
		return measureRevocations(ctx, o, os.Stdout, os.Stderr)
	}
	results, err := measure(ctx, o, os.Stderr)
	if err != nil {
		return err
	}
	if err := writeTable(os.Stdout, results); err != nil {
		return err
	}
	if err := writeJSON(o.out, results); err != nil {
		return err
	}
	if failed := results.errors(); failed > 0 {
		return fmt.Errorf("%d answers were not the expected ones; the table's figures are not to be trusted", failed)
	}
	return nil
}

func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var seconds float64
	var names string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.IntVar(&o.workers, "workers", 8, "requests under way at once, 1 to 64")
	flags.IntVar(&o.rounds, "rounds", 3, "how often every workload runs on both servers, 1 to 20")
	flags.Float64Var(&seconds, "seconds", 3, "length of one measurement, 0.1 to 60")
	flags.StringVar(&o.only, "only", "", "measure one server only: floor or real")
	flags.StringVar(&names, "workloads", strings.Join(workloadNames(), ","), "what to measure, separated by commas")
	flags.StringVar(&o.binary, "binary", "", "the product's program; built from the source when not given")
	flags.StringVar(&o.dataDir, "data-dir", ".data/bench", "folder for the database; its content is thrown away")
	flags.StringVar(&o.logLevel, "log-level", "info", "log level of the product")
	flags.BoolVar(&o.fresh, "fresh", false, "measure a database that was never analysed, as in the first minute of an installation")
	flags.IntVar(&o.revocations, "revocations", 0, "measure instead how soon guards in two processes refuse this many revoked grants, 1 to 100000, with two nodes of which one is restarted")
	flags.IntVar(&o.linear, "linear", 0, "check instead that this many refreshes, introspections and revocations on shared grants, through two nodes that are killed in between, are linearizable, 100 to 1000000")
	flags.IntVar(&o.passwords, "passwords", 0, "measure instead what this many people who type wrong passwords at once do to refreshes and to the server's memory, 1 to 2000")
	flags.IntVar(&o.dashboard, "dashboard", 0, "measure instead how long the server takes for each page of a project with this many rows of activity, a tenth as many grants and a hundredth as many users, 7000 to 5000000")
	flags.IntVar(&o.meter, "meter", 0, "compare instead what the meter counted with the answers that this many people got over a month boundary, in several projects through two nodes, and measure what the meter costs, 100 to 1000000")
	flags.StringVar(&o.out, "out", "internal/bench/results.json", "where the figures go as JSON; - is standard output")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.window = time.Duration(seconds * float64(time.Second))
	for name := range strings.SplitSeq(names, ",") {
		o.workloads = append(o.workloads, strings.TrimSpace(name))
	}
	var problems []error
	check := func(ok bool, text string) {
		if !ok {
			problems = append(problems, errors.New(text))
		}
	}
	check(flags.NArg() == 0, "no arguments are expected besides flags")
	check(o.workers >= 1 && o.workers <= 64, "-workers: expected 1 to 64")
	check(o.rounds >= 1 && o.rounds <= 20, "-rounds: expected 1 to 20")
	check(seconds >= 0.1 && seconds <= 60, "-seconds: expected 0.1 to 60")
	check(o.revocations >= 0 && o.revocations <= 100000, "-revocations: expected 1 to 100000")
	check(o.dashboard == 0 || o.dashboard >= 7000 && o.dashboard <= 5_000_000, "-dashboard: expected 7000 to 5000000")
	check(o.passwords >= 0 && o.passwords <= 2000, "-passwords: expected 1 to 2000")
	check(o.meter == 0 || o.meter >= 100 && o.meter <= 1000000, "-meter: expected 100 to 1000000")
	check(o.linear == 0 || o.linear >= 100 && o.linear <= 1000000, "-linear: expected 100 to 1000000")
	check(o.only == "" || o.only == nameFloor || o.only == nameReal, "-only: expected floor or real")
	for _, name := range o.workloads {
		check(slices.Contains(workloadNames(), name), "-workloads: expected some of "+strings.Join(workloadNames(), ", "))
	}
	return o, errors.Join(problems...)
}
