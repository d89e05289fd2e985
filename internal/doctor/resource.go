package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

func (v *request) initialize() string {
	return `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + v.version +
		`","capabilities":{},"clientInfo":{"name":"mcpauth doctor","version":"1"}}}`
}

var (
	bearer    = regexp.MustCompile(`(?i)(?:^|,)\s*Bearer(?:\s+|$)`)
	parameter = regexp.MustCompile(`([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))`)
)

// checkAddress checks what the person typed.
func (v *request) checkAddress() bool {
	u, err := url.Parse(v.address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		v.note("address "+printable(v.address), "the address of the MCP server").fail("it is not an http or https URL", "give the URL people type into clients, such as https://mcp.example/mcp")
		return false
	case u.Fragment != "" || u.User != nil:
		v.note("address "+printable(v.address), "the address of the MCP server").fail("it has a fragment or a user name", "leave them out: a resource has neither")
		return false
	case !secure(u):
		v.note("address "+printable(v.address), "the address of the MCP server").fail("it is http on another computer", "serve it with https: clients refuse to send tokens otherwise")
	}
	return true
}

// challenge sends what clients send first and reads the parameters of the challenge. R2, R5
func (v *request) challenge() (map[string]string, bool) {
	header := map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": v.version}
	s, a := v.ask("a client without a token", http.MethodPost, v.address, header, v.initialize())
	if a.status == 0 || s.redirect(a) {
		return nil, false
	}
	if a.status != http.StatusUnauthorized {
		advice := "answer requests without a token with 401 and a Bearer challenge"
		if a.status < 300 {
			advice = "put the guard in front of this route: everybody can call it"
		}
		s.fail(fmt.Sprintf("expected 401, got %d", a.status), advice)
		return nil, false
	}
	said := map[string]string{}
	for _, value := range a.header.Values("WWW-Authenticate") {
		at := bearer.FindStringIndex(value)
		if at == nil {
			continue
		}
		for _, m := range parameter.FindAllStringSubmatch(value[at[1]:], -1) {
			said[strings.ToLower(m[1])] = m[2] + m[3]
		}
		said["scheme"] = "Bearer"
	}
	if said["scheme"] == "" {
		s.fail(fmt.Sprintf("expected a Bearer challenge, got WWW-Authenticate %q", a.header.Get("WWW-Authenticate")), `send WWW-Authenticate: Bearer resource_metadata="..."`)
	} else if said["resource_metadata"] == "" {
		s.fail("the challenge has no resource_metadata", "name the URL of the protected resource metadata in it (RFC 9728 section 5.1)")
	}
	if said["scope"] == "" {
		s.warn("the challenge has no scope", "name the scopes a first call needs: clients ask for exactly these")
	}
	if slices.Contains(strings.Fields(said["scope"]), "offline_access") {
		s.fail("the challenge asks for offline_access", "leave it out: it is the authorization server's matter")
	}
	header["Origin"] = origin
	s, a = v.ask("the same from a browser", http.MethodPost, v.address, header, v.initialize())
	if a.status != 0 {
		s.allowed(a)
		if exposed := strings.ToLower(strings.Join(a.header.Values("Access-Control-Expose-Headers"), ",")); !listed(exposed, "www-authenticate") {
			s.warn(fmt.Sprintf("Access-Control-Expose-Headers lacks WWW-Authenticate, it is %q", exposed), "expose it: pages cannot read the challenge otherwise")
		}
	}
	return said, true
}

type resourceMetadata struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers"`
	Scopes   []string `json:"scopes_supported"`
}

// resource reads the protected resource metadata at every place and returns the issuer it names first. R1 to R4, P26
func (v *request) resource(said map[string]string) (string, bool) {
	u, err := url.Parse(v.address)
	if err != nil {
		return "", false
	}
	const wellKnown = "/.well-known/oauth-protected-resource"
	base := u.Scheme + "://" + u.Host + wellKnown
	places := []string{base + strings.TrimSuffix(u.EscapedPath(), "/"), base}
	if named := said["resource_metadata"]; named != "" {
		places = append([]string{named}, places...)
	}
	issuer, root := "", base
	var seen []string
	var last *Step
	for _, place := range places {
		if slices.Contains(seen, place) {
			continue
		}
		seen = append(seen, place)
		s, a := v.ask("protected resource metadata", http.MethodGet, place, v.discoveryHeader(), "")
		last = s
		var m resourceMetadata
		if a.status == http.StatusNotFound && place != said["resource_metadata"] {
			if place != root || len(places) == 1 {
				s.warn("expected 200, got 404", "serve the document here too, for clients that do not read the challenge")
			}
			continue // at the root it is only for those who look nowhere else
		}
		if !s.document(a, &m) {
			continue
		}
		s.allowed(a)
		v.checkResource(s, m)
		if len(m.Servers) == 0 {
			s.fail("authorization_servers is missing or empty", "name the issuer of the authorization server in it")
			continue
		}
		if issuer == "" {
			issuer, v.resourceScopes = m.Servers[0], m.Scopes
		} else if m.Servers[0] != issuer {
			s.fail(fmt.Sprintf("authorization_servers differs between places: %q here, %q before", m.Servers[0], issuer), "serve the same document at every place")
		}
		v.preflight(place, "MCP-Protocol-Version")
	}
	if issuer == "" && last != nil {
		last.fail("no place has readable metadata that names an issuer", "serve it at "+printable(base+strings.TrimSuffix(u.EscapedPath(), "/")))
	}
	return issuer, issuer != ""
}

func (v *request) checkResource(s *Step, m resourceMetadata) {
	switch {
	case m.Resource == v.address:
	case strings.TrimSuffix(m.Resource, "/") == strings.TrimSuffix(v.address, "/") && strings.Count(v.address, "/") <= 3 && !strings.Contains(v.address, "?"):
		s.warn(fmt.Sprintf("resource is not what was typed (trailing slash): expected %q, got %q", v.address, m.Resource),
			"of an address without a path the two mean the same, but not every client knows: serve the one that people type")
	default:
		s.fail(fmt.Sprintf("resource is not what was typed (%s): expected %q, got %q", difference(v.address, m.Resource), v.address, m.Resource),
			"serve the URL people type, byte for byte, or tell people to type the other one: strict clients stop here")
	}
	if slices.Contains(m.Scopes, "offline_access") {
		s.fail("scopes_supported of the resource lists offline_access", "leave it out: it is the authorization server's matter")
	}
}

// difference names in what two URLs differ.
func difference(want, got string) string {
	a, errA := url.Parse(want)
	b, errB := url.Parse(got)
	switch {
	case got == "":
		return "missing"
	case errA != nil || errB != nil || b.Host == "":
		return "not a URL"
	case strings.TrimSuffix(want, "/") == strings.TrimSuffix(got, "/"):
		return "trailing slash"
	case strings.EqualFold(want, got):
		return "case"
	case a.Scheme != b.Scheme:
		return "scheme"
	case a.Host != b.Host:
		return "host"
	case a.Path != b.Path:
		return "path"
	default:
		return "query"
	}
}

func (v *request) discoveryHeader() map[string]string {
	return map[string]string{"Accept": "application/json", "MCP-Protocol-Version": v.version, "Origin": origin}
}
