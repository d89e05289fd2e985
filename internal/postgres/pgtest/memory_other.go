//go:build !linux

package pgtest

import "os"

// temporary is where test clusters go.
func temporary() string { return os.TempDir() }
