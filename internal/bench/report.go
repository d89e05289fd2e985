package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// side is one server's medians over the rounds.
type side struct {
	PerSecond   float64 `json:"operations_per_second"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	CPU         float64 `json:"cpu_seconds_per_1000"`
	ServerCPU   float64 `json:"server_cpu_seconds_per_1000"`
	DatabaseCPU float64 `json:"database_cpu_seconds_per_1000"`
	PeakRSS     int64   `json:"server_peak_rss_bytes"` // the highest of all rounds
	Errors      int     `json:"errors"`                // of all rounds together
}

// row compares the servers on one workload. The ratios are real/floor within one round, and of these the median.
type row struct {
	Workload  string  `json:"workload"`
	Goal      float64 `json:"goal_cpu_seconds_per_1000"`
	GoalRatio float64 `json:"goal_cpu_ratio"`
	Floor     side    `json:"floor"`
	Real      side    `json:"real"`
	CPURatio  float64 `json:"cpu_ratio"`
	P99Ratio  float64 `json:"p99_ratio"`
	RateRatio float64 `json:"rate_ratio"`
}

// summarise makes a row for every workload that was measured.
func summarise(figures []figure) []row {
	var rows []row
	for _, w := range workloads() {
		sides := map[string]map[int]figure{nameFloor: {}, nameReal: {}}
		failed := map[string]int{}
		measured := false
		for _, f := range figures {
			if f.Workload != w.name {
				continue
			}
			measured = true
			failed[f.Server] += f.Errors
			if f.Round > 0 { // round 0 warms up
				sides[f.Server][f.Round] = f
			}
		}
		if !measured {
			continue
		}
		r := row{Workload: w.name, Goal: w.goal, GoalRatio: w.goalRatio, Floor: newSide(sides[nameFloor]), Real: newSide(sides[nameReal])}
		r.Floor.Errors, r.Real.Errors = failed[nameFloor], failed[nameReal]
		compare := func(value func(figure) float64) float64 {
			var ratios []float64
			for round, measured := range sides[nameReal] {
				if bare, ok := sides[nameFloor][round]; ok {
					ratios = append(ratios, ratio(value(measured), value(bare)))
				}
			}
			return median(ratios)
		}
		r.CPURatio, r.P99Ratio = compare(figure.cpu), compare(func(f figure) float64 { return f.P99 })
		r.RateRatio = compare(func(f figure) float64 { return f.PerSecond })
		rows = append(rows, r)
	}
	return rows
}

func newSide(figures map[int]figure) side {
	of := func(value func(figure) float64) float64 {
		var values []float64
		for _, f := range figures {
			values = append(values, value(f))
		}
		return median(values)
	}
	s := side{
		PerSecond: of(func(f figure) float64 { return f.PerSecond }), P50: of(func(f figure) float64 { return f.P50 }),
		P99: of(func(f figure) float64 { return f.P99 }), CPU: of(figure.cpu),
		ServerCPU: of(func(f figure) float64 { return f.ServerCPU }), DatabaseCPU: of(func(f figure) float64 { return f.DatabaseCPU }),
	}
	for _, f := range figures {
		s.PeakRSS = max(s.PeakRSS, f.PeakRSS)
	}
	return s
}

func verdict(value, most float64) string {
	if value > most {
		return " missed"
	}
	return ""
}

// writeTable shows the summary to people.
func writeTable(w io.Writer, r results) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, PostgreSQL %s, %d processors shared by server, database and load; %d workers, medians of %d rounds.\n"+
		"CPU is processor seconds per 1,000 operations (server + database); x is real/floor in the same round.\n\n",
		r.Go, r.PostgreSQL, r.Processors, r.Workers, r.Rounds)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "\tfloor\t\t\t\treal\t\t\t\t\t\t\t\t\t\t\t")
	_, _ = fmt.Fprintln(table, "workload\top/s\tp50 ms\tp99 ms\tCPU\top/s\tp50 ms\tp99 ms\tCPU\t(server + database)\tgoal\tx CPU\tgoal x\tx p99\tx op/s\tpeak MiB\terrors\t")
	for _, row := range r.Summary {
		_, _ = fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%.4f\t%.0f\t%.1f\t%.1f\t%.4f\t%.4f + %.4f\t%.2f%s\t%.2f\t%.1f%s\t%.2f\t%.2f\t%d\t%d\t\n", row.Workload,
			row.Floor.PerSecond, row.Floor.P50, row.Floor.P99, row.Floor.CPU, row.Real.PerSecond, row.Real.P50, row.Real.P99, row.Real.CPU,
			row.Real.ServerCPU, row.Real.DatabaseCPU, row.Goal, verdict(row.Real.CPU, row.Goal),
			row.CPURatio, row.GoalRatio, verdict(row.CPURatio, row.GoalRatio), row.P99Ratio, row.RateRatio, row.Real.PeakRSS>>20,
			row.Floor.Errors+row.Real.Errors)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range r.Figures {
		if f.Example != "" {
			fmt.Fprintf(&text, "\nfirst error of %s on %s (round %d): %s\n", f.Workload, f.Server, f.Round, f.Example)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// writeJSON writes every figure and the summary to a file, or to standard output for "-".
func writeJSON(path string, r results) error {
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	encoded = append(encoded, '\n')
	if path == "-" {
		_, err = os.Stdout.Write(encoded)
		return err
	}
	return os.WriteFile(path, encoded, 0o644)
}
