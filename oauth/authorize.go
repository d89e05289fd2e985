package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// Bounds of an authorization request.
const (
	AuthorizeQueryMax = 16 << 10 // bytes
	requestLifetime   = 10 * time.Minute
)

// purposeRequest names the sealing key of requests on their way through the browser.
const purposeRequest = "authorization-request"

// Request is one authorization request that was found good (RFC 6749 section 4.1.1). It travels sealed through the browser, so that
// nothing can be swapped on the way (catalogue 94) and anonymous requests write nothing.
type Request struct {
	FlowID   id.ID    `json:"f"`
	Random   []byte   `json:"r"` // the random bytes of the code and of every refresh token that may follow
	ClientID string   `json:"c"`
	Redirect string   `json:"u"`
	State    string   `json:"s,omitempty"`
	Scopes   []string `json:"p"`
	// Remembered are the scopes that the person of the consent page allowed before, as that page shows them.
	Remembered []string `json:"b,omitempty"`
	ServerID   id.ID    `json:"m"`
	Challenge  string   `json:"h"`
	Nonce      string   `json:"n,omitempty"`
	LoginHint  string   `json:"l,omitempty"`
	// Fresh wants a sign-in within this flow (prompt=login); MaxAge one that is younger, in seconds, -1 for any age. Session is the one
	// that a sign-in within this flow started: no clock has to tell.
	Fresh    bool      `json:"q,omitempty"`
	MaxAge   int       `json:"a"`
	Session  id.ID     `json:"i,omitzero"`
	SealedAt time.Time `json:"t"`
	// Account marks a sign-in to the person's own page: no client asked for it, and nothing can be approved.
	Account bool `json:"k,omitempty"`
	// Return is where the person goes on after such a sign-in, below the issuer URL.
	Return string `json:"o,omitempty"`
}

// NewAccountRequest is a request of the person themself, to sign in to one of their own pages, which is below the issuer URL. Fresh
// wants a new sign-in.
func (s *Server) NewAccountRequest(fresh bool, page string) *Request {
	return &Request{FlowID: id.New(), Account: true, Fresh: fresh, MaxAge: -1, SealedAt: s.now(), Return: page}
}

// singleParameters may be given once; resource alone may be repeated (RFC 6749 section 3.1, RFC 8707 section 2).
var singleParameters = []string{"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "code_challenge",
	"code_challenge_method", "nonce", "prompt", "max_age", "login_hint", "request", "request_uri"}

// Authorize checks an authorization request. It returns *Error until client and redirect URI are known to be good, which is shown and
// never redirected (RFC 6749 section 4.1.2.1), and *RedirectError from then on.
func (s *Server) Authorize(ctx context.Context, issuer *Issuer, rawQuery string) (*Request, Client, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil || len(rawQuery) > AuthorizeQueryMax {
		return nil, Client{}, newError(InvalidRequest, "The query is not well-formed or too long.")
	}
	for _, name := range singleParameters {
		if len(query[name]) > 1 {
			return nil, Client{}, newError(InvalidRequest, "The parameter "+name+" is given more than once.").at(name, "")
		}
	}
	for name, values := range query {
		if slices.ContainsFunc(values, func(v string) bool { return !isText(v) }) {
			return nil, Client{}, newError(InvalidRequest, "A parameter contains NUL or is not UTF-8.").at(name, "")
		}
	}
	client, redirect, err := s.authorizeClient(ctx, issuer, query)
	if err != nil {
		return nil, client, err
	}
	request, refused := s.authorizeParameters(issuer, query)
	if refused != nil {
		to := s.redirection(issuer, client, redirect, query.Get("state"))
		return nil, client, &RedirectError{Err: refused, To: to}
	}
	request.ClientID, request.Redirect, request.State = client.ID, redirect, query.Get("state")
	trace := TraceOf(ctx)
	trace.FlowID, trace.ServerID = request.FlowID, request.ServerID
	trace.narrowed(parseScope(query.Get("scope")), request.Scopes)
	return request, client, nil
}

// authorizeClient finds the client and its redirect URI: everything before it is safe to redirect.
func (s *Server) authorizeClient(ctx context.Context, issuer *Issuer, query url.Values) (Client, string, error) {
	id := query.Get("client_id")
	if id == "" {
		return Client{}, "", newError(InvalidRequest, "The parameter client_id is missing.").at("client_id", "")
	}
	TraceOf(ctx).claim(id)
	client, err := s.presentedClient(ctx, issuer, id)
	if client.ID != "" {
		TraceOf(ctx).client(client)
	}
	switch {
	case isNotFound(err):
		return Client{}, "", newError(InvalidClient, "This app is not known here.").at("client_id", id)
	case err != nil:
		return Client{}, "", Fault(err)
	case client.Blocked:
		return client, "", newError(AccessDenied, "This app is blocked here.").at("client_id", id)
	}
	redirect := query.Get("redirect_uri")
	if redirect == "" && len(client.RedirectURIs) == 1 && !isLoopback(client.RedirectURIs[0]) {
		redirect = client.RedirectURIs[0] // RFC 6749 section 3.1.2.3; of a loopback redirect nobody else knows the port
	}
	if redirect == "" {
		return client, "", newError(InvalidRequest, "The parameter redirect_uri is missing.").
			at("redirect_uri", "").expecting(strings.Join(client.RedirectURIs, " or "))
	}
	if !redirectRegistered(client.RedirectURIs, redirect) || issuer.isOurs(redirect) && !client.OwnPages {
		return client, "", newError(InvalidRequest, "The redirect_uri is not one that this app registered.").
			at("redirect_uri", redirect).expecting(strings.Join(client.RedirectURIs, " or "))
	}
	return client, redirect, nil
}

// authorizeParameters checks everything whose errors the client may be told.
func (s *Server) authorizeParameters(issuer *Issuer, query url.Values) (*Request, *Error) {
	if query.Has("request") {
		return nil, newError(RequestNotSupported, "Request objects are not supported.").at("request", "")
	}
	if query.Has("request_uri") {
		return nil, newError(RequestURINotSupported, "Pushed requests are not supported here.").at("request_uri", "")
	}
	switch mode := query.Get("response_mode"); {
	case query.Get("response_type") == "":
		return nil, newError(InvalidRequest, "The parameter response_type is missing. Expected: code").at("response_type", "").expecting("code")
	case query.Get("response_type") != "code":
		return nil, newError(UnsupportedResponseType, "Expected response_type=code").at("response_type", query.Get("response_type")).expecting("code")
	case mode != "" && mode != "query":
		return nil, newError(InvalidRequest, "Expected response_mode=query").at("response_mode", mode).expecting("query")
	case query.Get("code_challenge") == "": // A14
		return nil, newError(InvalidRequest, "PKCE is required: the parameter code_challenge is missing.").at("code_challenge", "").expecting(challengeSyntax)
	case query.Get("code_challenge_method") != "S256": // omitted means plain (RFC 7636 section 4.3)
		return nil, newError(InvalidRequest, "Expected code_challenge_method=S256").at("code_challenge_method", query.Get("code_challenge_method")).expecting("S256")
	case !validChallenge(query.Get("code_challenge")):
		return nil, newError(InvalidRequest, "Expected a code_challenge of 43 base64url characters.").at("code_challenge", query.Get("code_challenge")).expecting(challengeSyntax)
	case len(query.Get("nonce")) > clientStringMax || len(query.Get("login_hint")) > clientStringMax:
		return nil, newError(InvalidRequest, "nonce and login_hint are at most 500 bytes long.")
	}
	request := &Request{FlowID: id.New(), Random: secret.Bytes(randomSize), Challenge: query.Get("code_challenge"),
		Nonce: query.Get("nonce"), LoginHint: query.Get("login_hint"), MaxAge: -1, SealedAt: s.now()}
	if refused := request.readPrompt(query); refused != nil {
		return nil, refused
	}
	resource, refused := issuer.resolveResource(query["resource"])
	if refused != nil {
		return nil, refused
	}
	request.ServerID = resource.ID
	if request.Scopes, refused = issuer.grantable(parseScope(query.Get("scope"))); refused != nil {
		return nil, refused
	}
	return request, nil
}

// readPrompt reads prompt and max_age (OpenID Connect Core section 3.1.2.1). Clients here are never verified, so consent is always
// asked for and prompt=none cannot succeed (catalogue 92).
func (r *Request) readPrompt(query url.Values) *Error {
	prompts := strings.Fields(query.Get("prompt"))
	for _, prompt := range prompts {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, prompt) {
			return newError(InvalidRequest, "Expected prompt to be login, consent, select_account or none.").at("prompt", query.Get("prompt")).expecting("login, consent or select_account")
		}
	}
	if slices.Contains(prompts, "none") {
		return newError(ConsentRequired, "The person has to be asked.").at("prompt", query.Get("prompt")).expecting("login, consent or select_account")
	}
	r.Fresh = slices.Contains(prompts, "login")
	if age := query.Get("max_age"); age != "" {
		seconds, err := strconv.Atoi(age)
		if err != nil || seconds < 0 || seconds > 1<<30 {
			return newError(InvalidRequest, "Expected max_age in whole seconds.").at("max_age", age).expecting("0 to 1073741824")
		}
		r.MaxAge = seconds
	}
	return nil
}

// AcceptsSession reports whether a sign-in is fresh enough for the request (catalogue 97).
func (s *Server) AcceptsSession(r *Request, session id.ID, authTime time.Time) bool {
	if !r.Session.IsZero() && r.Session == session {
		return true
	}
	return !r.Fresh && (r.MaxAge < 0 || authTime.After(r.SealedAt.Add(-time.Duration(r.MaxAge)*time.Second)))
}

// Seal makes the hidden field that carries a request. Only the browser that holds the pre-session cookie can post it back, at this
// issuer URL (catalogue 95).
func (s *Server) Seal(issuer *Issuer, r *Request, preSession string) (string, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	return secret.Encode(s.keys.Seal(purposeRequest, plain, requestBinding(issuer, preSession))), nil
}

// Unseal reads the hidden field again. Its errors are *Error: without the request nobody is known to redirect to.
func (s *Server) Unseal(issuer *Issuer, sealed, preSession string) (*Request, error) {
	raw, err := secret.Decode(sealed)
	if err == nil {
		raw, err = s.keys.Open(purposeRequest, raw, requestBinding(issuer, preSession))
	}
	var r Request
	if err != nil || preSession == "" || json.Unmarshal(raw, &r) != nil {
		return nil, newError(InvalidRequest, "This page does not belong to a connection that was started in this browser.")
	}
	if age := s.now().Sub(r.SealedAt); age > requestLifetime || age < -time.Minute {
		return nil, newError(InvalidRequest, "This page is older than ten minutes. Start again from the app.")
	}
	return &r, nil
}

func requestBinding(issuer *Issuer, preSession string) []byte {
	return secret.Join(issuer.ID[:], []byte(issuer.URL), secret.Hash(preSession))
}

// Resume finds the client of an unsealed request again and checks what may have changed meanwhile (catalogue 73, 99).
func (s *Server) Resume(ctx context.Context, issuer *Issuer, r *Request) (Client, Resource, error) {
	if r.Account {
		return Client{}, Resource{}, nil
	}
	TraceOf(ctx).FlowID, TraceOf(ctx).ServerID = r.FlowID, r.ServerID
	client, _, err := s.authorizeClient(ctx, issuer, url.Values{"client_id": {r.ClientID}, "redirect_uri": {r.Redirect}})
	if err != nil {
		return client, Resource{}, err
	}
	resource, ok := issuer.ResourceByID(r.ServerID)
	if !ok {
		return client, Resource{}, &RedirectError{Err: newError(InvalidTarget, "The MCP server is gone.").at("resource", ""), To: s.Redirection(issuer, client, r)}
	}
	return client, resource, nil
}

// Redirection is where the answer to a request goes.
func (s *Server) Redirection(issuer *Issuer, client Client, r *Request) Redirection {
	return s.redirection(issuer, client, r.Redirect, r.State)
}

func (s *Server) redirection(issuer *Issuer, client Client, uri, state string) Redirection {
	_, kind, _ := CheckRedirectURI(uri)
	return Redirection{URI: uri, State: state, Issuer: issuer.URL, Trusted: kind != RedirectWeb, ClientName: client.Name}
}

// Denied is the answer to a client whose user said no.
func (r Redirection) Denied() string {
	return r.Failure(newError(AccessDenied, "The person did not allow access."))
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
