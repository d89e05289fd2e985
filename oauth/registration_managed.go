package oauth

import "mcpauth.example/internal/secret"

// NewManagedClient is a client that needs no registration: whoever runs the issuer enters it. Its redirect URIs have to pass what a
// registration's have to; a confidential one gets a secret, which is returned here and kept as a hash only.
// A nil issuer is for clients of this server's own pages: their redirect URIs may lead to it.
func NewManagedClient(issuer *Issuer, name string, redirectURIs []string, confidential bool) (client Client, clientSecret string, refused *Error) {
	if len(redirectURIs) > redirectURIsMax {
		return Client{}, "", newError(InvalidRedirectURI, "redirect_uris: too many.").at("redirect_uris", "")
	}
	stored, native, refused := checkRedirectURIs(issuer, redirectURIs)
	if refused != nil {
		return Client{}, "", refused
	}
	client = Client{
		ID: secret.Encode(secret.Bytes(16)), Name: cleanName(name), RedirectURIs: stored, GrantTypes: []string{grantAuthorizationCode, GrantRefreshToken},
		AuthMethod: AuthMethodNone, ApplicationType: "web", Metadata: []byte("{}"),
	}
	if native {
		client.ApplicationType = "native"
	}
	if confidential {
		clientSecret = secret.Token(clientSecretPrefix)
		client.AuthMethod, client.SecretHash = AuthMethodBasic, secret.Hash(clientSecret)
	}
	return client, clientSecret, nil
}
