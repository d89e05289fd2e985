// Package tryout walks the whole road of an MCP client for a developer who wants to see it: discovery, authorization in the developer's
// own browser, tokens, and the tools behind them. Everything that was sent and received is kept for showing, without credentials.
//
// It must import neither the doors nor the store.
package tryout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"mcpauth.example/internal/doctor"
	"mcpauth.example/internal/secret"
)

// UserAgent is what every request says it comes from, those of the examination aside: a project's timeline marks both as tests.
const UserAgent = "mcpauth-test"

// Profile is a client with its habits, as far as they can be seen from outside.
type Profile struct {
	ID, Name string
	// Habit says in a sentence what is special.
	Habit string
	// ProtocolVersion is the MCP version it speaks.
	ProtocolVersion string
	// Offline asks for offline_access when the authorization server lists it; Resource names the resource in the token request too.
	Offline, Resource bool
}

// Profiles are the clients that can be tried, the most frequent first.
func Profiles() []Profile {
	return []Profile{
		{"claude-code", "Claude Code", "Asks for offline_access as well, and names the resource everywhere.", "2025-11-25", true, true},
		{"claude", "Claude, web and desktop", "Asks for what the challenge names.", "2025-11-25", false, true},
		{"chatgpt", "ChatGPT", "Asks for what the challenge names, with an older protocol version.", "2025-06-18", false, true},
		{"cursor", "Cursor", "Speaks the older protocol version and does not ask for offline_access.", "2025-06-18", false, true},
		{"vscode", "VS Code", "Names the resource everywhere.", "2025-11-25", false, true},
		{"codex", "Codex", "Asks for offline_access, and leaves the resource out of the token request.", "2025-06-18", true, false},
	}
}

// FindProfile returns the profile of an id.
func FindProfile(id string) (Profile, bool) {
	for _, p := range Profiles() {
		if p.ID == id {
			return p, true
		}
	}
	return Profile{}, false
}

// Exchange is one request and its answer as they may be shown: tokens, codes and secrets are left out.
type Exchange struct {
	Request        string // method and URL
	Host           string // that was asked, with its port
	Answer         string // status, or what kept the answer away
	SentHeader     []string
	Sent           string
	ReceivedHeader []string
	Received       string
}

// Tryout sends requests with a client that reaches only what it may.
type Tryout struct{ HTTP *http.Client }

// Examine walks to the MCP server at the address as a client of the profile does before its person signs in.
func (t Tryout) Examine(ctx context.Context, address string, p Profile) (doctor.Report, []Exchange) {
	recorder := t.recorder()
	report := doctor.Run(ctx, address, doctor.Options{Client: recorder.client(), ProtocolVersion: p.ProtocolVersion})
	return report, recorder.exchanges
}

// Plan is an authorization that has begun. It holds secrets: it is sealed before it leaves the process.
type Plan struct {
	Profile, ClientID, Redirect, Resource, Issuer, TokenEndpoint, RevocationEndpoint, State, Verifier string
	AuthorizeURL                                                                                      string
}

// ErrMetadata is returned when the issuer's metadata cannot be read.
var ErrMetadata = errors.New("the metadata of the issuer cannot be read")

// Begin reads the issuer's metadata and makes the request that the developer's browser carries. Scopes are those of the challenge.
func (t Tryout) Begin(ctx context.Context, p Profile, metadataURL, clientID, redirect, resource string, scopes []string) (Plan, error) {
	var metadata struct {
		Issuer                string   `json:"issuer"`
		AuthorizationEndpoint string   `json:"authorization_endpoint"`
		TokenEndpoint         string   `json:"token_endpoint"`
		RevocationEndpoint    string   `json:"revocation_endpoint"`
		Scopes                []string `json:"scopes_supported"`
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metadataURL, nil)
	if err != nil {
		return Plan{}, err
	}
	request.Header.Set("User-Agent", UserAgent)
	response, err := t.HTTP.Do(request)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&metadata); err != nil || response.StatusCode != http.StatusOK {
		return Plan{}, fmt.Errorf("%w: status %d", ErrMetadata, response.StatusCode)
	}
	plan := Plan{Profile: p.ID, ClientID: clientID, Redirect: redirect, Resource: resource, Issuer: metadata.Issuer, TokenEndpoint: metadata.TokenEndpoint,
		RevocationEndpoint: metadata.RevocationEndpoint, State: secret.Token(""), Verifier: secret.Token("")}
	if p.Offline && slices.Contains(metadata.Scopes, "offline_access") {
		scopes = append(slices.Clone(scopes), "offline_access")
	}
	challenge := sha256.Sum256([]byte(plan.Verifier))
	u, err := url.Parse(metadata.AuthorizationEndpoint)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	u.RawQuery = url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirect}, "scope": {strings.Join(scopes, " ")}, "state": {plan.State},
		"resource": {resource}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}}.Encode()
	plan.AuthorizeURL = u.String()
	return plan, nil
}

// Tool is one tool that the MCP server offers.
type Tool struct{ Name, Description string }

// Result is how the road ended.
type Result struct {
	// Stopped says at which step it ended early and why; empty: it did not.
	Stopped string
	// Token is the access token, decoded: header and claims as indented JSON.
	TokenHeader, TokenClaims string
	Scope                    string
	ExpiresIn                int // seconds
	Refresh                  bool
	Server                   string // name and version that the MCP server gave itself
	Tools                    []Tool
	Exchanges                []Exchange
}

// Finish takes what came back to the redirect URI: it exchanges the code, lists the tools and gives the tokens back.
func (t Tryout) Finish(ctx context.Context, plan Plan, back url.Values) Result {
	recorder := t.recorder()
	result := finish(ctx, recorder, plan, back)
	result.Exchanges = recorder.exchanges
	return result
}

func finish(ctx context.Context, recorder *recorder, plan Plan, back url.Values) (result Result) {
	switch {
	case !secret.Equal([]byte(back.Get("state")), []byte(plan.State)):
		result.Stopped = "The answer belongs to another request: state differs. Begin again."
		return result
	case back.Get("iss") != plan.Issuer: // RFC 9207 section 2.4
		result.Stopped = fmt.Sprintf("The answer comes from another issuer: iss is %q, expected %q.", back.Get("iss"), plan.Issuer)
		return result
	case back.Get("error") != "":
		result.Stopped = fmt.Sprintf("The authorization ended with %s: %s", back.Get("error"), back.Get("error_description"))
		return result
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "client_id": {plan.ClientID}, "redirect_uri": {plan.Redirect}, "code_verifier": {plan.Verifier}}
	if p, ok := FindProfile(plan.Profile); ok && p.Resource {
		form.Set("resource", plan.Resource)
	}
	var tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		Scope        string `json:"scope"`
		ExpiresIn    int    `json:"expires_in"`
		Error        string `json:"error"`
		Description  string `json:"error_description"`
	}
	if err := post(ctx, recorder.client(), plan.TokenEndpoint, form, &tokens); err != nil {
		result.Stopped = "The token endpoint gave no answer that can be read."
		return result
	}
	if tokens.AccessToken == "" {
		result.Stopped = fmt.Sprintf("The token endpoint refused the code with %s: %s", tokens.Error, tokens.Description)
		return result
	}
	defer func() { // nobody needs them any more
		token := tokens.RefreshToken
		if token == "" {
			token = tokens.AccessToken
		}
		_ = post(ctx, recorder.client(), plan.RevocationEndpoint, url.Values{"token": {token}, "client_id": {plan.ClientID}}, nil)
	}()
	result.Scope, result.ExpiresIn, result.Refresh = tokens.Scope, tokens.ExpiresIn, tokens.RefreshToken != ""
	result.TokenHeader, result.TokenClaims = decode(tokens.AccessToken)
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpauth test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: plan.Resource, HTTPClient: recorder.with(tokens.AccessToken), MaxRetries: -1, DisableStandaloneSSE: true}, nil)
	if err != nil {
		result.Stopped = "The MCP server did not let the token in: " + err.Error()
		return result
	}
	defer func() { _ = session.Close() }()
	if info := session.InitializeResult(); info != nil && info.ServerInfo != nil {
		result.Server = strings.TrimSpace(info.ServerInfo.Name + " " + info.ServerInfo.Version)
	}
	listed, err := session.ListTools(ctx, nil)
	if err != nil {
		result.Stopped = "The MCP server did not list its tools: " + err.Error()
		return result
	}
	for _, tool := range listed.Tools {
		result.Tools = append(result.Tools, Tool{tool.Name, tool.Description})
	}
	return result
}

func post(ctx context.Context, client *http.Client, endpoint string, form url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if into == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// decode reads the two parts of a token that anybody can read; the signature is checked by whoever takes the token.
func decode(token string) (header, claims string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", ""
	}
	read := func(part string) string {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		var out bytes.Buffer
		if err != nil || json.Indent(&out, raw, "", "  ") != nil {
			return ""
		}
		return out.String()
	}
	return read(parts[0]), read(parts[1])
}
