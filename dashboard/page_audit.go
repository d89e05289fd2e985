package dashboard

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// auditQuery reads the filters; a project that is not the organization's finds nothing.
func auditQuery(values url.Values) (q tenants.AuditQuery, err error) {
	q = tenants.AuditQuery{Action: values.Get("action"), Limit: tenants.AuditPage}
	if text := values.Get("project"); text != "" {
		if q.ProjectID, err = id.Parse(text); err != nil {
			return q, tenants.ErrNotFound
		}
	}
	return q, nil
}

func (d *dashboard) audit(v *request) error {
	q, err := auditQuery(v.QueryParams())
	if err != nil {
		return err
	}
	position, err := d.position(v)
	if err == nil && position != "" {
		q.Before, err = id.Parse(position)
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
	view := templates.AuditPage{Shell: d.layout(v, "Audit log", pathAudit), Project: v.QueryParam("project"), Action: q.Action, ExportAction: v.href(pathExportAudit), First: d.firstPage(v)}
	for _, p := range projects {
		view.Projects = append(view.Projects, templates.Choice{Value: p.ID.String(), Label: p.Name})
	}
	for _, e := range entries {
		line := templates.AuditLine{ID: e.ID.String(), Who: cmp.Or(e.Email, e.Actor), Action: e.Action, Target: e.Target, Project: e.Project, At: e.At}
		for _, detail := range e.Details() {
			line.Detail = append(line.Detail, templates.Choice{Value: detail.Name, Label: detail.Text})
		}
		view.Entries = append(view.Entries, line)
	}
	if len(entries) == tenants.AuditPage {
		view.Next = d.pageAfter(v, entries[len(entries)-1].ID.String())
	}
	return web.Render(v, http.StatusOK, templates.Audit(view))
}

// exportAudit streams the log as a file: CSV for tables, JSON lines for programs.
func (d *dashboard) exportAudit(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	q, err := auditQuery(form)
	if err != nil {
		return err
	}
	each := func(write func(tenants.AuditEntry) error) error {
		return d.Organizations.ExportAudit(v.ctx(), v.actor(), v.org(), q, write)
	}
	if form.Get("format") == "jsonl" {
		return d.download(v, "audit.jsonl", "application/jsonl", func(out io.Writer) error {
			encoder := json.NewEncoder(out)
			return each(func(e tenants.AuditEntry) error {
				return encoder.Encode(map[string]any{"id": e.ID, "at": e.At.UTC(), "project": e.Project, "actor": e.Actor, "email": e.Email, "action": e.Action, "target": e.Target, "detail": e.Detail})
			})
		})
	}
	return d.downloadCSV(v, "audit.csv", []string{"id", "at", "project", "actor", "email", "action", "target", "detail"}, func(row func(...string) error) error {
		return each(func(e tenants.AuditEntry) error {
			return row(e.ID.String(), e.At.UTC().Format(time.RFC3339Nano), e.Project, e.Actor, e.Email, e.Action, e.Target, string(e.Detail))
		})
	})
}
