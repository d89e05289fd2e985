package tenants

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// MaxProviders is how many providers a project may have.
const MaxProviders = 20

// KindExternal marks the customer's own site, of which a project has at most one; SetExternalLogin makes it. ExternalLoginSecretPrefix begins its secret.
const (
	KindExternal              = "own"
	ExternalLoginSecretPrefix = "mcpauth_ol_"
)

// Provider is another place where people have accounts with which they may sign in.
type Provider struct {
	ID     id.ID
	Kind   string // google, microsoft, github or oidc
	Name   string // as the button says it: "Continue with ..."
	Issuer string // empty for google, and for github unless it is a server of one's own
	// ClientID and ClientSecret are what the provider gave the project. The secret is never read back.
	ClientID, ClientSecret string
	Enabled                bool
	// Replaces is the provider whose place this one takes; zero: none.
	Replaces id.ID
}

// SetProvider adds a provider when the id is zero, else it changes it; it returns the id. With another kind or issuer it is another
// provider, where the same subject is somebody else: it gets an id of its own and needs its secret, since the one that is kept belongs
// to the issuer before. Errors: a FieldError for "kind", "name", "issuer", "client_id" or "client_secret", ErrLimit at MaxProviders,
// ErrNotFound for an id that is not the project's.
func (p Projects) SetProvider(ctx context.Context, actor Actor, org, project id.ID, provider Provider) (id.ID, error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return id.ID{}, err
	}
	provider, err := ParseProvider(provider)
	if err != nil {
		return id.ID{}, err
	}
	missing := "Enter the client secret that the provider gave you."
	if !provider.ID.IsZero() {
		known, err := p.Store.ListProviders(ctx, org, project)
		if err != nil {
			return id.ID{}, err
		}
		i := slices.IndexFunc(known, func(k Provider) bool { return k.ID == provider.ID && k.Kind != KindExternal })
		if i < 0 {
			return id.ID{}, ErrNotFound
		}
		if known[i].Kind == provider.Kind && known[i].Issuer == provider.Issuer {
			return provider.ID, p.Store.SetProvider(ctx, actor, org, project, provider)
		}
		provider.ID, provider.Replaces = id.ID{}, provider.ID
		missing = "Enter the client secret of the new issuer. The one that is kept belongs to the issuer before, and is sent nowhere else."
	}
	if provider.ClientSecret == "" {
		return id.ID{}, FieldError{Field: "client_secret", Message: missing}
	}
	provider.ID = id.New()
	return provider.ID, p.Store.SetProvider(ctx, actor, org, project, provider)
}

// RemoveProvider removes a provider; it succeeds when there is none. With the customer's own login every connection for an organization
// ends, since nobody says any more who left.
func (p Projects) RemoveProvider(ctx context.Context, actor Actor, org, project, provider id.ID) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.RemoveProvider(ctx, actor, org, project, provider)
}

// ParseProvider checks what a member entered and fills in what the kind implies. The error is a FieldError.
func ParseProvider(provider Provider) (Provider, error) {
	provider.Name, provider.Issuer = strings.TrimSpace(provider.Name), strings.TrimSpace(provider.Issuer)
	provider.ClientID, provider.ClientSecret = strings.TrimSpace(provider.ClientID), strings.TrimSpace(provider.ClientSecret)
	implied := map[string]struct{ name, issuer string }{
		"google": {"Google", "https://accounts.google.com"}, "microsoft": {"Microsoft", "https://login.microsoftonline.com/common/v2.0"},
		"github": {"GitHub", "https://github.com"}, "oidc": {},
	}
	kind, known := implied[provider.Kind]
	if !known {
		return provider, FieldError{Field: "kind", Message: "Choose google, microsoft, github or oidc."}
	}
	if provider.Name == "" {
		provider.Name = kind.name
	}
	if provider.Issuer == "" || provider.Kind == "google" {
		provider.Issuer = kind.issuer
	}
	u, err := url.Parse(provider.Issuer)
	local := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
	switch {
	case provider.Name == "" || len(provider.Name) > 40 || strings.ContainsFunc(provider.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return provider, FieldError{Field: "name", Message: "Enter the provider's name as people know it, at most 40 characters."}
	case err != nil || u.Host == "" || u.Scheme != "https" && !local || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(provider.Issuer) > 500:
		return provider, FieldError{Field: "issuer", Message: "Enter the provider's issuer URL, such as https://login.example.com."}
	case provider.ClientID == "" || len(provider.ClientID) > 500:
		return provider, FieldError{Field: "client_id", Message: "Enter the client id that the provider gave you."}
	case len(provider.ClientSecret) > 4000:
		return provider, FieldError{Field: "client_secret", Message: "Enter the client secret that the provider gave you."}
	}
	if provider.Kind == "github" {
		provider.Issuer = strings.TrimSuffix(provider.Issuer, "/")
	}
	return provider, nil
}

// SetExternalLogin lets the customer's own site sign people in, and returns the secret with which its backend speaks, once: each call makes
// a new one, and the one before ends. The name is what the button says. It returns a FieldError for "login_url" or "name".
func (p Projects) SetExternalLogin(ctx context.Context, actor Actor, org, project id.ID, name, loginURL string) (providerID id.ID, shown string, err error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return id.ID{}, "", err
	}
	provider, err := ParseProvider(Provider{Kind: "oidc", Name: name, Issuer: loginURL, ClientID: "own", Enabled: true})
	if field, ok := errors.AsType[FieldError](err); ok && field.Field == "issuer" {
		return id.ID{}, "", FieldError{Field: "login_url", Message: "Enter the https address of the page of your site that signs people in, without query."}
	}
	if err != nil {
		return id.ID{}, "", err
	}
	known, err := p.Store.ListProviders(ctx, org, project)
	if err != nil {
		return id.ID{}, "", err
	}
	provider.ID = id.New()
	for _, k := range known {
		if k.Kind == KindExternal {
			provider.ID = k.ID
		}
	}
	provider.Kind, provider.ClientSecret = KindExternal, secret.Token(ExternalLoginSecretPrefix)
	return provider.ID, provider.ClientSecret, p.Store.SetProvider(ctx, actor, org, project, provider)
}
