package main

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mcpauth.example/internal/secret"
)

// What the load's client asks for. The verifier belongs to no one and is used by every flow.
const (
	redirectURI = "https://client.example/callback"
	resourceURL = "https://tools.example/mcp"
	flowState   = "bench-0123456789abcdef"
	verifier    = "bench-verifier-0123456789-0123456789-0123456789"
	flowScopes  = "mcp:tools notes:write"
)

// challenge belongs to the verifier (RFC 7636 section 4.2).
var challenge = secret.Encode(secret.Hash(verifier))

// fullFlow is a connection from the authorization request to the tokens: the signed-in person's page, the decision, the exchange.
func fullFlow(_ context.Context, t *target, _ []*worker, _ time.Duration) (operation, error) {
	return func(w *worker) error {
		code, err := t.approve(w, nil)
		if err != nil {
			return err
		}
		_, err = t.redeem(w.link, code)
		return err
	}, nil
}

// pages are the answers of one flow before the exchange, with what was read from them.
type pages struct {
	consent, leave    reply
	request, approval string
	code              string
}

// approve opens the consent page and allows, and returns the code. The pages are kept when asked for.
func (t *target) approve(w *worker, keep *pages) (string, error) {
	cookies := t.cookies[w.number]
	if w.browser != "" {
		cookies += "; " + w.browser
	}
	consent, err := w.link.get(t.authorizePath(), "Cookie", cookies)
	if err != nil {
		return "", err
	}
	request, approval := hiddenField(consent.body, "request"), hiddenField(consent.body, "approval")
	if consent.status != http.StatusOK || request == "" || approval == "" {
		return "", consent.unexpected("the consent page")
	}
	if given := consent.header.Get("Set-Cookie"); given != "" {
		w.browser, _, _ = strings.Cut(given, ";")
		cookies = t.cookies[w.number] + "; " + w.browser
	}
	leave, err := w.link.form(t.prefix+"/oauth/consent", url.Values{"request": {request}, "approval": {approval}, "decision": {"allow"}},
		"Cookie", cookies, "Origin", "http://"+t.host, "Sec-Fetch-Site", "same-origin")
	if err != nil {
		return "", err
	}
	code := codeOf(leave.body)
	if leave.status != http.StatusOK || code == "" {
		return "", leave.unexpected("the page back to the client")
	}
	if keep != nil {
		*keep = pages{consent: consent, leave: leave, request: request, approval: approval, code: code}
	}
	return code, nil
}

func (t *target) authorizePath() string {
	return t.prefix + "/oauth/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {t.clientID}, "redirect_uri": {redirectURI}, "scope": {flowScopes}, "state": {flowState},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "resource": {resourceURL},
	}.Encode()
}

// hiddenField reads the value of a form's hidden field; empty when there is none.
func hiddenField(page []byte, name string) string {
	return between(string(page), `name="`+name+`" value="`, `"`)
}

// codeOf reads the authorization code from the link of the page that leads back to the client; empty when there is none.
func codeOf(page []byte) string {
	u, err := url.Parse(between(string(page), `id="continue" href="`, `"`))
	if err != nil {
		return ""
	}
	return u.Query().Get("code")
}

// between is the HTML text between two marks; empty when they are not there.
func between(text, before, after string) string {
	_, rest, found := strings.Cut(text, before)
	value, _, closed := strings.Cut(rest, after)
	if !found || !closed {
		return ""
	}
	return html.UnescapeString(value)
}

// split takes a captured page apart at every place where a value stands; there must be one at least.
func split(page []byte, value string) ([]string, error) {
	parts := strings.Split(string(page), html.EscapeString(value))
	if len(parts) < 2 {
		return nil, errors.New("a captured page does not hold the value that belongs there")
	}
	return parts, nil
}
