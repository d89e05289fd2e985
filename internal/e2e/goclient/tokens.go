package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// direct asks the issuer without the go-sdk.
var direct = &http.Client{Timeout: 10 * time.Second}

// held is the token that the go-sdk holds, with what its issuer's metadata says about where to take it.
func (c *connection) held(ctx context.Context) (*oauth2.Token, string, *oauthex.AuthServerMeta, error) {
	source, err := c.handler.TokenSource(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	token, err := source.Token()
	if err != nil {
		return nil, "", nil, err
	}
	var claims struct {
		Issuer   string `json:"iss"`
		ClientID string `json:"client_id"`
	}
	parts := strings.Split(token.AccessToken, ".")
	body, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return nil, "", nil, errors.New("the access token is not a JWT")
	}
	metadata, err := auth.GetAuthServerMetadata(ctx, claims.Issuer, direct)
	if err != nil || metadata == nil {
		return nil, "", nil, errors.Join(err, errors.New("the issuer has no metadata"))
	}
	return token, claims.ClientID, metadata, nil
}

// refresh gets other tokens with the refresh token, by the library that the go-sdk refreshes with.
func (c *connection) refresh(ctx context.Context) error {
	token, client, metadata, err := c.held(ctx)
	if err != nil {
		return err
	}
	config := oauth2.Config{ClientID: client, Endpoint: oauth2.Endpoint{TokenURL: metadata.TokenEndpoint, AuthStyle: oauth2.AuthStyleInParams}}
	next, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		return err
	}
	if next.AccessToken == token.AccessToken || next.RefreshToken == token.RefreshToken || next.RefreshToken == "" {
		return errors.New("the tokens are the same as before")
	}
	return nil
}

// revoke ends the approval (RFC 7009 section 2.1).
func (c *connection) revoke(ctx context.Context) error {
	token, client, metadata, err := c.held(ctx)
	if err != nil {
		return err
	}
	form := url.Values{"token": {token.RefreshToken}, "client_id": {client}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, metadata.RevocationEndpoint, strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := direct.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("revocation: %s", response.Status)
	}
	return nil
}
