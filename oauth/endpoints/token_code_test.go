package endpoints_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mcpauth.example/oauth"
)

// Catalogue 156: a valid second redemption is refused and ends what the first one gave.
func TestCodeReplayRevokes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, client := newBrowser(t, w.door), w.demo.client()
	a, held := w.demo.connected(b, client)
	next := w.demo.token(a.refreshForm(held.refresh)).tokens()
	if !w.demo.active(held.access) || !w.demo.active(next.access) {
		t.Fatal("the tokens are not active")
	}
	w.demo.token(a.codeForm()).isError(400, "invalid_grant")
	if w.demo.active(held.access) || w.demo.active(next.access) {
		t.Error("access tokens live on after the replay")
	}
	w.demo.token(a.refreshForm(next.refresh)).isError(400, "invalid_grant")
	w.demo.token(a.codeForm()).isError(400, "invalid_grant")
	if reason := value[string](w, `SELECT revoked_reason FROM grants WHERE id = $1::text::uuid`, grantOf(held.access)); reason != "code_replayed" {
		t.Errorf("reason %q", reason)
	}
	if n := value[int](w, `SELECT count(*) FROM audit_log WHERE action = 'grant.code_replayed' AND target = 'grant:' || $1::text`, grantOf(held.access)); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}

// Catalogue 157, 159, 160, 161, 174: what is not otherwise valid changes nothing, before and after the redemption.
func TestCodeMisuseChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, client := newBrowser(t, w.door), w.demo.client()
	stranger := w.demo.register(`{"client_name":"Stranger","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]}`)
	w.exec(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES ($1::text::uuid, gen_random_uuid(), 'Second', 'https://second.example.com/mcp')`, w.demo.project.ID.String())
	w.forget()
	a := w.demo.approve(b, client)
	misuse := map[string]struct {
		form url.Values
		code string
	}{
		"other client (159)":             {a.codeForm("client_id", stranger), "invalid_grant"},
		"wrong verifier (157)":           {a.codeForm("code_verifier", strings.Repeat("a", 43)), "invalid_grant"},
		"verifier is the challenge":      {a.codeForm("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "invalid_grant"},
		"verifier of 42":                 {a.codeForm("code_verifier", testVerifier[:42]), "invalid_grant"},
		"verifier of 129":                {a.codeForm("code_verifier", strings.Repeat("a", 129)), "invalid_grant"},
		"no verifier":                    {a.codeForm("code_verifier", ""), "invalid_request"},
		"other redirect_uri (161)":       {a.codeForm("redirect_uri", "http://127.0.0.1:41234/other"), "invalid_grant"},
		"other loopback port (161, P3)":  {a.codeForm("redirect_uri", "http://127.0.0.1:41235/callback"), "invalid_grant"},
		"no such resource (174)":         {a.codeForm("resource", "https://evil.example.com/mcp"), "invalid_target"},
		"no such scope (175)":            {a.codeForm("scope", "admin"), "invalid_scope"},
		"resource given twice":           {with(a.codeForm(), "resource", w.demo.server.Resource, "https://second.example.com/mcp"), "invalid_target"},
		"resource with fragment":         {a.codeForm("resource", w.demo.server.Resource+"#x"), "invalid_target"},
		"refresh token grant with it":    {a.refreshForm(a.code), "invalid_grant"}, // catalogue 169
		"code twice":                     {with(a.codeForm(), "code", a.code, a.code), "invalid_request"},
		"client_id twice":                {with(a.codeForm(), "client_id", client, client), "invalid_request"},
		"grant_type twice":               {with(a.codeForm(), "grant_type", "authorization_code", "authorization_code"), "invalid_request"},
		"unknown parameter twice":        {with(a.codeForm(), "x", "1", "2"), "invalid_request"},
		"truncated code (168)":           {a.codeForm("code", a.code[:len(a.code)-1]), "invalid_grant"},
		"extended code":                  {a.codeForm("code", a.code+"A"), "invalid_grant"},
		"padded code":                    {a.codeForm("code", a.code+"="), "invalid_grant"},
		"upper-case code":                {a.codeForm("code", strings.ToUpper(a.code)), "invalid_grant"},
		"flipped last character":         {a.codeForm("code", flip(a.code, len(a.code)-1)), "invalid_grant"},
		"flipped grant id":               {a.codeForm("code", flip(a.code, 20)), "invalid_grant"},
		"flipped random bytes":           {a.codeForm("code", flip(a.code, 52)), "invalid_grant"},
		"refresh prefix on a code (169)": {a.codeForm("code", strings.Replace(a.code, "mcpauth_ac_", "mcpauth_rt_", 1)), "invalid_grant"},
		"no prefix":                      {a.codeForm("code", strings.TrimPrefix(a.code, "mcpauth_ac_")), "invalid_grant"},
		"no code":                        {a.codeForm("code", ""), "invalid_request"},
	}
	try := func(when string) {
		before := w.rows()
		for name, m := range misuse {
			got := w.demo.token(m.form)
			if got.isError(400, m.code); t.Failed() {
				t.Fatalf("%s: %s", when, name)
			}
		}
		w.unchanged(before)
	}
	try("before the redemption")
	w.demo.token(a.codeForm("resource", "https://second.example.com/mcp")).isError(400, "invalid_target") // 174: not consumed
	held := w.demo.token(a.codeForm()).tokens()
	try("after the redemption")
	if !w.demo.active(held.access) {
		t.Error("a replay that is not valid ended the connection")
	}
	w.demo.token(a.refreshForm(held.refresh)).tokens()
}

// with gives a parameter several values.
func with(form url.Values, name string, values ...string) url.Values {
	form[name] = values
	return form
}

// flip replaces one character by another of the alphabet.
func flip(s string, at int) string {
	replacement := byte('A')
	if s[at] == 'A' {
		replacement = 'Q'
	}
	return s[:at] + string(replacement) + s[at+1:]
}

// Catalogue 162, 163, 186: what has changed since the approval counts.
func TestCodeOfWhatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a := tn.approve(newBrowser(t, w.door), tn.client())
	w.exec(`UPDATE grants SET code_expires_at = now()`)
	tn.token(a.codeForm()).isError(400, "invalid_grant")
	if ttl := value[float64](w, `SELECT extract(epoch FROM code_expires_at - created_at) FROM grants`); ttl > 60 {
		t.Errorf("a code lives %v seconds", ttl)
	}
	w.exec(`UPDATE grants SET code_expires_at = now() + interval '1 minute', revoked_at = now()`)
	tn.token(a.codeForm()).isError(400, "invalid_grant")
	w.exec(`UPDATE grants SET revoked_at = NULL`)
	w.exec(`UPDATE users SET blocked_at = now() WHERE email = $1`, tn.user)
	tn.token(a.codeForm()).isError(400, "invalid_grant") // 163
	w.exec(`UPDATE users SET blocked_at = NULL WHERE email = $1`, tn.user)
	w.exec(`UPDATE clients SET blocked_at = now()`)
	tn.token(a.codeForm()).isError(400, "unauthorized_client") // P28
	w.exec(`UPDATE clients SET blocked_at = NULL`)
	tn.token(a.codeForm("client_id", "unknown-client")).isError(401, "invalid_client") // A23
	w.exec(`UPDATE deployment SET epoch = epoch + 1`)
	if _, door := w.newDoor(); true { // a restore from backup: nothing older works
		got := call(t, door, http.MethodPost, tn.issuer+oauth.PathToken, formHeader, a.codeForm().Encode())
		got.isError(400, "invalid_grant")
	}
	held := tn.token(a.codeForm()).tokens()
	w.exec(`DELETE FROM clients`)
	tn.token(a.refreshForm(held.refresh)).isError(401, "invalid_client")
	if tn.active(held.access) {
		t.Error("the token of a deleted client is active")
	}
}

// The issuer URL of the approval is part of the code and of the refresh token (DESIGN: tokens work only where they were made).
func TestCredentialsWorkAtTheirIssuerURLOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.demo.approve(newBrowser(t, w.door), w.demo.client())
	w.demo.host().token(a.codeForm()).isError(400, "invalid_grant")
	held := w.demo.token(a.codeForm()).tokens()
	w.demo.host().token(a.codeForm()).isError(400, "invalid_grant") // no replay: nothing is revoked
	w.demo.host().token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
	if next := w.demo.token(a.refreshForm(held.refresh)).tokens(); jwtPart(next.access, 1)["iss"] != w.demo.issuer {
		t.Error("another iss after the refresh")
	}
	if active, _ := w.demo.host().introspect(w.demo.guard, held.access).json()["active"].(bool); !active {
		t.Error("a guard may ask at each issuer URL")
	}
}

// Catalogue 164, 165, 167; A22, A23, P14, P15.
func TestTokenEndpointRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	client := tn.client()
	a := tn.approve(newBrowser(t, w.door), client)
	target, before := tn.issuer+oauth.PathToken, w.rows()
	basic := func(text string) http.Header {
		return http.Header{"Content-Type": formHeader["Content-Type"], "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(text))}}
	}
	for _, grant := range []string{"password", "implicit", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange", "AUTHORIZATION_CODE", " authorization_code"} {
		tn.token(a.codeForm("grant_type", grant)).isError(400, "unsupported_grant_type")
	}
	tn.token(a.codeForm("grant_type", "")).isError(400, "invalid_request")
	tn.token(a.codeForm("client_id", "")).isError(401, "invalid_client")
	tn.token(a.codeForm("client_secret", "s3cret")).isError(401, "invalid_client")
	tn.token(a.codeForm("client_id", strings.Repeat("a", 3000))).isError(401, "invalid_client")
	for name, header := range map[string]http.Header{
		"unknown client": basic("nobody:"), "secret of a public client": basic(client + ":secret"), "without colon": basic(client), "not base64": {"Content-Type": formHeader["Content-Type"], "Authorization": {"Basic !"}},
		"broken escape": basic("%zz:"), "NUL in the id": basic("a%00b:"), "invalid UTF-8 in the id": basic("a%ffb:"), "raw invalid UTF-8": basic("a\xffb:"), "huge id": basic(strings.Repeat("a", 5000) + ":"),
	} {
		got := call(t, w.door, http.MethodPost, target, header, a.codeForm("client_id", "").Encode())
		if got.isError(401, "invalid_client"); !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic") {
			t.Errorf("%s: no Basic challenge: %v", name, got.Header)
		}
	}
	call(t, w.door, http.MethodPost, target, basic(client+"x:"), a.codeForm().Encode()).isError(400, "invalid_request")
	form := a.codeForm().Encode()
	call(t, w.door, http.MethodGet, target+"?"+form, nil, "").isError(405, "invalid_request")
	call(t, w.door, http.MethodPost, target+"?"+form, formHeader, "").isError(400, "invalid_request") // the query is not read
	call(t, w.door, http.MethodPost, target, http.Header{"Content-Type": {"application/json"}}, `{"grant_type":"authorization_code"}`).isError(415, "invalid_request")
	call(t, w.door, http.MethodPost, target, http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, form).isError(415, "invalid_request")
	call(t, w.door, http.MethodPost, target, nil, form).isError(415, "invalid_request")
	w.unchanged(before)
	good := call(t, w.door, http.MethodPost, target, basic(client+":"), a.codeForm("client_id", "").Encode()) // P14: an empty secret is none
	if good.tokens(); strings.Contains(good.body, "null") {                                                   // A21
		t.Errorf("%s", good.body)
	}
}

// P11, A26: clients that never refresh work an hour, and those that do come back after a month.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a := tn.approve(newBrowser(t, w.door), tn.client())
	got := tn.token(a.codeForm())
	if c := claims(t, got.tokens().access); c.Expires-c.IssuedAt != 3600 || got.json()["expires_in"] != float64(3600) {
		t.Errorf("%d seconds, expires_in %v", c.Expires-c.IssuedAt, got.json()["expires_in"])
	}
	if !value[bool](w, `SELECT idle_expires_at - rotated_at >= interval '30 days' AND expires_at - created_at >= interval '365 days' FROM grants`) {
		t.Error("a refresh token ends sooner")
	}
}

// Catalogue 215: whoever gets the address of a deleted account is somebody else, and nothing of the old one works.
func TestRecycledAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tn := w.demo
	a, held := tn.connected(newBrowser(t, w.door), tn.client())
	w.exec(`DELETE FROM users WHERE project_id = $1::text::uuid AND email = $2`, tn.project.ID.String(), tn.user)
	again := tn.addUser(tn.user)
	if claims(t, held.access).Subject == again.String() {
		t.Error("the subject is given twice")
	}
	if tn.active(held.access) {
		t.Error("the old access token is active")
	}
	tn.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
	_, mine := tn.connected(newBrowser(t, w.door), tn.client())
	if got := claims(t, mine.access).Subject; got != again.String() {
		t.Errorf("subject %s, want %s", got, again)
	}
}
