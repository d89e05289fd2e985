package tenants

import (
	"context"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// initialAccessPrefix lets secret scanners and people tell what they found.
const initialAccessPrefix = "mcpauth_it_"

// MaxInitialAccessTokens is how many initial access tokens of a project may be in use at once.
const MaxInitialAccessTokens = 50

// MaxManagedClients is how many clients the members of a project may make.
const MaxManagedClients = 1000

// maxTokenLifetime is the longest lifetime of an initial access token that has one: ten years.
const maxTokenLifetime = 10 * 365 * 24 * time.Hour

// RegistrationPolicy says who may register a client with a project.
type RegistrationPolicy string

// Open takes strangers, closed only holders of an initial access token or a registration secret, off nobody.
const (
	RegistrationOpen   RegistrationPolicy = "open"
	RegistrationClosed RegistrationPolicy = "closed"
	RegistrationOff    RegistrationPolicy = "off"
)

// InitialAccessToken is what is known of a token that can only register clients, after it was shown once.
type InitialAccessToken struct {
	ID        id.ID
	Name      string
	CreatedAt time.Time
	ExpiresAt time.Time // zero: it works until revoked
}

// NewInitialAccessToken is an initial access token as it is stored: never itself.
type NewInitialAccessToken struct {
	ID       id.ID
	Name     string
	Hash     []byte
	Lifetime time.Duration // 0: until revoked
}

// NewClient is a client that a member makes by hand.
type NewClient struct {
	Name         string
	RedirectURIs []string
	Confidential bool // it gets a secret; otherwise it is public
	Own          bool // it is the dashboard itself, to whose pages its redirect URIs may lead; nothing that a member enters is
}

// SetRegistrationPolicy changes who may register a client. It returns a FieldError for "registration_policy".
func (p Projects) SetRegistrationPolicy(ctx context.Context, actor Actor, org, project id.ID, policy RegistrationPolicy) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if policy != RegistrationOpen && policy != RegistrationClosed && policy != RegistrationOff {
		return FieldError{Field: "registration_policy", Message: "Choose open, closed or off."}
	}
	return p.Store.SetRegistrationPolicy(ctx, actor, org, project, policy)
}

// CreateInitialAccessToken makes a token that registers clients under the policies open and closed (RFC 7591 section 3); it is
// returned here and never again. A lifetime of 0 lasts until the token is revoked. It returns a FieldError for "name" or "lifetime",
// and ErrLimit at MaxInitialAccessTokens.
func (p Projects) CreateInitialAccessToken(ctx context.Context, actor Actor, org, project id.ID, name string, lifetime time.Duration) (InitialAccessToken, string, error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return InitialAccessToken{}, "", err
	}
	name, err := ParseName(name)
	if err != nil {
		return InitialAccessToken{}, "", err
	}
	if lifetime < 0 || lifetime > maxTokenLifetime {
		return InitialAccessToken{}, "", FieldError{Field: "lifetime", Message: "Choose at most ten years, or no end."}
	}
	shown := secret.Token(initialAccessPrefix)
	token := NewInitialAccessToken{ID: id.New(), Name: name, Hash: secret.Hash(shown), Lifetime: lifetime}
	created, err := p.Store.CreateInitialAccessToken(ctx, actor, org, project, token)
	if err != nil {
		return InitialAccessToken{}, "", err
	}
	return created, shown, nil
}

// RevokeInitialAccessToken ends a token at once; the clients it registered stay.
func (p Projects) RevokeInitialAccessToken(ctx context.Context, actor Actor, org, project, id id.ID) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.RevokeInitialAccessToken(ctx, actor, org, project, id)
}

// CreateClient makes a client that needs no registration, and returns its client id and, when it is confidential, its secret, which
// is never shown again. It returns a FieldError for "name" or "redirect_uris", and ErrLimit at MaxManagedClients.
func (p Projects) CreateClient(ctx context.Context, actor Actor, org, project id.ID, client NewClient) (clientID, clientSecret string, err error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return "", "", err
	}
	if client.Name, err = ParseName(client.Name); err != nil {
		return "", "", err
	}
	return p.Store.CreateClient(ctx, actor, org, project, client)
}

// BlockClient keeps a client out, whatever its kind, and revokes what it holds.
func (p Projects) BlockClient(ctx context.Context, actor Actor, org, project id.ID, clientID string) error {
	return p.changeClient(ctx, actor, org, project, clientID, p.Store.BlockClient)
}

// UnblockClient reverses BlockClient; people have to approve the client anew.
func (p Projects) UnblockClient(ctx context.Context, actor Actor, org, project id.ID, clientID string) error {
	return p.changeClient(ctx, actor, org, project, clientID, p.Store.UnblockClient)
}

// DeleteClient removes a client with its consents and revokes what it holds. It keeps nobody out: the same client may come again.
func (p Projects) DeleteClient(ctx context.Context, actor Actor, org, project id.ID, clientID string) error {
	return p.changeClient(ctx, actor, org, project, clientID, p.Store.DeleteClient)
}

func (p Projects) changeClient(ctx context.Context, actor Actor, org, project id.ID, clientID string,
	verb func(context.Context, Actor, id.ID, id.ID, string) error,
) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if clientID == "" || len(clientID) > maxClientID {
		return ErrNotFound
	}
	return verb(ctx, actor, org, project, clientID)
}
