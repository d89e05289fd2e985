package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/devdb"
)

// figure is what one window of one workload on one server gave.
type figure struct {
	Round     int     `json:"round"`
	Server    string  `json:"server"`
	Workload  string  `json:"workload"`
	Seconds   float64 `json:"seconds"`
	Count     int     `json:"operations"`
	Errors    int     `json:"errors"`
	Example   string  `json:"first_error,omitempty"`
	PerSecond float64 `json:"operations_per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	// ServerCPU and DatabaseCPU are processor seconds per 1,000 operations.
	ServerCPU   float64 `json:"server_cpu_seconds_per_1000"`
	DatabaseCPU float64 `json:"database_cpu_seconds_per_1000"`
	PeakRSS     int64   `json:"server_peak_rss_bytes"`
}

// cpu is what server and PostgreSQL use together, in processor seconds per 1,000 operations.
func (f figure) cpu() float64 { return f.ServerCPU + f.DatabaseCPU }

// results is everything one run measured.
type results struct {
	Started    time.Time `json:"started"`
	Go         string    `json:"go"`
	PostgreSQL string    `json:"postgresql"`
	Processors int       `json:"processors"`
	Workers    int       `json:"workers"`
	Rounds     int       `json:"rounds"`
	Figures    []figure  `json:"figures"`
	Summary    []row     `json:"summary"`
}

func (r results) errors() int {
	count := 0
	for _, f := range r.Figures {
		count += f.Errors
	}
	return count
}

// bench is a run in progress.
type bench struct {
	options
	database  *devdb.Server
	superuser *pgx.Conn
	progress  io.Writer
}

// measure starts everything, runs the rounds, and stops everything.
func measure(ctx context.Context, o options, progress io.Writer) (results, error) {
	_, _ = fmt.Fprintln(progress, "bench: starting PostgreSQL and the servers")
	dir, err := os.MkdirTemp("", "mcpauth-bench-")
	if err != nil {
		return results{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	database, err := devdb.Start(ctx, devdb.Options{DataDir: o.dataDir, Durable: true, Reset: true})
	if err != nil {
		return results{}, err
	}
	defer func() { _ = database.Stop() }()
	superuser, err := pgx.Connect(ctx, database.SuperuserURL("postgres"))
	if err != nil {
		return results{}, err
	}
	defer superuser.Close(context.WithoutCancel(ctx))
	product, served, err := startProduct(ctx, o, database, dir)
	if product != nil {
		defer product.stop()
	}
	if err != nil {
		return results{}, err
	}
	yardstick, bare, err := startFloor(ctx, database, served)
	defer yardstick.stop(context.WithoutCancel(ctx))
	if err != nil {
		return results{}, err
	}
	b := &bench{options: o, database: database, superuser: superuser, progress: progress}
	r := results{Started: time.Now().UTC(), Go: runtime.Version(), PostgreSQL: database.Version(), Processors: runtime.NumCPU(),
		Workers: o.workers, Rounds: o.rounds}
	if r.Figures, err = b.rounds(ctx, []*target{bare, served}); err != nil {
		return r, err
	}
	r.Summary = summarise(r.Figures)
	return r, nil
}

// warmUp is how long each workload runs on each server before the first round; it is not measured.
const warmUp = 300 * time.Millisecond

// rounds runs every workload on every server in turn. Which server comes first alternates.
func (b *bench) rounds(ctx context.Context, targets []*target) ([]figure, error) {
	var figures []figure
	for _, t := range targets {
		if err := fill(ctx, t, b.window); err != nil {
			return nil, fmt.Errorf("fill %s: %w", t.name, err)
		}
	}
	for round := range b.options.rounds + 1 {
		window := b.window
		if round == 1 && !b.fresh {
			if err := b.analyse(ctx); err != nil {
				return figures, err
			}
		}
		if round == 0 {
			window = min(warmUp, b.window)
		}
		for _, name := range b.workloads {
			for i := range targets {
				t := targets[(i+round)%len(targets)]
				if b.only != "" && b.only != t.name {
					continue
				}
				f, err := b.once(ctx, t, name, window)
				if err != nil {
					return figures, fmt.Errorf("%s on %s: %w", name, t.name, err)
				}
				if f.Round = round; round > 0 || f.Errors > 0 {
					figures = append(figures, f)
				}
				if round > 0 {
					_, _ = fmt.Fprintf(b.progress, "bench: round %d  %-14s %-6s %8.0f/s  %.4f CPU-s/1000\n", round, name, t.name, f.PerSecond, f.cpu())
				}
			}
		}
	}
	return figures, nil
}

// Rows that are there before the first round: an empty table teaches the planner nothing.
const (
	filledClients = 1000
	filledGrants  = 2000
)

func fill(ctx context.Context, t *target, window time.Duration) error {
	if _, err := t.codes(ctx, prepared(filledGrants, window)); err != nil {
		return err
	}
	l, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	for range prepared(filledClients, window) {
		if _, err := registerClient(l, t.prefix+registerPath, fmt.Sprintf(registration, fmt.Sprintf("%08d", registrations.Add(1)))); err != nil {
			return err
		}
	}
	return nil
}

// prepared is how many of a full number are worth preparing for a window of this length: all for a second or more, a tenth at least.
func prepared(full int, window time.Duration) int {
	return full / 10 * int(min(max(window/(100*time.Millisecond), 1), 10))
}

// analyse gives the planner the statistics that autovacuum gives a database within its first minutes.
func (b *bench) analyse(ctx context.Context) error {
	for _, name := range []string{devdb.Database, floorDatabase} {
		if err := analyse(ctx, b.database, name); err != nil {
			return err
		}
	}
	return nil
}

func analyse(ctx context.Context, database *devdb.Server, name string) error {
	conn, err := pgx.Connect(ctx, database.SuperuserURL(name))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ANALYZE")
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("analyse %s: %w", name, err)
	}
	return nil
}

// once measures one workload on one server once.
func (b *bench) once(ctx context.Context, t *target, name string, window time.Duration) (figure, error) {
	workers, err := newWorkers(ctx, t, b.workers)
	if err != nil {
		return figure{}, err
	}
	defer closeWorkers(workers)
	var do operation
	for _, w := range workloads() {
		if w.name == name {
			if do, err = w.prepare(ctx, t, workers, window); err != nil {
				return figure{}, fmt.Errorf("prepare: %w", err)
			}
		}
	}
	for _, w := range workers { // preparing may have taken longer than a server keeps a silent connection
		w.link.close()
		if w.link, err = t.dial(ctx); err != nil {
			return figure{}, err
		}
	}
	// What preparing left to be written is written now, and the next timed checkpoint is minutes away.
	if _, err := b.superuser.Exec(ctx, "CHECKPOINT"); err != nil {
		return figure{}, err
	}
	resetPeak(procDir, t.pid)
	serverBefore, databaseBefore, err := b.readCPU(t)
	if err != nil {
		return figure{}, err
	}
	o, err := drive(ctx, t, workers, window, do)
	if err != nil {
		return figure{}, err
	}
	serverAfter, databaseAfter, err := b.readCPU(t)
	if err != nil {
		return figure{}, err
	}
	peak, err := peakRSS(procDir, t.pid)
	f := newFigure(o, serverAfter-serverBefore, databaseAfter-databaseBefore)
	f.Server, f.Workload, f.PeakRSS = t.name, name, peak
	return f, err
}

func (b *bench) readCPU(t *target) (server, database time.Duration, err error) {
	server, err1 := treeCPU(procDir, t.pid)
	database, err2 := treeCPU(procDir, b.database.PID())
	return server, database, errors.Join(err1, err2)
}

// newFigure works out the figures of one window.
func newFigure(o outcome, server, database time.Duration) figure {
	count := len(o.latencies)
	thousands := float64(count) / 1000
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return figure{
		Seconds: o.elapsed.Seconds(), Count: count, Errors: o.failed, Example: o.example, PerSecond: ratio(float64(count), o.elapsed.Seconds()),
		P50: milliseconds(percentile(o.latencies, 50)), P99: milliseconds(percentile(o.latencies, 99)),
		ServerCPU: ratio(server.Seconds(), thousands), DatabaseCPU: ratio(database.Seconds(), thousands),
	}
}
