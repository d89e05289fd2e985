package tenants

import (
	"context"
	"errors"
	"strings"

	"mcpauth.example/internal/id"
)

// MaxServers is how many MCP servers a project may have: every process keeps them in memory, and errors name them.
const MaxServers = 50

// ServerStore keeps the MCP servers of a project, by the rules of ProjectStore.
type ServerStore interface {
	// AddServer returns ErrConflict when the project has a server at this address, and ErrLimit at MaxServers or beyond the limit.
	AddServer(ctx context.Context, actor Actor, organization, project id.ID, server MCPServer, s NewSecret, limit Limit) error
	// RenameServer succeeds when nothing changes, and returns ErrNotFound for a server that the project does not have.
	RenameServer(ctx context.Context, actor Actor, organization, project, server id.ID, name string) error
	// RemoveServer revokes what was granted for the server and deletes it with its secrets and consents. It returns ErrNotFound for a
	// server that the project does not have.
	RemoveServer(ctx context.Context, actor Actor, organization, project, server id.ID) error
}

// AddServer adds an MCP server to a project, with a first registration secret, which is returned here and never again. Without a name it
// gets one from the address. It returns a
// FieldError for "name" or "server_url", and ErrLimit at MaxServers.
func (p Projects) AddServer(ctx context.Context, actor Actor, org, project id.ID, name, serverURL string) (MCPServer, string, error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return MCPServer{}, "", err
	}
	resource, urlErr := ParseServerURL(serverURL)
	if strings.TrimSpace(name) == "" {
		name = NameOf(resource)
	}
	name, nameErr := ParseName(name)
	if err := errors.Join(nameErr, urlErr); err != nil {
		return MCPServer{}, "", err
	}
	found, err := p.Store.FindProject(ctx, org, project)
	if err != nil {
		return MCPServer{}, "", err
	}
	shown, stored := newSecret(p.Primary.URL(found.Slug)) // as in CreateSecret
	server := MCPServer{ID: id.New(), Name: name, Resource: resource}
	limit, err := limitOf(ctx, p.Plans, org, CountServers)
	if err != nil {
		return MCPServer{}, "", err
	}
	err = p.Store.AddServer(ctx, actor, org, project, server, stored, limit)
	if errors.Is(err, ErrConflict) {
		return MCPServer{}, "", FieldError{Field: "server_url", Message: "This project has an MCP server at this address already."}
	}
	if err != nil {
		return MCPServer{}, "", err
	}
	return server, shown, nil
}

// RenameServer changes the name that people see. The address of a server never changes: tokens and clients are bound to it. It returns a
// FieldError for "name".
func (p Projects) RenameServer(ctx context.Context, actor Actor, org, project, server id.ID, name string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	return p.Store.RenameServer(ctx, actor, org, project, server, name)
}

// RemoveServer ends every connection to an MCP server and deletes it with its registration secrets.
func (p Projects) RemoveServer(ctx context.Context, actor Actor, org, project, server id.ID) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.RemoveServer(ctx, actor, org, project, server)
}
