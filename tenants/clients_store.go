package tenants

import (
	"context"

	"mcpauth.example/internal/id"
)

// ClientStore keeps what a project decides about registration and single clients, by the rules of ProjectStore.
type ClientStore interface {
	// SetRegistrationPolicy succeeds when nothing changes.
	SetRegistrationPolicy(ctx context.Context, actor Actor, organization, project id.ID, policy RegistrationPolicy) error
	// CreateInitialAccessToken returns ErrLimit when the project has MaxInitialAccessTokens that work.
	CreateInitialAccessToken(ctx context.Context, actor Actor, organization, project id.ID, token NewInitialAccessToken) (InitialAccessToken, error)
	// RevokeInitialAccessToken succeeds when the token was revoked before.
	RevokeInitialAccessToken(ctx context.Context, actor Actor, organization, project, id id.ID) error
	// CreateClient returns the client id and the secret, if any, which is stored as a hash. It returns a FieldError for "redirect_uris"
	// that no client may have, and ErrLimit at MaxManagedClients.
	CreateClient(ctx context.Context, actor Actor, organization, project id.ID, client NewClient) (clientID, clientSecret string, err error)
	// BlockClient and UnblockClient succeed when nothing changes, and return ErrNotFound for a client that the project does not know.
	BlockClient(ctx context.Context, actor Actor, organization, project id.ID, clientID string) error
	UnblockClient(ctx context.Context, actor Actor, organization, project id.ID, clientID string) error
	// DeleteClient returns ErrNotFound when there is no such client.
	DeleteClient(ctx context.Context, actor Actor, organization, project id.ID, clientID string) error
}
