package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) access(v *request) error {
	return d.renderAccess(v, http.StatusOK, nil, nil, "")
}

// renderAccess shows an initial access token that was just made, this once; which names the form that problems belong to.
func (d *dashboard) renderAccess(v *request, status int, form url.Values, problems map[string]string, which string) error {
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	tokens, err := d.Projects.InitialAccessTokens(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	rules, err := d.Projects.ClientRules(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.AccessPage{Shell: d.layout(v, "Who may become a client", pathClients), ClientsHref: v.href(pathClients), Registration: string(settings.RegistrationPolicy),
		Documents: string(settings.DocumentPolicy), Token: d.madeSecret(v).Secret, Alert: problems["alert"]}
	switch which {
	case "token":
		view.TokenName, view.TokenDays = field(form, "name", problems["name"]), field(form, "days", problems["lifetime"])
	case "rule":
		view.RuleValue = field(form, "value", problems["value"])
	}
	if v.mayChange() {
		view.RegistrationAction, view.DocumentAction, view.TokenAction, view.RuleAction = v.href(pathRegistrationPolicy), v.href(pathDocumentPolicy), v.href(pathTokens), v.href(pathRules)
	}
	for _, t := range tokens {
		line := templates.AccessToken{ID: t.ID.String(), Name: t.Name, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt}
		if v.mayChange() {
			line.RevokeAction = v.href(pathRevokeToken, ":token", t.ID.String())
		}
		view.Tokens = append(view.Tokens, line)
	}
	for _, r := range rules {
		view.Rules = append(view.Rules, ruleLine(v, r))
	}
	return web.Render(v, status, templates.Access(view))
}

func ruleLine(v *request, r tenants.ClientRule) templates.RuleLine {
	line := templates.RuleLine{Subject: "Client", Value: r.Value, Decision: "Blocked", Tone: "bad", Fields: map[string]string{"subject": "client", "value": r.Value}}
	if r.Host {
		line.Subject, line.Fields["subject"] = "Host", "host"
	}
	if r.Allow {
		line.Decision, line.Tone = "Allowed", "ok"
	}
	if v.mayChange() {
		line.RemoveAction = v.href(pathRemoveRule)
	}
	return line
}

func (d *dashboard) setRegistrationPolicy(v *request) error {
	return d.setPolicy(v, func(policy string) error {
		return d.Projects.SetRegistrationPolicy(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.RegistrationPolicy(policy))
	})
}

func (d *dashboard) setDocumentPolicy(v *request) error {
	return d.setPolicy(v, func(policy string) error {
		return d.Projects.SetDocumentPolicy(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.DocumentPolicy(policy))
	})
}

func (d *dashboard) setPolicy(v *request, set func(policy string) error) error {
	form, err := v.form()
	if err == nil {
		err = set(form.Get("policy"))
	}
	if problems, ok := fieldErrors(err); ok {
		for _, message := range problems {
			return d.renderAccess(v, http.StatusUnprocessableEntity, form, map[string]string{"alert": message}, "")
		}
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathAccess), "Saved. It holds from now on; living connections stay.")
}

func ruleOf(form url.Values) tenants.ClientRule {
	return tenants.ClientRule{Host: form.Get("subject") == "host", Value: form.Get("value"), Allow: form.Get("decision") == "allow"}
}

func (d *dashboard) setRule(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	err = d.Projects.SetClientRule(v.ctx(), v.actor(), v.org(), v.project.ID, ruleOf(form))
	if errors.Is(err, tenants.ErrLimit) {
		err = tenants.FieldError{Field: "value", Message: "This project has 500 rules, which is the most. Remove one first."}
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderAccess(v, http.StatusUnprocessableEntity, form, problems, "rule")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathAccess), "The rule holds from now on.")
}

func (d *dashboard) removeRule(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.DeleteClientRule(v.ctx(), v.actor(), v.org(), v.project.ID, ruleOf(form))
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathAccess), "The rule is removed.")
}

// createToken leads to the page, where the initial access token is shown this once.
func (d *dashboard) createToken(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	days := 0
	if text := form.Get("days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil || days < 1 {
			return d.renderAccess(v, http.StatusUnprocessableEntity, form, map[string]string{"lifetime": "Enter a number of days, or nothing."}, "token")
		}
	}
	_, shown, err := d.Projects.CreateInitialAccessToken(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("name"), time.Duration(min(days, 1<<16))*24*time.Hour)
	if errors.Is(err, tenants.ErrLimit) {
		err = tenants.FieldError{Field: "name", Message: "Fifty tokens work at once, which is the most. Revoke one first."}
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderAccess(v, http.StatusUnprocessableEntity, form, problems, "token")
	}
	if err != nil {
		return err
	}
	return d.made(v, v.href(pathAccess), "", madeSecret{Secret: shown})
}

func (d *dashboard) revokeToken(v *request) error {
	id, err := v.id("token")
	if err == nil {
		err = d.Projects.RevokeInitialAccessToken(v.ctx(), v.actor(), v.org(), v.project.ID, id)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathAccess), "The token is revoked.")
}
