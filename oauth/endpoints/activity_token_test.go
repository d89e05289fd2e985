package endpoints_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

const (
	otherVerifier     = "another-verifier-another-verifier-another-v"
	otherSecret       = "not-the-secret-of-this-client-not-the-secret"
	secondServer      = "https://second.example.com/mcp"
	syntaxOfAVerifier = "43 to 128 of A-Z a-z 0-9 - . _ ~"
)

// challengeOf is the code_challenge of a verifier (RFC 7636 section 4.2).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// exchange is a client at the token endpoint: what it holds, and what the timeline may never hold.
type exchange struct {
	*tenant
	seat     *browser
	clientID string
	stranger string // another client of the project
	hidden   []string
}

// named registers a client that is one of its own: the same registration again would be the same client.
func (tn *tenant) named(words ...string) string {
	return tn.register(`{"client_name":"` + strings.Join(words, " ") + `","redirect_uris":["` + registered + `"],"grant_types":["authorization_code","refresh_token"]}`)
}

// approved is an approval of the client's, whose code nobody used.
func (e *exchange) approved() approval {
	a := e.approve(e.seat, e.clientID)
	e.hidden = append(e.hidden, a.code)
	return a
}

// holding is a connection of the client's.
func (e *exchange) holding() (approval, tokens) {
	a := e.approved()
	return a, e.keep(e.token(a.codeForm()).tokens())
}

func (e *exchange) keep(held tokens) tokens {
	e.hidden = append(e.hidden, held.access, held.refresh)
	return held
}

// tokenReasons is what can be wrong at the token endpoint, and how the owner of the project sees it: step|code|parameter|got|expected|reason.
// A name in braces stands for what only the run knows. Where the client's own answer is no more than its code, its row here says which of
// them it was.
var tokenReasons = map[string]struct {
	do   func(e *exchange)
	want string
}{
	"wrong code_verifier": {func(e *exchange) {
		e.token(e.approved().codeForm("code_verifier", otherVerifier)).isError(400, "invalid_grant")
	}, "token|invalid_grant|code_verifier|" + challengeOf(otherVerifier) + "|" + challengeOf(testVerifier) +
		"|The code_verifier does not belong to the code_challenge of the authorization request"},
	"code_verifier of another syntax": {func(e *exchange) {
		e.token(e.approved().codeForm("code_verifier", otherVerifier[:20])).isError(400, "invalid_grant")
	}, "token|invalid_grant|code_verifier|20 characters|" + syntaxOfAVerifier + "|Expected a code_verifier of 43 to 128 unreserved characters"},
	"no code_verifier": {func(e *exchange) {
		e.token(e.approved().codeForm("code_verifier", "")).isError(400, "invalid_request")
	}, "token|invalid_request|code_verifier||" + syntaxOfAVerifier + "|The parameter code_verifier is missing"},
	"no code": {func(e *exchange) {
		e.token(e.approved().codeForm("code", "")).isError(400, "invalid_request")
	}, "token|invalid_request|code|||The parameter code is missing"},
	"code of nobody": {func(e *exchange) {
		a := e.approved()
		broken := flip(a.code, len(a.code)-5)
		e.hidden = append(e.hidden, broken)
		e.token(a.codeForm("code", broken)).isError(400, "invalid_grant")
	}, "token|invalid_grant|code|||The code is none that this project issued"},
	"used code": {func(e *exchange) {
		a, _ := e.holding()
		e.token(a.codeForm()).isError(400, "invalid_grant")
	}, "token|invalid_grant|code|used|unused|The code was used before. What it had given is revoked"},
	"used code, and another verifier": {func(e *exchange) { // which is no replay, and ends nothing
		a, held := e.holding()
		e.token(a.codeForm("code_verifier", otherVerifier)).isError(400, "invalid_grant")
		if revoked := e.w.lineage(held.access).revoked; revoked != "" {
			e.w.t.Errorf("the connection was ended: %s", revoked)
		}
	}, "token|invalid_grant|code|used at {now}|unused|The code was used before"},
	"expired code": {func(e *exchange) {
		a := e.approved()
		e.w.exec(`UPDATE grants SET created_at = now() - interval '90 seconds', code_expires_at = now() - interval '30 seconds' WHERE client_id = $1`, e.clientID)
		e.token(a.codeForm()).isError(400, "invalid_grant")
	}, "token|invalid_grant|code|90 s old|at most 60 s old|The code has expired"},
	"code of another client": {func(e *exchange) {
		e.token(e.approved().codeForm("client_id", e.stranger)).isError(400, "invalid_grant")
	}, "token|invalid_grant|client_id|{stranger}|{client}|It was issued to another client"},
	"other redirect URI": {func(e *exchange) {
		e.token(e.approved().codeForm("redirect_uri", "http://127.0.0.1:41235/callback")).isError(400, "invalid_grant")
	}, "token|invalid_grant|redirect_uri|http://127.0.0.1:41235/callback|" + testCallback + "|The redirect_uri is not that of the authorization request"},
	"other resource": {func(e *exchange) {
		e.token(e.approved().codeForm("resource", secondServer)).isError(400, "invalid_target")
	}, "token|invalid_target|resource|" + secondServer + "|{resource}|The code was issued for another resource"},
	"unknown resource": {func(e *exchange) {
		e.token(e.approved().codeForm("resource", "https://nowhere.example.com/mcp")).isError(400, "invalid_target")
	}, "token|invalid_target|resource|https://nowhere.example.com/mcp|{resource} or " + secondServer + "|Unknown resource. Expected: {resource} or " + secondServer},
	"other address of the project": {func(e *exchange) {
		e.host().token(e.approved().codeForm()).isError(400, "invalid_grant")
	}, "token|invalid_grant|issuer|{host}|{issuer}|It was issued at another address of this project"},
	"blocked account": {func(e *exchange) {
		a := e.approved()
		e.w.exec(`UPDATE users SET blocked_at = now() WHERE email = $1`, e.user)
		e.token(a.codeForm()).isError(400, "invalid_grant")
		e.w.exec(`UPDATE users SET blocked_at = NULL WHERE email = $1`, e.user)
	}, "token|invalid_grant|account|blocked|not blocked|The account is blocked"},
	"wrong client secret": {func(e *exchange) {
		id, own := e.confidential(oauth.AuthMethodPost)
		e.clientID, e.hidden = id, append(e.hidden, own, otherSecret)
		e.token(e.approved().codeForm("client_secret", otherSecret)).isError(401, "invalid_client")
	}, "token|invalid_client|client_secret|||The client secret is wrong"},
	"wrong client secret in the header": {func(e *exchange) {
		id, own := e.confidential(oauth.AuthMethodBasic)
		e.clientID, e.hidden = id, append(e.hidden, own, otherSecret)
		header := http.Header{"Content-Type": formHeader["Content-Type"], "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+otherSecret))}}
		call(e.w.t, e.w.door, http.MethodPost, e.issuer+oauth.PathToken, header, e.approved().codeForm("client_id", "").Encode()).isError(401, "invalid_client")
	}, "token|invalid_client|client_secret|||The client secret is wrong"},
	"no client secret": {func(e *exchange) {
		id, own := e.confidential(oauth.AuthMethodPost)
		e.clientID, e.hidden = id, append(e.hidden, own)
		e.token(e.approved().codeForm()).isError(401, "invalid_client")
	}, "token|invalid_client|token_endpoint_auth_method|none|client_secret_post|The client proves who it is in another way than it registered"},
	"secret of a client that has none": {func(e *exchange) {
		e.hidden = append(e.hidden, otherSecret)
		e.token(e.approved().codeForm("client_secret", otherSecret)).isError(401, "invalid_client")
	}, "token|invalid_client|token_endpoint_auth_method|client_secret_post|none|The client proves who it is in another way than it registered"},

	"refresh token of nobody": {func(e *exchange) {
		a, held := e.holding()
		broken := flip(held.refresh, len(held.refresh)-5)
		e.hidden = append(e.hidden, broken)
		e.token(a.refreshForm(broken)).isError(400, "invalid_grant")
	}, "refresh|invalid_grant|refresh_token|||The refresh token is none that this project issued"},
	"reused refresh token": {func(e *exchange) {
		a, held := e.holding()
		first := held.refresh
		for range 2 {
			held = e.keep(e.token(a.refreshForm(held.refresh)).tokens())
		}
		e.token(a.refreshForm(first)).isError(400, "invalid_grant")
	}, "refresh|invalid_grant|refresh_token|number 1|number 3|The refresh token was used before. The connection is revoked"},
	"refresh token of a connection that reuse ended": {func(e *exchange) {
		a, held := e.holding()
		e.w.exec(`UPDATE grants SET revoked_at = now(), revoked_reason = 'refresh_token_reused' WHERE client_id = $1`, e.clientID)
		e.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
	}, "refresh|invalid_grant|refresh_token|ended at {now}||An old refresh token was used again, which ended the connection"},
	"unused for too long": {func(e *exchange) {
		a, held := e.holding()
		e.w.exec(`UPDATE grants SET idle_expires_at = now() WHERE client_id = $1`, e.clientID)
		e.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
		e.w.exec(`UPDATE grants SET idle_expires_at = now() + interval '1 day' WHERE client_id = $1`, e.clientID)
	}, "refresh|invalid_grant|refresh_token|presented at {now}|before {now}|The refresh token was unused for too long"},
	"past its longest life": {func(e *exchange) {
		a, held := e.holding()
		e.w.exec(`UPDATE grants SET expires_at = now() WHERE client_id = $1`, e.clientID)
		e.token(a.refreshForm(held.refresh)).isError(400, "invalid_grant")
		e.w.exec(`UPDATE grants SET expires_at = now() + interval '1 day' WHERE client_id = $1`, e.clientID)
	}, "refresh|invalid_grant|refresh_token|presented at {now}|before {now}|The connection is past its longest life"},
	"refresh token of another client": {func(e *exchange) {
		a, held := e.holding()
		e.token(a.refreshForm(held.refresh, "client_id", e.stranger)).isError(400, "invalid_grant")
	}, "refresh|invalid_grant|client_id|{stranger}|{client}|It was issued to another client"},
	"refresh token for another resource": {func(e *exchange) {
		a, held := e.holding()
		e.token(a.refreshForm(held.refresh, "resource", secondServer)).isError(400, "invalid_target")
	}, "refresh|invalid_target|resource|" + secondServer + "|{resource}|The refresh token was issued for another resource"},
}

// Each thing that can be wrong at the token endpoint has a row of its own, with what came and what would have been right, whatever the
// client itself is told; and no row holds a code, a verifier, a token or a secret, neither the right one nor the one that came.
func TestTimelineTellsTokenReasonsApart(t *testing.T) {
	t.Parallel()
	tl := newTimeline(t)
	tn := tl.demo
	tl.exec(`INSERT INTO mcp_servers (project_id, id, name, resource) VALUES ($1::text::uuid, gen_random_uuid(), 'Second', $2)`, tn.project.ID.String(), secondServer)
	tl.forget()
	seat := newBrowser(t, tl.door)
	hidden := []string{testVerifier, otherVerifier, otherVerifier[:20], userPassword, tn.guard}
	for name, c := range tokenReasons {
		e := &exchange{tenant: tn, seat: seat, clientID: tn.named("App", name), stranger: tn.named("Stranger", name)}
		c.do(e)
		tl.told(name, e, c.want)
		hidden = append(hidden, e.hidden...)
	}
	told := value[string](tl.world, `SELECT string_agg(a::text, E'\n') FROM activity a`)
	for _, private := range hidden {
		if private == "" || strings.Contains(told, private) {
			t.Errorf("the timeline holds %q", private)
		}
	}
}

// told compares the failure that the owner is shown of the exchange's client, or of the stranger that came with what is the client's.
func (tl *timeline) told(name string, e *exchange, want string) {
	tl.t.Helper()
	var got []string
	for _, a := range tl.attempts(e.tenant, tenants.ActivityFilter{Failures: true}) {
		s, failed := a.Failure()
		if failed && (s.ClientID == e.clientID || s.ClientID == e.stranger) {
			got = append(got, strings.Join([]string{string(s.Step), s.Code, s.Parameter, s.Got, s.Expected, s.Reason}, "|"))
			if s.Advice == "" || a.State(time.Now()) != tenants.StateFailed {
				tl.t.Errorf("%s: state %s, advice %q", name, a.State(time.Now()), s.Advice)
			}
		}
	}
	want = strings.NewReplacer("{client}", e.clientID, "{stranger}", e.stranger, "{resource}", e.server.Resource, "{issuer}", e.issuer, "{host}", e.host().issuer).Replace(want)
	if len(got) != 1 || withoutTimes(got[0]) != want {
		tl.t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
	}
}

// withoutTimes puts {now} for every time of the last two minutes.
func withoutTimes(row string) string {
	fields := strings.Split(row, "|")
	for i, field := range fields {
		at := strings.Index(field, "20")
		if moment, err := time.Parse("2006-01-02 15:04:05 MST", field[max(at, 0):]); err == nil && time.Since(moment).Abs() < 2*time.Minute {
			fields[i] = field[:at] + "{now}"
		}
	}
	return strings.Join(fields, "|")
}
