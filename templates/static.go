package templates

import (
	"net/http"

	"mcpauth.example/templates/static"
)

// Asset returns the address of an embedded static file under its content-hashed name, such as "/static/flow.0123456789ab.css"
// for "flow.css". It panics for a name that does not exist.
func Asset(name string) string { return static.Asset(name) }

// StaticHandler serves the embedded files below /static/ with hashed names, cached for good.
func StaticHandler() http.Handler { return static.Handler() }
