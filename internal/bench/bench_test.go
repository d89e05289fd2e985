package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/built"
)

// The bench starts itself as the floor server and as a guarded one; here that is the program of the tests.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == floorCommand || os.Args[1] == guardCommand) {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// catalogue 199: grants revoked on either of two nodes are refused by guards in two other processes, also when a node is restarted.
func TestRevocationReachesGuardsInOtherProcesses(t *testing.T) { // not parallel: it needs the processors for itself
	o := options{workers: 2, revocations: 40, dataDir: filepath.Join(t.TempDir(), "data"), logLevel: "info", binary: built.Product(t)}
	var out, progress strings.Builder
	if err := measureRevocations(t.Context(), o, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	if strings.Count(out.String(), ": 40 revocations, refused after") != guards || !strings.Contains(progress.String(), "a node was restarted") {
		t.Errorf("%s\n%s", out.String(), progress.String())
	}
}

// Every workload gets what it expects from both servers: the pages, the answers and the floor's idea of them have not moved apart.
func TestWholeRun(t *testing.T) {
	t.Parallel()
	binary := built.Product(t)
	o := options{workers: 2, rounds: 1, window: 300 * time.Millisecond, workloads: workloadNames(), binary: binary,
		dataDir: filepath.Join(t.TempDir(), "data"), logLevel: "info"}
	var progress strings.Builder
	r, err := measure(t.Context(), o, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	measured := map[string]int{}
	for _, f := range r.Figures {
		measured[f.Workload+" "+f.Server] += f.Count
		if f.Errors > 0 {
			t.Errorf("%s on %s: %d errors, such as: %s", f.Workload, f.Server, f.Errors, f.Example)
		}
	}
	for _, name := range workloadNames() {
		if measured[name+" "+nameFloor] == 0 || measured[name+" "+nameReal] == 0 {
			t.Errorf("%s: no operation on one of the servers: %v", name, measured)
		}
	}
	if len(r.Summary) != len(workloads()) {
		t.Errorf("%d rows", len(r.Summary))
	}
}
