package dashboard

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// setUp shows how to guard an MCP server and connect to it, and waits for the first connection. The registration secret is on it once,
// after the form that made the server.
func (d *dashboard) setUp(v *request) error {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	server, err := serverOf(v, found)
	if err != nil {
		return err
	}
	panel, err := d.panel(v, server)
	if err != nil {
		return err
	}
	shown := d.madeSecret(v).Secret
	return web.Render(v, http.StatusOK, templates.SetUp(templates.SetUpPage{
		Shell: d.layout(v, "Set up "+server.Name, pathServers), Name: server.Name, ServerURL: server.Resource, Issuer: found.Issuer, Secret: shown, EnvFile: envFile(shown),
		ServerHref: v.href(pathServer, ":server", server.ID.String()), Snippets: snippets(d.BaseURL, found, server), Prompt: agentPrompt(d.BaseURL, found, server),
		Clients: clientGuides(found, server), Panel: panel, DocsHref: pathDocs,
	}))
}

// setUpPanel is the part of the page that keeps itself up to date.
func (d *dashboard) setUpPanel(v *request) error {
	found, err := d.Projects.Find(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	server, err := serverOf(v, found)
	if err != nil {
		return err
	}
	panel, err := d.panel(v, server)
	if err != nil {
		return err
	}
	return web.Render(v, http.StatusOK, templates.ConnectionPanel(panel))
}

// serverOf is the MCP server that the path names.
func serverOf(v *request, project tenants.ProjectDetail) (tenants.MCPServer, error) {
	id, err := v.id("server")
	if err != nil {
		return tenants.MCPServer{}, err
	}
	i := slices.IndexFunc(project.Servers, func(s tenants.MCPServer) bool { return s.ID == id })
	if i < 0 {
		return tenants.MCPServer{}, tenants.ErrNotFound
	}
	return project.Servers[i], nil
}

// panelAttempts is how many of the latest attempts the panel looks at.
const panelAttempts = 10

// panel tells how far the latest attempt got that is about an MCP server, or about none yet.
func (d *dashboard) panel(v *request, server tenants.MCPServer) (templates.Panel, error) {
	attempts, _, err := d.Projects.Attempts(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.ActivityFilter{Limit: panelAttempts})
	if err != nil {
		return templates.Panel{}, err
	}
	attempts = slices.DeleteFunc(attempts, func(a tenants.Attempt) bool {
		return slices.ContainsFunc(a.Steps, func(s tenants.AttemptStep) bool { return !s.ServerID.IsZero() && s.ServerID != server.ID })
	})
	if clients := slices.DeleteFunc(slices.Clone(attempts), func(a tenants.Attempt) bool { return a.Test }); len(clients) > 0 {
		attempts = clients
	}
	panel := templates.Panel{Href: v.href(pathSetUpPanel, ":server", server.ID.String()), ActivityHref: v.href(pathActivity), Now: d.Now()}
	if len(attempts) == 0 {
		panel.Ticks = ticks(tenants.Attempt{}, d.Now())
		return panel, nil
	}
	latest := attempts[0]
	panel.Client, panel.Version, panel.At, panel.Test = cmp.Or(latest.Name, "A client"), latest.Version, latest.Last, latest.Test
	panel.Ticks = ticks(latest, d.Now())
	panel.Done = panel.Ticks[len(panel.Ticks)-1].Done
	state, _, why := stateWords(latest, d.Now())
	switch failure, _ := latest.Failure(); latest.State(d.Now()) {
	case tenants.StateFailed:
		panel.Failure = &templates.StepFailure{
			Reason: reasonOf(failure), Stage: stage(failure.Step), Parameter: failure.Parameter, Got: failure.Got, Expected: failure.Expected, Code: failure.Code,
			Advice: cmp.Or(failure.Advice, "Open the activity for all of this attempt."),
		}
	case tenants.StateDenied, tenants.StateEnded:
		panel.State = state + ": " + strings.ToLower(why[:1]) + why[1:] + "."
	case tenants.StateWaiting:
		panel.State = state + "."
	default:
		panel.Advice = latest.Advice(d.Now())
	}
	return panel, nil
}

// ticks compares an attempt with the milestones. Red is only where an attempt failed, and nothing that may still come.
func ticks(a tenants.Attempt, now time.Time) (ticks []templates.Tick) {
	furthest := -1
	for i, m := range milestones {
		tick := templates.Tick{ID: m.id, Label: m.label, Text: m.waiting}
		for _, s := range a.Steps {
			if slices.Contains(m.steps, s.Step) && s.Outcome == tenants.OutcomeOK && s.Step != tenants.StepDeny {
				tick.Done, tick.At, furthest = true, s.At, i
			}
		}
		ticks = append(ticks, tick)
	}
	for i := range ticks {
		ticks[i].Done = i <= furthest
	}
	next := furthest + 1
	if next == 0 || next == len(ticks) {
		return ticks
	}
	ticks[next].Current = true
	failure, _ := a.Failure()
	if a.State(now) == tenants.StateFailed && slices.Contains(milestones[next].steps, failure.Step) {
		ticks[next].Failed = true
	}
	return ticks
}
