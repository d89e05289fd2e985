package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
)

type connectionRow struct {
	ClientID    string
	Name        string
	Kind        string
	McpServerID id.ID
	Resource    string
	Scopes      string
	Since       time.Time
	LastUsed    *time.Time
	Tools       string
}

// ListConnections implements oauth.GrantStore. A grant counts from the exchange of its code on.
func (s *Store) ListConnections(ctx context.Context, project, user id.ID) (found []oauth.Connection, err error) {
	var rows []connectionRow
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return tx.Raw(`
			WITH living AS (
				SELECT g.id, g.client_id, g.mcp_server_id, g.resource, g.scopes, g.created_at, CASE WHEN g.generation > 1 THEN g.rotated_at END AS rotated_at FROM grants g
				WHERE g.project_id = @project AND g.user_id = @user AND g.revoked_at IS NULL AND g.code_redeemed_at IS NOT NULL AND g.expires_at > now()
					AND coalesce(g.idle_expires_at, g.access_expires_at) > now()
			), used AS (
				SELECT l.client_id, l.resource, u.tool, sum(u.calls) AS calls, max(u.last_used_at) AS last_used_at
				FROM living l JOIN grant_usage u ON u.project_id = @project AND u.grant_id = l.id GROUP BY l.client_id, l.resource, u.tool
			)
			SELECT l.client_id, c.name, c.kind, l.mcp_server_id, l.resource, min(l.created_at) AS since,
				(SELECT string_agg(DISTINCT name, ' ') FROM living m, unnest(m.scopes) AS name WHERE m.client_id = l.client_id AND m.resource = l.resource) AS scopes,
				greatest(max(l.rotated_at), (SELECT max(u.last_used_at) FROM used u WHERE u.client_id = l.client_id AND u.resource = l.resource)) AS last_used,
				coalesce((SELECT string_agg(t.tool, E'\n') FROM (SELECT u.tool FROM used u WHERE u.client_id = l.client_id AND u.resource = l.resource
					AND u.tool <> '' ORDER BY u.calls DESC, u.tool LIMIT 5) AS t), '') AS tools
			FROM living l JOIN clients c ON c.project_id = @project AND c.id = l.client_id
			GROUP BY l.client_id, c.name, c.kind, l.mcp_server_id, l.resource
			ORDER BY max(l.created_at) DESC, l.client_id LIMIT 200`, values{"project": project, "user": user}.named()).Scan(&rows).Error
	})
	for _, r := range rows {
		c := oauth.Connection{ClientID: r.ClientID, Name: r.Name, ServerID: r.McpServerID, Resource: r.Resource, Scopes: strings.Fields(r.Scopes), Since: r.Since}
		if r.Kind == "document" {
			c.Host = r.ClientID
		}
		if r.LastUsed != nil {
			c.LastUsed = *r.LastUsed
		}
		if r.Tools != "" {
			c.Tools = strings.Split(r.Tools, "\n")
		}
		found = append(found, c)
	}
	return found, err
}

// EndConnection implements oauth.GrantStore. The consent goes in the same transaction, before the grants: an approval under way waits
// for the person's row and then finds neither.
func (s *Store) EndConnection(ctx context.Context, project, user id.ID, clientID, resource, reason string) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var locked idRow
		if err := tx.Raw(`SELECT id FROM users WHERE project_id = ? AND id = ? FOR UPDATE`, project, user).Take(&locked).Error; err != nil {
			return err
		}
		forget := tx.Exec(`DELETE FROM consents WHERE project_id = ? AND user_id = ? AND (? = '' OR client_id = ? AND resource = ?)`, project, user, clientID, clientID, resource)
		if forget.Error != nil {
			return forget.Error
		}
		if err := endGrants(tx, project, reason, `user_id = ? AND (? = '' OR client_id = ? AND resource = ?)`, user, clientID, clientID, resource); err != nil {
			return err
		}
		return tx.Exec(`INSERT INTO audit_log (project_id, id, actor, action, target, detail) VALUES (?, ?, ?, 'connection.ended', ?, jsonb_build_object('resource', ?::text, 'reason', ?::text))`,
			project, id.New(), "user:"+user.String(), "client:"+clientID, resource, reason).Error
	})
}

// mayWiden tells of a grant g whether a session may add to it: one for an organization takes the session of its own person, who may choose
// that organization now. It needs the parts sitting and those of externalLoginChoice.
const mayWiden = `(g.organization IS NULL OR g.identity_id = sitting.identity_id
	AND EXISTS (SELECT FROM whose WHERE organizations @> jsonb_build_array(jsonb_build_object('id', g.organization))))`

// FindExtensible implements oauth.GrantStore. The customer's site is worth the way when it would make the session that is missing.
func (s *Store) FindExtensible(ctx context.Context, project, user, session id.ID, clientID, resource string) (scopes []string, again bool, err error) {
	var found bool
	err = s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&scopes, &found, &again) }, `
		WITH tenant AS (SELECT organization_session, `+externalLoginIsOffered+` AS own FROM projects WHERE id = $1),
		person AS (SELECT id FROM users WHERE project_id = $1 AND id = $2),
		sitting AS (SELECT auth_time, identity_id FROM user_sessions WHERE project_id = $1 AND id = $3 AND account_id = $2 AND ended_at IS NULL AND expires_at > now()),
		`+externalLoginChoice+`,
		living AS (
			SELECT g.scopes, g.organization, g.identity_id, `+mayWiden+` AS may FROM grants g, sitting
			WHERE g.project_id = $1 AND g.user_id = $2 AND g.client_id = $4 AND g.resource = $5 AND `+activeGrant+`
		)
		SELECT ARRAY(SELECT DISTINCT name FROM living, unnest(scopes) AS name WHERE may ORDER BY name), EXISTS (SELECT FROM living WHERE may),
			NOT EXISTS (SELECT FROM whose) AND EXISTS (SELECT FROM living JOIN belonging ON belonging.id = living.identity_id WHERE living.organization IS NOT NULL)`,
		user, session, clientID, resource)
	if err == nil && !found && !again {
		err = errNotFound
	}
	return scopes, again, err
}

// ExtendConnection implements oauth.GrantStore. Session, person and client are locked as for an approval, so that none slips past a block,
// and the person's organizations as well, so that none slips past a departure.
func (s *Store) ExtendConnection(ctx context.Context, project, user, session id.ID, clientID, resource string, scopes []string) error {
	var extended int
	err := s.query(ctx, project, func(row pgx.Row) error { return row.Scan(&extended) }, `
		WITH tenant AS (SELECT id, organization_session, `+externalLoginIsOffered+` AS own FROM projects WHERE id = $1 AND status = 'active' FOR SHARE),
		person AS (SELECT id FROM users u WHERE project_id = $1 AND id = $2 AND blocked_at IS NULL AND `+noReviewIsOver+` FOR SHARE),
		sitting AS (SELECT id, auth_time, identity_id FROM user_sessions
			WHERE project_id = $1 AND id = $3 AND account_id = $2 AND ended_at IS NULL AND expires_at > now() FOR SHARE),
		`+externalLoginChoice+`,
		app AS (SELECT id FROM clients WHERE project_id = $1 AND id = $4 AND blocked_at IS NULL FOR SHARE),
		widened AS (
			UPDATE grants g SET scopes = g.scopes || ARRAY(SELECT name FROM unnest($6::text[]) AS name WHERE name <> ALL (g.scopes))
			FROM tenant, person, sitting, app
			WHERE g.project_id = $1 AND g.user_id = $2 AND g.client_id = app.id AND g.resource = $5 AND `+activeGrant+` AND `+mayWiden+`
			RETURNING g.id
		), remembered AS (
			UPDATE consents c SET scopes = c.scopes || ARRAY(SELECT name FROM unnest($6::text[]) AS name WHERE name <> ALL (c.scopes)), updated_at = now()
			WHERE c.project_id = $1 AND c.user_id = $2 AND c.client_id = $4 AND c.resource = $5 AND EXISTS (SELECT FROM widened)
		), audited AS (
			INSERT INTO audit_log (project_id, id, actor, action, target, detail)
			SELECT $1, $7, 'user:' || $2::uuid, 'grant.extended', 'client:' || $4, jsonb_build_object('resource', $5::text, 'scopes', $6::text[])
			WHERE EXISTS (SELECT FROM widened)
		)
		SELECT count(*) FROM widened`, user, session, clientID, resource, scopes, id.New())
	if err == nil && extended == 0 {
		err = errNotFound
	}
	return err
}
