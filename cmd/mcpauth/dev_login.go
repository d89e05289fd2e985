package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// devLoginPath is where the simulator of a customer's own login stands.
const devLoginPath = "/dev/login"

// ownSimulator plays a customer's own site: it signs in whoever is typed. It exists in local work only.
type ownSimulator struct {
	secret  string
	issuers []string
}

// simulateExternalLogin gives the demo project the simulator, unless it has a site of its own.
func simulateExternalLogin(ctx context.Context, a *app, organization id.ID, project tenants.Project) (*ownSimulator, error) {
	known, err := a.store.ListProviders(ctx, organization, project.ID)
	if err != nil {
		return nil, err
	}
	target := a.settings.baseURL + devLoginPath
	if slices.ContainsFunc(known, func(p tenants.Provider) bool {
		return p.Kind == tenants.KindExternal && !strings.HasSuffix(p.Issuer, devLoginPath)
	}) {
		return nil, nil //nolint:nilnil // there is nothing to simulate
	}
	_, shown, err := a.projects.SetExternalLogin(ctx, tenants.SystemActor, organization, project.ID, "your own site (simulator)", target)
	return &ownSimulator{secret: shown, issuers: append([]string{project.Issuer}, project.Aliases...)}, err
}

// page shows the form.
func (s *ownSimulator) page(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, templates.DevLogin(templates.DevLoginPage{Action: devLoginPath, Request: r.URL.Query().Get("request"), Issuer: r.URL.Query().Get("iss")}))
}

func (s *ownSimulator) show(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	w.Header().Set("Content-Security-Policy", web.PolicyFlow)
	w.Header().Set("Cache-Control", "no-store")
	templ.Handler(page, templ.WithStatus(status)).ServeHTTP(w, r)
}

// handOver does what the site's backend does.
func (s *ownSimulator) handOver(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	issuer := r.PostFormValue("iss")
	person := map[string]any{"request": r.PostFormValue("request"), "subject": r.PostFormValue("subject"), "email": r.PostFormValue("email"), "name": r.PostFormValue("name")}
	var organizations []map[string]string
	for name := range strings.SplitSeq(r.PostFormValue("organizations"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			organizations = append(organizations, map[string]string{"id": strings.ToLower(name), "name": name})
		}
	}
	person["organizations"] = organizations
	location, problem := s.tell(r.Context(), issuer, person)
	if problem != "" {
		s.show(w, r, http.StatusBadRequest, templates.DevLogin(templates.DevLoginPage{Action: devLoginPath, Request: r.PostFormValue("request"), Issuer: issuer, Alert: problem}))
		return
	}
	s.show(w, r, http.StatusOK, templates.Leave(templates.LeavePage{Brand: templates.Brand{Name: "Your site (simulator)"}, ClientName: "the project", Location: location, ToSignIn: true}))
}

func (s *ownSimulator) tell(ctx context.Context, issuer string, person map[string]any) (location, problem string) {
	if !slices.Contains(s.issuers, issuer) {
		return "", "Start at the sign-in page of the demo project."
	}
	body, err := json.Marshal(person)
	if err != nil {
		return "", err.Error()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/api/oauth/login", bytes.NewReader(body)) //nolint:gosec // an issuer of the demo
	if err != nil {
		return "", err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.secret)
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request) //nolint:gosec // as above
	if err != nil {
		return "", err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		RedirectTo  string `json:"redirect_to"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&answer); err != nil || answer.RedirectTo == "" {
		return "", fmt.Sprintf("mcpauth answered %d: %s", response.StatusCode, answer.Description)
	}
	return answer.RedirectTo, ""
}
