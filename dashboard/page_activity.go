package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// activityPage is how many attempts one page has.
const activityPage = 15

func (d *dashboard) activity(v *request) error {
	view, err := d.readActivity(v)
	if err != nil {
		return err
	}
	return web.Render(v, http.StatusOK, templates.Activity(view))
}

// activityTail is the list alone, for a page that follows it.
func (d *dashboard) activityTail(v *request) error {
	view, err := d.readActivity(v)
	if err != nil {
		return err
	}
	return web.Render(v, http.StatusOK, templates.ActivityList(view))
}

func (d *dashboard) readActivity(v *request) (view templates.ActivityPage, err error) {
	query := v.Request().URL.Query()
	filter := tenants.ActivityFilter{Limit: activityPage, Failures: query.Get("show") != "all", ClientID: query.Get("client")}
	position, err := d.position(v)
	if err == nil && position != "" {
		filter.Before, err = time.Parse(time.RFC3339Nano, position)
	}
	if err != nil {
		return view, errCursor
	}
	attempts, next, err := d.Projects.Attempts(v.ctx(), v.actor(), v.org(), v.project.ID, filter)
	if err != nil {
		return view, err
	}
	with := func(pairs ...string) string { return activityHref(v, pathActivity, query, pairs...) }
	view = templates.ActivityPage{
		Shell: d.layout(v, "Activity", pathActivity), ShowAll: !filter.Failures, ClientID: filter.ClientID, Live: query.Get("live") == "yes" && position == "",
		AllHref: with("show", "all"), FailedHref: with("show", ""), ClearHref: with("client", ""), First: d.firstPage(v), TailHref: activityHref(v, pathActivityTail, query),
	}
	view.LiveHref = with("live", "yes")
	if view.Live {
		view.LiveHref = with("live", "")
	}
	for i, a := range attempts {
		shown := d.attemptView(v, a)
		shown.Open = filter.Failures && i == 0 && position == ""
		view.Attempts = append(view.Attempts, shown)
		view.Client = a.Name
	}
	if !next.IsZero() && len(attempts) > 0 {
		view.Next = d.pageAfter(v, next.UTC().Format(time.RFC3339Nano))
	}
	return view, nil
}

// activityHref is the timeline with the filters of a query, some of them changed; an empty value takes one out.
func activityHref(v *request, path string, query url.Values, pairs ...string) string {
	changed := url.Values{}
	for _, name := range []string{"show", "client", "live"} {
		if query.Get(name) != "" {
			changed.Set(name, query.Get(name))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		changed.Del(pairs[i])
		if pairs[i+1] != "" {
			changed.Set(pairs[i], pairs[i+1])
		}
	}
	if len(changed) == 0 {
		return v.href(path)
	}
	return v.href(path) + "?" + changed.Encode()
}

// attemptView says what became of an attempt.
func (d *dashboard) attemptView(v *request, a tenants.Attempt) templates.AttemptView {
	view := templates.AttemptView{Client: a.Name, Version: a.Version, Started: a.Started, Last: a.Last, Advice: a.Advice(d.Now()), Test: a.Test}
	view.State, view.Tone, view.Why = stateWords(a, d.Now())
	if !a.ID.IsZero() {
		view.Href = v.href(pathAttempt, ":attempt", a.ID.String())
	}
	failed := a.State(d.Now()) == tenants.StateFailed
	if failed {
		view.Advice = "" // it stands at the step
	}
	var before time.Time
	for _, s := range a.Steps {
		view.Steps = append(view.Steps, d.stepView(v, s, failed && !a.Test, before))
		before = s.At
	}
	return view
}

// stepView is one row of an attempt. Only what made the attempt fail is red: what was tried again, or is a person's to try again, is not.
func (d *dashboard) stepView(v *request, s tenants.AttemptStep, failed bool, before time.Time) templates.StepView {
	view := templates.StepView{
		Label: stepWords(s.Step), Outcome: "ok", Tone: "ok", At: s.At, Probable: s.Probable, Code: s.Code, Parameter: s.Parameter, Got: s.Got, Expected: s.Expected, Advice: s.Advice,
		Source: s.Source, Agent: s.Agent, RequestID: s.RequestID, Tool: s.Tool, Curl: curl(v.project.Issuer, s.Activity), Remark: s.Reason,
	}
	switch s.Outcome {
	case tenants.OutcomeOK:
		if s.Tries > 1 {
			view.Tries = "at try " + strconv.Itoa(s.Tries)
		}
		if s.Step == tenants.StepDeny {
			view.Tone = "idle"
		}
		if s.Step == tenants.StepCall && s.Tool == "" {
			view.Label = "Token accepted by the MCP server"
		}
	case tenants.OutcomeRefused:
		view.Outcome, view.Tone = "refused", "bad"
	default:
		view.Outcome, view.Tone = "failed on our side", "bad"
	}
	if s.Outcome != tenants.OutcomeOK {
		view.Label, view.Remark, view.Stage = reasonOf(s), "", stage(s.Step)
		if s.MadeGood || !failed {
			view.Tone = "idle"
		}
		if s.MadeGood && s.Step != tenants.StepRefusal {
			view.Outcome, view.Advice = "tried again", ""
		}
	}
	if !before.IsZero() {
		view.After = "+" + s.At.Sub(before).Round(time.Millisecond).String()
	}
	return view
}

// curl repeats the request of a step as far as it can be repeated: without credentials, with placeholders where one belongs.
func curl(issuer string, s tenants.Activity) string {
	agent := ""
	if s.Agent != "" {
		agent = " -A " + shellWord(s.Agent)
	}
	client := shellWord("client_id=" + s.ClientID)
	switch s.Step {
	case tenants.StepMetadata:
		return "curl -i" + agent + " " + shellWord(issuer+"/.well-known/oauth-authorization-server") + "\n"
	case tenants.StepRegistration:
		body := mustJSON(map[string]any{"client_name": s.ClientName, "redirect_uris": []string{"http://127.0.0.1/callback"}, "token_endpoint_auth_method": "none"})
		return "curl -i" + agent + " -H 'Content-Type: application/json' \\\n  -d " + shellWord(body) + " \\\n  " + shellWord(issuer+"/api/oauth/register") + "\n"
	case tenants.StepDocument:
		if !strings.HasPrefix(s.ClientID, "https://") {
			return ""
		}
		return "curl -i -H 'Accept: application/json' " + shellWord(s.ClientID) + "\n"
	case tenants.StepToken:
		return "curl -i" + agent + " -d grant_type=authorization_code -d " + client + " \\\n  -d code=CODE -d code_verifier=VERIFIER -d redirect_uri=REDIRECT_URI \\\n  " + shellWord(issuer+"/api/oauth/token") + "\n"
	case tenants.StepRefresh:
		return "curl -i" + agent + " -d grant_type=refresh_token -d " + client + " -d refresh_token=REFRESH_TOKEN \\\n  " + shellWord(issuer+"/api/oauth/token") + "\n"
	default:
		return ""
	}
}

func (d *dashboard) attempt(v *request) error {
	id, err := v.id("attempt")
	if err != nil {
		return err
	}
	a, err := d.Projects.Attempt(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	if err != nil {
		return err
	}
	shown := d.attemptView(v, a)
	switch _, err := d.Projects.Client(v.ctx(), v.actor(), v.org(), v.project.ID, a.ClientID); {
	case err == nil:
		shown.ClientHref = clientHref(v, pathClient, a.ClientID)
	case !errors.Is(err, tenants.ErrNotFound): // it was deleted, or never there
		return err
	}
	return web.Render(v, http.StatusOK, templates.Attempt(templates.AttemptPage{
		Shell: d.layout(v, "Attempt of "+shown.Client, pathActivity), Attempt: shown, ListHref: v.href(pathActivity), ShareHref: d.BaseURL + v.Request().URL.Path,
	}))
}

// isAnything is true for an attempt that is more than a look at the metadata.
func isAnything(a tenants.Attempt) bool {
	return slices.ContainsFunc(a.Steps, func(s tenants.AttemptStep) bool { return s.Step != tenants.StepMetadata })
}
