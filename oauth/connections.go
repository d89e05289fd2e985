package oauth

import (
	"context"
	"time"

	"github.com/mcpauth/mcpauth/internal/secret"
)

// Connection is what a person sees of an app that they allowed on an MCP server: everything that its living grants give it.
type Connection struct {
	ClientID string
	Name     string
	// Host vouches for the client, since it publishes the client's metadata document; empty: nobody does.
	Host     string
	ServerID secret.ID
	Resource string
	Scopes   []string
	Since    time.Time
	// LastUsed is the latest call or refresh; zero: none yet.
	LastUsed time.Time
	// Tools were called most, at most five, the most used first.
	Tools []string
}

// ReasonRevokedByUser is why a grant ended when its person took the access back.
const ReasonRevokedByUser = "user"

// ConnectionStore keeps what people allowed.
type ConnectionStore interface {
	// ListConnections returns a person's living connections, the latest first.
	ListConnections(ctx context.Context, issuer, user secret.ID) ([]Connection, error)
	// EndConnection ends every grant of a client on an MCP server and forgets the consent, so that it has to ask again. An empty client
	// id means every client. It succeeds when there is none.
	EndConnection(ctx context.Context, issuer, user secret.ID, clientID, resource, reason string) error
}

// Connections lists what a person allowed at the issuer.
func (s *Server) Connections(ctx context.Context, issuer *Issuer, user secret.ID) ([]Connection, error) {
	found, err := s.grants.ListConnections(ctx, issuer.ID, user)
	for i := range found {
		found[i].Host = Client{ID: found[i].ClientID, Document: found[i].Host != ""}.DocumentHost()
	}
	if err != nil {
		return nil, Fault(err)
	}
	return found, nil
}

// Disconnect takes back what a person allowed a client on an MCP server, or with an empty client id everything (catalogue 155). Guards
// hear of it within a second.
func (s *Server) Disconnect(ctx context.Context, issuer *Issuer, user secret.ID, clientID, resource string) error {
	if err := s.grants.EndConnection(ctx, issuer.ID, user, clientID, resource, ReasonRevokedByUser); err != nil {
		return Fault(err)
	}
	return nil
}
