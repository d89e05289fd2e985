package endpoints_test

import (
	"net/http"
	"strings"
	"testing"
)

// lineage is what the row says about a connection.
type lineage struct {
	generation, forgiven int
	revoked              string
}

func (w *world) lineage(access string) lineage {
	w.t.Helper()
	var l lineage
	if err := w.super.QueryRow(w.t.Context(), `SELECT generation, forgiven_reuses, coalesce(revoked_reason, '') FROM grants WHERE id = $1::text::uuid`, grantOf(access)).
		Scan(&l.generation, &l.forgiven, &l.revoked); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// Catalogue 176, 181, 187: a lost answer is recovered within the grace, by one and the same successor.
func TestRefreshRotationAndGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, first := w.demo.connected(newBrowser(t, w.door), w.demo.client())
	second := w.demo.token(a.refreshForm(first.refresh)).tokens()
	if second.refresh == first.refresh || w.lineage(first.access) != (lineage{2, 0, ""}) {
		t.Fatalf("%+v", w.lineage(first.access))
	}
	for n := range 3 { // 181: forgiven reuses do not fan out
		again := w.demo.token(a.refreshForm(first.refresh)).tokens()
		if again.refresh != second.refresh || w.lineage(first.access) != (lineage{2, n + 1, ""}) {
			t.Errorf("%+v", w.lineage(first.access))
		}
	}
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'grant.refresh_forgiven'`); n != 3 {
		t.Errorf("%d forgiven reuses are visible", n)
	}
	third := w.demo.token(a.refreshForm(second.refresh)).tokens()
	if !w.demo.active(third.access) || w.lineage(first.access).generation != 3 {
		t.Errorf("%+v", w.lineage(first.access))
	}
	w.demo.token(a.refreshForm(first.refresh)).isError(400, "invalid_grant") // 181: the grandparent within the grace
	if w.demo.active(third.access) || w.demo.active(first.access) || w.lineage(first.access).revoked != "refresh_token_reused" {
		t.Errorf("%+v", w.lineage(first.access))
	}
	w.demo.token(a.refreshForm(third.refresh)).isError(400, "invalid_grant")
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'grant.refresh_reused'`); n != 1 {
		t.Errorf("%d reuses are visible", n)
	}
}

// Catalogue 177, 180: after the grace a predecessor ends the connection. The row's time is moved, no clock.
func TestRefreshReuseAfterGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, client := newBrowser(t, w.door), w.demo.client()
	a, first := w.demo.connected(b, client)
	second := w.demo.token(a.refreshForm(first.refresh)).tokens()
	w.exec(`UPDATE grants SET rotated_at = now() - interval '50 seconds' WHERE id = $1::text::uuid`, grantOf(first.access))
	if again := w.demo.token(a.refreshForm(first.refresh)).tokens(); again.refresh != second.refresh {
		t.Error("within the grace")
	}
	w.exec(`UPDATE grants SET rotated_at = now() - interval '61 seconds' WHERE id = $1::text::uuid`, grantOf(first.access))
	w.demo.token(a.refreshForm(first.refresh)).isError(400, "invalid_grant")
	if w.demo.active(second.access) || w.lineage(first.access).revoked != "refresh_token_reused" {
		t.Errorf("%+v", w.lineage(first.access))
	}
	w.exec(`UPDATE projects SET refresh_grace = 0`) // per project 0 to 120 s; 0 means never
	w.forget()
	a, first = w.demo.connected(b, client)
	second = w.demo.token(a.refreshForm(first.refresh)).tokens()
	w.demo.token(a.refreshForm(first.refresh)).isError(400, "invalid_grant")
	w.demo.token(a.refreshForm(second.refresh)).isError(400, "invalid_grant")
}

// A failover may lose the last update: a token ahead of the row is good and advances it, and nothing before it is forgiven twice.
func TestRefreshTokenAheadOfTheRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, first := w.demo.connected(newBrowser(t, w.door), w.demo.client())
	second := w.demo.token(a.refreshForm(first.refresh)).tokens()
	third := w.demo.token(a.refreshForm(second.refresh)).tokens()
	w.exec(`UPDATE grants SET generation = 1`)
	fourth := w.demo.token(a.refreshForm(third.refresh)).tokens()
	if l := w.lineage(first.access); l != (lineage{4, 0, ""}) || fourth.refresh == third.refresh {
		t.Errorf("%+v", l)
	}
	if again := w.demo.token(a.refreshForm(third.refresh)).tokens(); again.refresh != fourth.refresh {
		t.Error("the predecessor is not forgiven")
	}
	w.demo.token(a.refreshForm(first.refresh)).isError(400, "invalid_grant")
	if l := w.lineage(first.access); l.revoked == "" {
		t.Errorf("%+v", l)
	}
}

// Catalogue 185, 186, 163: expiry by the row, sliding and absolute, and what ended meanwhile.
func TestRefreshOfWhatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	b, client := newBrowser(t, w.door), tn.client()
	for name, c := range map[string]struct{ end, undo string }{
		"idle too long":     {`UPDATE grants SET idle_expires_at = now()`, `UPDATE grants SET idle_expires_at = now() + interval '1 day'`},
		"absolute end":      {`UPDATE grants SET expires_at = now()`, `UPDATE grants SET expires_at = now() + interval '1 day'`},
		"user blocked":      {`UPDATE users SET blocked_at = now()`, `UPDATE users SET blocked_at = NULL`},
		"grant revoked":     {`UPDATE grants SET revoked_at = now() WHERE revoked_at IS NULL`, `UPDATE grants SET revoked_at = NULL`},
		"not refreshable":   {`UPDATE grants SET refreshable = false`, `UPDATE grants SET refreshable = true`},
		"other random row":  {`UPDATE grants SET random_hash = '\x00' || random_hash`, `UPDATE grants SET random_hash = substr(random_hash, 2)`},
		"code not redeemed": {`UPDATE grants SET code_redeemed_at = NULL`, `UPDATE grants SET code_redeemed_at = now()`},
	} {
		a, held := tn.connected(b, client)
		w.exec(c.end)
		before := w.rows()
		tn.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
		w.unchanged(before)
		w.exec(c.undo)
		if next := tn.token(a.refreshForm(held.refresh)).tokens(); !tn.active(next.access) {
			t.Errorf("%s: the refusal used the token up", name)
		}
	}
	a, held := tn.connected(b, client)
	w.exec(`UPDATE grants SET idle_expires_at = now() + interval '1 minute', expires_at = now() + interval '1 hour'`)
	held = tn.token(a.refreshForm(held.refresh)).tokens()
	if !value[bool](w, `SELECT bool_and(expires_at < now() + interval '61 minutes') FROM grants`) { // 185: sliding use does not move it
		t.Error("the absolute end moved")
	}
	if !value[bool](w, `SELECT idle_expires_at > now() + interval '29 days' FROM grants WHERE id = $1::text::uuid`, grantOf(held.access)) {
		t.Error("the idle end did not move")
	}
	w.exec(`UPDATE clients SET blocked_at = now()`)
	tn.token(a.refreshForm(held.refresh)).isError(400, "unauthorized_client")
}

// Catalogue 168, 169, 175, 182, 184: what is refused uses nothing up.
func TestRefreshMisuseChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, b := w.demo, newBrowser(t, w.door)
	client := tn.client()
	stranger := tn.register(`{"client_name":"Stranger","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]}`)
	w.exec(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES ($1::text::uuid, gen_random_uuid(), 'Second', 'https://second.example.com/mcp')`, tn.project.ID.String())
	w.forget()
	a, held := tn.connected(b, client, "scope", "mcp:tools")
	before := w.rows()
	for name, c := range map[string]struct {
		changes []string
		code    string
	}{
		"other client (182)":         {[]string{"client_id", stranger}, "invalid_grant"},
		"scope up (184, P20)":        {[]string{"scope", "mcp:tools notes:write"}, "invalid_scope"},
		"only what was not granted":  {[]string{"scope", "notes:write"}, "invalid_scope"},
		"nothing that exists":        {[]string{"scope", "admin"}, "invalid_scope"},
		"other resource (184)":       {[]string{"resource", "https://second.example.com/mcp"}, "invalid_target"},
		"unknown resource":           {[]string{"resource", "https://evil.example.com/mcp"}, "invalid_target"},
		"truncated (168)":            {[]string{"refresh_token", held.refresh[:len(held.refresh)-2]}, "invalid_grant"},
		"flipped generation":         {[]string{"refresh_token", flip(held.refresh, 42)}, "invalid_grant"},
		"flipped MAC":                {[]string{"refresh_token", flip(held.refresh, len(held.refresh)-5)}, "invalid_grant"},
		"flipped key version":        {[]string{"refresh_token", flip(held.refresh, 12)}, "invalid_grant"},
		"access token (169)":         {[]string{"refresh_token", held.access}, "invalid_grant"},
		"code (169)":                 {[]string{"refresh_token", a.code}, "invalid_grant"},
		"code as refresh by prefix":  {[]string{"refresh_token", strings.Replace(a.code, "mcpauth_ac_", "mcpauth_rt_", 1)}, "invalid_grant"},
		"refresh as code by prefix":  {[]string{"grant_type", "authorization_code", "code_verifier", testVerifier, "code", strings.Replace(held.refresh, "mcpauth_rt_", "mcpauth_ac_", 1)}, "invalid_grant"},
		"none":                       {[]string{"refresh_token", ""}, "invalid_request"},
		"registration secret (169)":  {[]string{"refresh_token", tn.guard}, "invalid_grant"},
		"secret of a public client":  {[]string{"client_secret", "x"}, ""},
		"10 KB of something similar": {[]string{"refresh_token", "mcpauth_rt_" + strings.Repeat("A", 10<<10)}, "invalid_grant"},
	} {
		got := tn.token(a.refreshForm(held.refresh, c.changes...))
		if c.code == "" {
			got.isError(401, "invalid_client")
		} else if got.isError(400, c.code); got.text("error") != c.code {
			t.Errorf("%s", name)
		}
	}
	w.unchanged(before)
	if next := tn.token(a.refreshForm(held.refresh, "resource", "")).tokens(); next.scope != "mcp:tools" || jwtPart(next.access, 1)["aud"] != tn.server.Resource {
		t.Errorf("%+v", next)
	}
	b2, wide := tn.connected(b, client)
	narrow := tn.token(b2.refreshForm(wide.refresh, "scope", "notes:write unknown")).tokens()
	if narrow.scope != "notes:write" || jwtPart(narrow.access, 1)["scope"] != "notes:write" {
		t.Errorf("narrowed to %q", narrow.scope)
	}
	if full := tn.token(b2.refreshForm(narrow.refresh)).tokens(); full.scope != "mcp:tools notes:write" { // RFC 6749 section 6
		t.Errorf("the connection itself was narrowed to %q", full.scope)
	}
}

// Catalogue 169: a code does not pass for a refresh token nor the other way round, whatever prefix it is given, also right after the
// redemption, when a generation before the living one would be forgiven.
func TestReferencesOfAnotherKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn, b := w.demo, newBrowser(t, w.door)
	a := tn.approve(b, tn.client())
	asRefresh := "mcpauth_rt_" + strings.TrimPrefix(a.code, "mcpauth_ac_")
	before := w.rows()
	tn.token(a.refreshForm(asRefresh)).isError(http.StatusBadRequest, "invalid_grant")
	w.unchanged(before)
	held := tn.token(a.codeForm()).tokens()
	before = w.rows()
	for _, disguised := range []string{asRefresh, a.code, held.access} {
		tn.token(a.refreshForm(disguised)).isError(http.StatusBadRequest, "invalid_grant")
	}
	for _, disguised := range []string{"mcpauth_ac_" + strings.TrimPrefix(held.refresh, "mcpauth_rt_"), held.refresh, held.access} {
		tn.token(a.codeForm("code", disguised)).isError(http.StatusBadRequest, "invalid_grant")
	}
	w.unchanged(before)
	if !tn.active(held.access) {
		t.Error("a credential of another kind ended the grant")
	}
}
