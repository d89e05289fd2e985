package oauth

import (
	"context"

	"mcpauth.example/internal/secret"
)

// GuardConfiguration is everything a guard needs to know, so that an MCP server is configured in one place only.
type GuardConfiguration struct {
	Issuer                string   `json:"issuer"`
	Issuers               []string `json:"issuers"` // every value that iss of a valid token may have
	Resource              string   `json:"resource"`
	ResourceName          string   `json:"resource_name"`
	ScopesSupported       []string `json:"scopes_supported"`
	DefaultScopes         []string `json:"default_scopes"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	RevocationFeed        string   `json:"revocation_feed"`
	CallsEndpoint         string   `json:"calls_endpoint"`
	MetadataURL           string   `json:"authorization_server_metadata"`
	// ToolScopes are the scopes that each tool of a group needs, all of them; a tool that is not named needs none of its own.
	ToolScopes map[string][]string `json:"tool_scopes,omitempty"`
}

// GuardConfiguration tells the MCP server behind a registration secret about itself. scopes_supported never lists offline_access (R6).
func (s *Server) GuardConfiguration(ctx context.Context, issuer *Issuer, registrationSecret string) (GuardConfiguration, *Error) {
	serverID, err := s.guards.FindGuard(ctx, issuer.ID, secret.Hash(registrationSecret))
	if isNotFound(err) {
		return GuardConfiguration{}, unknownGuard()
	}
	if err != nil {
		return GuardConfiguration{}, Fault(err)
	}
	resource, ok := issuer.ResourceByID(serverID)
	if !ok { // created a moment ago, on another node
		return GuardConfiguration{}, Fault(ErrUnavailable)
	}
	c := GuardConfiguration{
		Issuer: issuer.Primary, Issuers: issuer.URLs, Resource: resource.URL, ResourceName: resource.Name,
		ScopesSupported: make([]string, 0, len(issuer.Scopes)), DefaultScopes: issuer.DefaultScopes(),
		IntrospectionEndpoint: issuer.URL + PathIntrospect, JWKSURI: issuer.URL + PathJWKS, RevocationFeed: issuer.URL + PathRevocations,
		CallsEndpoint: issuer.URL + PathCalls, MetadataURL: MetadataURL(issuer.Primary),
	}
	for _, scope := range issuer.Scopes {
		c.ScopesSupported = append(c.ScopesSupported, scope.Name)
		for _, tool := range scope.Tools {
			if c.ToolScopes == nil {
				c.ToolScopes = map[string][]string{}
			}
			c.ToolScopes[tool] = append(c.ToolScopes[tool], scope.Name)
		}
	}
	return c, nil
}
