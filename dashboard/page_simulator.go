package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// simulatorName is what the button of the sign-in page says while the dashboard plays the customer's site.
const simulatorName = "your site (simulator)"

// simulatorURL is the page of this dashboard that plays the customer's site for a project. Only its developers get past it.
func (d *dashboard) simulatorURL(v *request) string { return d.BaseURL + v.href(pathSimulator) }

// startSimulator makes the dashboard the project's own login.
func (d *dashboard) startSimulator(v *request) error {
	if _, _, err := d.Projects.SetExternalLogin(v.ctx(), v.actor(), v.org(), v.project.ID, simulatorName, d.simulatorURL(v)); err != nil {
		return err
	}
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	if !slices.Contains(settings.SignInMethods, tenants.SignInExternal) {
		if err := d.Projects.SetSignInMethods(v.ctx(), v.actor(), v.org(), v.project.ID, append(settings.SignInMethods, tenants.SignInExternal)); err != nil {
			return err
		}
	}
	return d.done(v, v.href(pathTest), "The simulator is your own login now. Walk to your server, go on as the person, and choose it on the sign-in page.")
}

// simulate shows the page that stands for the customer's.
func (d *dashboard) simulate(v *request) error {
	return web.Render(v, http.StatusOK, templates.OwnSimulator(d.simulatorPage(v, v.Request().URL.Query())))
}

func (d *dashboard) simulatorPage(v *request, form url.Values) templates.OwnSimulatorPage {
	return templates.OwnSimulatorPage{Shell: d.layout(v, "Own login simulator", pathSignInSettings), Action: v.href(pathSimulatorAnswer), BackHref: v.href(pathExternalLogin), TestHref: v.href(pathTest),
		Request: form.Get("request"), Issuer: form.Get("iss"), Subject: form.Get("subject"), Email: form.Get("email"), PersonName: form.Get("name"), Organizations: form.Get("organizations")}
}

// answerSimulated does what the customer's backend does: it says who the person is, with the secret, from server to server.
func (d *dashboard) answerSimulated(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	view := d.simulatorPage(v, form)
	refuse := func(alert string) error {
		view.Alert = alert
		return web.Render(v, http.StatusUnprocessableEntity, templates.OwnSimulator(view))
	}
	if !slices.Contains(append([]string{v.project.Issuer}, v.project.Aliases...), form.Get("iss")) {
		return refuse("iss is not an address of this project. Your page has to check that too.")
	}
	provider, err := d.simulated(v)
	if errors.Is(err, signin.ErrNotFound) {
		return refuse("The simulator is not this project's own login any more.")
	}
	if err != nil {
		return err
	}
	person := map[string]any{"request": form.Get("request"), "subject": form.Get("subject"), "email": form.Get("email"), "name": form.Get("name")}
	organizations := []map[string]string{}
	for name := range strings.SplitSeq(form.Get("organizations"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			organizations = append(organizations, map[string]string{"id": strings.ToLower(name), "name": name})
		}
	}
	person["organizations"] = organizations
	status, answer, err := d.tell(v.ctx(), form.Get("iss"), provider.ClientSecret, person)
	if err != nil {
		return refuse("The issuer could not be reached from here.")
	}
	sent, err := json.MarshalIndent(person, "", "  ")
	if err != nil {
		return err
	}
	view.Sent = "POST " + form.Get("iss") + "/api/oauth/login\nAuthorization: Bearer (your secret)\nContent-Type: application/json\n\n" + string(sent)
	var said struct {
		RedirectTo  string `json:"redirect_to"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(answer, &said) != nil || status != http.StatusOK || said.RedirectTo == "" {
		return refuse("mcpauth refused it: " + said.Description)
	}
	view.RedirectTo = said.RedirectTo
	return web.Render(v, http.StatusOK, templates.OwnSimulator(view))
}

// simulated is the project's own login while it is the simulator, with its secret.
func (d *dashboard) simulated(v *request) (signin.Provider, error) {
	known, err := d.Projects.Providers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return signin.Provider{}, err
	}
	for _, p := range known {
		if p.Kind == tenants.KindExternal && p.Enabled && p.Issuer == d.simulatorURL(v) {
			return d.Identities(v.project.ID).FindProvider(v.ctx(), p.ID)
		}
	}
	return signin.Provider{}, signin.ErrNotFound
}

func (d *dashboard) tell(ctx context.Context, issuer, clientSecret string, person map[string]any) (status int, answer []byte, err error) {
	body, err := json.Marshal(person)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/api/oauth/login", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+clientSecret)
	response, err := d.Outgoing.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}
