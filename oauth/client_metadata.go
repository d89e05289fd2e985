package oauth

import (
	"context"
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Client id metadata documents (draft-ietf-oauth-client-id-metadata-document): a client whose id is the URL of its own description
// needs no registration. Nothing about it is stored before a person consents; from then on its row answers on the other legs.

// clientDocumentMax bounds a document, in bytes (section 6.6 of the draft; A39).
const clientDocumentMax = 5 << 10

// DocumentFetcher gets documents that strangers publish. Valid judges one before it may be remembered. Its errors are faults of whoever
// publishes, or of the way there.
type DocumentFetcher interface {
	Fetch(ctx context.Context, project, target string, limit int64, valid func([]byte) error) ([]byte, error)
}

// DocumentPolicy says which clients with a metadata document a project takes.
type DocumentPolicy string

// Open takes all but the blocked ones, approval only those that a rule allows, off none.
const (
	DocumentsOpen     DocumentPolicy = "open"
	DocumentsApproval DocumentPolicy = "approval"
	DocumentsOff      DocumentPolicy = "off"
)

// ClientRule is what a project decided about a client, by its id or by the host of its document.
type ClientRule struct {
	Client bool   // Value is a client id; otherwise a host
	Value  string // exact; a host in lower case
	Allow  bool   // otherwise it is blocked
}

// isDocumentID reports whether a client id asks for the document at its URL. Ids that are made here never look like that (A33).
func isDocumentID(id string) bool {
	return strings.HasPrefix(id, "https://") || strings.HasPrefix(id, "http://")
}

// DocumentHost is the host that vouches for a client, lower case and in ASCII; empty when the client has no document.
func (c Client) DocumentHost() string {
	if !c.Document {
		return ""
	}
	u, err := url.Parse(c.ID)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// ruleFor returns the project's decision, the one about the id before the one about the host; false when there is none.
func (i *Issuer) ruleFor(client Client) (ClientRule, bool) {
	host := client.DocumentHost()
	for _, byClient := range []bool{true, false} {
		at := slices.IndexFunc(i.ClientRules, func(r ClientRule) bool {
			return r.Client == byClient && (byClient && r.Value == client.ID || !byClient && host != "" && r.Value == host)
		})
		if at >= 0 {
			return i.ClientRules[at], true
		}
	}
	return ClientRule{}, false
}

// presentedClient finds a client on its way to a person's consent. A client made by the project goes before a document at the same
// address (catalogue 70), and a blocked one is not fetched. Errors: ErrNotFound, *Error, or a fault.
func (s *Server) presentedClient(ctx context.Context, issuer *Issuer, id string) (Client, error) {
	stored, err := s.findClient(ctx, issuer, id)
	if !isClientID(id) || !isDocumentID(id) || err == nil && (stored.Blocked || !stored.Document) || err != nil && !isNotFound(err) {
		return stored, err
	}
	if s.documents == nil || issuer.DocumentPolicy == DocumentsOff {
		return Client{}, ErrNotFound
	}
	if reason := checkClientURL(issuer, id, s.localDocuments); reason != "" { // before anything is asked (catalogue 44)
		return Client{}, newError(InvalidClient, "The client_id is not the address of a metadata document: "+reason).at("client_id", id)
	}
	named := Client{ID: id, Document: true}
	rule, decided := issuer.ruleFor(named)
	switch {
	case decided && !rule.Allow:
		return Client{ID: id, Document: true, Blocked: true}, nil
	case !decided && issuer.DocumentPolicy == DocumentsApproval:
		return Client{}, newError(AccessDenied, "Whoever runs this server has to allow this app first.").at("client_id", id)
	}
	var client Client
	body, err := s.documents.Fetch(ctx, issuer.ID.String(), id, clientDocumentMax, func(body []byte) error {
		_, refused := parseClientDocument(issuer, id, body)
		return asError(refused)
	})
	if err == nil {
		var refused *Error
		client, refused = parseClientDocument(issuer, id, body)
		err = asError(refused)
	}
	if err != nil {
		err = documentFault(err)
	}
	TraceOf(ctx).Document = &DocumentTrace{Err: err}
	return client, err
}

// asError avoids an interface that holds a nil pointer.
func asError(refused *Error) error {
	if refused == nil {
		return nil
	}
	return refused
}

// documentFault gives every failure one face: whether an address answers, and how, is not for strangers to learn (catalogue 57). What is
// wrong with a document that could be read is told, since its publisher has to know.
func documentFault(err error) error {
	if refused, ok := err.(*Error); ok { //nolint:errorlint // only our own judgement, never something wrapped by the network
		return refused
	}
	return &Error{Code: InvalidClient, Description: "The metadata document of this app could not be read. Expected a JSON document at its client_id.", cause: err}
}

// checkClientURL says what is wrong with a client id as the address of a document; empty when nothing is (section 3 of the draft).
func checkClientURL(issuer *Issuer, id string, local bool) string {
	u, err := url.Parse(id)
	if err != nil || !validHost(u) || strings.ContainsAny(id, " \\") {
		return "expected a URL."
	}
	loopback := local && isLoopbackHost(u.Hostname())
	switch {
	case u.Scheme != "https" && !loopback:
		return "expected https."
	case u.User != nil:
		return "expected no user name."
	case strings.Contains(id, "#"):
		return "expected no fragment."
	case len(u.Path) < 2:
		return "expected a path."
	case hasDotSegment(u):
		return "expected no dot segments."
	case !loopback && u.Port() != "" && u.Port() != "443":
		return "expected port 443."
	case !loopback && !isDomainName(u.Hostname()):
		return "expected a domain name."
	case issuer.isOurs(id):
		return "it is an address of this server."
	}
	return ""
}

func isLoopbackHost(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// hasDotSegment looks at the decoded path too, since %2e is a dot.
func hasDotSegment(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// isDomainName refuses addresses in every spelling, numbers among them (catalogue 52): the last label of a domain name has a letter.
func isDomainName(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Contains(host, ".") && strings.ContainsFunc(last, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }) &&
		!strings.HasPrefix(strings.ToLower(last), "0x")
}

// parseClientDocument reads a document as a registration with stricter rules (section 4.1 of the draft; A36, A37).
func parseClientDocument(issuer *Issuer, id string, body []byte) (Client, *Error) {
	members, refused := readMembers(body)
	if refused != nil {
		return Client{}, refused
	}
	reader := memberReader{members: members}
	named, method := reader.text("client_id", clientIDMax), reader.text("token_endpoint_auth_method", clientStringMax)
	keysURI := reader.text("jwks_uri", clientIDMax)
	_, hasSecret := members["client_secret"]
	_, hasExpiry := members["client_secret_expires_at"]
	_, hasName := members["client_name"]
	switch {
	case reader.refused != nil:
		return Client{}, reader.refused
	case named != id: // simple string comparison (section 4.1)
		return Client{}, newError(InvalidClientMetadata, "client_id: expected the address of the document itself, byte for byte.").at("client_id", named).expecting(id)
	case hasSecret || hasExpiry || method != "" && method != AuthMethodNone && method != AuthMethodKey:
		return Client{}, newError(InvalidClientMetadata, "token_endpoint_auth_method: expected none or private_key_jwt, and no secret.").at("token_endpoint_auth_method", method).expecting("none or private_key_jwt")
	case !hasName:
		return Client{}, newError(InvalidClientMetadata, "client_name: expected a name.").at("client_name", "")
	}
	registration, stored, refused := parseRegistration(issuer, members)
	if refused != nil {
		return Client{}, refused
	}
	if _, refused := parseClientKeys(members["jwks"]); refused != nil {
		return Client{}, refused
	}
	details, err := json.Marshal(registration.registrationDetails)
	if err != nil {
		return Client{}, Fault(err)
	}
	return Client{
		ID: id, Document: true, Name: registration.ClientName, RedirectURIs: stored, GrantTypes: registration.GrantTypes,
		AuthMethod: registration.TokenEndpointAuthMethod, ApplicationType: registration.ApplicationType, URI: registration.ClientURI, Metadata: details,
		JWKS: members["jwks"], JWKSURI: keysURI,
	}, nil
}

// checkPublishedKeys refuses what must never be public (catalogue 59): private and symmetric keys.
func checkPublishedKeys(jwks json.RawMessage) *Error {
	if jwks == nil {
		return nil
	}
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(jwks, &set) != nil {
		return newError(InvalidClientMetadata, "jwks: expected a JSON Web Key Set.").at("jwks", "")
	}
	for _, key := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, has := key[private]; has {
				return newError(InvalidClientMetadata, "jwks: expected public keys only. A key in this document is not secret any more: replace it.").at("jwks", "")
			}
		}
	}
	return nil
}

// documentClient is what an approval stores of a client with a document; nil for every other client.
func documentClient(client Client) *Client {
	if !client.Document {
		return nil
	}
	return &client
}

// blockedDocument reports whether a rule of the project ends what a client with a document was allowed before.
func (i *Issuer) blockedDocument(client Client) bool {
	rule, decided := i.ruleFor(client)
	return client.Document && (i.DocumentPolicy == DocumentsOff || decided && !rule.Allow)
}
