package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

const auditColumns = `id::text, at, actor, action, target, detail::text`

// auditFilter takes ids before one, and actions that begin so; both may be empty.
const auditFilter = ` AND (nullif($2, '') IS NULL OR id < nullif($2, '')::uuid) AND starts_with(action, $3) ORDER BY id DESC LIMIT $4`

// ListAudit implements tenants.OrganizationStore. Row-level security shows one project's log at a time; a batch asks all of them in one
// round trip. Ids grow with time, so the logs merge by them.
func (s *Store) ListAudit(ctx context.Context, organization id.ID, q tenants.AuditQuery) (entries []tenants.AuditEntry, err error) {
	projects, err := s.ListProjects(ctx, organization)
	if err != nil {
		return nil, err
	}
	before := ""
	if !q.Before.IsZero() {
		before = q.Before.String()
	}
	batch := &pgx.Batch{}
	if q.ProjectID.IsZero() {
		batch.Queue(`SELECT `+auditColumns+` FROM organization_audit_log WHERE organization_id = $1`+auditFilter, organization.String(), before, q.Action, q.Limit).
			Query(collectAudit(&entries, tenants.Project{}))
	}
	for _, p := range projects {
		if q.ProjectID.IsZero() || q.ProjectID == p.ID {
			batch.Queue(setProjectSQL, p.ID.String())
			batch.Queue(`SELECT `+auditColumns+` FROM audit_log WHERE project_id = $1`+auditFilter, p.ID.String(), before, q.Action, q.Limit).Query(collectAudit(&entries, p.Project))
		}
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, translate(err)
	}
	slices.SortFunc(entries, func(a, b tenants.AuditEntry) int { return strings.Compare(b.ID.String(), a.ID.String()) })
	entries = entries[:min(len(entries), q.Limit)]
	return entries, s.nameActors(ctx, entries)
}

func collectAudit(into *[]tenants.AuditEntry, project tenants.Project) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			entry := tenants.AuditEntry{ProjectID: project.ID, Project: project.Name}
			var text, detail string
			if err := rows.Scan(&text, &entry.At, &entry.Actor, &entry.Action, &entry.Target, &detail); err != nil {
				return err
			}
			var err error
			if entry.ID, err = id.Parse(text); err != nil {
				return err
			}
			entry.Detail = json.RawMessage(detail)
			*into = append(*into, entry)
		}
		return rows.Err()
	}
}

// nameActors adds the addresses of members, whose ids the logs keep.
func (s *Store) nameActors(ctx context.Context, entries []tenants.AuditEntry) error {
	ids := map[string]string{}
	for _, e := range entries {
		if member, ok := tenants.Actor(e.Actor).Member(); ok {
			ids[member.String()] = ""
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []struct {
		ID    id.ID
		Email string
	}
	wanted := make([]string, 0, len(ids))
	for id := range ids {
		wanted = append(wanted, id)
	}
	if err := s.db.WithContext(ctx).Raw(`SELECT id, email FROM members WHERE id = ANY (string_to_array(?, ',')::uuid[])`, strings.Join(wanted, ",")).Scan(&rows).Error; err != nil {
		return translate(err)
	}
	for _, r := range rows {
		ids[r.ID.String()] = r.Email
	}
	for i, e := range entries {
		if member, ok := tenants.Actor(e.Actor).Member(); ok {
			entries[i].Email = ids[member.String()]
		}
	}
	return nil
}

// RecordExport implements tenants.OrganizationStore.
func (s *Store) RecordExport(ctx context.Context, actor tenants.Actor, organization id.ID) error {
	return s.inTransaction(ctx, func(tx *gorm.DB) error {
		return auditOrganization(tx, organization, change{actor: actor, action: "audit.exported", target: organizationTarget(organization), detail: map[string]string{"at": time.Now().UTC().Format(time.RFC3339)}})
	})
}
