//go:build full

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"mcpauth.example/internal/built"
)

// The meter has exactly the people whose client got an access token, in each month and project. The full size and the cost:
// `make bench ARGS="-meter 12000"`.
func TestMeterNamesWhoGotAToken(t *testing.T) { // not parallel: it needs the processors for itself
	o := options{workers: 1, meter: 400, dataDir: filepath.Join(t.TempDir(), "data"), logLevel: "warn", binary: built.Product(t)}
	var out, progress strings.Builder
	err := measureMeter(t.Context(), o, &out, &progress)
	if err != nil || !strings.Contains(out.String(), "counted exactly who got one") {
		t.Errorf("%v\n%s%s", err, &out, &progress)
	}
}
