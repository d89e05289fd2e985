package dashboard_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// auditPath is the log of the world's organization.
func (w *world) auditPath() string { return "/dashboard/" + w.organization.String() + "/audit" }

// Whoever writes an entry chooses the form of its detail: every JSON there is shows on the page and stands in both exports as it was
// written. Catalogue 227 holds for details, too.
func TestAuditDetails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shown := map[string]string{ // by what is stored
		`{}`: "", `null`: "",
		`{"scopes": ["notes:read", "notes:write"]}`:      "scopes: notes:read, notes:write",
		`{"count": 3, "open": true, "nobody": null}`:     "count: 3, nobody: null, open: true",
		`{"from": {"name": "a", "sizes": [1, 2]}}`:       `from: {"name": "a", "sizes": [1, 2]}`,
		`["one", ["two", 3]]`:                            "one, two, 3",
		`"=1+1"`:                                         "=1+1",
		`123456789012345678901234567890`:                 "123456789012345678901234567890",
		`{"name": "<script>alert(1)</script>", "z": ""}`: "name: <script>alert(1)</script>, z:",
	}
	action := map[string]string{} // what is stored, by action
	for stored := range shown {
		name := "form." + string(rune('a'+len(action)))
		action[name] = stored
		w.exec(t, `INSERT INTO audit_log (project_id, id, actor, action, detail) VALUES ($1, gen_random_uuid(), 'system', $2, $3::text::jsonb)`, w.project.String(), name, stored)
		w.exec(t, `INSERT INTO organization_audit_log (organization_id, id, actor, action, detail) VALUES ($1, gen_random_uuid(), 'system', $2, $3::text::jsonb)`, w.organization.String(), name, stored)
	}
	owner := w.as(t, "owner")
	for name, stored := range action {
		page := owner.get(t, w.auditPath()+"?action="+name).want(t, http.StatusOK)
		details := page.doc.Find("tbody th").Map(textOf)
		if len(details) != 2 {
			t.Errorf("%s: %d entries, expected one of the organization and one of the project", stored, len(details))
		}
		for _, got := range details {
			if got, want := strings.Join(strings.Fields(strings.TrimPrefix(got, name)), " "), shown[stored]; got != want {
				t.Errorf("%s: the page says %q, expected %q", stored, got, want)
			}
		}
	}
	table := must(csv.NewReader(strings.NewReader(owner.post(t, w.auditPath()+"/export", "format", "csv", "action", "form.").want(t, http.StatusOK).text)).ReadAll())
	for _, row := range table[1:] {
		if got, want := strings.TrimPrefix(row[7], "'"), action[row[5]]; !sameJSON(got, want) {
			t.Errorf("%s: the table has %q", want, got)
		}
	}
	lines := json.NewDecoder(strings.NewReader(owner.post(t, w.auditPath()+"/export", "format", "jsonl", "action", "form.").want(t, http.StatusOK).text))
	n := 0
	for ; lines.More(); n++ {
		var line struct {
			Action string
			Detail json.RawMessage
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if !sameJSON(string(line.Detail), action[line.Action]) {
			t.Errorf("%s: the line has %s", action[line.Action], line.Detail)
		}
	}
	if len(table)-1 != 2*len(shown) || n != 2*len(shown) {
		t.Errorf("%d rows and %d lines, expected %d", len(table)-1, n, 2*len(shown))
	}
}

// sameJSON compares values; the order of members is none of theirs.
func sameJSON(a, b string) bool {
	var one, other any
	return json.Unmarshal([]byte(a), &one) == nil && json.Unmarshal([]byte(b), &other) == nil && bytes.Equal(must(json.Marshal(one)), must(json.Marshal(other)))
}

// What fails before the first byte of a file was sent is answered with a page that says so, and not with an empty file.
func TestExportFailsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE POLICY broken ON audit_log AS RESTRICTIVE USING (1 / (length(action) - length(action)) > 0)`)
	for _, form := range []url.Values{{"format": {"csv"}}, {"format": {"jsonl"}}} {
		got := w.as(t, "owner").do(t, http.MethodPost, w.auditPath()+"/export", form)
		if got.StatusCode != http.StatusInternalServerError || got.Header.Get("Content-Disposition") != "" || !strings.Contains(got.doc.Find("h1").Text(), "went wrong") {
			t.Errorf("%v: %d %q %q, expected the page of an error and no file", form, got.StatusCode, got.Header.Get("Content-Disposition"), got.doc.Find("h1").Text())
		}
	}
}

// A file that cannot be finished ends with a line that says so and with a cut connection: neither a person nor a program takes it for
// the whole.
func TestExportFailsHalfWay(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "jsonl"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.exec(t, `INSERT INTO organization_audit_log (organization_id, id, actor, action, detail)
				SELECT $1, gen_random_uuid(), 'system', 'test.filled', jsonb_build_object('text', repeat('x', 2000)) FROM generate_series(1, 20000)`, w.organization.String())
			owner := w.as(t, "owner")
			request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+w.auditPath()+"/export", strings.NewReader("format="+format)))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Sec-Fetch-Site", "same-origin")
			response, err := owner.client.Do(request) // 40 MB do not fit on the way: the export waits for its reader
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatal(response, err)
			}
			defer func() { _ = response.Body.Close() }()
			w.outage(t)
			content, err := io.ReadAll(response.Body)
			last := content[max(0, len(content)-200):]
			if err == nil || !bytes.Contains(last, []byte("This file is not complete")) || !bytes.Contains(last, []byte(response.Header.Get("X-Request-ID"))) {
				t.Errorf("%d bytes, reading ended with %v, the file with %q; expected a cut connection and a line with the request", len(content), err, last)
			}
			if !strings.Contains(w.log.String(), "a download ended half way") {
				t.Error("the log does not say that the export failed")
			}
		})
	}
}
