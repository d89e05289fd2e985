// Package demo is the small guarded MCP server that `mcpauth dev` runs, so that a client can be connected before
// anything has been written. It owns three tools and keeps their notes in memory.
//
// It stands where a customer's server stands: it imports sdk/go and the go-sdk, and must import nothing else of the
// project.
package demo

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"mcpauth.example/sdk/go"
)

const (
	// ToolsScope lets a client use the tools of this server.
	ToolsScope = "mcp:tools"
	// WriteScope lets a client add notes.
	WriteScope = "notes:write"
	// Path is where the server answers MCP requests.
	Path = "/mcp"

	maxRequestBytes = 64 << 10
)

// New returns a handler that serves MCP at [Path] and the metadata clients look for beside it. The error says what is
// wrong with the registration secret; the project behind it need not be running yet.
func New(registrationSecret string, log *slog.Logger) (http.Handler, error) {
	guard, err := mcpauth.New(mcpauth.Config{
		RegistrationSecret: registrationSecret,
		RequiredScopes:     []string{ToolsScope},
		ToolScopes:         map[string][]string{"add_note": {WriteScope}},
		MaxBodyBytes:       maxRequestBytes,
		// Its project runs on the same machine, so a revoked approval may be refused by the very next call.
		CacheTTL: -1,
		Logger:   log,
	})
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	server := newServer(newNotebook())
	mux := http.NewServeMux()
	guard.Register(mux, Path, mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		// Without sessions both the clients of today's revision and those before it can connect.
		&mcp.StreamableHTTPOptions{Stateless: true, MaxRequestBodyBytes: maxRequestBytes},
	))
	return mux, nil
}
