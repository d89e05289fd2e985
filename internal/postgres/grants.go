package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

func isNotFound(err error) bool { return errors.Is(err, oauth.ErrNotFound) }

// ApproveGrant implements oauth.GrantStore. Every row that must still allow the approval is locked FOR SHARE: blocking a user, ending a
// session or suspending a project waits for the insert and then finds the grant, or comes first and is seen here. The client is locked
// for the update of its first use as well: two approvals that shared the lock would each wait for the other's.
func (s *Store) ApproveGrant(ctx context.Context, project id.ID, a oauth.Approval) (id.ID, error) {
	var inserted bool
	scan := func(row pgx.Row) error { return row.Scan(&inserted) }
	described := describedClient(a.Document)
	err := s.query(ctx, project, scan, `
		WITH tenant AS (SELECT id, organization_session, `+externalLoginIsOffered+` AS own FROM projects WHERE id = $1 AND status = 'active' FOR SHARE),
		person AS (SELECT id FROM users u WHERE project_id = $1 AND id = $6 AND blocked_at IS NULL AND `+noReviewIsOver+` FOR SHARE),
		sitting AS (SELECT auth_time, identity_id FROM user_sessions
			WHERE project_id = $1 AND id = $5 AND account_id = $6 AND ended_at IS NULL AND expires_at > now() FOR SHARE),
		`+externalLoginChoice+`,
		chosen AS (SELECT 1 WHERE CASE WHEN $30::text = '' THEN NOT EXISTS (SELECT FROM belonging) OR EXISTS (SELECT FROM whose WHERE organizations = '[]')
			ELSE EXISTS (SELECT FROM whose WHERE organizations @> jsonb_build_array(jsonb_build_object('id', $30::text))) END),
		known AS (SELECT id FROM clients WHERE project_id = $1 AND id = $7 AND blocked_at IS NULL AND $21::text IS NULL FOR NO KEY UPDATE),
		server AS (SELECT id FROM mcp_servers WHERE project_id = $1 AND id = $8 AND resource = $9 FOR SHARE),
		published AS (SELECT jwks, jwks_uri FROM clients WHERE project_id = $1 AND id = $7 AND kind = 'document'),
		described AS (
			INSERT INTO clients AS c (project_id, id, kind, name, redirect_uris, grant_types, auth_method, application_type, client_uri, metadata, jwks, jwks_uri, first_used_at)
			SELECT $1, $7, 'document', $21, $22, $23, $15, $24, $25, $26, $27, coalesce($28, ''), now() FROM tenant, person, sitting, server, chosen
			WHERE $21::text IS NOT NULL AND coalesce(`+clientDecision("$1", "$7::text")+`, 'allow') = 'allow'
			ON CONFLICT (project_id, id) DO UPDATE SET name = excluded.name, auth_method = excluded.auth_method, redirect_uris = excluded.redirect_uris,
				grant_types = excluded.grant_types, application_type = excluded.application_type, client_uri = excluded.client_uri,
				metadata = excluded.metadata, jwks = excluded.jwks, jwks_uri = excluded.jwks_uri, renewed_at = now()
			WHERE c.kind = 'document' AND c.blocked_at IS NULL
			RETURNING id
		),
		app AS (SELECT id FROM known UNION ALL SELECT id FROM described),
		made AS (
			INSERT INTO grants (project_id, id, flow_id, issuer, session_id, user_id, client_id, mcp_server_id, resource, scopes,
				redirect_uri, code_challenge, random_hash, nonce, client_auth_method, refreshable, auth_time, code_expires_at, expires_at, organization, identity_id)
			SELECT $1, $2, $3, $4, $5, person.id, app.id, server.id, $9, $10, $11, $12, $13, nullif($14, ''), $15, $16, sitting.auth_time,
				now() + $17::interval, now() + $18::interval, nullif($30, ''), sitting.identity_id
			FROM tenant, person, sitting, app, server, chosen
			ON CONFLICT (project_id, flow_id) DO NOTHING
			RETURNING id
		), remembered AS (
			INSERT INTO consents AS c (project_id, user_id, client_id, redirect_host, resource, scopes)
			SELECT $1, $6, $7, $19, $9, $10 FROM made
			ON CONFLICT (project_id, user_id, client_id, redirect_host, resource) DO UPDATE
			SET scopes = (SELECT array_agg(DISTINCT name) FROM unnest(c.scopes || excluded.scopes) AS name WHERE name <> ALL (coalesce($31::text[], '{}'))), updated_at = now()
		), used AS (
			UPDATE clients SET first_used_at = now()
			WHERE project_id = $1 AND id = $7 AND first_used_at IS NULL AND $21::text IS NULL AND EXISTS (SELECT FROM made)
		), audited AS (
			INSERT INTO audit_log (project_id, id, actor, action, target, detail)
			SELECT $1, $20, 'user:' || $6::uuid, 'grant.approved', 'grant:' || id, jsonb_build_object('client', $7::text, 'resource', $9::text, 'scopes', $10::text[])
			FROM made
		), rekeyed AS (
			INSERT INTO audit_log (project_id, id, actor, action, target)
			SELECT $1, $29, 'client:' || $7, 'client.keys_changed', 'client:' || $7 FROM published, described
			WHERE published.jwks IS DISTINCT FROM $27::jsonb OR published.jwks_uri <> coalesce($28, '')
		)
		SELECT EXISTS (SELECT FROM made)`,
		a.GrantID, a.FlowID, a.IssuerURL, a.SessionID, a.UserID, a.ClientID, a.ServerID, a.Resource, a.Scopes, a.RedirectURI, a.Challenge,
		a.RandomHash, a.Nonce, a.AuthMethod, a.Refreshable, a.CodeLifetime, a.Lifetime, a.RedirectHost, id.New(),
		described.name, described.redirectURIs, described.grantTypes, described.kind, described.uri, described.metadata,
		described.jwks, described.jwksURI, id.New(), a.Organization, a.Refused)
	if err != nil {
		return id.ID{}, err
	}
	if inserted {
		return a.GrantID, nil
	}
	return s.approvedBefore(ctx, project, a)
}

// document is the row of a client with a metadata document; all null for every other client.
type document struct {
	name, kind, uri, jwksURI *string
	redirectURIs, grantTypes []string
	metadata, jwks           json.RawMessage
}

func describedClient(c *oauth.Client) document {
	if c == nil {
		return document{}
	}
	return document{name: &c.Name, kind: &c.ApplicationType, uri: &c.URI, redirectURIs: c.RedirectURIs, grantTypes: c.GrantTypes,
		metadata: c.Metadata, jwks: c.JWKS, jwksURI: &c.JWKSURI}
}

// approvedBefore finds the grant of a double submit: the same decision, by the same person, whose code is still unused.
func (s *Store) approvedBefore(ctx context.Context, project id.ID, a oauth.Approval) (id.ID, error) {
	var id id.ID
	err := s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&id) }, `
		SELECT id FROM grants WHERE project_id = $1 AND flow_id = $2 AND issuer = $3 AND session_id = $4 AND user_id = $5 AND client_id = $6
			AND resource = $7 AND scopes = $8 AND redirect_uri = $9 AND random_hash = $10
			AND coalesce(organization, '') = $11 AND code_redeemed_at IS NULL AND code_expires_at > now() AND revoked_at IS NULL`,
		a.FlowID, a.IssuerURL, a.SessionID, a.UserID, a.ClientID, a.Resource, a.Scopes, a.RedirectURI, a.RandomHash, a.Organization)
	return id, err
}

// grantRow is what a hot verb returns of a grant.
type grantRow struct {
	id, userID, serverID id.ID
	clientID, resource   string
	organization         string
	scopes               []string
	refreshable          bool
	generation           int64
	now                  time.Time
}

const (
	grantColumns = `id, user_id, mcp_server_id, client_id, resource, coalesce(organization, '') AS organization, scopes, refreshable, generation, date_trunc('second', now())`
	grantFields  = `id, user_id, mcp_server_id, client_id, resource, organization, scopes, refreshable, generation, now` // of a part that returns grantColumns AS now
)

func (r *grantRow) fields() []any {
	return []any{&r.id, &r.userID, &r.serverID, &r.clientID, &r.resource, &r.organization, &r.scopes, &r.refreshable, &r.generation, &r.now}
}

func (r *grantRow) state() oauth.GrantState {
	return oauth.GrantState{ID: r.id, UserID: r.userID, ClientID: r.clientID, ServerID: r.serverID, Resource: r.resource, Organization: r.organization, Scopes: r.scopes,
		Refreshable: r.refreshable, Generation: uint64(r.generation), Now: r.now} //nolint:gosec // generations count up from 0
}

// FindConsent implements oauth.GrantStore.
func (s *Store) FindConsent(ctx context.Context, project, user id.ID, clientID, redirectHost, resource string) ([]string, error) {
	var scopes []string
	err := s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&scopes) }, `
		SELECT scopes FROM consents WHERE project_id = $1 AND user_id = $2 AND client_id = $3 AND redirect_host = $4 AND resource = $5`,
		user, clientID, redirectHost, resource)
	return scopes, err
}

// RevokeGrant implements oauth.GrantStore.
func (s *Store) RevokeGrant(ctx context.Context, project, grant id.ID, clientID, reason string) error {
	var revoked bool
	return s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&revoked) }, `
		WITH ended AS (
			UPDATE grants SET revoked_at = now(), revoked_reason = $4
			WHERE project_id = $1 AND id = $2 AND client_id = $3 AND revoked_at IS NULL
			RETURNING `+endedColumns+`
		), published AS (`+publishEnded("$1", "ended")+`), audited AS (
			INSERT INTO audit_log (project_id, id, actor, action, target, detail)
			SELECT $1, $5, 'client:' || $3, 'grant.revoked', 'grant:' || id, jsonb_build_object('reason', $4::text) FROM ended
		)
		SELECT EXISTS (SELECT FROM ended)`, grant, clientID, reason, id.New())
}
