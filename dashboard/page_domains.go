package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// perMemberDNS bounds how often a member has the DNS asked.
var perMemberDNS = web.Rate{Burst: 10, Every: 5 * time.Second}

func (d *dashboard) domains(v *request) error {
	return d.renderDomains(v, http.StatusOK, nil, nil, "")
}

// renderDomains shows problems with the form below "domain", and with what was typed to remove one below "confirm".
func (d *dashboard) renderDomains(v *request, status int, form url.Values, problems map[string]string, removing string) error {
	found, err := d.Projects.CustomDomains(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	view := templates.DomainsPage{Shell: d.layout(v, "Domains", pathDomains), Domain: field(form, "domain", problems["domain"]), Offered: d.Projects.Domains != nil && tenants.DomainTarget(v.project) != "", Alert: problems["alert"]}
	if v.mayChange() {
		view.AddAction, view.PrimaryAction = v.href(pathDomains), v.href(pathPrimary)
	}
	own := map[string]bool{}
	for _, f := range found {
		own["https://"+f.Name] = true
	}
	for i, address := range append([]string{v.project.Issuer}, v.project.Aliases...) {
		if !own[address] {
			view.Addresses = append(view.Addresses, templates.AddressLine{URL: address, Primary: i == 0})
		}
	}
	for _, f := range found {
		line := templates.DomainLine{Name: f.Name, Record: tenants.DomainRecord + f.Name, Value: tenants.DomainValue + f.Token, Target: f.Target, Primary: f.Primary, Verified: !f.VerifiedAt.IsZero(),
			Failing: !f.FailingSince.IsZero(), CheckedAt: f.CheckedAt, Problem: f.Problem, Connections: counted(f.Connections, tenants.CountedTo)}
		if line.Failing {
			line.Until = f.FailingSince.Add(tenants.DomainGrace)
		}
		if v.mayChange() {
			line.CheckAction, line.RemoveAction = v.href(pathCheckDomain, ":domain", f.Name), v.href(pathRemoveDomain, ":domain", f.Name)
		}
		if f.Name == removing {
			line.RemoveError = problems["confirm"]
		}
		view.Domains = append(view.Domains, line)
	}
	return web.Render(v, status, templates.Domains(view))
}

func (d *dashboard) addDomain(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	err = d.Projects.AddDomain(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("domain"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderDomains(v, http.StatusUnprocessableEntity, form, problems, "")
	}
	if errors.Is(err, tenants.ErrLimit) {
		return d.renderDomains(v, http.StatusConflict, form, map[string]string{"alert": limitWords(err, "")}, "")
	}
	if errors.Is(err, tenants.ErrNoDomains) {
		return d.renderDomains(v, http.StatusConflict, form, map[string]string{"alert": "This installation offers no custom domains."}, "")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathDomains), "Set the two records at whoever runs your DNS.")
}

func (d *dashboard) checkDomain(v *request) error {
	if err := d.Limits.Local(perMemberDNS, "dns", v.session.Account.ID.String()); err != nil {
		return err
	}
	err := d.Projects.CheckDomain(v.ctx(), v.actor(), v.org(), v.project.ID, v.Param("domain"))
	if errors.Is(err, tenants.ErrNoDomains) {
		return d.renderDomains(v, http.StatusConflict, nil, map[string]string{"alert": "This installation offers no custom domains."}, "")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathDomains), "Looked at "+v.Param("domain")+".")
}

func (d *dashboard) removeDomain(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.RemoveDomain(v.ctx(), v.actor(), v.org(), v.project.ID, v.Param("domain"), form.Get("confirm"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderDomains(v, http.StatusUnprocessableEntity, nil, problems, v.Param("domain"))
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathDomains), "The project no longer answers at "+v.Param("domain")+".")
}

func (d *dashboard) setPrimary(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.SetPrimary(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("url"))
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathDomains), "New connections use this address. The others go on.")
}
