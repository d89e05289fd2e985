package postgres

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

const clientColumns = `id, name, redirect_uris, grant_types, auth_method, application_type, client_uri, metadata, created_at, blocked_at IS NOT NULL, kind = 'document', kind = 'managed' AND metadata @> '{"own_pages": true}',
	jwks, jwks_uri, secret_hash, registration_token_hash`

type clientRow struct {
	id, name              string
	redirectURIs          []string
	grantTypes            []string
	authMethod, kind, uri string
	metadata, jwks        json.RawMessage
	jwksURI               string
	createdAt             time.Time
	blocked, document     bool
	ownPages              bool
	secretHash, tokenHash []byte
}

func (r *clientRow) scan(row pgx.Row) error {
	return row.Scan(&r.id, &r.name, &r.redirectURIs, &r.grantTypes, &r.authMethod, &r.kind, &r.uri, &r.metadata, &r.createdAt, &r.blocked, &r.document, &r.ownPages,
		&r.jwks, &r.jwksURI, &r.secretHash, &r.tokenHash)
}

func (r *clientRow) client() oauth.Client {
	return oauth.Client{ID: r.id, Name: r.name, RedirectURIs: r.redirectURIs, GrantTypes: r.grantTypes, AuthMethod: r.authMethod,
		ApplicationType: r.kind, URI: r.uri, Metadata: r.metadata, CreatedAt: r.createdAt, Blocked: r.blocked, Document: r.document, OwnPages: r.ownPages,
		JWKS: r.jwks, JWKSURI: r.jwksURI, SecretHash: r.secretHash, RegistrationTokenHash: r.tokenHash}
}

// unusedClient holds for an anonymous registration that nobody approved yet: it expires, and makes room for new ones.
const unusedClient = `kind = 'registered' AND registration_token_hash IS NULL AND first_used_at IS NULL`

// Bounds of registrations that nobody approved yet.
const (
	unusedClientLifetime = "24 hours" // from the latest renewal
	unusedClientsMax     = 10_000     // of one project, and roomFor more for each further process
	// roomFor is how many registrations a process makes room for at once: counting them each time would cost more than they do.
	roomFor = 64
	// renewAfter is how old a renewal may be before a repeated registration writes again: a client that just registered has the lifetime
	// but for this.
	renewAfter = "1 hour"
)

// FindClient implements oauth.ClientStore. An expired registration is not found, whether it was swept yet or not.
func (s *Store) FindClient(ctx context.Context, project id.ID, clientID string) (oauth.Client, error) {
	var row clientRow
	err := s.query(ctx, project, row.scan, `SELECT `+clientColumns+` FROM clients WHERE project_id = $1 AND id = $2
		AND NOT (`+unusedClient+` AND renewed_at < now() - interval '`+unusedClientLifetime+`')`, clientID)
	if err != nil {
		return oauth.Client{}, err
	}
	return row.client(), nil
}

// makeRoomSQL deletes, beyond the limit, registrations that nobody approved, the longest not renewed first. Rows that another statement
// holds are left for the next one, so that registrations never wait for each other.
const makeRoomSQL = `
	WITH overdue AS (
		SELECT id FROM clients WHERE project_id = $1 AND id IN (
			SELECT id FROM clients WHERE project_id = $1 AND ` + unusedClient + ` ORDER BY renewed_at DESC OFFSET $3 LIMIT 256
		) FOR UPDATE SKIP LOCKED
	), evicted AS (
		DELETE FROM clients WHERE project_id = $1 AND id IN (SELECT id FROM overdue) AND ` + unusedClient + ` AND ($2::bytea IS NULL OR fingerprint IS DISTINCT FROM $2)
		RETURNING id
	)
	SELECT count(*) FROM evicted`

const registerSQL = `
	WITH stored AS (
		INSERT INTO clients (project_id, id, kind, fingerprint, name, redirect_uris, grant_types, auth_method, application_type, client_uri, metadata, secret_hash, registration_token_hash, jwks, jwks_uri)
		VALUES ($1, $2, 'registered', $3, $4, $5, $6, $7, $8, $9, $10, $12, $13, $14, $15)
		ON CONFLICT (project_id, fingerprint) DO UPDATE SET renewed_at = now()
		RETURNING *, xmax = 0 AS inserted
	), audited AS (
		INSERT INTO audit_log (project_id, id, actor, action, target)
		SELECT project_id, $11, 'client:' || id, 'client.registered', 'client:' || id FROM stored WHERE inserted
	)
	SELECT ` + clientColumns + ` FROM stored`

func (s *Store) makeRoom(ctx context.Context, project id.ID, fingerprint []byte) error {
	stored, _ := s.registrations.LoadOrStore(project, new(atomic.Uint64))
	if counter, ok := stored.(*atomic.Uint64); !ok || counter.Add(1)%roomFor != 1 {
		return nil
	}
	var evicted int
	return s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&evicted) }, makeRoomSQL, fingerprint, unusedClientsMax-roomFor)
}

// RegisterClient implements oauth.ClientStore. It reads before it writes: nearly every registration is a repetition, which then costs
// no row version. Two first registrations at once meet in the upsert.
func (s *Store) RegisterClient(ctx context.Context, project id.ID, c oauth.Client, fingerprint []byte) (oauth.Client, error) {
	var row clientRow
	if fingerprint != nil {
		err := s.query(ctx, project, row.scan, `SELECT `+clientColumns+` FROM clients
			WHERE project_id = $1 AND fingerprint = $2 AND renewed_at > now() - interval '`+renewAfter+`'`, fingerprint)
		if err == nil {
			return row.client(), nil
		}
		if translate(err) != nil && !isNotFound(err) {
			return oauth.Client{}, err
		}
	}
	if err := s.makeRoom(ctx, project, fingerprint); err != nil {
		return oauth.Client{}, err
	}
	err := s.query(ctx, project, row.scan, registerSQL, c.ID, fingerprint, c.Name, c.RedirectURIs, c.GrantTypes, c.AuthMethod,
		c.ApplicationType, c.URI, c.Metadata, id.New(), c.SecretHash, c.RegistrationTokenHash, c.JWKS, c.JWKSURI)
	if err != nil {
		return oauth.Client{}, err
	}
	return row.client(), nil
}
