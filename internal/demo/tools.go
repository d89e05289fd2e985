package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"mcpauth.example/sdk/go"
)

type nothing struct{}

type noteInput struct {
	Text string `json:"text" jsonschema:"the note, at most 2000 characters"`
}

func newServer(notes *notebook) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "mcpauth-demo", Title: "Demo tools", Version: "1.0.0"}, nil)
	closed, additive := false, false
	readOnly := &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: &closed}
	mcp.AddTool(server, &mcp.Tool{
		Name: "whoami", Title: "Who am I", Annotations: readOnly,
		Description: "Greets you: says as whom and through which client you are connected, and what the connection allows.",
	}, whoami)
	mcp.AddTool(server, &mcp.Tool{
		Name: "list_notes", Title: "List notes", Annotations: readOnly,
		Description: "Lists your notes, the oldest first.",
	}, notes.list)
	mcp.AddTool(server, &mcp.Tool{
		Name: "add_note", Title: "Add a note",
		Annotations: &mcp.ToolAnnotations{DestructiveHint: &additive, OpenWorldHint: &closed},
		Description: "Adds a note in your name. Needs the scope " + WriteScope + ".",
	}, notes.add)
	return server
}

// caller is who the guard let through.
func caller(request *mcp.CallToolRequest) (mcpauth.Identity, error) {
	if request.Extra != nil {
		if identity, ok := mcpauth.IdentityFrom(request.Extra.TokenInfo); ok {
			return identity, nil
		}
	}
	return mcpauth.Identity{}, errors.New("this server answers through its guard only")
}

func whoami(_ context.Context, request *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
	identity, err := caller(request)
	if err != nil {
		return nil, nil, err
	}
	name := identity.Username
	if name == "" {
		name = identity.Subject
	}
	return text(fmt.Sprintf("Hello %s. You are user %s, connected through client %s. This connection allows: %s.",
		name, identity.Subject, identity.ClientID, strings.Join(identity.Scopes, ", "))), nil, nil
}

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}
