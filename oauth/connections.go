package oauth

import (
	"context"
	"slices"
	"time"

	"mcpauth.example/internal/id"
)

// Connection is what a person sees of an app that they allowed on an MCP server: everything that its living grants give it.
type Connection struct {
	ClientID string
	Name     string
	// Host vouches for the client, since it publishes the client's metadata document; empty: nobody does.
	Host     string
	ServerID id.ID
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
	ListConnections(ctx context.Context, issuer, user id.ID) ([]Connection, error)
	// FindExtensible returns the scopes of those living grants of a client on an MCP server that a session may add to: of those for an
	// organization, the ones of the session's own person, who may choose that organization now. again: a new sign-in at the customer's site
	// could reach more. ErrNotFound: there is none, nor would there be.
	FindExtensible(ctx context.Context, issuer, user, session id.ID, clientID, resource string) (scopes []string, again bool, err error)
	// ExtendConnection adds scopes to the grants that FindExtensible speaks of, and to the consent; ErrNotFound when there is none, or when
	// the session is over.
	ExtendConnection(ctx context.Context, issuer, user, session id.ID, clientID, resource string, scopes []string) error
	// EndConnection ends every grant of a client on an MCP server and forgets the consent, so that it has to ask again. An empty client
	// id means every client. It succeeds when there is none.
	EndConnection(ctx context.Context, issuer, user id.ID, clientID, resource, reason string) error
}

// Connections lists what a person allowed at the issuer.
func (s *Server) Connections(ctx context.Context, issuer *Issuer, user id.ID) ([]Connection, error) {
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
func (s *Server) Disconnect(ctx context.Context, issuer *Issuer, user id.ID, clientID, resource string) error {
	if err := s.grants.EndConnection(ctx, issuer.ID, user, clientID, resource, ReasonRevokedByUser); err != nil {
		return Fault(err)
	}
	return nil
}

// Extension is what a step-up by a link would add to a connection.
type Extension struct {
	Connection Connection // with the scopes of what the session may add to
	Added      []Scope
	// Again: the session has to be made anew at the customer's site first.
	Again bool
}

// Extension finds the connection that a step-up link names, and which of the scopes are new to it (P20). ErrNotFound: the person has no
// such connection, or none that this session may add to.
func (s *Server) Extension(ctx context.Context, issuer *Issuer, user, session id.ID, clientID, resource, scope string) (Extension, error) {
	found, err := s.Connections(ctx, issuer, user)
	if err != nil {
		return Extension{}, err
	}
	at := slices.IndexFunc(found, func(c Connection) bool { return c.ClientID == clientID && c.Resource == resource })
	if at < 0 {
		return Extension{}, ErrNotFound
	}
	out := Extension{Connection: found[at]}
	out.Connection.Scopes, out.Again, err = s.grants.FindExtensible(ctx, issuer.ID, user, session, clientID, resource)
	if err != nil && !isNotFound(err) {
		err = Fault(err)
	}
	if err != nil {
		return Extension{}, err
	}
	for _, described := range issuer.Describe(parseScope(scope)) {
		if !slices.Contains(out.Connection.Scopes, described.Name) {
			out.Added = append(out.Added, described)
		}
	}
	return out, nil
}

// Extend adds scopes to a connection. Tokens have them from the next refresh on.
func (s *Server) Extend(ctx context.Context, issuer *Issuer, user, session id.ID, e Extension) error {
	names := make([]string, 0, len(e.Added))
	for _, scope := range e.Added {
		names = append(names, scope.Name)
	}
	err := s.grants.ExtendConnection(ctx, issuer.ID, user, session, e.Connection.ClientID, e.Connection.Resource, names)
	if err != nil && !isNotFound(err) {
		return Fault(err)
	}
	return err
}
