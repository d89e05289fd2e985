package doctor_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"mcpauth.example/internal/doctor"
)

func examine(t *testing.T, address string, register bool) doctor.Report {
	t.Helper()
	return doctor.Run(t.Context(), address, doctor.Options{Client: &http.Client{Timeout: 5 * time.Second}, Register: register})
}

// A server that keeps to the checklists passes without a remark, at whatever places a client looks (A2 to A4, R1 to R6, P1, P15, P18).
func TestGoodServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	report := examine(t, s.url+"/mcp", true)
	if len(report.Steps) < 12 || !report.Passed {
		t.Errorf("%d steps, passed %t", len(report.Steps), report.Passed)
	}
	for _, step := range report.Steps {
		if len(step.Findings) > 0 {
			t.Errorf("%s: %+v", step.Request, step.Findings)
		}
	}
	delete(s.answers, placeRoot) // of a server with a path nobody has to look there
	if report := examine(t, s.url+"/mcp", false); !report.Passed {
		t.Errorf("without metadata at the root: %+v", report)
	}
}

// Each fault is named once, at the request that shows it, with what was expected and what to do (R1 to R6, A2 to A10, A22, P1, P15 to P18, P26).
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil   func(s *server)
		address string // "" for /mcp
		request string // end of the request at which it is found
		level   doctor.Level
		want    string // part of the difference
	}{
		"trailing slash typed":    {func(s *server) { s.answers["POST /mcp/"] = s.answers[placeMCP] }, "/mcp/", "/oauth-protected-resource/mcp", doctor.Fail, "resource is not what was typed (trailing slash)"},
		"case typed":              {func(s *server) { s.answers["POST /MCP"] = s.answers[placeMCP] }, "/MCP", "/oauth-protected-resource/mcp", doctor.Fail, "(case)"},
		"https in resource":       {func(s *server) { s.resource("resource", strings.Replace(s.url, "http:", "https:", 1)+"/mcp") }, "", "/oauth-protected-resource/mcp", doctor.Fail, "(scheme)"},
		"other path in resource":  {func(s *server) { s.resource("resource", s.url+"/other") }, "", "/oauth-protected-resource/mcp", doctor.Fail, "(path)"},
		"other host in resource":  {func(s *server) { s.resource("resource", "http://elsewhere.localhost/mcp") }, "", "/oauth-protected-resource/mcp", doctor.Fail, "(host)"},
		"no resource":             {func(s *server) { s.resource("resource", nil) }, "", "/oauth-protected-resource/mcp", doctor.Fail, "(missing)"},
		"offline_access":          {func(s *server) { s.resource("scopes_supported", []any{"offline_access", "mcp:tools"}) }, "", "/oauth-protected-resource/mcp", doctor.Fail, "offline_access"},
		"no issuer":               {func(s *server) { s.resource("authorization_servers", []any{}) }, "", "/oauth-protected-resource/mcp", doctor.Fail, "authorization_servers is missing or empty"},
		"two issuers":             {func(s *server) { s.member(placeRoot, "authorization_servers", []any{s.url}) }, "", "/oauth-protected-resource", doctor.Fail, "authorization_servers differs between places"},
		"no guard":                {func(s *server) { s.answers[placeMCP].status = 200 }, "", "POST {url}/mcp", doctor.Fail, "expected 401, got 200"},
		"forbidden":               {func(s *server) { s.answers[placeMCP].status = 403 }, "", "POST {url}/mcp", doctor.Fail, "expected 401, got 403"},
		"no challenge":            {func(s *server) { s.head(placeMCP, "WWW-Authenticate", "") }, "", "POST {url}/mcp", doctor.Fail, "expected a Bearer challenge"},
		"Basic challenge":         {func(s *server) { s.head(placeMCP, "WWW-Authenticate", `Basic realm="x"`) }, "", "POST {url}/mcp", doctor.Fail, `got WWW-Authenticate "Basic`},
		"no resource_metadata":    {func(s *server) { s.head(placeMCP, "WWW-Authenticate", `Bearer scope="mcp:tools"`) }, "", "POST {url}/mcp", doctor.Fail, "no resource_metadata"},
		"challenge without scope": {func(s *server) { s.challenge("") }, "", "POST {url}/mcp", doctor.Warn, "no scope"},
		"unknown scope":           {func(s *server) { s.challenge("made:up") }, "", "scopes of challenge", doctor.Fail, `scope "made:up", which the authorization server does not list`},
		"unknown resource scope":  {func(s *server) { s.resource("scopes_supported", []any{"made:up"}) }, "", "scopes of challenge", doctor.Fail, `the resource lists scope "made:up"`},
		"challenge hidden":        {func(s *server) { s.head(placeMCP, "Access-Control-Expose-Headers", "") }, "", "POST {url}/mcp", doctor.Warn, "Expose-Headers lacks WWW-Authenticate"},
		"no CORS":                 {func(s *server) { s.head(placeMCP, "Access-Control-Allow-Origin", "") }, "", "POST {url}/mcp", doctor.Fail, "expected Access-Control-Allow-Origin *"},
		"preflight refused":       {func(s *server) { s.answers["OPTIONS /mcp"] = &answer{status: 401} }, "", "OPTIONS {url}/mcp", doctor.Fail, "preflight refused"},
		"preflight of a star": {func(s *server) {
			s.answers["OPTIONS /mcp"] = &answer{status: 204, header: map[string]string{"Access-Control-Allow-Headers": "*"}}
		}, "", "OPTIONS {url}/mcp", doctor.Fail, "lacks Authorization"},
		"metadata redirects": {func(s *server) {
			s.answers[placeIssuer] = &answer{status: 302, header: map[string]string{"Location": "/elsewhere"}}
		}, "", "/oauth-authorization-server/issuer", doctor.Fail, `redirects to "/elsewhere"`},
		"metadata is a page": {func(s *server) {
			s.answers[placeResource] = &answer{status: 200, header: map[string]string{"Content-Type": "text/html"}, body: "<html>"}
		}, "", "/oauth-protected-resource/mcp", doctor.Fail, `expected Content-Type application/json, got "text/html"`},
		"issuer with slash":  {func(s *server) { s.member(placeIssuer, "issuer", s.url+"/issuer/") }, "", "/oauth-authorization-server/issuer", doctor.Fail, "issuer differs (trailing slash)"},
		"no issuer metadata": {func(s *server) { delete(s.answers, placeIssuer) }, "", placeOpenIDIn[4:], doctor.Fail, "no place has readable metadata"},
		"issuer fails":       {func(s *server) { s.answers[placeOpenID] = &answer{status: 500} }, "", "/openid-configuration/issuer", doctor.Fail, "expected 200 or 404, got 500"},
		"half of OpenID":     {func(s *server) { s.answers[placeOpenID] = s.answers[placeIssuer] }, "", "/openid-configuration/issuer", doctor.Fail, "half filled"},
		"no PKCE":            {func(s *server) { s.member(placeIssuer, "code_challenge_methods_supported", []any{"plain"}) }, "", "/oauth-authorization-server/issuer", doctor.Fail, "lacks S256"},
		"no way in": {func(s *server) {
			s.member(placeIssuer, "registration_endpoint", nil)
			s.member(placeIssuer, "client_id_metadata_document_supported", nil)
		}, "", "/oauth-authorization-server/issuer", doctor.Fail, "clients cannot introduce themselves"},
		"no documents":        {func(s *server) { s.member(placeIssuer, "client_id_metadata_document_supported", nil) }, "", "/oauth-authorization-server/issuer", doctor.Warn, "client_id_metadata_document_supported is not true"},
		"no iss":              {func(s *server) { s.member(placeIssuer, "authorization_response_iss_parameter_supported", false) }, "", "/oauth-authorization-server/issuer", doctor.Warn, "iss_parameter_supported is not true"},
		"no token endpoint":   {func(s *server) { s.member(placeIssuer, "token_endpoint", nil) }, "", "/oauth-authorization-server/issuer", doctor.Fail, "token_endpoint is missing"},
		"http endpoint":       {func(s *server) { s.member(placeIssuer, "authorization_endpoint", "http://login.example/authorize") }, "", "/oauth-authorization-server/issuer", doctor.Fail, "authorization_endpoint is not an https URL"},
		"wrong type":          {func(s *server) { s.member(placeIssuer, "scopes_supported", "mcp:tools") }, "", "/oauth-authorization-server/issuer", doctor.Fail, "the body cannot be read"},
		"no keys":             {func(s *server) { s.answers[placeKeys].body = `{"keys":[]}` }, "", "/issuer/jwks", doctor.Fail, "the key set has no keys"},
		"private key":         {func(s *server) { s.answers[placeKeys].body = `{"keys":[{"kty":"EC","d":"x"}]}` }, "", "/issuer/jwks", doctor.Fail, `key 1 has the private member "d"`},
		"key without kind":    {func(s *server) { s.answers[placeKeys].body = `{"keys":[{}]}` }, "", "/issuer/jwks", doctor.Fail, "key 1 has no kty"},
		"token error is HTML": {func(s *server) { s.answers[placeToken].body = "<html>" }, "", "POST {url}/issuer/token", doctor.Fail, "the body is not a JSON object"},
		"token error is 404":  {func(s *server) { s.answers[placeToken].status = 404 }, "", "POST {url}/issuer/token", doctor.Fail, "expected 401 or 400, got 404"},
		"unknown client is invalid_grant": {func(s *server) {
			s.answers[placeToken] = &answer{status: 400, body: `{"error":"invalid_grant"}`}
		}, "", "POST {url}/issuer/token", doctor.Warn, `expected 401 invalid_client for an unknown client, got 400 "invalid_grant"`},
		"registration says null": {func(s *server) {
			s.answers[placeRegister].body = `{"client_id":"1","redirect_uris":["http://127.0.0.1:33418/callback"],"logo_uri":null}`
		}, "", "/issuer/register", doctor.Fail, `null for "logo_uri"`},
		"registration gives secrets": {func(s *server) { s.member(placeRegister, "client_secret", "x") }, "", "/issuer/register", doctor.Fail, "a public client got a secret"},
		"registration refused":       {func(s *server) { s.answers[placeRegister].status = 400 }, "", "/issuer/register", doctor.Fail, "registration: expected 201, got 400"},
		"answer without end":         {func(s *server) { s.answers[placeKeys] = &answer{status: 200, stream: endless} }, "", "/issuer/jwks", doctor.Fail, "the key set cannot be read"},
		"control characters":         {func(s *server) { s.member(placeIssuer, "issuer", "\x1b[2Jgone") }, "", "/oauth-authorization-server/issuer", doctor.Fail, `\x1b[2Jgone`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			c.spoil(s)
			if c.address == "" {
				c.address = "/mcp"
			}
			report := examine(t, s.url+c.address, true)
			found := false
			for _, step := range report.Steps {
				for _, f := range step.Findings {
					at := strings.HasSuffix(step.Request, strings.ReplaceAll(c.request, "{url}", s.url)) || strings.HasPrefix(step.Request, c.request)
					if at && f.Level == c.level && strings.Contains(f.Difference, c.want) {
						found = true
					}
					if f.Advice == "" || strings.ContainsFunc(f.Difference+f.Advice, func(r rune) bool { return r < ' ' }) {
						t.Errorf("%s: %+q", step.Request, f)
					}
					if c.level == doctor.Warn && f.Level == doctor.Fail {
						t.Errorf("%s fails: %s", step.Request, f.Difference)
					}
				}
			}
			if !found || report.Passed != (c.level == doctor.Warn) {
				var out bytes.Buffer
				_ = report.Print(&out)
				t.Errorf("expected a %s at %s: %s; passed %t in\n%s", c.level, c.request, c.want, report.Passed, out.String())
			}
		})
	}
}

// endless writes more than anybody reads.
func endless(w http.ResponseWriter) {
	chunk := bytes.Repeat([]byte("{"), 64<<10)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// resource changes the metadata at both places.
func (s *server) resource(name string, value any) {
	s.member(placeResource, name, value)
	s.member(placeRoot, name, value)
}

// challenge asks for other scopes.
func (s *server) challenge(scope string) {
	value := `Bearer resource_metadata="` + s.url + `/.well-known/oauth-protected-resource/mcp"`
	if scope != "" {
		value += `, scope="` + scope + `"`
	}
	s.head(placeMCP, "WWW-Authenticate", value)
}

// What people type is checked before anything is sent.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"mcp.example/mcp": "it is not an http or https URL", "": "it is not an http or https URL", "https://a@mcp.example/": "a fragment or a user name",
		"https://mcp.example/#x": "a fragment or a user name", "ftp://mcp.example/": "it is not an http or https URL",
	} {
		report := doctor.Run(t.Context(), address, doctor.Options{})
		if report.Passed || len(report.Steps) != 1 || !strings.Contains(report.Steps[0].Findings[0].Difference, want) {
			t.Errorf("%q: %+v", address, report.Steps)
		}
	}
	closed := newServer(t)
	address := strings.Replace(closed.url, "127.0.0.1", "127.0.0.2", 1) + "/mcp"
	if report := examine(t, address, false); report.Passed || report.Steps[0].Answer != "no answer" {
		t.Errorf("nobody listens: %+v", report.Steps[0])
	}
}

// The report is for people and for scripts.
func TestReport(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.member(placeIssuer, "code_challenge_methods_supported", nil)
	report := examine(t, s.url+"/mcp", false)
	var text bytes.Buffer
	if err := report.Print(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pass  POST " + s.url + "/mcp: 401 Unauthorized", "FAIL  GET " + s.url + "/.well-known/oauth-authorization-server/issuer: 200 OK",
		"fail: code_challenge_methods_supported lacks S256", "do:   support PKCE with S256", "1 failures, 0 warnings"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "/issuer/register: 201") {
		t.Error("it registered without being asked to")
	}
	encoded, err := json.Marshal(report)
	if err != nil || !strings.Contains(string(encoded), `"passed":false`) || !strings.Contains(string(encoded), `"findings":[]`) {
		t.Errorf("%v %s", err, encoded)
	}
}
