package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// A member's addresses are asked seldom and not for long.
var (
	perMemberCheck = web.Rate{Burst: 20, Every: 2 * time.Second}
	checkPatience  = 4 * time.Second
)

// checkURL says what is known of an address before a project is made for it. Nothing of an answer is shown but the host that its metadata
// names (catalogue 234).
func (d *dashboard) checkURL(v *request) error {
	typed := strings.TrimSpace(v.QueryParam("server_url"))
	if typed == "" {
		return web.Render(v, http.StatusOK, templates.URLCheck(nil))
	}
	canonical, err := tenants.ParseServerURL(typed)
	if problems, ok := fieldErrors(err); ok {
		return web.Render(v, http.StatusOK, templates.URLCheck([]templates.URLRemark{{Tone: "bad", Text: problems["server_url"]}}))
	}
	if err := d.Limits.Local(perMemberCheck, "check", v.session.Account.ID.String()); err != nil {
		return err
	}
	var remarks []templates.URLRemark
	if canonical != typed {
		remarks = append(remarks, templates.URLRemark{Tone: "warn", Text: "It will be written like this, as clients compare it:", Got: typed, Expected: canonical})
	}
	ctx, cancel := context.WithTimeout(v.ctx(), checkPatience)
	defer cancel()
	return web.Render(v, http.StatusOK, templates.URLCheck(append(remarks, d.look(ctx, canonical)...)))
}

// look asks an MCP server as a client does.
func (d *dashboard) look(ctx context.Context, address string) (remarks []templates.URLRemark) {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	if u.Scheme == "http" {
		remarks = append(remarks, templates.URLRemark{Tone: "info", Text: "An address of your own computer: good for development. Make another project for production."})
	}
	status, ok := d.statusOf(ctx, address)
	switch {
	case !ok:
		return append(remarks, templates.URLRemark{Tone: "info", Text: "No answer from this address yet. That is fine: start the server when it is guarded."})
	case status == http.StatusNotFound:
		return append(remarks, templates.URLRemark{Tone: "warn", Text: "The host answers, and there is nothing at this path. Check the path."})
	case status >= http.StatusInternalServerError:
		return append(remarks, templates.URLRemark{Tone: "warn", Text: "The server answers with an error of its own. The project can be created all the same."})
	case status >= 300 && status < 400:
		return append(remarks, templates.URLRemark{Tone: "warn", Text: "The address leads on to another one. Clients do not follow: enter the address it leads to."})
	case status != http.StatusUnauthorized:
		return append(remarks, templates.URLRemark{Tone: "ok", Text: "The server answers, and lets everybody in so far."})
	}
	resource, issuers := d.metadataOf(ctx, u)
	remarks = append(remarks, templates.URLRemark{Tone: "ok", Text: "The server answers and asks for a token already."})
	if len(issuers) > 0 {
		remarks = append(remarks, templates.URLRemark{Tone: "warn", Text: "It sends clients to " + issuers[0] + " now. The guard replaces that with this project."})
	}
	if resource != "" && resource != address {
		remarks = append(remarks, templates.URLRemark{Tone: "warn", Text: "Its metadata names another address:", Got: resource, Expected: address})
	}
	return remarks
}

// statusOf is the answer to a call without a token.
func (d *dashboard) statusOf(ctx context.Context, address string) (status int, ok bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)))
	if err != nil {
		return 0, false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	response, err := d.Outgoing.Do(request)
	if err != nil {
		return 0, false
	}
	_ = response.Body.Close()
	return response.StatusCode, true
}

// metadataOf reads the protected resource metadata at its well-known place (RFC 9728 section 3.1): the resource it names, when that is an
// address, and the hosts of its authorization servers.
func (d *dashboard) metadataOf(ctx context.Context, u *url.URL) (resource string, issuers []string) {
	place := u.Scheme + "://" + u.Host + "/.well-known/oauth-protected-resource" + u.EscapedPath()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return "", nil
	}
	response, err := d.Outgoing.Do(request)
	if err != nil {
		return "", nil
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	var document struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers"`
	}
	if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(body, &document) != nil {
		return "", nil
	}
	for _, issuer := range document.AuthorizationServers {
		if canonical, err := tenants.ParseServerURL(issuer); err == nil {
			if parsed, err := url.Parse(canonical); err == nil {
				issuers = append(issuers, parsed.Host)
			}
		}
	}
	if _, err := tenants.ParseServerURL(document.Resource); err == nil {
		resource = document.Resource
	}
	return resource, issuers
}
