package dashboard

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// auditQuery reads the filters; a project that is not the organization's finds nothing.
func auditQuery(values url.Values) (q tenants.AuditQuery, err error) {
	q = tenants.AuditQuery{Action: values.Get("action"), Limit: tenants.AuditPage}
	if text := values.Get("project"); text != "" {
		if q.ProjectID, err = secret.ParseID(text); err != nil {
			return q, tenants.ErrNotFound
		}
	}
	return q, nil
}

func (d *dashboard) audit(v *visit) error {
	q, err := auditQuery(v.QueryParams())
	if err != nil {
		return err
	}
	position, err := d.position(v)
	if err == nil && position != "" {
		q.Before, err = secret.ParseID(position)
	}
	if err != nil {
		return errCursor
	}
	entries, err := d.Organizations.Audit(v.ctx(), v.actor(), v.org(), q)
	if err != nil {
		return err
	}
	projects, err := d.Projects.List(v.ctx(), v.actor(), v.org())
	if err != nil {
		return err
	}
	view := templates.AuditPage{Shell: d.shell(v, "Audit log", pathAudit), Project: v.QueryParam("project"), Action: q.Action, ExportAction: v.href(pathExportAudit), First: d.firstPage(v)}
	for _, p := range projects {
		view.Projects = append(view.Projects, templates.Choice{Value: p.ID.String(), Label: p.Name})
	}
	for _, e := range entries {
		line := templates.AuditLine{ID: e.ID.String(), Who: cmp.Or(e.Email, e.Actor), Action: e.Action, Target: e.Target, Project: e.Project, At: e.At}
		for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
			line.Detail = append(line.Detail, templates.Choice{Value: name, Label: e.Detail[name]})
		}
		view.Entries = append(view.Entries, line)
	}
	if len(entries) == tenants.AuditPage {
		view.Next = d.pageAfter(v, entries[len(entries)-1].ID.String())
	}
	return web.Render(v, http.StatusOK, templates.Audit(view))
}

// exportAudit streams the log as a file: CSV for tables, JSON lines for programs.
func (d *dashboard) exportAudit(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	q, err := auditQuery(form)
	if err != nil {
		return err
	}
	header := v.Response().Header()
	if form.Get("format") == "jsonl" {
		header.Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
		header.Set("Content-Type", "application/jsonl; charset=utf-8")
		encoder := json.NewEncoder(v.Response())
		return d.Organizations.ExportAudit(v.ctx(), v.actor(), v.org(), q, func(e tenants.AuditEntry) error {
			return encoder.Encode(map[string]any{"id": e.ID, "at": e.At.UTC(), "project": e.Project, "actor": e.Actor, "email": e.Email, "action": e.Action, "target": e.Target, "detail": e.Detail})
		})
	}
	header.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	header.Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(v.Response())
	if err := out.Write([]string{"id", "at", "project", "actor", "email", "action", "target", "detail"}); err != nil {
		return err
	}
	err = d.Organizations.ExportAudit(v.ctx(), v.actor(), v.org(), q, func(e tenants.AuditEntry) error {
		return out.Write(plainCells(e.ID.String(), e.At.UTC().Format(time.RFC3339Nano), e.Project, e.Actor, e.Email, e.Action, e.Target, mustJSON(e.Detail)))
	})
	out.Flush()
	return err
}

// plainCells keeps programs that open tables from taking a text for a formula (catalogue 227).
func plainCells(cells ...string) []string {
	for i, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			cells[i] = "'" + cell
		}
	}
	return cells
}
