package endpoints_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// revocations asks the feed once, without waiting.
func (tn *tenant) revocations(guard, cursor string) oauth.RevocationBatch {
	tn.w.t.Helper()
	return tn.waitForRevocations(guard, cursor, "0")
}

func (tn *tenant) waitForRevocations(guard, cursor, seconds string) oauth.RevocationBatch {
	tn.w.t.Helper()
	query := url.Values{"wait": {seconds}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	got := call(tn.w.t, tn.w.door, http.MethodGet, tn.issuer+oauth.PathRevocations+"?"+query.Encode(), bearer(guard), "")
	var batch oauth.RevocationBatch
	if err := json.Unmarshal([]byte(got.body), &batch); err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" {
		tn.w.t.Fatalf("feed: %d %v %s", got.StatusCode, got.Header, got.body)
	}
	return batch
}

func tells(b oauth.RevocationBatch, grant string) bool {
	return slices.ContainsFunc(b.Revoked, func(r oauth.RevokedGrant) bool { return r.GrantID == grant })
}

// claims reads an access token without checking it.
func claims(t *testing.T, token string) oauth.AccessClaims {
	t.Helper()
	var c oauth.AccessClaims
	body, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil || json.Unmarshal(body, &c) != nil {
		t.Fatalf("no access token: %s", token)
	}
	return c
}

// However a grant with living access tokens ends, the next answer of the feed tells it, until the last of them has expired (catalogue
// 199, 203, 205), to its own MCP server and to no other.
func TestRevocationFeedTellsEveryEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	second := id.New()
	w.exec(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES ($1::text::uuid, $2::text::uuid, 'Second', 'https://second.example.com/mcp')`, tn.project.ID.String(), second.String())
	_, guardOfOther, err := w.projects.CreateSecret(t.Context(), tenants.SystemActor, w.org, tn.project.ID, second)
	if err != nil {
		t.Fatal(err)
	}
	listening, err := pgx.Connect(t.Context(), w.db.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listening.Close(context.Background()) })
	if _, err := listening.Exec(t.Context(), `LISTEN mcpauth_revocations`); err != nil {
		t.Fatal(err)
	}
	revoke := func(a approval, token string) {
		if got := call(t, w.door, http.MethodPost, tn.issuer+oauth.PathRevoke, formHeader, url.Values{"client_id": {a.clientID}, "token": {token}}.Encode()); got.StatusCode != http.StatusOK {
			t.Fatalf("revocation: %d", got.StatusCode)
		}
	}
	ends := map[string]func(a approval, held tokens){
		"revoked by its refresh token": func(a approval, held tokens) { revoke(a, held.refresh) },
		"revoked by its access token":  func(a approval, held tokens) { revoke(a, held.access) },
		"code used again":              func(a approval, _ tokens) { tn.token(a.codeForm()) },
		"old refresh token used again": func(a approval, held tokens) {
			next := tn.token(a.refreshForm(held.refresh)).tokens()
			tn.token(a.refreshForm(next.refresh)).tokens()
			tn.token(a.refreshForm(held.refresh))
		},
		"client blocked": func(a approval, _ tokens) {
			if err := w.projects.BlockClient(t.Context(), tenants.SystemActor, w.org, tn.project.ID, a.clientID); err != nil {
				t.Fatal(err)
			}
		},
		"client deleted": func(a approval, _ tokens) {
			if err := w.projects.DeleteClient(t.Context(), tenants.SystemActor, w.org, tn.project.ID, a.clientID); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, end := range ends {
		client := tn.register(`{"client_name":"` + name + `","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]}`)
		a, held := tn.connected(newBrowser(t, w.door), client)
		before, elsewhere := tn.revocations(tn.guard, ""), tn.revocations(guardOfOther, "")
		grant := claims(t, held.access)
		if !before.Snapshot || tells(before, grant.GrantID) {
			t.Errorf("%s: before: %+v", name, before)
		}
		end(a, held)
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		told, err := listening.WaitForNotification(soon)
		cancel()
		if err != nil || told.Payload != tn.project.ID.String() {
			t.Fatalf("%s: notified of %+v, %v", name, told, err)
		}
		after := tn.revocations(tn.guard, before.Cursor)
		if after.Snapshot || !tells(after, grant.GrantID) {
			t.Errorf("%s: the feed tells %+v, not %s", name, after, grant.GrantID)
			continue
		}
		at := slices.IndexFunc(after.Revoked, func(r oauth.RevokedGrant) bool { return r.GrantID == grant.GrantID })
		if until := after.Revoked[at].Until; until < grant.Expires+60 || until > grant.Expires+70 {
			t.Errorf("%s: until %d, the token expires at %d", name, until, grant.Expires)
		}
		if again := tn.revocations(tn.guard, ""); !tells(again, grant.GrantID) || !again.Snapshot {
			t.Errorf("%s: a snapshot tells %+v", name, again)
		}
		if told := tn.revocations(guardOfOther, elsewhere.Cursor); len(told.Revoked) > 0 {
			t.Errorf("%s: another MCP server learns %+v", name, told)
		}
	}
	if told := w.other.revocations(w.other.guard, ""); len(told.Revoked) > 0 {
		t.Errorf("another project learns %+v", told)
	}
}

// A grant that never got a token has nothing that a guard could meet, and what no token is left of is forgotten.
func TestRevocationFeedHoldsNothingWithoutTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	m := tn.manage("")
	tn.approve(newBrowser(t, w.door), m.id)
	a, held := tn.connected(newBrowser(t, w.door), tn.client())
	m.send(http.MethodDelete, m.rat, "")
	tn.token(a.codeForm())
	if told := tn.revocations(tn.guard, ""); len(told.Revoked) != 1 || !tells(told, claims(t, held.access).GrantID) {
		t.Errorf("the feed tells %+v", told)
	}
	w.exec(`UPDATE revocations SET until = now() - interval '1 second'`)
	if told := tn.revocations(tn.guard, ""); len(told.Revoked) != 0 {
		t.Errorf("after the last token: %+v", told)
	}
	if swept, err := w.store.Sweep(t.Context()); err != nil || swept != 1 {
		t.Errorf("swept %d, %v", swept, err)
	}
}

// Commits do not come in the order in which transactions began: what an older one adds later is still told (catalogue 199).
func TestRevocationFeedMissesNoLateCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	insert := `INSERT INTO revocations (project_id, grant_id, mcp_server_id, until) VALUES ($1::text::uuid, $2::text::uuid, $3::text::uuid, now() + interval '1 hour')`
	args := func(grant id.ID) []any {
		return []any{tn.project.ID.String(), grant.String(), tn.server.ID.String()}
	}
	late, early := id.New(), id.New()
	tx, err := w.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), insert, args(late)...); err != nil {
		t.Fatal(err)
	}
	w.exec(insert, args(early)...)
	first := tn.revocations(tn.guard, "")
	if !tells(first, early.String()) || tells(first, late.String()) {
		t.Fatalf("before the commit: %+v", first)
	}
	second := tn.revocations(tn.guard, first.Cursor)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := tn.waitForRevocations(tn.guard, second.Cursor, "30"); !tells(got, late.String()) {
		t.Errorf("the late commit is missing: %+v", got)
	}
}

// stream follows the feed through a real server.
func (tn *tenant) stream(guard, last string) (next func() (name string, batch oauth.RevocationBatch, ok bool)) {
	t := tn.w.t
	t.Helper()
	server := httptest.NewServer(tn.w.door)
	t.Cleanup(server.Close)
	u, _ := url.Parse(tn.issuer)
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+u.Path+oauth.PathRevocations, nil)
	request.Host, request.Header = u.Host, http.Header{"Authorization": {"Bearer " + guard}, "Accept": {"text/event-stream"}}
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("stream: %d %v", response.StatusCode, response.Header)
	}
	lines := bufio.NewScanner(response.Body)
	return func() (name string, batch oauth.RevocationBatch, ok bool) {
		id := ""
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				name = value
			case "id":
				id = value
			case "data":
				if err := json.Unmarshal([]byte(value), &batch); err != nil {
					t.Fatal(err)
				}
			case "":
				if name != "" {
					if id != batch.Cursor || id == "" {
						t.Errorf("id %q, cursor %q", id, batch.Cursor)
					}
					return name, batch, true
				}
			}
		}
		return "", batch, false
	}
}

// The stream begins with a snapshot, goes on with what happens, resumes without one, starts anew in another database, tells of a
// suspension and its end, and ends with its secret (catalogue 274).
func TestRevocationStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	next := tn.stream(tn.guard, "")
	name, batch, ok := next()
	if !ok || name != "snapshot" || !batch.Snapshot || len(batch.Revoked) != 0 {
		t.Fatalf("first: %s %+v %t", name, batch, ok)
	}
	begin := batch.Cursor
	a, held := tn.connected(newBrowser(t, w.door), tn.client())
	tn.token(a.codeForm())
	grant := claims(t, held.access).GrantID
	if name, batch, ok = next(); !ok || name != "revoked" || !tells(batch, grant) || batch.Snapshot {
		t.Fatalf("after a revocation: %s %+v %t", name, batch, ok)
	}
	if name, resumed, ok := tn.stream(tn.guard, begin)(); !ok || name != "revoked" || !tells(resumed, grant) {
		t.Errorf("resumed: %s %+v %t", name, resumed, ok)
	}
	_, position, _ := strings.Cut(begin, ".")
	for why, cursor := range map[string]string{
		"another database":  id.New().String() + "." + position,
		"restored":          strings.TrimSuffix(begin, position) + "9" + position,
		"no cursor of ours": "x", "overlong": begin + strings.Repeat("0", 30),
	} {
		if name, anew, ok := tn.stream(tn.guard, cursor)(); !ok || name != "snapshot" || !anew.Snapshot || !tells(anew, grant) {
			t.Errorf("%s: %s %+v %t", why, name, anew, ok)
		}
	}
	for _, status := range []string{"suspended", "active"} {
		w.exec(`UPDATE projects SET status = $2 WHERE id = $1::text::uuid`, tn.project.ID.String(), status)
		if name, batch, ok = next(); !ok || name != "revoked" || batch.Suspended != (status == "suspended") {
			t.Errorf("%s: %s %+v %t", status, name, batch, ok)
		}
	}
	w.exec(`UPDATE registration_secrets SET revoked_at = now() WHERE project_id = $1::text::uuid`, tn.project.ID.String())
	if name, batch, ok = next(); ok {
		t.Errorf("the stream goes on with a revoked secret: %s %+v", name, batch)
	}
}

// A guard must never take silence of the database for news: without it there is neither answer nor beat.
func TestRevocationFeedWithoutDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	cursor := tn.revocations(tn.guard, "").Cursor
	w.cut()
	got := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathRevocations+"?cursor="+cursor, bearer(tn.guard), "")
	if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || got.text("error") != "temporarily_unavailable" {
		t.Errorf("%d %v %s", got.StatusCode, got.Header, got.body)
	}
}

// What guards report is counted per grant and tool, for their own server's grants only, and stays bounded whatever tools are named.
func TestReportedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	_, held := tn.connected(newBrowser(t, w.door), tn.client())
	_, foreign := w.other.connected(newBrowser(t, w.door), w.other.client())
	grant := claims(t, held.access).GrantID
	report := func(entries ...string) int {
		return call(t, w.door, http.MethodPost, tn.issuer+oauth.PathCalls, jsonHeader(bearer(tn.guard)), `{"calls":[`+strings.Join(entries, ",")+`]}`).StatusCode
	}
	entry := func(sid, rest string) string { return `{"sid":"` + sid + `",` + rest + `}` }
	if status := report(entry(grant, `"tool":"add","outcome":"ok","count":3,"at":1`), entry(grant, `"tool":"add","outcome":"error"`),
		entry(grant, `"tool":"add","outcome":"refused","reason":"insufficient_scope"`), entry(claims(t, foreign.access).GrantID, `"tool":"add","outcome":"ok"`),
		entry(id.New().String(), `"tool":"add","outcome":"ok"`)); status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	if status := report(entry(grant, `"tool":"add","outcome":"ok"`)); status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	got := value[string](w, `SELECT string_agg(concat_ws(' ', grant_id, tool, calls, failed, refused, last_refusal, first_used_at < now() - interval '23 hours',
		last_used_at > now() - interval '1 minute'), ';') FROM grant_usage`)
	if want := grant + " add 5 1 1 insufficient_scope t t"; got != want {
		t.Errorf("usage %q, want %q", got, want)
	}
	for range 2 {
		var many []string
		for range 150 {
			many = append(many, entry(grant, `"tool":"`+id.New().String()+`","outcome":"refused"`))
		}
		if status := report(many...); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
	}
	if rows, refused := value[int](w, `SELECT count(*) FROM grant_usage`), value[int](w, `SELECT sum(refused)::int FROM grant_usage`); rows > 101 || refused != 301 {
		t.Errorf("%d rows, %d refusals", rows, refused)
	}
	if status := report(entry(grant, `"tool":"`+strings.Repeat("a", 129)+`","outcome":"ok"`)); status != http.StatusBadRequest {
		t.Errorf("overlong tool: %d", status)
	}
}

// Guards name the versions of the protocol that they speak: without any, as guards before there were versions, the first is spoken; with
// none in common the feed is refused and says what it speaks (catalogue 199).
func TestRevocationFeedVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	for _, test := range []struct {
		sent   []string
		status int
	}{
		{nil, 200}, {[]string{"1"}, 200}, {[]string{"2, 1"}, 200}, {[]string{"2", "1"}, 200},
		{[]string{"2"}, 406}, {[]string{""}, 406}, {[]string{"10"}, 406}, {[]string{"one"}, 406},
	} {
		header := bearer(tn.guard)
		for _, version := range test.sent {
			header.Add(oauth.HeaderGuardVersion, version)
		}
		got := call(t, w.door, http.MethodGet, tn.issuer+oauth.PathRevocations+"?wait=0", header, "")
		if got.StatusCode != test.status || got.Header.Get(oauth.HeaderGuardVersion) != "1" {
			t.Errorf("versions %q: got status %d and version %q, want %d and 1",
				test.sent, got.StatusCode, got.Header.Get(oauth.HeaderGuardVersion), test.status)
		}
	}
}
