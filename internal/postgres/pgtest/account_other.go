//go:build !unix

package pgtest

import "io/fs"

// ownedByUs is not asked in earnest here: no cluster can be started on such a system.
func ownedByUs(fs.FileInfo) bool { return true }
