package oauth

import (
	"context"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// codeLifetime is how long a code may be redeemed (RFC 9700 section 2.1.1 asks for short; catalogue 162).
const codeLifetime = time.Minute

// purposeApproval names the key of the token in the consent form.
const purposeApproval = "approval"

// Approval is what the store writes when a person allows a request.
type Approval struct {
	GrantID      id.ID
	FlowID       id.ID
	IssuerURL    string
	SessionID    id.ID
	UserID       id.ID
	ClientID     string
	ServerID     id.ID
	Resource     string
	Scopes       []string
	Refused      []string // shown and not allowed: no longer remembered
	Organization string   // empty: none
	RedirectURI  string
	RedirectHost string
	Challenge    string
	RandomHash   []byte
	Nonce        string
	AuthMethod   string
	Refreshable  bool
	CodeLifetime time.Duration
	Lifetime     time.Duration // of the grant
	Document     *Client       // to be stored with the approval, since the client has a document and no row; nil otherwise
}

// ApprovalToken binds the consent form to the flow, the session and the scopes that were shown (catalogue 139, 145, 146).
func (s *Server) ApprovalToken(issuer *Issuer, r *Request, session id.ID) string {
	version := s.keys.Current()
	return secret.Encode(append([]byte{version}, s.approvalMAC(version, issuer, r, session)...))
}

func (s *Server) approvalMAC(version byte, issuer *Issuer, r *Request, session id.ID) []byte {
	return s.keys.MAC(version, purposeApproval, issuer.ID[:], r.FlowID[:], session[:], []byte(strings.Join(r.Scopes, " ")), []byte(strings.Join(r.Remembered, " ")))
}

// ValidApproval checks the token of a posted consent form.
func (s *Server) ValidApproval(issuer *Issuer, r *Request, session id.ID, token string) bool {
	raw, err := secret.Decode(token)
	if err != nil || len(raw) != 1+32 {
		return false
	}
	expected := s.approvalMAC(raw[0], issuer, r, session)
	return expected != nil && secret.Equal(expected, raw[1:])
}

// Refreshable reports whether a grant for this request comes with a refresh token: the client registered for one, or asks for offline
// access (A29).
func Refreshable(client Client, r *Request) bool {
	return slices.Contains(client.GrantTypes, GrantRefreshToken) || slices.Contains(r.Scopes, ScopeOfflineAccess)
}

// Decision is what a person chose besides to allow.
type Decision struct {
	// Scopes that they allowed of those shown, where the issuer lets them choose; nil: all of them.
	Scopes []string
	// Organization of theirs that the access is for; the store refuses one they do not belong to.
	Organization string
}

// decide parts what was shown into what is allowed and what is not. Nothing is allowed that was not shown (catalogue 145).
func (i *Issuer) decide(r *Request, d Decision) (allowed, refused []string, err error) {
	for _, name := range i.shown(r) {
		if d.Scopes == nil || !i.ScopesSelectable || name == ScopeOfflineAccess || slices.Contains(d.Scopes, name) {
			allowed = append(allowed, name)
		} else {
			refused = append(refused, name)
		}
	}
	if len(allowed) == 0 || len(allowed) == 1 && allowed[0] == ScopeOfflineAccess {
		return nil, nil, newError(InvalidScope, "Choose at least one thing to allow, or deny.").at("scope", "")
	}
	return allowed, refused, nil
}

// Approve records that the person behind a session allowed a request, and returns the redirect URI with the code. A double submit of
// the same decision gives the same redirect while the code is unused (P21, catalogue 148); the store checks session, user, client,
// MCP server and project under lock, so that no approval slips past a block.
func (s *Server) Approve(ctx context.Context, issuer *Issuer, r *Request, client Client, session, user id.ID, d Decision) (string, error) {
	allowed, refused, err := issuer.decide(r, d)
	if err != nil {
		return "", err
	}
	resource, ok := issuer.ResourceByID(r.ServerID)
	if !ok || r.Account {
		return "", newError(InvalidTarget, "The MCP server is gone.").at("resource", "")
	}
	grantID, err := s.grants.ApproveGrant(ctx, issuer.ID, Approval{
		GrantID: id.New(), FlowID: r.FlowID, IssuerURL: issuer.URL, SessionID: session, UserID: user, ClientID: client.ID,
		ServerID: resource.ID, Resource: resource.URL, Scopes: allowed, Refused: refused, Organization: d.Organization, RedirectURI: r.Redirect,
		RedirectHost: RedirectHost(r.Redirect), Challenge: r.Challenge, RandomHash: secret.Hash(string(r.Random)), Nonce: r.Nonce,
		AuthMethod: client.AuthMethod, Refreshable: Refreshable(client, r), CodeLifetime: codeLifetime, Lifetime: issuer.RefreshTTL, Document: documentClient(client),
	})
	switch {
	case isNotFound(err):
		return "", newError(InvalidRequest, "This connection was already finished, or what it needs is no longer there. Start again from the app.")
	case err != nil:
		return "", Fault(err)
	}
	TraceOf(ctx).GrantID, TraceOf(ctx).UserID = grantID, user
	code := s.newReference(issuer, reference{kind: kindCode, grant: grantID, random: r.Random})
	return s.Redirection(issuer, client, r).Success(code), nil
}

// RedirectHost is the host of a redirect URI, or the scheme of a private-use one: what people are shown, and what consent is kept for.
func RedirectHost(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	if scheme != "https" && scheme != "http" {
		scheme, _, _ = strings.Cut(uri, ":")
		return scheme
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	if scheme == "http" { // loopback: the port is the app's choice of the moment
		if without, ok := withoutLoopbackPort("http://" + rest); ok {
			return strings.TrimPrefix(without, "http://")
		}
	}
	return rest
}

// purposeAccount names the key of the token in the forms of a person's own page.
const purposeAccount = "account"

// AccountToken binds the forms of a person's own page to their session.
func (s *Server) AccountToken(issuer *Issuer, session id.ID) string {
	version := s.keys.Current()
	return secret.Encode(append([]byte{version}, s.keys.MAC(version, purposeAccount, issuer.ID[:], session[:])...))
}

// ValidAccountToken checks the token of a posted form.
func (s *Server) ValidAccountToken(issuer *Issuer, session id.ID, token string) bool {
	raw, err := secret.Decode(token)
	if err != nil || len(raw) != 1+32 {
		return false
	}
	expected := s.keys.MAC(raw[0], purposeAccount, issuer.ID[:], session[:])
	return expected != nil && secret.Equal(expected, raw[1:])
}
