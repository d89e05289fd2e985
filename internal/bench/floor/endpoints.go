package floor

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"
)

// registration is a client's metadata, as it is sent and as it is answered.
type registration struct {
	ClientID                string   `json:"client_id"`
	ClientIDIssuedAt        int64    `json:"client_id_issued_at"`
	ClientName              string   `json:"client_name"`
	RedirectURIs            []string `json:"redirect_uris"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	ApplicationType         string   `json:"application_type"`
	Scope                   string   `json:"scope,omitempty"`
	ClientURI               string   `json:"client_uri,omitempty"`
}

// registerSQL finds the client of this fingerprint or makes one.
const registerSQL = `
	WITH found AS (SELECT id, created_at FROM clients WHERE fingerprint = $1),
	made AS (
		INSERT INTO clients (id, fingerprint, name, redirect_uris, metadata) SELECT $2, $1, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM found)
		ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name RETURNING id, created_at
	)
	SELECT * FROM found UNION ALL SELECT * FROM made`

func (s *server) register(c echo.Context) error {
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return refuse(c, err)
	}
	r := registration{ApplicationType: "native"}
	if err := json.Unmarshal(body, &r); err != nil {
		return refuse(c, err)
	}
	fingerprint := sha256.Sum256(body)
	var id [16]byte
	rand.Read(id[:])
	var created time.Time
	err = s.pool.QueryRow(c.Request().Context(), registerSQL, fingerprint[:], base64.RawURLEncoding.EncodeToString(id[:]), r.ClientName,
		r.RedirectURIs, body).Scan(&r.ClientID, &created)
	if err != nil {
		return refuse(c, err)
	}
	r.ClientIDIssuedAt = created.Unix()
	set(c, s.Register)
	return c.JSON(http.StatusCreated, r)
}

// gap fills the request up to the size that the product's has.
const gap = "."

// authorize shows the page that asks, if the client may be sent back to where it wants.
func (s *server) authorize(c echo.Context) error {
	query := c.Request().URL.Query()
	var redirects []string
	err := s.pool.QueryRow(c.Request().Context(), `SELECT redirect_uris FROM clients WHERE id = $1`, query.Get("client_id")).Scan(&redirects)
	if err != nil {
		return refuse(c, err)
	}
	if !slices.Contains(redirects, query.Get("redirect_uri")) {
		return refuse(c, errors.New("redirect_uri"))
	}
	request := base64.RawURLEncoding.EncodeToString([]byte(c.Request().URL.RawQuery))
	return s.Consent.write(c, request+strings.Repeat(gap, max(0, s.RequestSize-len(request))))
}

// consent stores the approval.
func (s *server) consent(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return refuse(c, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(form.Get("request"), gap))
	if err != nil {
		return refuse(c, err)
	}
	query, err := url.ParseQuery(string(raw))
	if err != nil {
		return refuse(c, err)
	}
	r := reference{grant: newID()}
	rand.Read(r.random[:])
	hash := sha256.Sum256(r.random[:])
	_, err = s.pool.Exec(c.Request().Context(), `
		INSERT INTO grants (id, random_hash, user_id, client_id, redirect_uri, code_challenge, resource, scopes, code_expires_at, expires_at)
		VALUES ($1, $2, $1, $3, $4, $5, $6, $7, now() + interval '1 minute', now() + interval '1 year')`,
		r.grant, hash[:], query.Get("client_id"), query.Get("redirect_uri"), query.Get("code_challenge"), query.Get("resource"),
		strings.Fields(query.Get("scope")))
	if err != nil {
		return refuse(c, err)
	}
	return s.Leave.write(c, r.encode(codePrefix))
}

const (
	redeemSQL = `
		UPDATE grants SET generation = 1
		WHERE id = $1 AND random_hash = $2 AND client_id = $3 AND generation = 0 AND code_challenge = $4 AND redirect_uri = $5
			AND resource = $6 AND code_expires_at > now()
		RETURNING user_id, resource, scopes, generation, now()`

	rotateSQL = `
		UPDATE grants SET generation = generation + 1
		WHERE id = $1 AND random_hash = $2 AND client_id = $3 AND generation = $4 AND expires_at > now()
		RETURNING user_id, resource, scopes, generation, now()`
)

// token exchanges a code or a refresh token in one statement.
func (s *server) token(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return refuse(c, err)
	}
	ctx, client := c.Request().Context(), form.Get("client_id")
	var r reference
	var row pgx.Row
	if form.Get("grant_type") == "refresh_token" {
		if r, err = decode(refreshPrefix, form.Get("refresh_token")); err != nil {
			return refuse(c, err)
		}
		hash := sha256.Sum256(r.random[:])
		row = s.pool.QueryRow(ctx, rotateSQL, r.grant, hash[:], client, r.generation)
	} else {
		if r, err = decode(codePrefix, form.Get("code")); err != nil {
			return refuse(c, err)
		}
		hash, challenge := sha256.Sum256(r.random[:]), sha256.Sum256([]byte(form.Get("code_verifier")))
		row = s.pool.QueryRow(ctx, redeemSQL, r.grant, hash[:], client, base64.RawURLEncoding.EncodeToString(challenge[:]),
			form.Get("redirect_uri"), form.Get("resource"))
	}
	var user [16]byte
	var resource string
	var scopes []string
	var now time.Time
	if err := row.Scan(&user, &resource, &scopes, &r.generation, &now); err != nil {
		return refuse(c, err)
	}
	scope := strings.Join(scopes, " ")
	access, err := s.signer.sign(claims{Issuer: s.Issuer, Subject: text(user), Audience: resource, ClientID: client, Scope: scope,
		IssuedAt: now.Unix(), Expires: now.Unix() + 3600, ID: text(newID()), GrantID: text(r.grant)})
	if err != nil {
		return refuse(c, err)
	}
	set(c, s.Token)
	return c.JSON(http.StatusOK, struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int    `json:"expires_in"`
		RefreshToken string `json:"refresh_token"`
		Scope        string `json:"scope"`
	}{access, "Bearer", 3600, r.encode(refreshPrefix), scope})
}

// introspection is the answer about a good token.
type introspection struct {
	Active    bool   `json:"active"`
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ClientID  string `json:"client_id"`
	Username  string `json:"username"`
	Scope     string `json:"scope"`
	TokenType string `json:"token_type"`
	Expires   int64  `json:"exp"`
	IssuedAt  int64  `json:"iat"`
	ID        string `json:"jti"`
	GrantID   string `json:"sid"`
}

// introspect looks the guard's secret and the token up in one round trip.
func (s *server) introspect(c echo.Context) error {
	form, err := c.FormParams()
	if err != nil {
		return refuse(c, err)
	}
	bearer := sha256.Sum256([]byte(strings.TrimPrefix(c.Request().Header.Get("Authorization"), "Bearer ")))
	token := sha256.Sum256([]byte(form.Get("token")))
	batch := &pgx.Batch{}
	batch.Queue(`SELECT server FROM secrets WHERE hash = $1`, bearer[:])
	batch.Queue(`SELECT grant_id, user_id, client_id, resource, scopes, issued_at, expires_at FROM tokens
		WHERE hash = $1 AND expires_at > now() AND revoked_at IS NULL`, token[:])
	results := s.pool.SendBatch(c.Request().Context(), batch)
	var guard string
	var grant, user [16]byte
	var scopes []string
	var issued, expires time.Time
	found := introspection{Active: true, Issuer: s.Issuer, Username: s.Username, TokenType: "Bearer"}
	err = results.QueryRow().Scan(&guard)
	if err == nil {
		err = results.QueryRow().Scan(&grant, &user, &found.ClientID, &found.Audience, &scopes, &issued, &expires)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return refuse(c, err)
	}
	found.Subject, found.GrantID, found.ID, found.Scope = text(user), text(grant), text(grant), strings.Join(scopes, " ")
	found.IssuedAt, found.Expires = issued.Unix(), expires.Unix()
	set(c, s.Introspect)
	return c.JSON(http.StatusOK, found)
}
