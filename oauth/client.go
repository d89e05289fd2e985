package oauth

import (
	"context"
	"encoding/json"
	"time"

	"mcpauth.example/internal/id"
)

// The client authentication methods (RFC 7591 section 2). Public clients have none.
const (
	AuthMethodNone  = "none"
	AuthMethodBasic = "client_secret_basic"
	AuthMethodPost  = "client_secret_post"
	AuthMethodKey   = "private_key_jwt" // OpenID Connect Core section 9, RFC 7523
)

// Client is an MCP client of one issuer.
type Client struct {
	ID              string
	Name            string
	RedirectURIs    []string // as CheckRedirectURI stores them
	GrantTypes      []string
	AuthMethod      string
	ApplicationType string
	URI             string
	Metadata        json.RawMessage // further members of the registration
	JWKS            json.RawMessage // the client's public keys (RFC 7517 section 5); nil: none
	JWKSURI         string          // where the client publishes its keys instead; empty: nowhere
	Blocked         bool
	Document        bool // the id is the URL of the client's own metadata document
	OwnPages        bool // it is the dashboard, whose pages may be on the origin of the issuer
	CreatedAt       time.Time
	// SecretHash is of the client secret; nil for a client without one.
	SecretHash []byte
	// RegistrationTokenHash is of the token that manages the registration (RFC 7592); nil when nobody but the project may.
	RegistrationTokenHash []byte
}

// ClientStore keeps clients.
type ClientStore interface {
	RegistrationStore
	AssertionStore
	// FindClient returns ErrNotFound for a client that this issuer does not know. A blocked client is found.
	FindClient(ctx context.Context, issuer id.ID, clientID string) (Client, error)
	// RegisterClient stores a client, or renews and returns the one that has the same fingerprint. Without a fingerprint it is a client
	// of its own.
	RegisterClient(ctx context.Context, issuer id.ID, client Client, fingerprint []byte) (Client, error)
	// AdmitRegistration returns ErrNotFound unless the hash is of a living initial access token or registration secret.
	AdmitRegistration(ctx context.Context, issuer id.ID, tokenHash []byte) error
}

// findClient is the way from a client id to a stored client, on every leg after consent (A43). It returns ErrNotFound for what this issuer does not know.
func (s *Server) findClient(ctx context.Context, issuer *Issuer, id string) (Client, error) {
	if !isClientID(id) {
		return Client{}, ErrNotFound
	}
	return s.clients.FindClient(ctx, issuer.ID, id)
}

// isClientID refuses what cannot be the id of any client.
func isClientID(id string) bool { return id != "" && len(id) <= clientIDMax && isText(id) }
