package oauth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/secret"
)

// Bounds of a registration request.
const (
	RegistrationMax  = 64 << 10 // bytes
	redirectURIsMax  = 20
	clientNameMax    = 100 // characters
	clientStringMax  = 500 // characters
	clientContactMax = 10
	clientIDMax      = 2048
)

// Registration is the answer to a client's registration: its metadata as stored (RFC 7591 section 3.2.1). Absent members are omitted,
// never null (P16).
type Registration struct {
	ClientID                string   `json:"client_id"`
	ClientIDIssuedAt        int64    `json:"client_id_issued_at"` // seconds since 1970
	ClientName              string   `json:"client_name"`
	RedirectURIs            []string `json:"redirect_uris"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	ApplicationType         string   `json:"application_type"`
	// JWKS or JWKSURI are the keys of a client that signs assertions.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// ClientSecret is shown once, and comes with ClientSecretExpiresAt, which is 0: it does not expire.
	ClientSecret          string `json:"client_secret,omitempty"`
	ClientSecretExpiresAt *int64 `json:"client_secret_expires_at,omitempty"`
	// RegistrationAccessToken manages an authenticated registration at RegistrationClientURI (RFC 7592 section 3).
	RegistrationAccessToken string `json:"registration_access_token,omitempty"`
	RegistrationClientURI   string `json:"registration_client_uri,omitempty"`
	registrationDetails
}

// registrationDetails are members that are echoed and have no effect on what the client may do.
type registrationDetails struct {
	Scope           string   `json:"scope,omitempty"`
	ClientURI       string   `json:"client_uri,omitempty"`
	LogoURI         string   `json:"logo_uri,omitempty"`
	PolicyURI       string   `json:"policy_uri,omitempty"`
	TOSURI          string   `json:"tos_uri,omitempty"`
	Contacts        []string `json:"contacts,omitempty"`
	SoftwareID      string   `json:"software_id,omitempty"`
	SoftwareVersion string   `json:"software_version,omitempty"`
}

// clientSecretPrefix lets secret scanners and people tell what they found.
const clientSecretPrefix = "mcpauth_cs_"

// Register stores a client. The same metadata of an anonymous public client is the same client, the ports of loopback redirects aside, so
// that a client that registers at each start adds no rows (P9); whoever asks for a secret gets a client of its own, since two strangers
// cannot share one. The scope of a registration limits nothing (P13).
func (s *Server) Register(ctx context.Context, issuer *Issuer, authorization string, body []byte) (Registration, *Error) {
	authenticated, refused := s.admitRegistration(ctx, issuer, authorization)
	if refused != nil {
		return Registration{}, refused
	}
	members, refused := readMembers(body)
	if refused != nil {
		return Registration{}, refused
	}
	registration, stored, refused := parseRegistration(issuer, members)
	trace := TraceOf(ctx)
	trace.ClientName, trace.ClientVersion = registration.ClientName, registration.SoftwareVersion
	if refused != nil {
		return Registration{}, refused
	}
	client, err := registration.client(stored)
	if err != nil {
		return Registration{}, Fault(err)
	}
	client.ID = secret.Encode(secret.Bytes(16))
	identity := fingerprint(client)
	if authenticated || client.AuthMethod != AuthMethodNone {
		identity = nil
	}
	if client.AuthMethod == AuthMethodBasic || client.AuthMethod == AuthMethodPost {
		registration.ClientSecret, registration.ClientSecretExpiresAt = secret.Token(clientSecretPrefix), new(int64)
		client.SecretHash = secret.Hash(registration.ClientSecret)
	}
	if authenticated {
		registration.manageable(issuer, &client)
	}
	client, err = s.clients.RegisterClient(ctx, issuer.ID, client, identity)
	if err != nil {
		return Registration{}, Fault(err)
	}
	registration.ClientID, registration.ClientIDIssuedAt = client.ID, client.CreatedAt.Unix()
	trace.ClientID = client.ID
	return registration, nil
}

// client is what is stored of a registration; redirects are in their stored form.
func (r *Registration) client(redirects []string) (Client, error) {
	details, err := json.Marshal(r.registrationDetails)
	return Client{
		Name: r.ClientName, RedirectURIs: redirects, GrantTypes: r.GrantTypes, AuthMethod: r.TokenEndpointAuthMethod,
		ApplicationType: r.ApplicationType, URI: r.ClientURI, Metadata: details, JWKS: r.JWKS, JWKSURI: r.JWKSURI,
	}, err
}

// fingerprint is equal for equal metadata.
func fingerprint(c Client) []byte {
	parts := [][]byte{[]byte(c.Name), []byte(c.AuthMethod), []byte(c.ApplicationType), c.Metadata}
	for _, list := range [][]string{c.RedirectURIs, c.GrantTypes} {
		parts = append(parts, []byte(strings.Join(list, " "))) // neither holds a space
	}
	sum := sha256.Sum256(secret.Join(parts...))
	return sum[:]
}

// readMembers reads a JSON object with exact, unrepeated member names: encoding/json would match names without regard to case and
// keep the last of several (catalogue 25).
func readMembers(body []byte) (map[string]json.RawMessage, *Error) {
	malformed := newError(InvalidClientMetadata, "Expected one JSON object of client metadata in UTF-8, each member once.")
	if !utf8.Valid(body) {
		return nil, malformed
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, malformed
	}
	members := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		key, isString := name.(string)
		var value json.RawMessage
		if err != nil || !isString || decoder.Decode(&value) != nil {
			return nil, malformed
		}
		if _, repeated := members[key]; repeated {
			return nil, malformed
		}
		if string(value) != "null" {
			members[key] = value
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, malformed
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, malformed
	}
	return members, nil
}

func parseRegistration(issuer *Issuer, members map[string]json.RawMessage) (Registration, []string, *Error) {
	var r Registration
	reader := memberReader{members: members}
	r.RedirectURIs = reader.list("redirect_uris", redirectURIsMax, redirectURIMax, InvalidRedirectURI)
	r.ClientName = cleanName(reader.text("client_name", 10*clientNameMax))
	grants := reader.list("grant_types", 20, clientStringMax, InvalidClientMetadata)
	responses := reader.list("response_types", 20, clientStringMax, InvalidClientMetadata)
	applicationType := reader.text("application_type", clientStringMax)
	method := reader.text("token_endpoint_auth_method", clientStringMax)
	r.registrationDetails = registrationDetails{
		Scope: reader.text("scope", 4000), ClientURI: reader.link("client_uri"), LogoURI: reader.link("logo_uri"),
		PolicyURI: reader.link("policy_uri"), TOSURI: reader.link("tos_uri"),
		Contacts:   reader.list("contacts", clientContactMax, clientStringMax, InvalidClientMetadata),
		SoftwareID: reader.text("software_id", clientStringMax), SoftwareVersion: reader.text("software_version", clientStringMax),
	}
	if reader.refused != nil {
		return r, nil, reader.refused
	}
	_, hasKeys := members["jwks"]
	_, hasKeysURI := members["jwks_uri"]
	_, hasStatement := members["software_statement"]
	switch {
	case hasKeys && hasKeysURI:
		return r, nil, newError(InvalidClientMetadata, "jwks and jwks_uri exclude each other.").at("jwks", "") // RFC 7591 section 2
	case hasStatement:
		return r, nil, newError(UnapprovedSoftwareStatement, "Software statements are not accepted here.").at("software_statement", "")
	case len(responses) > 0 && !slices.Contains(responses, "code"):
		return r, nil, newError(InvalidClientMetadata, "response_types: expected code.").at("response_types", strings.Join(responses, " ")).expecting("code")
	case len(grants) > 0 && !slices.Contains(grants, grantAuthorizationCode):
		return r, nil, newError(InvalidClientMetadata, "grant_types: expected authorization_code.").at("grant_types", strings.Join(grants, " ")).expecting(grantAuthorizationCode)
	}
	stored, native, refused := checkRedirectURIs(issuer, r.RedirectURIs)
	if refused != nil {
		return r, nil, refused
	}
	r.GrantTypes = []string{grantAuthorizationCode} // the default (RFC 7591 section 2); what is not offered is left out and not echoed
	if slices.Contains(grants, GrantRefreshToken) {
		r.GrantTypes = append(r.GrantTypes, GrantRefreshToken)
	}
	// What is absent or not offered becomes none, as real clients expect it (A31, P14); the answer says so.
	r.ResponseTypes, r.TokenEndpointAuthMethod = []string{"code"}, AuthMethodNone
	if method == AuthMethodBasic || method == AuthMethodPost {
		r.TokenEndpointAuthMethod = method
	}
	if method == AuthMethodKey {
		r.TokenEndpointAuthMethod = method
		if refused := r.registerKeys(issuer, &reader); refused != nil {
			return r, nil, refused
		}
	}
	if r.ApplicationType = applicationType; applicationType != "native" && applicationType != "web" {
		r.ApplicationType = "web" // RFC 7591 leaves it to OpenID, where web is the default; loopback and app redirects tell otherwise (A32)
		if native {
			r.ApplicationType = "native"
		}
	}
	if r.ClientName == "" {
		r.ClientName = "Unnamed app"
	}
	return r, stored, nil
}

// checkRedirectURIs returns the stored forms, sorted and without repetitions, and whether one of them belongs to a native app.
func checkRedirectURIs(issuer *Issuer, uris []string) (stored []string, native bool, refused *Error) {
	if len(uris) == 0 {
		return nil, false, newError(InvalidRedirectURI, "redirect_uris: expected at least one redirect URI.").at("redirect_uris", "")
	}
	for _, uri := range uris {
		form, kind, err := CheckRedirectURI(uri)
		if err != nil {
			return nil, false, err
		}
		if issuer != nil && issuer.isOurs(uri) {
			return nil, false, newError(InvalidRedirectURI, "Redirect URI refused: it leads to this server.").at("redirect_uris", uri)
		}
		native = native || kind != RedirectWeb
		stored = append(stored, form)
	}
	slices.Sort(stored)
	return slices.Compact(stored), native, nil
}

// memberReader reads typed members and keeps the first problem.
type memberReader struct {
	members map[string]json.RawMessage
	refused *Error
}

func (m *memberReader) fail(code Code, name, expected string) {
	if m.refused == nil {
		got := string(m.members[name])
		if name == "client_secret" {
			got = ""
		}
		m.refused = newError(code, name+": expected "+expected).at(name, got)
	}
}

func (m *memberReader) text(name string, longest int) string {
	raw, given := m.members[name]
	if !given {
		return ""
	}
	var value string
	if json.Unmarshal(raw, &value) != nil || utf8.RuneCountInString(value) > longest || strings.ContainsRune(value, 0) {
		m.fail(InvalidClientMetadata, name, "a string of reasonable length without NUL.")
		return ""
	}
	return value
}

func (m *memberReader) list(name string, most, longest int, code Code) []string {
	raw, given := m.members[name]
	if !given {
		return nil
	}
	var values []string
	if json.Unmarshal(raw, &values) != nil || len(values) > most {
		m.fail(code, name, "an array of strings, not too many.")
		return nil
	}
	for _, v := range values {
		if len(v) > longest || strings.ContainsRune(v, 0) {
			m.fail(code, name, "strings of reasonable length without NUL.")
			return nil
		}
	}
	return values
}

// link keeps an https URL and drops everything else, empty strings included, which real clients send (P16).
func (m *memberReader) link(name string) string {
	value := m.text(name, redirectURIMax)
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" || !validHost(u) || u.User != nil {
		return ""
	}
	return value
}

// cleanName makes a name that strangers chose safe to show: no control, formatting (bidi, zero-width) or combining floods, white space
// folded, at most clientNameMax characters (catalogue 28).
func cleanName(name string) string {
	var out []rune
	marks := 0
	for _, r := range name {
		switch {
		case unicode.IsSpace(r):
			r = ' '
			if len(out) == 0 || out[len(out)-1] == ' ' {
				continue
			}
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			if marks++; marks > 2 {
				continue
			}
		case !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r):
			continue
		}
		if !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Me, r) {
			marks = 0
		}
		if len(out) == clientNameMax {
			break
		}
		out = append(out, r)
	}
	return strings.TrimSpace(string(out))
}
