package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"mcpauth.example/internal/doctor"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/tryout"
	"mcpauth.example/internal/web"
	"mcpauth.example/oauth"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// purposeTest names the sealing key of an authorization that a member tries.
const purposeTest = "dashboard-test"

// testLifetime is how long a member may take to sign in and allow.
const testLifetime = 10 * time.Minute

// A test sends about twenty requests.
var (
	perMemberTest = web.Rate{Burst: 6, Every: 10 * time.Second}
	testPatience  = 25 * time.Second
)

// testClientName is the client that tests are made as; one per project.
const testClientName = "Test from the dashboard"

func (d *dashboard) test(v *request) error {
	view := templates.TestPage{Server: v.QueryParam("server"), Profile: v.QueryParam("profile")}
	if plan, err := d.testPlan(v); err == nil && v.QueryParam("begun") == "yes" {
		view.AuthorizeURL, view.ResourceURL = plan.AuthorizeURL, plan.Resource
	}
	return d.renderTest(v, http.StatusOK, view)
}

// renderTest adds what every state of the page has.
func (d *dashboard) renderTest(v *request, status int, view templates.TestPage) error {
	servers, err := d.Projects.Servers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view.Shell = d.layout(v, "Test", pathTest)
	if v.mayChange() {
		view.RunAction, view.BeginAction = v.href(pathTestRun), v.href(pathTestBegin)
	}
	for _, s := range servers {
		view.Servers = append(view.Servers, templates.Choice{Value: s.ID.String(), Label: s.Name + ": " + s.Resource})
	}
	if len(servers) == 0 {
		view.ServersHref = v.href(pathNewServer)
	}
	for _, p := range tryout.Profiles() {
		view.Profiles = append(view.Profiles, templates.TestProfile{ID: p.ID, Name: p.Name, Habit: p.Habit})
	}
	return web.Render(v, status, templates.Test(view))
}

// chosen reads the server and the profile of a form; the text says what is missing.
func (d *dashboard) chosen(v *request) (server tenants.ServerSummary, profile tryout.Profile, missing string, err error) {
	form, err := v.form()
	if err != nil {
		return server, profile, "", err
	}
	profile, known := tryout.FindProfile(form.Get("profile"))
	if !known {
		return server, profile, "Choose a client.", nil
	}
	servers, err := d.Projects.Servers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return server, profile, "", err
	}
	i := slices.IndexFunc(servers, func(s tenants.ServerSummary) bool { return s.ID.String() == form.Get("server") })
	if i < 0 {
		return server, profile, "Choose an MCP server.", nil
	}
	return servers[i], profile, "", d.Limits.Local(perMemberTest, "test", v.session.Account.ID.String())
}

// runTest walks to the server as the client does before its person signs in.
func (d *dashboard) runTest(v *request) error {
	server, profile, missing, err := d.chosen(v)
	if err != nil {
		return err
	}
	if missing != "" {
		return d.renderTest(v, http.StatusUnprocessableEntity, templates.TestPage{Alert: missing})
	}
	ctx, cancel := context.WithTimeout(v.ctx(), testPatience)
	defer cancel()
	report, exchanges := tryout.Tryout{HTTP: d.Outgoing}.Examine(ctx, server.Resource, profile)
	view := templates.TestPage{Server: server.ID.String(), Profile: profile.ID, Ran: true, Passed: report.Passed, ResourceURL: server.Resource}
	view.Steps = testSteps(report, exchanges, v.ownHosts(server.Resource))
	return d.renderTest(v, http.StatusOK, view)
}

// testSteps puts what was sent beside what was found; they are in the same order.
func testSteps(report doctor.Report, exchanges []tryout.Exchange, hosts []string) (steps []templates.TestStep) {
	for _, s := range report.Steps {
		step := templates.TestStep{Purpose: s.Purpose, Request: s.Request, Answer: s.Answer}
		for _, f := range s.Findings {
			step.Findings = append(step.Findings, templates.TestFinding{Bad: f.Level == doctor.Fail, Difference: f.Difference, Advice: f.Advice})
		}
		if len(exchanges) > 0 && exchanges[0].Request == s.Request {
			exchange := exchangeView(exchanges[0], hosts)
			if !slices.Contains(hosts, exchanges[0].Host) {
				for i := range step.Findings { // they quote
					step.Findings[i].Difference = "This answer is not what clients need. It is another host's and not shown here: mcpauth doctor " + report.URL + " shows it."
				}
			}
			step.Exchange, exchanges = &exchange, exchanges[1:]
		}
		steps = append(steps, step)
	}
	return steps
}

// ownHosts are those whose answers a member may read: the MCP server's and the project's own.
func (v *request) ownHosts(resource string) (hosts []string) {
	for _, address := range append([]string{resource, v.project.Issuer}, v.project.Aliases...) {
		if u, err := url.Parse(address); err == nil {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

// exchangeView leaves out what another host said: an MCP server may name any address as its authorization server's, and nobody reads
// through us what they cannot reach themself (catalogue 234).
func exchangeView(e tryout.Exchange, hosts []string) templates.TestExchange {
	if !slices.Contains(hosts, e.Host) {
		e.ReceivedHeader, e.Received = nil, "(the answer of another host is not shown)"
	}
	return templates.TestExchange{Request: e.Request, Answer: e.Answer, SentHeader: e.SentHeader, Sent: e.Sent, ReceivedHeader: e.ReceivedHeader, Received: e.Received}
}

// beginTest prepares an authorization and leads to the page with the link to it: a form may not leave this site.
func (d *dashboard) beginTest(v *request) error {
	server, profile, missing, err := d.chosen(v)
	if err != nil {
		return err
	}
	if missing != "" {
		return d.renderTest(v, http.StatusUnprocessableEntity, templates.TestPage{Alert: missing})
	}
	view := templates.TestPage{Server: server.ID.String(), Profile: profile.ID, ResourceURL: server.Resource}
	redirect := d.BaseURL + v.href(pathTestCallback)
	client, err := d.testClient(v, redirect)
	if err != nil {
		return err
	}
	detail, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	var scopes []string
	for _, s := range detail.Scopes {
		if s.Default {
			scopes = append(scopes, s.Name)
		}
	}
	ctx, cancel := context.WithTimeout(v.ctx(), testPatience)
	defer cancel()
	plan, err := tryout.Tryout{HTTP: d.Outgoing}.Begin(ctx, profile, oauth.MetadataURL(v.project.Issuer), client, redirect, server.Resource, scopes)
	if errors.Is(err, tryout.ErrMetadata) {
		view.Alert = "The metadata of the issuer " + v.project.Issuer + " could not be read from here."
		return d.renderTest(v, http.StatusUnprocessableEntity, view)
	}
	if err != nil {
		return err
	}
	sealed, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	d.cookies.Set(v, cookieTest, secret.Encode(d.Keys.Seal(purposeTest, sealed, testBinding(v))), testLifetime)
	return seeOther(v, v.href(pathTest)+"?"+url.Values{"begun": {"yes"}, "server": {view.Server}, "profile": {view.Profile}}.Encode())
}

// testPlan is the authorization that this member began in this browser.
func (d *dashboard) testPlan(v *request) (plan tryout.Plan, err error) {
	sealed, err := secret.Decode(d.cookies.Get(v, cookieTest))
	if err != nil {
		return plan, err
	}
	opened, err := d.Keys.Open(purposeTest, sealed, testBinding(v))
	if err != nil {
		return plan, err
	}
	return plan, json.Unmarshal(opened, &plan)
}

// testBinding ties an authorization to the member and the project that began it.
func testBinding(v *request) []byte {
	member, project := v.session.Account.ID, v.project.ID
	return secret.Join(member[:], project[:])
}

// testClient finds or makes the client that tests are made as.
func (d *dashboard) testClient(v *request, redirect string) (string, error) {
	known, err := d.Projects.Clients(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.ClientQuery{Search: testClientName})
	if err != nil {
		return "", err
	}
	for _, c := range known {
		if c.Name == testClientName && slices.Contains(c.RedirectURIs, redirect) {
			return c.ID, nil
		}
	}
	id, _, err := d.Projects.CreateClient(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.NewClient{Name: testClientName, RedirectURIs: []string{redirect}, Own: true})
	return id, err
}

// finishTest is where the browser comes back to. It goes no further without the sealed beginning, which works once.
func (d *dashboard) finishTest(v *request) error {
	plan, err := d.testPlan(v)
	if err != nil {
		return d.renderTest(v, http.StatusBadRequest, templates.TestPage{Alert: "No test waits for this answer: it took more than ten minutes, or it began in another browser. Begin again."})
	}
	d.cookies.Clear(v, cookieTest)
	ctx, cancel := context.WithTimeout(v.ctx(), testPatience)
	defer cancel()
	query, err := url.ParseQuery(v.Request().URL.RawQuery)
	if err != nil {
		return d.renderTest(v, http.StatusBadRequest, templates.TestPage{Alert: "The answer's address is not written as an address is. Begin again."})
	}
	result := tryout.Tryout{HTTP: d.Outgoing}.Finish(ctx, plan, query)
	view := templates.TestPage{Profile: plan.Profile, ResourceURL: plan.Resource, Result: &templates.TestResult{Stopped: result.Stopped, TokenHeader: result.TokenHeader, TokenClaims: result.TokenClaims,
		Scope: result.Scope, Minutes: result.ExpiresIn / 60, Refresh: result.Refresh, Server: result.Server}}
	for _, t := range result.Tools {
		view.Result.Tools = append(view.Result.Tools, templates.Choice{Value: t.Name, Label: t.Description})
	}
	for _, e := range result.Exchanges {
		view.Result.Exchanges = append(view.Result.Exchanges, exchangeView(e, v.ownHosts(plan.Resource)))
	}
	return d.renderTest(v, http.StatusOK, view)
}
