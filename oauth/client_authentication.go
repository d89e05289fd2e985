package oauth

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"mcpauth.example/internal/secret"
)

// authMethods are the client authentication methods that work, in the order of the metadata.
func authMethods() []string {
	return []string{AuthMethodNone, AuthMethodBasic, AuthMethodPost, AuthMethodKey}
}

// credentials are what a request says about its client.
type credentials struct {
	id     string
	secret string
	basic  bool
	// assertion is a JWT that the client signed.
	assertion string
}

// readCredentials takes the client id from the Authorization header or the body, whichever has it (RFC 6749 section 2.3.1, P14). An
// empty secret counts as none, since public clients are known to send one.
func readCredentials(authorization string, form url.Values) (credentials, *Error) {
	c := credentials{id: form.Get("client_id"), secret: form.Get("client_secret")}
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Basic") {
		refused := c.readAssertion(form)
		return c, refused
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	id, password, colon := strings.Cut(string(decoded), ":")
	if err != nil || !colon {
		return c, &Error{Code: InvalidClient, Description: "Expected Authorization: Basic with base64 of client_id:client_secret.", Basic: true, Parameter: "Authorization"}
	}
	id, password = formDecoded(id), formDecoded(password)
	switch {
	case c.id != "" && c.id != id:
		return c, newError(InvalidRequest, "The client_id of the body and of the Authorization header differ.").at("client_id", c.id)
	case c.secret != "" && password != "":
		return c, newError(InvalidRequest, "Use one way of client authentication, not two.").at("client_secret", "")
	}
	if password != "" {
		c.secret = password
	}
	c.id, c.basic = id, true
	refused := c.readAssertion(form)
	return c, refused
}

// formDecoded undoes the encoding of RFC 6749 section 2.3.1; what is not so encoded is taken as it is, since some clients leave it out (P14).
func formDecoded(text string) string {
	if decoded, err := url.QueryUnescape(text); err == nil {
		return decoded
	}
	return text
}

// authenticateClient answers who the client is (RFC 6749 section 3.2.1). What is unknown gets invalid_client, so that real clients
// register anew (A23, P8); a fault of ours never does (P26).
func (s *Server) authenticateClient(ctx context.Context, issuer *Issuer, authorization string, form url.Values) (Client, *Error) {
	c, refused := readCredentials(authorization, form)
	if refused != nil {
		return Client{}, refused
	}
	if c.id == "" {
		return Client{}, newError(InvalidClient, "Expected a client_id, in the body or in an Authorization: Basic header.").at("client_id", "")
	}
	unknown := newError(InvalidClient, "Unknown client or wrong client authentication. Register again.").at("client_id", c.id)
	unknown.Basic = c.basic
	TraceOf(ctx).claim(c.id)
	client, err := s.findClient(ctx, issuer, c.id)
	if err == nil {
		TraceOf(ctx).client(client)
	}
	switch {
	case isNotFound(err):
		return Client{}, unknown.because(difference{"client_id", c.id, "", "The client is not known here"})
	case err != nil:
		return Client{}, Fault(err)
	case !client.proves(c):
		return Client{}, unknown.because(client.unproven(c))
	case c.assertion != "" && client.Blocked: // no keys are fetched for a blocked one
		return Client{}, unknown.because(difference{"client_id", c.id, "", "The client is blocked"})
	case client.Blocked, issuer.blockedDocument(client): // told to the client itself only
		return Client{}, newError(UnauthorizedClient, "This client is blocked.").at("client_id", client.ID)
	case client.AuthMethod != AuthMethodKey:
		return client, nil
	}
	err = s.checkAssertion(ctx, issuer, client, c.assertion)
	switch {
	case errors.Is(err, errAssertion):
		return Client{}, newError(InvalidClient, "The client_assertion is not accepted. Expected a fresh JWT with iss and sub "+
			"the client_id, aud "+issuer.URL+", exp within 5 minutes, a new jti, signed with a published key.").at("client_assertion", "")
	case err != nil:
		return Client{}, Fault(err)
	}
	return client, nil
}

// unproven says why a client does not count as proven: it used another way than its own, or the secret is wrong.
func (c Client) unproven(presented credentials) difference {
	used := AuthMethodNone
	switch {
	case presented.assertion != "":
		used = AuthMethodKey
	case presented.secret != "" && presented.basic:
		used = AuthMethodBasic
	case presented.secret != "":
		used = AuthMethodPost
	}
	secrets := []string{AuthMethodBasic, AuthMethodPost}
	if slices.Contains(secrets, used) && slices.Contains(secrets, c.AuthMethod) {
		return difference{"client_secret", "", "", "The client secret is wrong"}
	}
	return difference{"token_endpoint_auth_method", used, c.AuthMethod, "The client proves who it is in another way than it registered"}
}

// proves compares the presented secret with the client's, whichever way it came (P14). A public client has none to present, and a
// confidential one is nobody without its own (RFC 6749 section 3.2.1). An assertion is checked after this.
func (c Client) proves(presented credentials) bool {
	switch c.AuthMethod {
	case AuthMethodNone:
		return presented.secret == "" && presented.assertion == ""
	case AuthMethodKey:
		return presented.assertion != ""
	}
	return presented.assertion == "" && len(c.SecretHash) > 0 && presented.secret != "" && secret.Equal(secret.Hash(presented.secret), c.SecretHash)
}
