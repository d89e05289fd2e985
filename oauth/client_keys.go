package oauth

import (
	"context"
	"crypto/rsa"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of the keys that a client publishes.
const (
	clientKeysMax     = 16 << 10 // bytes of a key set at a jwks_uri
	clientKeyCountMax = 20
	clientRSABitsMin  = 2048
	clientRSABitsMax  = 8192 // verifying takes longer with every bit
)

// clientKeys returns the public keys a client authenticates with (RFC 7591 section 2): those of its registration or document, or those
// at its jwks_uri. Errors: *Error when what the client published is wrong; anything else is a fault on the way there, which says nothing
// about the client (P8, P26).
func (s *Server) clientKeys(ctx context.Context, issuer *Issuer, client Client) (jose.JSONWebKeySet, error) {
	if client.JWKSURI == "" {
		keys, refused := parseClientKeys(client.JWKS)
		return keys, asError(refused)
	}
	if s.documents == nil {
		return jose.JSONWebKeySet{}, newError(InvalidClient, "Keys at a jwks_uri are not used here.").at("jwks_uri", "")
	}
	if reason := checkClientURL(issuer, client.JWKSURI, s.localDocuments); reason != "" { // a key set is fetched as carefully as a document (A38)
		return jose.JSONWebKeySet{}, newError(InvalidClient, "The jwks_uri of this client is not used: "+reason).at("jwks_uri", "")
	}
	body, err := s.documents.Fetch(ctx, issuer.ID.String(), client.JWKSURI, clientKeysMax, func(body []byte) error {
		_, refused := parseClientKeys(body)
		return asError(refused)
	})
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	keys, refused := parseClientKeys(body)
	return keys, asError(refused)
}

// parseClientKeys reads a key set (RFC 7517 section 5). Keys of an unknown kind or for another use are left out, as section 5 asks; a
// private or symmetric one spoils the set (catalogue 59).
func parseClientKeys(body []byte) (jose.JSONWebKeySet, *Error) {
	var set jose.JSONWebKeySet
	if body == nil {
		return set, nil
	}
	if refused := checkPublishedKeys(body); refused != nil {
		return set, refused
	}
	members, refused := readMembers(body)
	var keys []json.RawMessage
	if refused != nil || json.Unmarshal(members["keys"], &keys) != nil || len(keys) > clientKeyCountMax {
		return set, newError(InvalidClientMetadata, "jwks: expected a JSON Web Key Set of at most 20 keys.").at("jwks", "")
	}
	for _, raw := range keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && isClientKey(key) {
			set.Keys = append(set.Keys, key)
		}
	}
	return set, nil
}

// isClientKey reports whether a signature of a client may be checked with the key.
func isClientKey(key jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
		return false
	}
	public, isRSA := key.Key.(*rsa.PublicKey)
	return !isRSA || public.N.BitLen() >= clientRSABitsMin && public.N.BitLen() <= clientRSABitsMax
}
