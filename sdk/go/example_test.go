package mcpauth_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"mcpauth.example/sdk/go"
)

// A server with one tool that any approved client may call, and one that needs more.
func Example() {
	guard, err := mcpauth.New(mcpauth.Config{
		RegistrationSecret: os.Getenv("MCPAUTH_SECRET"),
		ToolScopes:         map[string][]string{"add_note": {"notes:write"}},
	})
	if err != nil {
		fmt.Println("set MCPAUTH_SECRET")
		return
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Says who is calling"},
		func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			identity, _ := mcpauth.IdentityFrom(r.Extra.TokenInfo)
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: identity.Username}}}, nil, nil
		})
	mux := http.NewServeMux()
	guard.Register(mux, "/mcp", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
	log.Fatal(http.ListenAndServe("localhost:8090", mux))
}
