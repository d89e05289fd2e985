package tenants

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
)

// AuditEntry is one change, as the log keeps it.
type AuditEntry struct {
	ID        id.ID
	At        time.Time
	ProjectID id.ID  // zero: of the organization itself
	Project   string // name of the project
	Actor     string // kind:id
	Email     string // of the actor, where it is a member who is known
	Action    string
	Target    string // kind:id
	// Detail is any JSON: whoever writes an entry chooses its form, and entries outlive the code that wrote them.
	Detail json.RawMessage
}

// AuditDetail is one value of a detail as text. Name is empty where the detail as a whole is one value.
type AuditDetail struct{ Name, Text string }

// Details are the values of the detail by name.
func (e AuditEntry) Details() (details []AuditDetail) {
	var members map[string]json.RawMessage
	if json.Unmarshal(e.Detail, &members) != nil { // a list, a text, a number
		return []AuditDetail{{Text: detailText(e.Detail)}}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		details = append(details, AuditDetail{Name: name, Text: detailText(members[name])})
	}
	return details
}

// detailText is a text as itself, a list as its elements, and everything else as it is written in JSON.
func detailText(value json.RawMessage) string {
	var text string
	if value = bytes.TrimSpace(value); bytes.HasPrefix(value, []byte(`"`)) && json.Unmarshal(value, &text) == nil {
		return text
	}
	var list []json.RawMessage
	if bytes.HasPrefix(value, []byte("[")) && json.Unmarshal(value, &list) == nil {
		texts := make([]string, 0, len(list))
		for _, element := range list {
			texts = append(texts, detailText(element))
		}
		return strings.Join(texts, ", ")
	}
	return string(value)
}

// AuditQuery is one page of the log, the latest entries first; zero values do not filter.
type AuditQuery struct {
	Before    id.ID
	ProjectID id.ID
	Action    string // begins so, such as "client."
	Limit     int
}

// AuditPage is how many entries one page of the log has.
const AuditPage = 50

// Audit reads the log of an organization and of its projects. Who may change members may read it.
func (o Organizations) Audit(ctx context.Context, actor Actor, org id.ID, q AuditQuery) ([]AuditEntry, error) {
	if _, err := o.mayChange(ctx, actor, org); err != nil {
		return nil, err
	}
	q.Limit = min(max(q.Limit, 1), 1000)
	return o.Store.ListAudit(ctx, org, q)
}

// ExportAudit hands every entry that a query matches to a function, the latest first, and records that it was done.
func (o Organizations) ExportAudit(ctx context.Context, actor Actor, org id.ID, q AuditQuery, each func(AuditEntry) error) error {
	if _, err := o.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if err := o.Store.RecordExport(ctx, actor, org); err != nil {
		return err
	}
	q.Limit = 1000
	for {
		page, err := o.Store.ListAudit(ctx, org, q)
		if err != nil {
			return err
		}
		for _, entry := range page {
			if err := each(entry); err != nil {
				return err
			}
		}
		if len(page) < q.Limit {
			return nil
		}
		q.Before = page[len(page)-1].ID
	}
}
