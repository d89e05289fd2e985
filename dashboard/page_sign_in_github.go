package dashboard

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/tenants"
)

// purposeGitHub names the sealing key of a sign-in that is under way at GitHub.
const purposeGitHub = "dashboard-github"

// leaving is what has to come back from GitHub unchanged.
type leaving struct {
	signin.ProviderRequest

	Next string `json:"to"`
}

func (d *dashboard) gitHubCallback() string { return d.BaseURL + pathGitHubCallback }

// leaveForGitHub sends the browser away. What it began stays in the browser, sealed, and comes back once.
func (d *dashboard) leaveForGitHub(v *request) error {
	if d.GitHub == nil {
		return tenants.ErrNotFound
	}
	request := leaving{ProviderRequest: signin.NewProviderRequest(secret.Token("")), Next: web.LocalPath(v.QueryParam("next"), "")}
	address, err := d.IdentityProviders.Begin(v.ctx(), *d.GitHub, request.ProviderRequest, d.gitHubCallback())
	if err != nil {
		return d.gitHubFailed(v, err)
	}
	plain, err := json.Marshal(request)
	if err != nil {
		return err
	}
	d.cookies.Set(v, cookieGitHub, secret.Encode(d.Keys.Seal(purposeGitHub, plain, nil)), signin.ProviderRequestLifetime)
	return v.Redirect(http.StatusSeeOther, address)
}

// returnFromGitHub takes the answer (RFC 9700 section 4.7): without the beginning in this browser nobody is signed in.
func (d *dashboard) returnFromGitHub(v *request) error {
	if d.GitHub == nil {
		return tenants.ErrNotFound
	}
	var request leaving
	sealed, err := secret.Decode(d.cookies.Get(v, cookieGitHub))
	if err == nil {
		var plain []byte
		if plain, err = d.Keys.Open(purposeGitHub, sealed, nil); err == nil {
			err = json.Unmarshal(plain, &request)
		}
	}
	d.cookies.Clear(v, cookieGitHub)
	if err != nil || !secret.EqualString(v.QueryParam("state"), request.State) {
		return d.gitHubFailed(v, signin.ErrIdentityProvider)
	}
	if refused := v.QueryParam("error"); refused != "" {
		return d.gitHubFailed(v, signin.ErrIdentityProvider)
	}
	identity, err := d.IdentityProviders.Finish(v.ctx(), *d.GitHub, request.ProviderRequest, d.gitHubCallback(), v.QueryParam("code"), "")
	if err != nil {
		return d.gitHubFailed(v, err)
	}
	organization, _, _ := strings.Cut(identity.Email, "@")
	account, err := d.Ways.SignInGitHub(v.ctx(), identity, secret.Hash("github "+request.State), organization)
	if err != nil {
		return d.gitHubFailed(v, err)
	}
	if err := d.begin(v, account); err != nil {
		return err
	}
	return seeOther(v, web.LocalPath(request.Next, pathDashboard))
}

func (d *dashboard) gitHubFailed(v *request, err error) error {
	message := "GitHub did not sign you in. Try again, or sign in in another way."
	switch {
	case errors.Is(err, signin.ErrUnverified):
		message = "Your primary e-mail address at GitHub is not verified there. Verify it, or sign in in another way."
	case errors.Is(err, signin.ErrBlocked):
		message = "This account is blocked."
	case errors.Is(err, signin.ErrIdentityProvider), errors.Is(err, signin.ErrNotFound):
		d.Log.WarnContext(v.ctx(), "sign-in with GitHub", "error", err, "request_id", web.RequestID(v))
	default:
		return err
	}
	return d.renderSignIn(v, http.StatusUnprocessableEntity, url.Values{}, nil, message)
}
