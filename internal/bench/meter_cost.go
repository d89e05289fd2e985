package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/devdb"
	"mcpauth.example/tenants"
)

// Names of the two builds in the output.
const (
	nameMeterOn  = "meter on"
	nameMeterOff = "meter off"
)

// measureMeterCost runs the token requests on the product and on a build whose statements do not count, in turn on one database.
func measureMeterCost(ctx context.Context, o options, database *devdb.Server, dir string, out, progress io.Writer) error {
	uncounted, err := buildUncounted(ctx, dir)
	if err != nil {
		return err
	}
	superuser, err := pgx.Connect(ctx, database.SuperuserURL(devdb.Database))
	if err != nil {
		return err
	}
	defer func() { _ = superuser.Close(context.WithoutCancel(ctx)) }()
	var targets []*target
	for name, binary := range map[string]string{nameMeterOn: o.binary, nameMeterOff: uncounted} {
		build := o
		build.binary = binary
		p, t, err := startProduct(ctx, build, database, dir)
		if p != nil {
			defer p.stop()
		}
		if err != nil {
			return err
		}
		organization, err := p.store.OwnerOf(ctx, p.issuer.ID)
		if err != nil {
			return err
		}
		if err := p.store.SetProduction(ctx, tenants.SystemActor, organization, p.issuer.ID, true, tenants.Limit{Max: tenants.Unlimited}); err != nil {
			return err
		}
		t.name = name
		targets = append(targets, t)
	}
	if err := analyse(ctx, database, devdb.Database); err != nil {
		return err
	}
	b := &bench{options: o, database: database, superuser: superuser, progress: progress}
	b.workloads, b.fresh, b.only = []string{"token_code", "refresh"}, true, "" // analysed above
	figures, err := b.rounds(ctx, targets)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "CPU seconds per 1,000 requests, server and PostgreSQL, median of the rounds")
	for _, workload := range b.workloads {
		cost := map[string]float64{}
		var ratios []float64
		for _, name := range []string{nameMeterOn, nameMeterOff} {
			var values []float64
			for _, f := range figures {
				if f.Workload == workload && f.Server == name {
					values = append(values, f.cpu())
				}
			}
			cost[name] = median(values)
		}
		for _, on := range figures {
			for _, off := range figures {
				if on.Workload == workload && off.Workload == workload && on.Round == off.Round && on.Server == nameMeterOn && off.Server == nameMeterOff {
					ratios = append(ratios, ratio(on.cpu(), off.cpu()))
				}
			}
		}
		_, _ = fmt.Fprintf(out, "%-12s meter on %.4f, off %.4f, ratio %.3f\n", workload, cost[nameMeterOn], cost[nameMeterOff], median(ratios))
	}
	return nil
}

// meterFile is where the counting part of the statements is.
const meterFile = "internal/postgres/meter.go"

// buildUncounted builds the product with a part that counts nobody.
func buildUncounted(ctx context.Context, dir string) (string, error) {
	source, err := filepath.Abs(meterFile)
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(source) //nolint:gosec // of the repository
	if err != nil {
		return "", fmt.Errorf("run bench in the module's folder: %w", err)
	}
	const head = "func countConnected(got string) string {\n"
	if !strings.Contains(string(content), head) {
		return "", fmt.Errorf("%s: expected %q", meterFile, head)
	}
	changed, overlay, binary := filepath.Join(dir, "meter.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mcpauth-uncounted")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
	if err != nil {
		return "", err
	}
	for file, text := range map[string]string{changed: strings.Replace(string(content), head, head+"\tif got != \"\" {\n\t\treturn `SELECT $1::uuid WHERE false`\n\t}\n", 1), overlay: string(replace)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-overlay", overlay, "-o", binary, "./cmd/mcpauth")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build without the meter: %w: %s", err, text)
	}
	return binary, nil
}
