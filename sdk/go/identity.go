package mcpauth

import (
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
)

// Identity says who is calling and through which client.
type Identity struct {
	Subject  string   // the user's id, stable and unique within the issuer; empty for a client acting on its own
	Username string   // the user's e-mail address or name, when the project tells it: for display, not as a key
	ClientID string   // the client the user approved
	Issuer   string   // the issuer URL the token was issued at
	GrantID  string   // the approval the token belongs to
	TokenID  string   // the token's own id
	Scopes   []string // what the token allows
}

// IdentityFrom reads the identity out of what the go-sdk hands to tools as req.Extra.TokenInfo, or out of
// [auth.TokenInfoFromContext]. It reports false when the request did not come through a [Guard].
func IdentityFrom(info *auth.TokenInfo) (Identity, bool) {
	if info == nil {
		return Identity{}, false
	}
	text := func(name string) string {
		value, _ := info.Extra[name].(string)
		return value
	}
	identity := Identity{
		Subject: text("sub"), Username: text("username"), ClientID: text("client_id"), Issuer: text("iss"),
		GrantID: text("sid"), TokenID: text("jti"), Scopes: info.Scopes,
	}
	return identity, identity.Issuer != ""
}

// tokenInfo is made anew for each request: what handlers do to it stays theirs.
func (c *claims) tokenInfo() *auth.TokenInfo {
	info := &auth.TokenInfo{
		Scopes:     strings.Fields(c.Scope),
		Expiration: c.expiry(),
		UserID:     c.Subject,
		Extra:      map[string]any{"iss": c.Issuer},
	}
	if info.UserID == "" {
		// The transport ties a session to this value, so a client of its own must have one too.
		info.UserID = "client:" + c.ClientID
	}
	for name, value := range map[string]string{
		"sub": c.Subject, "client_id": c.ClientID, "sid": c.Grant, "jti": c.TokenID, "username": c.Username,
	} {
		if value != "" {
			info.Extra[name] = value
		}
	}
	return info
}
