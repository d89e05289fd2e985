package postgres

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// latestConnections bounds what is looked at to say how an MCP server is used.
const latestConnections = 2000

// rowsOf asks a question about a project that is the organization's.
func rowsOf[Row any](ctx context.Context, s *Store, organization, project id.ID, query string, v values) (rows []Row, err error) {
	v["project"] = project
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error { return tx.Raw(query, v.named()).Scan(&rows).Error },
		)
	})
	return rows, err
}

// or is the time, or the zero time for null.
func or(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// ListServers implements tenants.ListStore.
func (s *Store) ListServers(ctx context.Context, organization, project id.ID) ([]tenants.ServerSummary, error) {
	type row struct {
		ID          id.ID
		Name        string
		Resource    string
		CreatedAt   time.Time
		Secrets     int
		SecretUsed  *time.Time
		Connections int
	}
	rows, err := rowsOf[row](ctx, s, organization, project, `SELECT m.id, m.name, m.resource, m.created_at, coalesce(r.secrets, 0) AS secrets, greatest(r.secret_used, m.asked_at) AS secret_used,
			(SELECT count(*) FROM (SELECT FROM grants g WHERE g.project_id = m.project_id AND g.mcp_server_id = m.id AND `+activeGrant+` LIMIT @most) AS living) AS connections
		FROM mcp_servers m LEFT JOIN (SELECT mcp_server_id, count(*) AS secrets, max(last_used_at) AS secret_used FROM registration_secrets
			WHERE project_id = @project AND revoked_at IS NULL GROUP BY mcp_server_id) AS r ON r.mcp_server_id = m.id
		WHERE m.project_id = @project ORDER BY m.created_at, m.id`, values{"most": tenants.CountedTo + 1})
	return mapRows(rows, func(r row) tenants.ServerSummary {
		return tenants.ServerSummary{MCPServer: tenants.MCPServer{ID: r.ID, Name: r.Name, Resource: r.Resource}, CreatedAt: r.CreatedAt, Secrets: r.Secrets,
			SecretUsed: or(r.SecretUsed), Connections: r.Connections}
	}), err
}

// ListToolUse implements tenants.ListStore.
func (s *Store) ListToolUse(ctx context.Context, organization, project, server id.ID) ([]tenants.ToolUse, error) {
	type row struct {
		Tool                   string
		Calls, Failed, Refused int
		LastUsed               *time.Time
	}
	rows, err := rowsOf[row](ctx, s, organization, project, `SELECT u.tool, sum(u.calls) AS calls, sum(u.failed) AS failed, sum(u.refused) AS refused, max(u.last_used_at) AS last_used
		FROM (SELECT g.id FROM grants g WHERE g.project_id = @project AND g.mcp_server_id = @server AND g.revoked_at IS NULL ORDER BY g.id DESC LIMIT @latest) AS latest
		JOIN grant_usage u ON u.project_id = @project AND u.grant_id = latest.id
		GROUP BY u.tool ORDER BY sum(u.calls) DESC, u.tool LIMIT 50`, values{"server": server, "latest": latestConnections})
	return mapRows(rows, func(r row) tenants.ToolUse {
		return tenants.ToolUse{Tool: r.Tool, Calls: r.Calls, Failed: r.Failed, Refused: r.Refused, LastUsed: or(r.LastUsed)}
	}), err
}

// ListKeys implements tenants.ListStore. What a retired key signed is over when the longest access token of the project would be.
func (s *Store) ListKeys(ctx context.Context, organization, project id.ID) ([]tenants.KeyInfo, error) {
	type row struct {
		ID, Algorithm, State   string
		CreatedAt              time.Time
		ActivatedAt, RetiredAt *time.Time
		NeededUntil            *time.Time
		Holders                json.RawMessage
	}
	rows, err := rowsOf[row](ctx, s, organization, project, `SELECT k.id, k.algorithm, k.state, k.created_at, k.activated_at, k.retired_at,
			k.retired_at + p.access_token_ttl * interval '1 second' AS needed_until,
			CASE WHEN k.retired_at + p.access_token_ttl * interval '1 second' > now() THEN
				(SELECT jsonb_agg(jsonb_build_object('client', h.name, 'connections', h.connections)) FROM (
					SELECT c.name, count(*) AS connections FROM grants g JOIN clients c ON c.project_id = g.project_id AND c.id = g.client_id
					WHERE g.project_id = k.project_id AND g.revoked_at IS NULL AND g.access_expires_at > now()
						AND coalesce(g.rotated_at, g.code_redeemed_at) BETWEEN k.activated_at AND k.retired_at
					GROUP BY c.id, c.name ORDER BY count(*) DESC, c.name LIMIT @most) h) END AS holders
		FROM signing_keys k JOIN projects p ON p.id = k.project_id WHERE k.project_id = @project
		ORDER BY array_position(ARRAY['next', 'current', 'previous'], k.state), k.created_at DESC, k.id`, values{"most": tenants.MaxKeyHolders})
	return mapRows(rows, func(r row) tenants.KeyInfo {
		var holders []tenants.KeyHolder
		_ = json.Unmarshal(r.Holders, &holders) // null: there are none
		return tenants.KeyInfo{Holders: holders, ID: r.ID, Algorithm: r.Algorithm, State: r.State, CreatedAt: r.CreatedAt, ActivatedAt: or(r.ActivatedAt),
			RetiredAt: or(r.RetiredAt), NeededUntil: or(r.NeededUntil)}
	}), err
}

type listedClientRow struct {
	ID, Kind, Name, ClientURI, AuthMethod, RedirectURIs, Decision string
	CreatedAt, RenewedAt                                          time.Time
	FirstUsedAt, LastApproved                                     *time.Time
	Blocked                                                       bool
	Connections                                                   int
}

func (r listedClientRow) client() tenants.Client {
	return tenants.Client{
		ID: r.ID, Kind: r.Kind, Name: r.Name, URI: r.ClientURI, AuthMethod: r.AuthMethod, RedirectURIs: strings.Fields(r.RedirectURIs), CreatedAt: r.CreatedAt,
		RenewedAt: r.RenewedAt, FirstUsed: or(r.FirstUsedAt), LastApproved: or(r.LastApproved), Blocked: r.Blocked, Decision: r.Decision, Connections: r.Connections,
	}
}

var selectClients = `SELECT c.id, c.kind, c.name, c.client_uri, c.auth_method, array_to_string(c.redirect_uris, ' ') AS redirect_uris, c.created_at, c.renewed_at,
		c.first_used_at, c.blocked_at IS NOT NULL AS blocked, CASE WHEN c.kind = 'document' THEN coalesce(` + clientDecision("c.project_id", "c.id") + `, '') ELSE '' END AS decision,
		(SELECT g.created_at FROM grants g WHERE g.project_id = c.project_id AND g.client_id = c.id AND g.revoked_at IS NULL ORDER BY g.id DESC LIMIT 1) AS last_approved,
		(SELECT count(*) FROM (SELECT FROM grants g WHERE g.project_id = c.project_id AND g.client_id = c.id AND ` + activeGrant + ` LIMIT @most) AS living) AS connections
	FROM clients c WHERE c.project_id = @project`

// ListClients implements tenants.ListStore.
func (s *Store) ListClients(ctx context.Context, organization, project id.ID, q tenants.ClientQuery) ([]tenants.Client, error) {
	rows, err := rowsOf[listedClientRow](ctx, s, organization, project, selectClients+`
			AND (CAST(@before_id AS text) = '' OR (c.created_at, c.id) < (CAST(@before AS timestamptz), CAST(@before_id AS text)))
			AND (CAST(@search AS text) = '' OR position(CAST(@search AS text) IN lower(c.name)) > 0 OR position(CAST(@search AS text) IN lower(c.id)) > 0)
			AND (CAST(@kind AS text) = '' OR c.kind = CAST(@kind AS text))
			AND CASE CAST(@state AS text) WHEN 'blocked' THEN c.blocked_at IS NOT NULL WHEN 'used' THEN c.first_used_at IS NOT NULL WHEN 'unused' THEN c.first_used_at IS NULL ELSE true END
		ORDER BY c.created_at DESC, c.id DESC LIMIT @page`, values{
		"most": tenants.CountedTo + 1, "before": q.BeforeTime, "before_id": q.BeforeID, "search": strings.ToLower(strings.TrimSpace(q.Search)), "kind": q.Kind, "state": q.State,
		"page": tenants.ListPage,
	})
	return mapRows(rows, listedClientRow.client), err
}

// FindClientOf implements tenants.ListStore.
func (s *Store) FindClientOf(ctx context.Context, organization, project id.ID, clientID string) (tenants.Client, error) {
	rows, err := rowsOf[listedClientRow](ctx, s, organization, project, selectClients+` AND c.id = @client`, values{"most": tenants.CountedTo + 1, "client": clientID})
	if err == nil && len(rows) == 0 {
		err = tenants.ErrNotFound
	}
	if err != nil {
		return tenants.Client{}, err
	}
	return rows[0].client(), nil
}

type listedGrantRow struct {
	ID, UserID, McpServerID                                                            id.ID
	UserEmail, ClientID, ClientName, ServerName, Resource, GrantedOrganization, Scopes string
	CreatedAt, ExpiresAt                                                               time.Time
	LastUsed                                                                           *time.Time
}

func (r listedGrantRow) grant() tenants.Grant {
	return tenants.Grant{ID: r.ID, UserID: r.UserID, ServerID: r.McpServerID, UserEmail: r.UserEmail, ClientID: r.ClientID, ClientName: r.ClientName, ServerName: r.ServerName,
		Resource: r.Resource, Organization: r.GrantedOrganization, Scopes: strings.Fields(r.Scopes), CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, LastUsed: or(r.LastUsed)}
}

// ListGrants implements tenants.ListStore. Ids grow with time, so they are the cursor; the use of each row is looked up for the page alone.
func (s *Store) ListGrants(ctx context.Context, organization, project id.ID, q tenants.GrantQuery) ([]tenants.Grant, error) {
	condition, v := "", values{"page": tenants.ListPage}
	for name, filter := range map[string]struct {
		set   bool
		value any
		sql   string
	}{
		"before": {!q.Before.IsZero(), q.Before, ` AND g.id < @before`},
		"client": {q.ClientID != "", q.ClientID, ` AND g.client_id = @client`},
		"user":   {!q.UserID.IsZero(), q.UserID, ` AND g.user_id = @user`},
		"server": {!q.ServerID.IsZero(), q.ServerID, ` AND g.mcp_server_id = @server`},
	} {
		if filter.set {
			condition, v[name] = condition+filter.sql, filter.value
		}
	}
	rows, err := rowsOf[listedGrantRow](ctx, s, organization, project, `SELECT l.*, coalesce(u.email, `+knownAs("u")+`) AS user_email, c.name AS client_name, m.name AS server_name,
			greatest(l.rotated, (SELECT max(w.last_used_at) FROM grant_usage w WHERE w.project_id = @project AND w.grant_id = l.id)) AS last_used
		FROM (SELECT g.id, g.user_id, g.mcp_server_id, g.client_id, g.resource, coalesce(g.organization, '') AS granted_organization, array_to_string(g.scopes, ' ') AS scopes,
				g.created_at, coalesce(g.idle_expires_at, g.access_expires_at) AS expires_at, CASE WHEN g.generation > 1 THEN g.rotated_at END AS rotated
			FROM grants g WHERE g.project_id = @project AND `+activeGrant+condition+` ORDER BY g.id DESC LIMIT @page) AS l
		JOIN users u ON u.project_id = @project AND u.id = l.user_id JOIN clients c ON c.project_id = @project AND c.id = l.client_id
		JOIN mcp_servers m ON m.project_id = @project AND m.id = l.mcp_server_id ORDER BY l.id DESC`, v)
	return mapRows(rows, listedGrantRow.grant), err
}

// ListInitialAccessTokens implements tenants.ListStore.
func (s *Store) ListInitialAccessTokens(ctx context.Context, organization, project id.ID) ([]tenants.InitialAccessToken, error) {
	rows, err := rowsOf[initialAccessTokenRow](ctx, s, organization, project, `SELECT id, name, created_at, expires_at FROM initial_access_tokens
		WHERE project_id = @project AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at DESC, id`, values{})
	return mapRows(rows, initialAccessTokenRow.token), err
}

// ListClientRules implements tenants.ListStore.
func (s *Store) ListClientRules(ctx context.Context, organization, project id.ID) ([]tenants.ClientRule, error) {
	type row struct{ Subject, Value, Decision string }
	rows, err := rowsOf[row](ctx, s, organization, project, `SELECT subject, value, decision FROM client_rules WHERE project_id = @project ORDER BY subject, value`, values{})
	return mapRows(rows, func(r row) tenants.ClientRule {
		return tenants.ClientRule{Host: r.Subject == "host", Value: r.Value, Allow: r.Decision == "allow"}
	}), err
}
