// Package migrations embeds the SQL files that build the schema. They run forward only and are never edited after they landed;
// the previous release must run on the new schema.
package migrations

import "embed"

// FS holds every migration in goose's format.
//
//go:embed *.sql
var FS embed.FS
