package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mcpauth/mcpauth/internal/secret"
	"github.com/mcpauth/mcpauth/oauth"
)

const clientColumns = `id, name, redirect_uris, grant_types, auth_method, application_type, client_uri, metadata, created_at, blocked_at IS NOT NULL, kind = 'document', jwks, jwks_uri`

type clientRow struct {
	id, name              string
	redirectURIs          []string
	grantTypes            []string
	authMethod, kind, uri string
	metadata, jwks        json.RawMessage
	jwksURI               string
	createdAt             time.Time
	blocked, document     bool
}

func (r *clientRow) scan(row pgx.Row) error {
	return row.Scan(&r.id, &r.name, &r.redirectURIs, &r.grantTypes, &r.authMethod, &r.kind, &r.uri, &r.metadata, &r.createdAt, &r.blocked, &r.document, &r.jwks, &r.jwksURI)
}

func (r *clientRow) client() oauth.Client {
	return oauth.Client{ID: r.id, Name: r.name, RedirectURIs: r.redirectURIs, GrantTypes: r.grantTypes, AuthMethod: r.authMethod,
		ApplicationType: r.kind, URI: r.uri, Metadata: r.metadata, CreatedAt: r.createdAt, Blocked: r.blocked, Document: r.document,
		JWKS: r.jwks, JWKSURI: r.jwksURI}
}

// FindClient implements oauth.ClientStore.
func (s *Store) FindClient(ctx context.Context, project secret.ID, clientID string) (oauth.Client, error) {
	var row clientRow
	err := s.hot(ctx, project, row.scan, `SELECT `+clientColumns+` FROM clients WHERE project_id = $1 AND id = $2`, clientID)
	if err != nil {
		return oauth.Client{}, err
	}
	return row.client(), nil
}

// renewAfter is how old a renewal may be before a repeated registration writes again.
const renewAfter = "1 day"

// RegisterClient implements oauth.ClientStore. It reads before it writes: nearly every registration is a repetition, which then costs
// no row version. Two first registrations at once meet in the upsert.
func (s *Store) RegisterClient(ctx context.Context, project secret.ID, c oauth.Client, fingerprint []byte) (oauth.Client, error) {
	var row clientRow
	err := s.hot(ctx, project, row.scan, `SELECT `+clientColumns+` FROM clients
		WHERE project_id = $1 AND fingerprint = $2 AND renewed_at > now() - interval '`+renewAfter+`'`, fingerprint)
	if err == nil {
		return row.client(), nil
	}
	if translate(err) != nil && !isNotFound(err) {
		return oauth.Client{}, err
	}
	err = s.hot(ctx, project, row.scan, `
		WITH stored AS (
			INSERT INTO clients (project_id, id, kind, fingerprint, name, redirect_uris, grant_types, auth_method, application_type, client_uri, metadata)
			VALUES ($1, $2, 'registered', $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (project_id, fingerprint) DO UPDATE SET renewed_at = now()
			RETURNING *, xmax = 0 AS inserted
		), audited AS (
			INSERT INTO audit_log (project_id, id, actor, action, target)
			SELECT project_id, $11, 'client:' || id, 'client.registered', 'client:' || id FROM stored WHERE inserted
		)
		SELECT `+clientColumns+` FROM stored`,
		c.ID, fingerprint, c.Name, c.RedirectURIs, c.GrantTypes, c.AuthMethod, c.ApplicationType, c.URI, c.Metadata, secret.NewID())
	if err != nil {
		return oauth.Client{}, err
	}
	return row.client(), nil
}
