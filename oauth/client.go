package oauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/mcpauth/mcpauth/internal/secret"
)

// AuthMethodNone is the client authentication method of public clients (RFC 7591 section 2).
const AuthMethodNone = "none"

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
	CreatedAt       time.Time
}

// ClientStore keeps clients.
type ClientStore interface {
	// FindClient returns ErrNotFound for a client that this issuer does not know. A blocked client is found.
	FindClient(ctx context.Context, issuer secret.ID, clientID string) (Client, error)
	// RegisterClient stores a client, or renews and returns the one that has the same fingerprint.
	RegisterClient(ctx context.Context, issuer secret.ID, client Client, fingerprint []byte) (Client, error)
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

// credentials are what a request says about its client.
type credentials struct {
	id     string
	secret string
	basic  bool
}

// readCredentials takes the client id from the Authorization header or the body, whichever has it (RFC 6749 section 2.3.1, P14). An
// empty secret counts as none, since public clients are known to send one.
func readCredentials(authorization string, form url.Values) (credentials, *Error) {
	c := credentials{id: form.Get("client_id"), secret: form.Get("client_secret")}
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return c, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	id, password, colon := strings.Cut(string(decoded), ":")
	if err != nil || !colon {
		return c, &Error{Code: InvalidClient, Description: "Expected Authorization: Basic with base64 of client_id:client_secret.", Basic: true}
	}
	id, idErr := url.QueryUnescape(id)
	password, passwordErr := url.QueryUnescape(password)
	switch {
	case idErr != nil || passwordErr != nil:
		return c, &Error{Code: InvalidClient, Description: "Client id and secret in Authorization: Basic must be form-encoded.", Basic: true}
	case c.id != "" && c.id != id:
		return c, newError(InvalidRequest, "The client_id of the body and of the Authorization header differ.")
	case c.secret != "" && password != "":
		return c, newError(InvalidRequest, "Use one way of client authentication, not two.")
	}
	if password != "" {
		c.secret = password
	}
	c.id, c.basic = id, true
	return c, nil
}

// authenticateClient answers who the client is (RFC 6749 section 3.2.1). What is unknown gets invalid_client, so that real clients
// register anew (A23, P8); a fault of ours never does (P26).
func (s *Server) authenticateClient(ctx context.Context, issuer *Issuer, authorization string, form url.Values) (Client, *Error) {
	c, refused := readCredentials(authorization, form)
	if refused != nil {
		return Client{}, refused
	}
	if c.id == "" {
		return Client{}, newError(InvalidClient, "Expected a client_id, in the body or in an Authorization: Basic header.")
	}
	unknown := &Error{Code: InvalidClient, Description: "Unknown client or wrong client authentication. Register again.", Basic: c.basic}
	client, err := s.findClient(ctx, issuer, c.id)
	switch {
	case isNotFound(err):
		return Client{}, unknown
	case err != nil:
		return Client{}, Fault(err)
	case client.Blocked, issuer.blockedDocument(client):
		return Client{}, newError(UnauthorizedClient, "This client is blocked.")
	case c.secret != "": // a public client has no secret to present
		return Client{}, unknown
	}
	return client, nil
}
