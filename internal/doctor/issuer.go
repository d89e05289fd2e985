package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint"`
	JWKS                  string   `json:"jwks_uri"`
	ResponseTypes         []string `json:"response_types_supported"`
	Challenges            []string `json:"code_challenge_methods_supported"`
	Authentication        []string `json:"token_endpoint_auth_methods_supported"`
	Scopes                []string `json:"scopes_supported"`
	ClientDocuments       bool     `json:"client_id_metadata_document_supported"`
	NamesIssuer           bool     `json:"authorization_response_iss_parameter_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
}

// issuer reads the authorization server's metadata at every place clients try, in their order, and returns the first. A2 to A4, P17, P18
func (v *request) issuer(name string) (metadata, bool) {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		v.note("issuer "+printable(name), "the authorization server").fail("the issuer is not a URL without query and fragment", "correct authorization_servers")
		return metadata{}, false
	}
	if !secure(u) {
		v.note("issuer "+printable(name), "the authorization server").fail("the issuer is not https", "serve the authorization server with https")
	}
	root, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{root + "/.well-known/oauth-authorization-server" + path, root + "/.well-known/openid-configuration" + path}
	if path != "" {
		places = append(places, root+path+"/.well-known/openid-configuration")
	}
	var first metadata
	var found bool
	var last *Step
	for i, place := range places {
		s, a := v.ask("authorization server metadata", http.MethodGet, place, v.discoveryHeader(), "")
		last = s
		if a.status >= 400 && a.status <= 499 {
			continue // clients try the next place
		}
		if a.status >= 500 {
			s.fail(fmt.Sprintf("expected 200 or 404, got %d", a.status), "answer 404 for what is not served: clients give up on errors")
			continue
		}
		var m metadata
		if !s.document(a, &m) {
			continue
		}
		s.allowed(a)
		s.checkMetadata(name, m)
		if i > 0 && (m.JWKS == "" || len(m.SubjectTypes) == 0 || len(m.IDTokenAlgorithms) == 0) {
			s.fail("the OpenID Connect document is half filled: it needs jwks_uri, subject_types_supported and id_token_signing_alg_values_supported",
				"complete it, or answer 404 here")
		}
		if !found {
			first, found = m, true
			v.preflight(place, "MCP-Protocol-Version")
		}
	}
	if !found && last != nil {
		last.fail("no place has readable metadata of the authorization server", "serve it at "+printable(places[0]))
	}
	return first, found
}

func (s *Step) checkMetadata(name string, m metadata) {
	if m.Issuer != name {
		s.fail(fmt.Sprintf("issuer differs (%s): expected %q as in authorization_servers, got %q", difference(name, m.Issuer), name, m.Issuer),
			"use one constant string everywhere (RFC 8414 section 3.3)")
	}
	for _, e := range []struct {
		name, url string
		required  bool
	}{
		{"authorization_endpoint", m.AuthorizationEndpoint, true}, {"token_endpoint", m.TokenEndpoint, true},
		{"registration_endpoint", m.RegistrationEndpoint, false}, {"jwks_uri", m.JWKS, false},
	} {
		u, err := url.Parse(e.url)
		switch {
		case e.url == "" && e.required:
			s.fail(e.name+" is missing", "name it in the metadata")
		case e.url != "" && (err != nil || !secure(u)):
			s.fail(fmt.Sprintf("%s is not an https URL: %q", e.name, e.url), "serve it with https")
		}
	}
	if !slices.Contains(m.ResponseTypes, "code") {
		s.fail(fmt.Sprintf("response_types_supported lacks code, it is %q", m.ResponseTypes), "list code")
	}
	if !slices.Contains(m.Challenges, "S256") {
		s.fail(fmt.Sprintf("code_challenge_methods_supported lacks S256, it is %q", m.Challenges), "support PKCE with S256 and list it: clients refuse otherwise")
	}
	if m.RegistrationEndpoint == "" && !m.ClientDocuments {
		s.fail("clients cannot introduce themselves: neither registration_endpoint nor client_id_metadata_document_supported", "support one of them, best both")
	} else if !m.ClientDocuments {
		s.warn("client_id_metadata_document_supported is not true", "support client id metadata documents: registration is deprecated")
	}
	if !slices.Contains(m.Authentication, "none") {
		s.warn(fmt.Sprintf("token_endpoint_auth_methods_supported lacks none, it is %q", m.Authentication), "list what works; clients on people's computers keep no secret")
	}
	if !m.NamesIssuer {
		s.warn("authorization_response_iss_parameter_supported is not true", "send iss with every authorization response and say so (RFC 9207)")
	}
}

// scopes compares what the resource asks for with what the authorization server knows.
func (v *request) scopes(said map[string]string, m metadata) {
	s := v.note("scopes of challenge, resource and authorization server", "a client asks for the scopes it was told")
	s.Answer = "compared"
	if len(m.Scopes) == 0 {
		return // nothing is claimed
	}
	for scope := range strings.FieldsSeq(said["scope"]) {
		if !slices.Contains(m.Scopes, scope) {
			s.fail(fmt.Sprintf("the challenge asks for scope %q, which the authorization server does not list", scope), "add it to the authorization server, or challenge with one it lists")
		}
	}
	for _, scope := range v.resourceScopes {
		if !slices.Contains(m.Scopes, scope) {
			s.fail(fmt.Sprintf("the resource lists scope %q, which the authorization server does not list", scope), "make both lists agree")
		}
	}
}
