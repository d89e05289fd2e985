package mcpauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// claims is an introspection answer (RFC 7662 section 2.2).
type claims struct {
	Active    *bool           `json:"active"`
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  stringOrList    `json:"aud"`
	ClientID  string          `json:"client_id"`
	Scope     string          `json:"scope"`
	TokenType string          `json:"token_type"`
	Expires   float64         `json:"exp"` // seconds since 1970
	NotBefore float64         `json:"nbf"` // seconds since 1970; 0: at once
	Grant     string          `json:"sid"`
	TokenID   string          `json:"jti"`
	Username  string          `json:"username"`
	Bound     json.RawMessage `json:"cnf"`
}

// stringOrList is a claim that may be one string or a list of them (RFC 7519 section 4.1.3).
type stringOrList []string

func (l *stringOrList) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '"' {
		var one string
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		*l = stringOrList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

func (c *claims) expiry() time.Time {
	if c.Expires <= 0 || c.Expires > math.MaxInt32*100 {
		return time.Time{}
	}
	return time.Unix(int64(c.Expires), 0)
}

// introspect asks the project about one token. The error is always *unavailable: a token the project does not accept
// is an answer.
func (g *Guard) introspect(ctx context.Context, endpoint, token string) (*claims, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form))
	if err != nil {
		return nil, &unavailable{reason: "introspection could not be asked", cause: err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Bearer "+g.secret.value)
	// Present but without a value: not sent, and lets the transport repeat the request when a kept connection
	// turns out to be closed. Asking twice does no harm.
	request.Header["Idempotency-Key"] = nil
	var answer claims
	if _, err := fetchJSON(g.client, request, "introspection", &answer); err != nil {
		return nil, err
	}
	if answer.Active == nil {
		return nil, &unavailable{reason: "introspection did not say whether the token is active"}
	}
	return &answer, nil
}

var (
	errEnded       = errors.New("the access token is not valid or no longer valid")
	errOtherServer = errors.New("the access token is for another resource")
	errExpired     = errors.New("the access token has expired")
)

// causes are what the project is told of a refused token.
var causes = map[error]string{errEnded: "ended", errOtherServer: "other_server", errExpired: "expired"}

// judge returns why the token is not one for this server, or nil. The project has already said so much; here its
// answer is held against what this server is.
func (g *Guard) judge(c *claims, known *settings) error {
	switch {
	case !*c.Active:
		return errEnded
	case !slices.Contains(known.Issuers, c.Issuer):
		return errors.New("the access token comes from another issuer")
	case !slices.Contains(c.Audience, known.Resource):
		return errOtherServer
	case c.expiry().IsZero():
		return errors.New("the access token has no expiry")
	case !g.now().Before(c.expiry().Add(g.config.ClockTolerance)):
		return errExpired
	case c.NotBefore > float64(g.now().Add(earlyTolerance).Unix()):
		return errors.New("the access token is not valid yet")
	case c.TokenType != "" && !strings.EqualFold(c.TokenType, "Bearer"), isBound(c.Bound):
		// A sender-constrained token must not work as a bearer token (RFC 9449 section 7.2).
		return errors.New("the access token is not a bearer token")
	}
	return nil
}

func isBound(confirmation json.RawMessage) bool {
	return len(confirmation) > 0 && string(confirmation) != "null"
}

// lacking returns the needed scopes that the granted ones neither hold nor imply.
func (g *Guard) lacking(granted, needed []string) []string {
	held := make(map[string]bool, len(granted))
	for queue := slices.Clone(granted); len(queue) > 0; queue = queue[1:] {
		if scope := queue[0]; !held[scope] {
			held[scope] = true
			queue = append(queue, g.config.ImpliedScopes[scope]...)
		}
	}
	return slices.DeleteFunc(slices.Clone(needed), func(scope string) bool { return held[scope] })
}
