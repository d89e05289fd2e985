package oauth

import (
	"context"
	"encoding/json"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// registrationTokenPrefix lets secret scanners and people tell what they found.
const registrationTokenPrefix = "mcpauth_rm_"

// RegistrationStore changes clients in the name of who holds the registration access token. Both verbs compare its hash and refuse a
// blocked client in the statement that writes, and return ErrNotFound when there is no such client.
type RegistrationStore interface {
	// ReplaceRegistration writes the metadata and the hash of the next token. Other redirect URIs end what was approved for the former
	// ones: remembered consents and codes that nobody redeemed.
	ReplaceRegistration(ctx context.Context, issuer id.ID, tokenHash []byte, client Client) error
	// DeleteRegistration deletes the client and ends its grants.
	DeleteRegistration(ctx context.Context, issuer id.ID, tokenHash []byte, clientID string) error
}

// manageable gives the registration a token that manages it (RFC 7592 section 3), and the client the token's hash.
func (r *Registration) manageable(issuer *Issuer, client *Client) {
	r.RegistrationAccessToken = secret.Token(registrationTokenPrefix)
	r.RegistrationClientURI = issuer.URL + PathRegister + "/" + client.ID
	client.RegistrationTokenHash = secret.Hash(r.RegistrationAccessToken)
}

// FindRegistration answers with the client's metadata as stored (RFC 7592 section 2.1), without its secret, which nobody knows any more.
func (s *Server) FindRegistration(ctx context.Context, issuer *Issuer, authorization, clientID string) (Registration, *Error) {
	client, token, refused := s.managedClient(ctx, issuer, authorization, clientID)
	if refused != nil {
		return Registration{}, refused
	}
	registration := Registration{
		ClientName: client.Name, RedirectURIs: client.RedirectURIs, GrantTypes: client.GrantTypes, ResponseTypes: []string{"code"},
		TokenEndpointAuthMethod: client.AuthMethod, ApplicationType: client.ApplicationType, JWKS: client.JWKS, JWKSURI: client.JWKSURI,
		// What the request came with: a response has to have it (RFC 7592 section 3), and it tells nothing new.
		RegistrationAccessToken: token,
	}
	if err := json.Unmarshal(client.Metadata, &registration.registrationDetails); err != nil {
		return Registration{}, Fault(err)
	}
	registration.identify(issuer, client)
	return registration, nil
}

// ReplaceRegistration replaces the client's metadata and its registration access token (RFC 7592 section 2.2). The client keeps its
// id, its secret and its way of authentication (catalogue 40).
func (s *Server) ReplaceRegistration(ctx context.Context, issuer *Issuer, authorization, clientID string, body []byte) (Registration, *Error) {
	client, token, refused := s.managedClient(ctx, issuer, authorization, clientID)
	if refused != nil {
		return Registration{}, refused
	}
	members, refused := readMembers(body)
	if refused != nil {
		return Registration{}, refused
	}
	if refused := client.keeps(members); refused != nil {
		return Registration{}, refused
	}
	registration, stored, refused := parseRegistration(issuer, members)
	if refused != nil {
		return Registration{}, refused
	}
	if registration.TokenEndpointAuthMethod = client.AuthMethod; client.AuthMethod == AuthMethodKey && len(registration.JWKS) == 0 && registration.JWKSURI == "" {
		return Registration{}, newError(InvalidClientMetadata, "Expected token_endpoint_auth_method private_key_jwt with jwks or jwks_uri, as registered.").at("token_endpoint_auth_method", "")
	}
	next, err := registration.client(stored)
	if err != nil {
		return Registration{}, Fault(err)
	}
	next.ID, next.CreatedAt = client.ID, client.CreatedAt
	registration.manageable(issuer, &next)
	err = s.clients.ReplaceRegistration(ctx, issuer.ID, secret.Hash(token), next)
	switch {
	case isNotFound(err): // another request was faster
		return Registration{}, notManaged()
	case err != nil:
		return Registration{}, Fault(err)
	}
	registration.identify(issuer, next)
	return registration, nil
}

// DeleteRegistration deletes the client with everything it holds (RFC 7592 section 2.3).
func (s *Server) DeleteRegistration(ctx context.Context, issuer *Issuer, authorization, clientID string) *Error {
	client, token, refused := s.managedClient(ctx, issuer, authorization, clientID)
	if refused != nil {
		return refused
	}
	err := s.clients.DeleteRegistration(ctx, issuer.ID, secret.Hash(token), client.ID)
	switch {
	case isNotFound(err):
		return notManaged()
	case err != nil:
		return Fault(err)
	}
	return nil
}

func (r *Registration) identify(issuer *Issuer, client Client) {
	r.ClientID, r.ClientIDIssuedAt = client.ID, client.CreatedAt.Unix()
	r.RegistrationClientURI = issuer.URL + PathRegister + "/" + client.ID
}

// notManaged is the one answer to whoever may not manage a client, whether the client exists or not (catalogue 38).
func notManaged() *Error {
	return newError(InvalidToken, "Expected Authorization: Bearer with the registration access token of this client.").at("Authorization", "")
}

// managedClient finds the client that the token manages. A blocked client's token is worth nothing, so that the client cannot
// bring itself back (catalogue 39).
func (s *Server) managedClient(ctx context.Context, issuer *Issuer, authorization, clientID string) (client Client, token string, refused *Error) {
	token = BearerToken(authorization)
	if token == "" {
		return Client{}, "", notManaged()
	}
	client, err := s.findClient(ctx, issuer, clientID)
	switch {
	case isNotFound(err):
		return Client{}, "", notManaged()
	case err != nil:
		return Client{}, "", Fault(err)
	case client.Blocked || !client.managedBy(token):
		return Client{}, "", notManaged()
	}
	return client, token, nil
}

// managedBy compares in constant time (catalogue 43).
func (c Client) managedBy(token string) bool {
	return len(c.RegistrationTokenHash) > 0 && secret.Equal(secret.Hash(token), c.RegistrationTokenHash)
}

// keeps refuses an update that names another client or chooses a secret (RFC 7592 section 2.2), or asks for another way of
// authentication. Members that only the server sets are ignored: clients send back what they got.
func (c Client) keeps(members map[string]json.RawMessage) *Error {
	reader := memberReader{members: members}
	id := reader.text("client_id", clientIDMax)
	chosen := reader.text("client_secret", clientStringMax)
	method := reader.text("token_endpoint_auth_method", clientStringMax)
	switch {
	case reader.refused != nil:
		return reader.refused
	case id != c.ID:
		return newError(InvalidClientMetadata, "client_id: expected the client_id of the address.").at("client_id", "")
	case chosen != "" && (len(c.SecretHash) == 0 || !secret.Equal(secret.Hash(chosen), c.SecretHash)):
		return newError(InvalidClientMetadata, "client_secret: expected the current one or none. A client cannot choose its secret.").at("client_secret", "")
	case method != "" && method != c.AuthMethod:
		return newError(InvalidClientMetadata, "token_endpoint_auth_method: expected "+c.AuthMethod+". Register anew to change it.").at("token_endpoint_auth_method", "")
	}
	return nil
}
