//go:build full

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mcpauth.example/internal/built"
)

func (o options) linearity(t *testing.T) (string, error) {
	t.Helper()
	var out, progress strings.Builder
	err := measureLinearity(t.Context(), o, &out, &progress)
	return out.String() + progress.String(), err
}

// Catalogue 158, 178, 179, 187: refreshes, introspections and revocations of shared grants, through two nodes that are killed in between,
// have an order that explains every answer. The full size: `make bench ARGS="-linear 20000"`.
func TestLinearizable(t *testing.T) { // not parallel: it needs the processors for itself
	o := options{workers: 1, linear: 2000, dataDir: filepath.Join(t.TempDir(), "data"), logLevel: "warn", binary: built.Product(t)}
	said, err := o.linearity(t)
	if err != nil || !strings.Contains(said, "2000 operations on 20 grants by 20 clients each") || strings.Contains(said, " 0 answers lost") {
		t.Errorf("%v\n%s", err, said)
	}
}

// The check finds a build guilty that does not compare generations, and one that forgives what is older than the predecessor.
func TestLinearityFindsTheGuilty(t *testing.T) { // not parallel either
	source, err := filepath.Abs("../postgres/grants_rotate.go")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"generations not compared": {`generation = CASE WHEN $6 >= generation THEN $6 + 1 ELSE generation END,`, `generation = generation + 1,`},
		"reuse forgiven":           {`$6 = generation - 1`, `$6 <= generation - 1`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if !strings.Contains(string(content), change[0]) {
				t.Fatalf("%q is not there", change[0])
			}
			changed, overlay, binary := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "mcpauth")
			replace, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
			if err != nil {
				t.Fatal(err)
			}
			for file, text := range map[string]string{changed: strings.ReplaceAll(string(content), change[0], change[1]), overlay: string(replace)} {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", binary, "mcpauth.example/cmd/mcpauth").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			o := options{workers: 1, linear: 2000, dataDir: filepath.Join(dir, "data"), logLevel: "warn", binary: binary}
			if said, err := o.linearity(t); err == nil || !strings.Contains(err.Error(), "not linearizable") {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}
