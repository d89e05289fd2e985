package oauth

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Paths below an issuer URL.
const (
	PathAuthorize  = "/oauth/authorize"
	PathToken      = "/api/oauth/token"
	PathRegister   = "/api/oauth/register"
	PathClient     = "/api/oauth/register/:client_id" // RFC 7592
	PathIntrospect = "/api/oauth/introspect"
	PathRevoke     = "/api/oauth/revoke"
	PathJWKS       = "/api/oauth/jwks"
	PathServer     = "/api/oauth/server"
	PathMetadata   = "/.well-known/oauth-authorization-server"
)

// ScopeOfflineAccess asks for a refresh token (OpenID Connect Core section 11; A8).
const ScopeOfflineAccess = "offline_access"

// Metadata is the authorization server metadata document. Only what works is advertised.
type Metadata struct {
	Issuer                                     string   `json:"issuer"`
	AuthorizationEndpoint                      string   `json:"authorization_endpoint"`
	TokenEndpoint                              string   `json:"token_endpoint"`
	RegistrationEndpoint                       string   `json:"registration_endpoint,omitempty"` // absent: nobody can register
	RevocationEndpoint                         string   `json:"revocation_endpoint"`
	IntrospectionEndpoint                      string   `json:"introspection_endpoint"`
	JWKSURI                                    string   `json:"jwks_uri"`
	ResponseTypesSupported                     []string `json:"response_types_supported"`
	ResponseModesSupported                     []string `json:"response_modes_supported"`
	GrantTypesSupported                        []string `json:"grant_types_supported"`
	CodeChallengeMethodsSupported              []string `json:"code_challenge_methods_supported"`
	TokenEndpointAuthMethodsSupported          []string `json:"token_endpoint_auth_methods_supported"`
	RevocationEndpointAuthMethodsSupported     []string `json:"revocation_endpoint_auth_methods_supported"`
	TokenEndpointAuthSigningAlgs               []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationEndpointAuthSigningAlgs          []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	ScopesSupported                            []string `json:"scopes_supported"`
	AuthorizationResponseIssParameterSupported bool     `json:"authorization_response_iss_parameter_supported"`
	ClientIDMetadataDocumentSupported          bool     `json:"client_id_metadata_document_supported,omitempty"`
}

// encodeMetadata builds the document once per issuer URL. Every URL in it begins with the issuer URL byte for byte (RFC 8414 section 3.3).
func encodeMetadata(i *Issuer) []byte {
	scopes := make([]string, 0, len(i.Scopes)+1)
	for _, s := range i.Scopes {
		scopes = append(scopes, s.Name)
	}
	registration := ""
	if i.offersRegistration() {
		registration = i.URL + PathRegister
	}
	encoded, err := json.Marshal(Metadata{
		Issuer:                                     i.URL,
		AuthorizationEndpoint:                      i.URL + PathAuthorize,
		TokenEndpoint:                              i.URL + PathToken,
		RegistrationEndpoint:                       registration,
		RevocationEndpoint:                         i.URL + PathRevoke,
		IntrospectionEndpoint:                      i.URL + PathIntrospect,
		JWKSURI:                                    i.URL + PathJWKS,
		ResponseTypesSupported:                     []string{"code"},
		ResponseModesSupported:                     []string{"query"},
		GrantTypesSupported:                        grantTypeNames(),
		CodeChallengeMethodsSupported:              []string{"S256"},
		TokenEndpointAuthMethodsSupported:          authMethods(),
		RevocationEndpointAuthMethodsSupported:     authMethods(),
		TokenEndpointAuthSigningAlgs:               assertionAlgorithms(),
		RevocationEndpointAuthSigningAlgs:          assertionAlgorithms(),
		ScopesSupported:                            append(scopes, ScopeOfflineAccess),
		AuthorizationResponseIssParameterSupported: true,
		ClientIDMetadataDocumentSupported:          i.DocumentPolicy == DocumentsOpen || i.DocumentPolicy == DocumentsApproval,
	})
	if err != nil {
		return nil
	}
	return encoded
}

// MetadataURL is where the metadata of an issuer URL is found: the well-known path goes between host and path (RFC 8414 section 3.1).
func MetadataURL(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(issuer, u.EscapedPath()) + PathMetadata + u.EscapedPath()
}
