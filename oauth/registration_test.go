package oauth

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func parseBody(issuer *Issuer, body string) (Registration, []string, *Error) {
	members, refused := readMembers([]byte(body))
	if refused != nil {
		return Registration{}, nil, refused
	}
	return parseRegistration(issuer, members)
}

// Bodies recorded from real clients (A30 to A33, P4, P13, P16, P24).
func TestRegistrationBodiesOfRealClients(t *testing.T) {
	t.Parallel()
	both := []string{"authorization_code", "refresh_token"}
	for name, c := range map[string]struct {
		body, kind string
		grants     []string
		stored     []string
	}{
		"mcp-remote": {`{"redirect_uris":["http://localhost:17363/oauth/callback"],"token_endpoint_auth_method":"none",
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"MCP CLI Client","client_uri":"https://github.com/modelcontextprotocol/mcp-cli",
			"software_id":"2e6dc280-f3c3-4e01-99a7-8181dbd1d23d","software_version":"0.15.1","scope":"mcp:read offline_access","application_type":"native"}`,
			"native", both, []string{"http://localhost/oauth/callback"}},
		"Inspector": {`{"redirect_uris":["http://127.0.0.1:6276/oauth/callback"],"token_endpoint_auth_method":"none",
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector"}`,
			"native", both, []string{"http://127.0.0.1/oauth/callback"}},
		"Codex": {`{"client_name":"Codex","redirect_uris":["http://127.0.0.1:44253/callback"],"grant_types":["authorization_code","refresh_token"],
			"token_endpoint_auth_method":"none","response_types":["code"],"scope":"mcp:read offline_access","application_type":"native"}`,
			"native", both, []string{"http://127.0.0.1/callback"}},
		"Claude Code": {`{"client_name":"Claude Code (demo2)","redirect_uris":["http://localhost:62234/callback"],"grant_types":["authorization_code","refresh_token"],
			"response_types":["code"],"token_endpoint_auth_method":"none","scope":"mcp:read"}`, "native", both, []string{"http://localhost/callback"}},
		"opencode": {`{"redirect_uris":["http://127.0.0.1:19876/mcp/oauth/callback"],"client_name":"OpenCode","client_uri":"https://opencode.ai",
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
			"native", both, []string{"http://127.0.0.1/mcp/oauth/callback"}},
		"Cursor": {`{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","http://localhost:8787/callback"],
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`,
			"native", both, []string{"cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost/callback"}},
		"VS Code": {`{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
			"response_types":["code"],"redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://127.0.0.1/","http://127.0.0.1:33418/"],
			"token_endpoint_auth_method":"none","application_type":"native"}`,
			"native", both, []string{"http://127.0.0.1/", "https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect"}},
		"Claude": {`{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback","https://claude.com/api/mcp/auth_callback"],
			"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post","scope":"mcp:tools"}`,
			"web", both, []string{"https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"}},
		"nothing but redirect URIs": {`{"redirect_uris":["https://client.example/cb"]}`, "web", []string{"authorization_code"}, []string{"https://client.example/cb"}},
		"nulls, empty links, unknown members": {`{"redirect_uris":["https://client.example/cb"],"scope":null,"client_uri":"","logo_uri":null,"tos_uri":"http://x.example",
			"backchannel_logout_uri":5,"x":{"y":[1,{"z":null}]}}`, "web", []string{"authorization_code"}, []string{"https://client.example/cb"}},
	} {
		registration, stored, refused := parseBody(&Issuer{}, c.body)
		if refused != nil {
			t.Errorf("%s: %v", name, refused)
			continue
		}
		if registration.ApplicationType != c.kind || !slices.Equal(registration.GrantTypes, c.grants) || !slices.Equal(stored, c.stored) ||
			registration.TokenEndpointAuthMethod != cmp.Or(sentMethod(c.body), "none") || !slices.Equal(registration.ResponseTypes, []string{"code"}) || registration.ClientName == "" {
			t.Errorf("%s: %+v, stored %q", name, registration, stored)
		}
		var sent struct {
			RedirectURIs []string `json:"redirect_uris"`
		}
		if json.Unmarshal([]byte(c.body), &sent) != nil || !slices.Equal(sent.RedirectURIs, registration.RedirectURIs) {
			t.Errorf("%s: redirect URIs are not echoed: %q", name, registration.RedirectURIs) // A30
		}
		encoded, err := json.Marshal(registration)
		if err != nil || strings.Contains(string(encoded), "null") || strings.Contains(string(encoded), `""`) && registration.ClientID != "" ||
			strings.Contains(string(encoded), `"client_secret"`) { // P16, A31
			t.Errorf("%s: %s, %v", name, encoded, err)
		}
	}
}

// sentMethod is the client authentication method that a body asks for.
func sentMethod(body string) string {
	var sent struct {
		Method string `json:"token_endpoint_auth_method"`
	}
	_ = json.Unmarshal([]byte(body), &sent)
	return sent.Method
}

// Catalogue 24 to 32.
func TestRegistrationRefusesHostileBodies(t *testing.T) {
	t.Parallel()
	good := `"redirect_uris":["https://client.example/cb"]`
	many := strings.Repeat(`"https://client.example/cb",`, 20) + `"https://client.example/cb"`
	for name, c := range map[string]struct {
		body string
		code Code
	}{
		"empty":                        {"", InvalidClientMetadata},
		"array":                        {"[]", InvalidClientMetadata},
		"string":                       {`"x"`, InvalidClientMetadata},
		"null":                         {"null", InvalidClientMetadata},
		"truncated":                    {`{` + good, InvalidClientMetadata},
		"second document":              {`{` + good + `}{}`, InvalidClientMetadata},
		"trailing text":                {`{` + good + `} x`, InvalidClientMetadata},
		"deep (24)":                    {`{` + good + `,"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, InvalidClientMetadata},
		"repeated member (25)":         {`{` + good + `,` + good + `}`, InvalidClientMetadata},
		"repeated by escape (25)":      {`{` + good + `,"redirect\u005furis":["https://evil.test/"]}`, InvalidClientMetadata},
		"other case only (25)":         {`{"Redirect_URIs":["https://client.example/cb"]}`, InvalidRedirectURI},
		"invalid UTF-8 (25)":           {"{" + good + ",\"client_name\":\"\xff\"}", InvalidClientMetadata},
		"invalid UTF-8 in a key (25)":  {"{" + good + ",\"x\xff\":1}", InvalidClientMetadata},
		"NUL in the name (25)":         {`{` + good + `,"client_name":"a\u0000b"}`, InvalidClientMetadata},
		"NUL in a contact (25)":        {`{` + good + `,"contacts":["a\u0000b"]}`, InvalidClientMetadata},
		"NUL in a redirect (25)":       {`{"redirect_uris":["https://client.example/\u0000"]}`, InvalidRedirectURI},
		"no redirect URIs":             {`{}`, InvalidRedirectURI},
		"null redirect URIs":           {`{"redirect_uris":null}`, InvalidRedirectURI},
		"empty redirect URIs":          {`{"redirect_uris":[]}`, InvalidRedirectURI},
		"redirect URIs as a string":    {`{"redirect_uris":"https://client.example/cb"}`, InvalidRedirectURI},
		"redirect URIs of other types": {`{"redirect_uris":[1,{}]}`, InvalidRedirectURI},
		"a null among redirect URIs":   {`{"redirect_uris":["https://client.example/cb",null]}`, InvalidRedirectURI},
		"too many redirect URIs (24)":  {`{"redirect_uris":[` + many + `]}`, InvalidRedirectURI},
		"one bad of two":               {`{"redirect_uris":["https://client.example/cb","javascript:alert(1)"]}`, InvalidRedirectURI},
		"script redirect (18)":         {`{"redirect_uris":["javascript:alert(1)"]}`, InvalidRedirectURI},
		"ourselves (23)":               {`{"redirect_uris":["https://demo.mcpauth.example/oauth/authorize"]}`, InvalidRedirectURI},
		"name of another type":         {`{` + good + `,"client_name":5}`, InvalidClientMetadata},
		"name of 10 KB (28)":           {`{` + good + `,"client_name":"` + strings.Repeat("a", 10<<10) + `"}`, InvalidClientMetadata},
		"machine grant only (27)":      {`{` + good + `,"grant_types":["client_credentials"]}`, InvalidClientMetadata},
		"password grant only (27)":     {`{` + good + `,"grant_types":["password","implicit"]}`, InvalidClientMetadata},
		"refresh only":                 {`{` + good + `,"grant_types":["refresh_token"]}`, InvalidClientMetadata},
		"implicit response type (27)":  {`{` + good + `,"response_types":["token"]}`, InvalidClientMetadata},
		"grant types of another type":  {`{` + good + `,"grant_types":"authorization_code"}`, InvalidClientMetadata},
		"both jwks and jwks_uri (30)":  {`{` + good + `,"jwks":{"keys":[]},"jwks_uri":"https://client.example/jwks"}`, InvalidClientMetadata},
		"software statement (31)":      {`{` + good + `,"software_statement":"eyJhbGciOiJub25lIn0.e30."}`, UnapprovedSoftwareStatement},
		"contacts of another type":     {`{` + good + `,"contacts":"x"}`, InvalidClientMetadata},
	} {
		issuer := &Issuer{URLs: []string{"https://demo.mcpauth.example"}}
		if registration, _, refused := parseBody(issuer, c.body); refused == nil {
			t.Errorf("%s: accepted as %+v", name, registration)
		} else if refused.Code != c.code || refused.Status() != 400 || strings.ContainsAny(refused.Description, "\"\\\n") {
			t.Errorf("%s: %v", name, refused)
		}
	}
}

// Catalogue 26, 27, 29: what a registration must not get by asking.
func TestRegistrationGrantsNoPrivilege(t *testing.T) {
	t.Parallel()
	registration, _, refused := parseBody(&Issuer{}, `{"redirect_uris":["https://client.example/cb"],"client_id":"mine","client_secret":"s","client_id_issued_at":1,
		"project_id":"p","verified":true,"skip_consent":true,"Client_Name":"Other","CLIENT_NAME":"Third","grant_types":["authorization_code","client_credentials","password",
		"urn:ietf:params:oauth:grant-type:token-exchange"],"response_types":["code","token"],"logo_uri":"javascript:alert(1)","client_uri":"https://user@client.example/",
		"tos_uri":"http://client.example/","policy_uri":"data:text/html,x","scope":"admin mcp:tools","token_endpoint_auth_method":"tls_client_auth","jwks_uri":"http://169.254.169.254/"}`)
	if refused != nil {
		t.Fatal(refused)
	}
	encoded, err := json.Marshal(registration)
	if err != nil {
		t.Fatal(err)
	}
	if registration.ClientID != "" || registration.ClientIDIssuedAt != 0 || registration.ClientName != "Unnamed app" ||
		!slices.Equal(registration.GrantTypes, []string{"authorization_code"}) || !slices.Equal(registration.ResponseTypes, []string{"code"}) ||
		registration.TokenEndpointAuthMethod != "none" {
		t.Errorf("%s", encoded)
	}
	for _, forbidden := range []string{"mine", "secret", "verified", "skip", "javascript", "user@", "http://", "data:", "169.254", "project"} {
		if strings.Contains(string(encoded), forbidden) {
			t.Errorf("the answer has %q: %s", forbidden, encoded)
		}
	}
}

// P9: ports of loopback redirects, order and repetitions make no other client; everything else does.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(body string) string {
		r, stored, refused := parseBody(&Issuer{}, body)
		details, err := json.Marshal(r.registrationDetails)
		if refused != nil || err != nil {
			t.Fatalf("%s: %v, %v", body, refused, err)
		}
		return string(fingerprint(Client{Name: r.ClientName, RedirectURIs: stored, GrantTypes: r.GrantTypes, AuthMethod: r.TokenEndpointAuthMethod,
			ApplicationType: r.ApplicationType, Metadata: details}))
	}
	base := of(`{"client_name":"A","redirect_uris":["http://localhost:1111/cb","https://a.example/"]}`)
	for _, same := range []string{
		`{"client_name":"A","redirect_uris":["http://localhost:2222/cb","https://a.example/"]}`,
		`{"redirect_uris":["https://a.example/","http://localhost:3/cb","http://localhost:4/cb"],"client_name":"A","unknown":1}`,
	} {
		if of(same) != base {
			t.Errorf("%s is another client", same)
		}
	}
	for _, other := range []string{
		`{"client_name":"B","redirect_uris":["http://localhost:1111/cb","https://a.example/"]}`,
		`{"client_name":"A","redirect_uris":["http://127.0.0.1:1111/cb","https://a.example/"]}`,
		`{"client_name":"A","redirect_uris":["http://localhost:1111/cb"]}`,
		`{"client_name":"A","redirect_uris":["http://localhost:1111/cb","https://a.example/"],"grant_types":["authorization_code","refresh_token"]}`,
		`{"client_name":"A","redirect_uris":["http://localhost:1111/cb","https://a.example/"],"application_type":"web"}`,
		`{"client_name":"A","redirect_uris":["http://localhost:1111/cb","https://a.example/"],"software_id":"x"}`,
		`{"client_name":"A","redirect_uris":["http://localhost:1111/cb","https://a.example/"],"software_version":"x"}`,
	} {
		if of(other) == base {
			t.Errorf("%s is the same client", other)
		}
	}
}

// Catalogue 28.
func TestCleanName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"Claude Code (demo2)": "Claude Code (demo2)", "  a \t\r\n b  ": "a b", "": "", " \n ": "",
		"safe\u202egnp.exe": "safegnp.exe", "a\u200bb\u200d\ufeffc": "abc", "a\u2066b\u2069": "ab", "a\x00\x1b[31mb": "a[31mb", "a\u00adb": "ab",
		"x" + strings.Repeat("\u0301", 50): "x\u0301\u0301", "\ue000private": "private", "a\u2028b\u2029c": "a b c", "日本語": "日本語", "e\u0301": "e\u0301",
		strings.Repeat("a", 300): strings.Repeat("a", 100), strings.Repeat("日", 300): strings.Repeat("日", 100), "a\u3164b": "a\u3164b",
	} {
		if got := cleanName(raw); got != want {
			t.Errorf("%q becomes %q, expected %q", raw, got, want)
		}
	}
}

func FuzzRegistration(f *testing.F) {
	for _, seed := range []string{`{}`, `{"redirect_uris":["https://a.example/"],"client_name":"a\u202eb"}`, `{"a":1,"a":2}`, `[`, `{"redirect_uris":["http://localhost:1"],"contacts":[null]}`} {
		f.Add([]byte(seed))
	}
	issuer := &Issuer{URLs: []string{"https://demo.mcpauth.example"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		members, refused := readMembers(body)
		if refused != nil {
			return
		}
		registration, stored, refused := parseRegistration(issuer, members)
		if refused != nil {
			return
		}
		if len(stored) == 0 || len(stored) > redirectURIsMax || !slices.IsSorted(stored) || len(registration.RedirectURIs) > redirectURIsMax {
			t.Fatalf("stored %q", stored)
		}
		name := registration.ClientName
		hidden := func(r rune) bool { return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) }
		if name == "" || utf8.RuneCountInString(name) > clientNameMax || strings.ContainsFunc(name, hidden) || !utf8.ValidString(name) {
			t.Fatalf("name %q", name)
		}
		encoded, err := json.Marshal(registration)
		if err != nil || strings.Contains(string(encoded), ":null") && !strings.Contains(string(body), "null") {
			t.Fatalf("%s, %v", encoded, err)
		}
	})
}
