package oauth

import (
	"slices"
	"time"

	"mcpauth.example/internal/id"
)

// Issuer is one authorization server as clients see it, in the name of the URL a request came in on. It is immutable: a change of
// the settings makes a new one.
type Issuer struct {
	ID id.ID
	// URL is the issuer identifier of this request (RFC 8414 section 2): no trailing slash, no query.
	URL string
	// Primary is the issuer's main URL, and URLs every URL it answers at, Primary first.
	Primary string
	URLs    []string
	// Name is what people see.
	Name string
	// Organization runs it; Reviewed says that somebody has looked at what people see of it.
	Organization string
	Reviewed     bool
	// Unbadged leaves the name of the service out of its pages.
	Unbadged bool
	// Suspended issuers refuse everything, and their tokens are inactive.
	Suspended bool
	// SignUpOpen lets people create an account.
	SignUpOpen bool
	// SignInMethods are the ways in which people may prove who they are.
	SignInMethods []string
	// Providers are the other places whose accounts people may sign in with.
	Providers []Provider
	// Brand is how its pages look.
	Brand Brand

	// RegistrationPolicy says who may register a client; anything unknown is off.
	RegistrationPolicy RegistrationPolicy
	// DocumentPolicy and ClientRules say which clients may come without registration.
	DocumentPolicy DocumentPolicy
	ClientRules    []ClientRule

	// WaysBesideOwn lets people of the customer's own login have a password or a passkey here as well.
	WaysBesideOwn bool

	// ScopesSelectable lets people allow some of the scopes only.
	ScopesSelectable bool

	Scopes    []Scope
	Resources []Resource // oldest first; the first one is the default (P6)
	Keys      []SigningKey

	AccessTokenTTL time.Duration
	RefreshIdleTTL time.Duration // sliding
	RefreshTTL     time.Duration // from the approval
	RefreshGrace   time.Duration // how long a refresh token's predecessor is forgiven; 0: never

	metadata []byte
	jwks     []byte
}

// Provider is another place where people have accounts.
type Provider struct {
	ID         id.ID
	Kind, Name string
}

// Scope is one permission of an issuer, in the words a user reads.
type Scope struct {
	Name        string
	Description string
	Default     bool
	Tools       []string // that need it
}

// Resource is one MCP server (RFC 8707), by its exact URL.
type Resource struct {
	ID   id.ID
	Name string
	URL  string
}

// At returns the issuer in the name of another of its URLs.
func (i *Issuer) At(url string) *Issuer {
	copied := *i
	copied.URL = url
	copied.metadata = encodeMetadata(&copied)
	copied.jwks = encodeJWKS(i.Keys)
	return &copied
}

// MetadataJSON is the authorization server metadata document (RFC 8414).
func (i *Issuer) MetadataJSON() []byte { return i.metadata }

// JWKSJSON is the key set document (RFC 7517 section 5).
func (i *Issuer) JWKSJSON() []byte { return i.jwks }

// OffersSignIn tells whether people may prove who they are in this way.
func (i *Issuer) OffersSignIn(method string) bool { return slices.Contains(i.SignInMethods, method) }

// DefaultScopes are granted when a client asks for none.
func (i *Issuer) DefaultScopes() []string {
	var names []string
	for _, s := range i.Scopes {
		if s.Default {
			names = append(names, s.Name)
		}
	}
	return names
}

// ResourceByID finds an MCP server of the issuer; false when it is none of its own.
func (i *Issuer) ResourceByID(id id.ID) (Resource, bool) {
	at := slices.IndexFunc(i.Resources, func(r Resource) bool { return r.ID == id })
	if at < 0 {
		return Resource{}, false
	}
	return i.Resources[at], true
}
