package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mcpauth.example/internal/id"
)

// TokenFormMax bounds the body of a token, introspection or revocation request, in bytes.
const TokenFormMax = 64 << 10

// grantType is one way to get tokens. Adding one is a file grant_<name>.go and a line in grantTypes(): metadata, registration and
// errors follow.
type grantType struct {
	name   string
	redeem func(context.Context, *Server, tokenRequest) (issued, *Error)
}

// grantTypes is the list, in the order of the metadata. A function, because the grants' own errors name the list.
func grantTypes() []grantType {
	return []grantType{
		{grantAuthorizationCode, redeemCode},
		{GrantRefreshToken, redeemRefreshToken},
	}
}

func grantTypeNames() []string {
	names := make([]string, 0, len(grantTypes()))
	for _, g := range grantTypes() {
		names = append(names, g.name)
	}
	return names
}

// tokenRequest is a token request whose client is authenticated and whose form has each parameter once.
type tokenRequest struct {
	issuer   *Issuer
	client   Client
	form     url.Values
	resource string   // canonical URL of the wanted MCP server; empty when the request names none
	scopes   []string // wanted; empty when the request names none
}

// issued is what a grant decided, before anything is signed.
type issued struct {
	grant      GrantState
	random     []byte
	scopes     []string // of the access token
	generation uint64   // of the refresh token; 0: none
}

// GrantState is what the store tells of a grant.
type GrantState struct {
	ID       id.ID
	UserID   id.ID
	ClientID string
	ServerID id.ID
	Resource string
	// Organization that the person chose at the approval; empty: none.
	Organization string
	Scopes       []string
	Refreshable  bool
	Generation   uint64
	// Now is the store's clock at the decision, to whole seconds: iat.
	Now time.Time
}

// TokenResponse is a successful answer of the token endpoint (RFC 6749 section 5.1).
type TokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// Token answers a token request. The steps are the same for every grant, so that none can forget one: known grant type, client
// authentication, resource and scope, the grant itself, signing.
func (s *Server) Token(ctx context.Context, issuer *Issuer, authorization string, form url.Values) (TokenResponse, *Error) {
	if refused := once(form); refused != nil {
		return TokenResponse{}, refused
	}
	name := form.Get("grant_type")
	if name == "" {
		return TokenResponse{}, newError(InvalidRequest, "The parameter grant_type is missing. Expected: "+strings.Join(grantTypeNames(), " or ")).at("grant_type", "").expecting(strings.Join(grantTypeNames(), " or "))
	}
	TraceOf(ctx).GrantType = name
	known := grantTypes()
	at := slices.IndexFunc(known, func(g grantType) bool { return g.name == name })
	if at < 0 {
		return TokenResponse{}, newError(UnsupportedGrantType, "Expected grant_type "+strings.Join(grantTypeNames(), " or ")).at("grant_type", name).expecting(strings.Join(grantTypeNames(), " or "))
	}
	client, refused := s.authenticateClient(ctx, issuer, authorization, form)
	if refused != nil {
		return TokenResponse{}, refused
	}
	request := tokenRequest{issuer: issuer, client: client, form: form}
	if request.scopes, refused = issuer.narrowed(form.Get("scope")); refused != nil {
		return TokenResponse{}, refused
	}
	if values := form["resource"]; len(values) > 0 && values[0] != "" {
		resource, refused := issuer.resolveResource(values)
		if refused != nil {
			return TokenResponse{}, refused
		}
		request.resource = resource.URL
	}
	result, refused := known[at].redeem(ctx, s, request)
	if refused != nil {
		return TokenResponse{}, refused
	}
	result.scopes = issuer.known(result.scopes)
	return s.sign(issuer, result)
}

// sign turns a decision into tokens.
func (s *Server) sign(issuer *Issuer, result issued) (TokenResponse, *Error) {
	access, err := issuer.signAccessToken(result.grant, result.scopes)
	if err != nil {
		return TokenResponse{}, Fault(err)
	}
	response := TokenResponse{AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(issuer.AccessTokenTTL / time.Second),
		Scope: strings.Join(result.scopes, " ")}
	if result.generation > 0 {
		response.RefreshToken = s.newReference(issuer,
			reference{kind: kindRefresh, grant: result.grant.ID, generation: result.generation, random: result.random})
	}
	return response, nil
}

// once refuses repeated parameters (RFC 6749 section 3.2) except resource, and parameters that hold what no parameter may.
func once(form url.Values) *Error {
	for name, values := range form {
		if len(values) > 1 && name != "resource" {
			return newError(InvalidRequest, "A parameter is given more than once.").at(name, "")
		}
		if slices.ContainsFunc(values, func(v string) bool { return !isText(v) }) {
			return newError(InvalidRequest, "A parameter contains NUL or is not UTF-8.").at(name, "")
		}
	}
	return nil
}

// isText refuses what no store can keep and JSON would change on the way.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
