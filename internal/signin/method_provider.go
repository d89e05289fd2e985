package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// Kinds of providers.
const (
	ProviderGoogle    = "google"
	ProviderMicrosoft = "microsoft"
	ProviderGitHub    = "github"
	ProviderOIDC      = "oidc"
)

// Issuers of those that have none by the standard. None of them is a URL, so no OpenID Connect provider is one of them.
const (
	// OwnIssuer is the customer's own site, wherever its page is.
	OwnIssuer = "own"
	// gitHubIssuer stands before the address of the server.
	gitHubIssuer = "github:"
)

// ProviderRequestLifetime is how long a person may take at the provider.
const ProviderRequestLifetime = 10 * time.Minute

// Errors of a sign-in with another provider.
var (
	ErrIdentityProvider = errors.New("the provider's answer is not accepted")
	ErrUnverified       = errors.New("the provider does not vouch for the address")
)

// Provider is another place where people have accounts.
type Provider struct {
	ID           id.ID
	Kind         string
	Name         string
	Issuer       string
	ClientID     string
	ClientSecret string
}

// Identity is a person as a provider knows them. Issuer and subject tell who they are, the address does not (OpenID Connect Core section
// 5.7; catalogue 122).
type Identity struct {
	Issuer        string // of Microsoft the tenant's
	Subject       string
	Email         string
	EmailVerified bool
	// FromOwn marks what the customer's own site said; only then Name and Organizations count.
	FromOwn       bool
	Name          string
	Organizations []Organization
}

// Identities is where what proves a project's people is kept besides passwords: providers and who people are there, passkeys, second
// factors.
type Identities interface {
	Passkeys
	SecondFactors
	ExternalLogins

	// FindProvider returns an enabled provider with its secret, or ErrNotFound.
	FindProvider(ctx context.Context, id id.ID) (Provider, error)
	// UseAnswer notes the answer to a state until it expires, and returns ErrNotFound when it was used before, on any node.
	UseAnswer(ctx context.Context, stateHash []byte, ttl time.Duration) error
	// SignInIdentity returns the account of an identity. A new identity is tied to the account of its address only when the provider
	// and this server verified it and nobody of this provider is tied to it yet. Otherwise it gets an account of its own, if allowNew,
	// which has the address if no account has. ErrUnverified: the provider does not vouch for the address of somebody new; ErrNotFound:
	// no account, and none may be made, or the provider is gone; ErrBlocked.
	SignInIdentity(ctx context.Context, provider id.ID, identity Identity, allowNew bool) (Account, error)
	// FinishReview counts the attempt like Accounts.FinishSignIn, asks check about the code that stays the same of the challenge's address,
	// which is "" when it has none, and returns the reviewer's account. Whether an account of somebody has the address makes no difference.
	FinishReview(ctx context.Context, challenge id.ID, browserHash []byte, check func(code string) bool) (Account, error)
	// SignsInElsewhere reports whether a password, passkey or code of ours would go around the customer's own login for this account.
	SignsInElsewhere(ctx context.Context, account id.ID) (bool, error)
	// Organizations tells for which organizations the person of a session may allow an app to act.
	Organizations(ctx context.Context, session id.ID) (Choice, error)
}

// MemberWays is what proves members of the dashboard besides passwords and codes.
type MemberWays interface {
	Passkeys
	// SignInGitHub returns the account of an identity at GitHub, which is tied to the account of its verified address the first time, or
	// gets one with an organization of this name. Of any number of calls with one state, one succeeds; the others get ErrNotFound.
	// ErrUnverified, ErrBlocked.
	SignInGitHub(ctx context.Context, identity Identity, stateHash []byte, organization string) (Account, error)
}

// IdentityProviders speaks to providers. It is safe for concurrent use.
type IdentityProviders struct {
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	known map[string]discovered
}

type discovered struct {
	provider *oidc.Provider
	at       time.Time
}

const (
	// rememberProvider is how long a provider's metadata is kept, and providerKnown of how many.
	providerRemembered = 10 * time.Minute
	providersKnown     = 1000
	// ProviderAnswerMax bounds each answer of a provider, in bytes.
	ProviderAnswerMax = 256 << 10
)

// NewIdentityProviders asks providers through a client that chooses what may be reached.
func NewIdentityProviders(client *http.Client, now func() time.Time) *IdentityProviders {
	return &IdentityProviders{client: client, now: now, known: map[string]discovered{}}
}

// ProviderRequest is what has to come back unchanged. It stays in the browser, sealed.
type ProviderRequest struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
}

// NewProviderRequest draws one.
func NewProviderRequest(state string) ProviderRequest {
	return ProviderRequest{State: state, Nonce: secret.Encode(secret.Bytes(16)), Verifier: oauth2.GenerateVerifier()}
}

// Begin returns the address at the provider that the person is sent to, with state, nonce and PKCE (RFC 9700 section 4.7).
func (u *IdentityProviders) Begin(ctx context.Context, p Provider, r ProviderRequest, callback string) (string, error) {
	config, _, err := u.config(ctx, p, callback)
	if err != nil {
		return "", err
	}
	return config.AuthCodeURL(r.State, oauth2.S256ChallengeOption(r.Verifier), oidc.Nonce(r.Nonce)), nil
}

// Finish exchanges the code and returns whom the provider speaks of. ErrIdentityProvider wraps everything that is wrong with its answer.
func (u *IdentityProviders) Finish(ctx context.Context, p Provider, r ProviderRequest, callback, code, iss string) (Identity, error) {
	config, provider, err := u.config(ctx, p, callback)
	if err != nil {
		return Identity{}, err
	}
	if iss != "" && p.Kind != ProviderMicrosoft && p.Kind != ProviderGitHub && iss != p.Issuer { // RFC 9207
		return Identity{}, fmt.Errorf("%w: it names another issuer", ErrIdentityProvider)
	}
	token, err := config.Exchange(oidc.ClientContext(ctx, u.client), code, oauth2.VerifierOption(r.Verifier))
	if err != nil {
		return Identity{}, providerFault("the code was not exchanged", err)
	}
	if p.Kind == ProviderGitHub {
		return u.gitHub(ctx, p, token)
	}
	raw, _ := token.Extra("id_token").(string)
	return u.verify(ctx, p, provider, raw, r.Nonce)
}

// idClaims are read with types that keep "true" and 1 from being taken for true (catalogue 120).
type idClaims struct {
	Email         string `json:"email"`
	EmailVerified any    `json:"email_verified"`
	DomainOwner   any    `json:"xms_edov"` // Microsoft's word for it
	Party         string `json:"azp"`
	Tenant        string `json:"tid"`
}

// verify checks an ID token (OpenID Connect Core section 3.1.3.7; catalogue 119).
func (u *IdentityProviders) verify(ctx context.Context, p Provider, provider *oidc.Provider, raw, nonce string) (Identity, error) {
	config := &oidc.Config{ClientID: p.ClientID, Now: u.now, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256, oidc.PS256, oidc.EdDSA}}
	config.SkipIssuerCheck = p.Kind == ProviderMicrosoft // judged below: it has one for each tenant
	token, err := provider.Verifier(config).Verify(oidc.ClientContext(ctx, u.client), raw)
	if err != nil {
		return Identity{}, providerFault("the ID token is not accepted", err)
	}
	var claims idClaims
	if err := token.Claims(&claims); err != nil {
		return Identity{}, providerFault("the ID token cannot be read", err)
	}
	switch {
	case token.Nonce == "" || !secret.Equal([]byte(token.Nonce), []byte(nonce)):
		return Identity{}, fmt.Errorf("%w: another nonce", ErrIdentityProvider)
	case claims.Party != "" && claims.Party != p.ClientID, len(token.Audience) > 1 && claims.Party == "":
		return Identity{}, fmt.Errorf("%w: the ID token is for another client", ErrIdentityProvider)
	case token.Subject == "" || len(token.Subject) > 255:
		return Identity{}, fmt.Errorf("%w: no subject", ErrIdentityProvider)
	case p.Kind == ProviderMicrosoft && !microsoftIssuer(p.Issuer, token.Issuer, claims.Tenant):
		return Identity{}, fmt.Errorf("%w: another issuer", ErrIdentityProvider)
	}
	identity := Identity{Issuer: p.Issuer, Subject: token.Subject, Email: claims.Email, EmailVerified: claims.EmailVerified == true}
	if p.Kind == ProviderMicrosoft { // the tenant stays in the subject: so it was stored before the issuer was
		identity.Issuer, identity.Subject, identity.EmailVerified = token.Issuer, claims.Tenant+":"+token.Subject, claims.DomainOwner == true
	}
	return identity, nil
}

// microsoftIssuer compares with the address of the tenant that the token names, when the provider is for several tenants.
func microsoftIssuer(configured, got, tenant string) bool {
	base, name, ok := strings.Cut(strings.TrimSuffix(configured, "/v2.0"), ".com/")
	if !ok || tenant == "" || strings.ContainsAny(tenant, "/?#") {
		return false
	}
	if name == "common" || name == "organizations" || name == "consumers" {
		return got == base+".com/"+tenant+"/v2.0"
	}
	return got == configured
}

func providerFault(what string, err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok { // its text holds the body
		return fmt.Errorf("%w: %s: %s", ErrIdentityProvider, what, refused.ErrorCode)
	}
	return fmt.Errorf("%w: %s: %w", ErrIdentityProvider, what, err)
}

// config is the OAuth client at the provider; the second value is nil for GitHub, which does not speak OpenID Connect.
func (u *IdentityProviders) config(ctx context.Context, p Provider, callback string) (*oauth2.Config, *oidc.Provider, error) {
	config := &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: callback, Scopes: []string{oidc.ScopeOpenID, "email"}}
	if p.Kind == ProviderGitHub {
		config.Endpoint = oauth2.Endpoint{AuthURL: p.Issuer + "/login/oauth/authorize", TokenURL: p.Issuer + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams}
		config.Scopes = []string{"user:email"}
		return config, nil, nil
	}
	provider, err := u.discover(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	config.Endpoint = provider.Endpoint()
	return config, provider, nil
}

// discover remembers the metadata and keys of providers for a while; a key that is not known is asked for at once.
func (u *IdentityProviders) discover(ctx context.Context, p Provider) (*oidc.Provider, error) {
	u.mu.Lock()
	found, ok := u.known[p.Issuer]
	u.mu.Unlock()
	if ok && u.now().Sub(found.at) < providerRemembered {
		return found.provider, nil
	}
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), u.client) // the key set asks again later, with this context
	if p.Kind == ProviderMicrosoft {
		ctx = oidc.InsecureIssuerURLContext(ctx, p.Issuer) // its metadata names a template
	}
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentityProvider, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.known) >= providersKnown {
		clear(u.known)
	}
	u.known[p.Issuer] = discovered{provider: provider, at: u.now()}
	return provider, nil
}

// gitHub asks who the token is for. Only the primary address counts, and only if GitHub verified it.
func (u *IdentityProviders) gitHub(ctx context.Context, p Provider, token *oauth2.Token) (Identity, error) {
	base := p.Issuer + "/api/v3" // of a server of one's own
	if p.Issuer == "https://github.com" {
		base = "https://api.github.com"
	}
	var user struct {
		ID int64 `json:"id"`
	}
	var emails []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if err := u.ask(ctx, base+"/user", token, &user); err != nil {
		return Identity{}, err
	}
	if err := u.ask(ctx, base+"/user/emails", token, &emails); err != nil {
		return Identity{}, err
	}
	if user.ID <= 0 {
		return Identity{}, fmt.Errorf("%w: no subject", ErrIdentityProvider)
	}
	identity := Identity{Issuer: gitHubIssuer + p.Issuer, Subject: fmt.Sprint(user.ID)}
	for _, e := range emails {
		if e.Primary {
			identity.Email, identity.EmailVerified = e.Email, e.Verified
		}
	}
	return identity, nil
}

func (u *IdentityProviders) ask(ctx context.Context, target string, token *oauth2.Token, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentityProvider, err)
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	token.SetAuthHeader(request)
	response, err := u.client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentityProvider, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(body, into) != nil {
		return fmt.Errorf("%w: status %d", ErrIdentityProvider, response.StatusCode)
	}
	return nil
}
