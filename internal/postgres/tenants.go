package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

var _ tenants.ProjectStore = (*Store)(nil)

// Values of projects.status.
const (
	statusActive    = "active"
	statusSuspended = "suspended"
)

// isSuspended is the condition under which a project p of an organization o lets nobody in.
const isSuspended = `(p.status <> 'active' OR p.held_at IS NOT NULL OR o.suspended_at IS NOT NULL)`

// projectRow is a row of projects with the primary issuer URL of project_issuers.
type projectRow struct {
	ID             id.ID
	OrganizationID id.ID
	Slug           string
	Name           string
	Status         string
	HeldAt         *time.Time
	HeldReason     string
	Environment    string
	Review         string
	Issuer         string
	CreatedAt      time.Time
}

func newProjectRow(p tenants.Project) projectRow {
	return projectRow{ID: p.ID, OrganizationID: p.OrganizationID, Slug: p.Slug, Name: p.Name, Status: status(p.Suspended), Environment: environment(p.Production), Issuer: p.Issuer}
}

func (r projectRow) project(aliases []string) tenants.Project {
	return tenants.Project{
		ID: r.ID, OrganizationID: r.OrganizationID, Slug: r.Slug, Name: r.Name, Suspended: r.Status == statusSuspended, Held: r.HeldAt != nil, HeldReason: r.HeldReason, Reviewed: r.Review == reviewApproved, Production: r.Environment == environmentProduction,
		Issuer: r.Issuer, Aliases: aliases, CreatedAt: r.CreatedAt,
	}
}

func status(suspended bool) string {
	if suspended {
		return statusSuspended
	}
	return statusActive
}

type mcpServerRow struct {
	ID       id.ID
	Name     string
	Resource string
}

func (r mcpServerRow) server() tenants.MCPServer {
	return tenants.MCPServer{ID: r.ID, Name: r.Name, Resource: r.Resource}
}

type registrationSecretRow struct {
	ID          id.ID
	McpServerID id.ID
	LastFour    string
	CreatedAt   time.Time
	LastUsedAt  *time.Time
}

func (r registrationSecretRow) secret() tenants.RegistrationSecret {
	found := tenants.RegistrationSecret{ID: r.ID, MCPServerID: r.McpServerID, LastFour: r.LastFour, CreatedAt: r.CreatedAt}
	if r.LastUsedAt != nil {
		found.LastUsedAt = *r.LastUsedAt
	}
	return found
}

type tenantScopeRow struct {
	Name        string
	Description string
	IsDefault   bool
}

func (r tenantScopeRow) scope() tenants.Scope {
	return tenants.Scope{Name: r.Name, Description: r.Description, Default: r.IsDefault}
}

// mapRows maps every row.
func mapRows[Row, Domain any](rows []Row, mapper func(Row) Domain) []Domain {
	out := make([]Domain, 0, len(rows))
	for _, row := range rows {
		out = append(out, mapper(row))
	}
	return out
}

// change is one entry of an audit log.
type change struct {
	actor  tenants.Actor
	action string
	target string // kind:id
	detail map[string]string
}

// auditOrganization records a change in the organization's log, in the transaction of the change.
func auditOrganization(tx *gorm.DB, organization id.ID, c change) error {
	return audit(tx, `INSERT INTO organization_audit_log (organization_id, id, actor, action, target, detail)
		VALUES (?, ?, ?, ?, ?, ?::jsonb)`, organization, c)
}

// auditProject records a change in the project's log, in the transaction of the change.
func auditProject(tx *gorm.DB, project id.ID, c change) error {
	return audit(tx, `INSERT INTO audit_log (project_id, id, actor, action, target, detail) VALUES (?, ?, ?, ?, ?, ?::jsonb)`, project, c)
}

func audit(tx *gorm.DB, statement string, owner id.ID, c change) error {
	detail := []byte("{}")
	if len(c.detail) > 0 {
		var err error
		if detail, err = json.Marshal(c.detail); err != nil {
			return fmt.Errorf("audit detail: %w", err)
		}
	}
	return tx.Exec(statement, owner, id.New(), string(c.actor), c.action, c.target, string(detail)).Error
}

// notifyProject tells every node, when the transaction commits, that what it remembers of the project is old.
func notifyProject(tx *gorm.DB, project id.ID) error {
	return tx.Exec(`SELECT pg_notify(?, ?)`, projectsChannel, project.String()).Error
}

// mustChange is ErrNotFound for a statement that met no row.
func mustChange(result *gorm.DB) error {
	if result.Error != nil {
		return result.Error
	}
	if result.RowsAffected == 0 {
		return errNotFound
	}
	return nil
}

// idRow is for statements that answer with an id only: gorm would take a bare id.ID, an array, for a list of rows.
type idRow struct{ ID id.ID }
