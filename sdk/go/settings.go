package mcpauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	settingsPath         = "/api/oauth/server"
	introspectPath       = "/api/oauth/introspect"
	keysPath             = "/api/oauth/jwks"
	feedPath             = "/api/oauth/revocations"
	callsPath            = "/api/oauth/server/calls"
	protectedResource    = "/.well-known/oauth-protected-resource"
	authorizationServers = "/.well-known/oauth-authorization-server"
)

// settings is what the project knows about this MCP server.
type settings struct {
	Issuer                string   `json:"issuer"`
	Issuers               []string `json:"issuers"`
	Resource              string   `json:"resource"`
	ResourceName          string   `json:"resource_name"`
	ScopesSupported       []string `json:"scopes_supported"`
	DefaultScopes         []string `json:"default_scopes"`
	IntrospectionEndpoint string   `json:"introspection_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	RevocationFeed        string   `json:"revocation_feed"`
	CallsEndpoint         string   `json:"calls_endpoint"`
	MetadataURL           string   `json:"authorization_server_metadata"`

	ToolScopes map[string][]string `json:"tool_scopes"`

	resourcePath        string // path of Resource, "" for the root
	resourceMetadataURL string // where a challenge points
}

// fetchSettings asks the project with the registration secret and refuses what could not be acted on safely.
func (g *Guard) fetchSettings(ctx context.Context) (*settings, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.address+settingsPath, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+g.secret.value)
	var answer settings
	if _, err := fetchJSON(g.client, request, "the project at "+g.address, &answer); err != nil {
		return nil, err
	}
	if err := g.complete(&answer); err != nil {
		return nil, &unavailable{reason: "the project at " + g.address + " sent a configuration that cannot be used", cause: err}
	}
	g.warnUnknownScopes(&answer)
	return &answer, nil
}

func (g *Guard) complete(s *settings) error {
	if s.Issuer == "" {
		return errors.New("it names no issuer")
	}
	if !slices.Contains(s.Issuers, s.Issuer) {
		s.Issuers = append(s.Issuers, s.Issuer)
	}
	if g.config.Resource != "" {
		s.Resource = g.config.Resource
	}
	if err := checkResource(s.Resource); err != nil {
		return fmt.Errorf("its resource: %w", err)
	}
	if err := g.completeEndpoints(s); err != nil {
		return err
	}
	if err := checkFetchable(s.MetadataURL); err != nil {
		return fmt.Errorf("its issuer's metadata: %w", err)
	}
	s.ScopesSupported = advertised(s.ScopesSupported)
	s.DefaultScopes = advertised(s.DefaultScopes)
	for tool, scopes := range s.ToolScopes {
		s.ToolScopes[tool] = advertised(scopes)
	}
	s.resourcePath, s.resourceMetadataURL = metadataLocation(s.Resource)
	return nil
}

// completeEndpoints makes sure that the secret goes to the host it was made for and no other, and that keys come from there. A
// project that offers less is asked about each token.
func (g *Guard) completeEndpoints(s *settings) error {
	if g.config.Address != "" {
		s.IntrospectionEndpoint, s.JWKSURI = g.address+introspectPath, g.address+keysPath
		s.RevocationFeed, s.CallsEndpoint = g.address+feedPath, g.address+callsPath
		return nil
	}
	address, err := parseAddress(g.address)
	if err != nil {
		return err
	}
	for _, endpoint := range []struct{ name, url string }{
		{"introspection endpoint", s.IntrospectionEndpoint}, {"key set", s.JWKSURI}, {"revocation feed", s.RevocationFeed}, {"endpoint for calls", s.CallsEndpoint},
	} {
		if endpoint.url == "" && endpoint.name != "introspection endpoint" {
			continue
		}
		u, err := parseAddress(endpoint.url)
		if err != nil {
			return fmt.Errorf("its %s: %w", endpoint.name, err)
		}
		if u.Scheme != address.Scheme || u.Host != address.Host {
			return fmt.Errorf("its %s lies on another host than the registration secret's address", endpoint.name)
		}
	}
	return nil
}

func checkFetchable(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("not a URL")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return errors.New("must begin with https:// (http:// only for localhost)")
	}
	return nil
}

// advertised drops what must not stand in metadata or a challenge: offline_access is a matter between client and
// issuer, not of the resource.
func advertised(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		return scope == "offline_access" || !validScope(scope)
	})
}

// metadataLocation puts the well-known name between the host and the path of the resource (RFC 9728 section 3.1).
// It works on the string, so that the rest of the URL stays as it is written.
func metadataLocation(resource string) (path, location string) {
	start := strings.Index(resource, "://") + len("://")
	end := len(resource)
	if i := strings.IndexAny(resource[start:], "/?"); i >= 0 {
		end = start + i
	}
	rest := resource[end:]
	path, _, _ = strings.Cut(rest, "?")
	if path == "/" {
		path, rest = "", strings.TrimPrefix(rest, "/")
	}
	return path, resource[:end] + protectedResource + rest
}

// fetchIssuerMetadata gets the issuer's own document, without any credential, and keeps it as it is. Its issuer must
// be the configured one (RFC 8414 section 3.3).
func (g *Guard) fetchIssuerMetadata(ctx context.Context) (json.RawMessage, error) {
	known, err := g.settings.get(ctx)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, known.MetadataURL, nil)
	if err != nil {
		return nil, err
	}
	var document struct {
		Issuer string `json:"issuer"`
	}
	body, err := fetchJSON(g.client, request, "the issuer's metadata", &document)
	if err != nil {
		return nil, err
	}
	if document.Issuer != known.Issuer {
		return nil, &unavailable{reason: "the issuer's metadata names another issuer"}
	}
	return body, nil
}
