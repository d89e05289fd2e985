package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// signInWords are the ways to sign in, as members choose among them.
var signInWords = []templates.MethodLine{
	{ID: tenants.SignInPasskey, Label: "Passkey", Help: "With the fingerprint, face or PIN of the device. Offered after a first sign-in."},
	{ID: tenants.SignInPassword, Label: "Password", Help: "At least ten characters, none that is easily guessed."},
	{ID: tenants.SignInEmailCode, Label: "Code or link by e-mail", Help: "Nothing to remember. The link works in the browser that asked for it."},
	{ID: tenants.SignInProvider, Label: "Account at another provider", Help: "Those below that are switched on."},
	{ID: tenants.SignInExternal, Label: "Your own login", Help: "Your site says who the person is."},
	{ID: tenants.SignInTOTP, Label: "A second step, for who wants it", Help: "People may add an authenticator app on their own page."},
}

// providerRedirect is where providers send people back to.
func providerRedirect(v *request) string {
	return v.project.Issuer + "/oauth/sign-in/upstream/callback"
}

func (d *dashboard) signInSettings(v *request) error {
	return d.renderSignInSettings(v, http.StatusOK, signInForm{})
}

// signInForm is what was entered and refused.
type signInForm struct {
	methods           []string // nil: what is stored
	alert             string
	sessions, problem string // hours
}

// renderSignInSettings shows what was entered, or what is stored when nothing was.
func (d *dashboard) renderSignInSettings(v *request, status int, entered signInForm) error {
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	providers, err := d.Projects.Providers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	chosen := entered.methods
	if chosen == nil {
		chosen = settings.SignInMethods
	}
	view := templates.SignInSettingsPage{Shell: d.layout(v, "Sign-in", pathSignInSettings), SignUpOpen: settings.SignUpOpen, Alert: entered.alert, ExternalLoginHref: v.href(pathExternalLogin), RedirectURI: providerRedirect(v),
		WaysBesideOwn: settings.ExternalLoginRules.WaysBeside, OrganizationSession: templates.Field{Value: entered.sessions, Error: entered.problem}}
	if entered.sessions == "" && entered.problem == "" {
		view.OrganizationSession.Value = strconv.Itoa(int(settings.ExternalLoginRules.OrganizationSession / time.Hour))
	}
	if v.mayChange() {
		view.OwnRulesAction = v.href(pathExternalLoginRules)
		view.MethodsAction, view.SignUpAction, view.NewProviderHref = v.href(pathSignInSettings), v.href(pathSignUpSettings), v.href(pathNewProvider)
	}
	for _, m := range signInWords {
		m.On = slices.Contains(chosen, m.ID)
		view.Methods = append(view.Methods, m)
	}
	for _, p := range providers {
		if p.Kind != tenants.KindExternal {
			line := templates.ProviderLine{Name: p.Name, Kind: p.Kind, Issuer: p.Issuer, Enabled: p.Enabled}
			if v.mayChange() {
				line.Href = v.href(pathProvider, ":provider", p.ID.String())
			}
			view.Providers = append(view.Providers, line)
		}
	}
	return web.Render(v, status, templates.SignInSettings(view))
}

func (d *dashboard) setSignInMethods(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.SetSignInMethods(v.ctx(), v.actor(), v.org(), v.project.ID, form["method"])
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderSignInSettings(v, http.StatusUnprocessableEntity, signInForm{methods: append([]string{}, form["method"]...), alert: problems["sign_in_methods"]})
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathSignInSettings), "Saved. The sign-in page shows it at once.")
}

func (d *dashboard) setSignUp(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.SetSignUpOpen(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("open") == "yes")
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathSignInSettings), "Saved.")
}

func (d *dashboard) postExternalLoginRules(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	hours, err := strconv.Atoi(strings.TrimSpace(form.Get("hours")))
	if err != nil || hours > 1000 {
		hours = 0 // refused with the bounds
	}
	rules := tenants.ExternalLoginRules{WaysBeside: form.Get("beside") == "yes", OrganizationSession: time.Duration(hours) * time.Hour}
	err = d.Projects.SetExternalLoginRules(v.ctx(), v.actor(), v.org(), v.project.ID, rules)
	if problems, ok := fieldErrors(err); ok {
		return d.renderSignInSettings(v, http.StatusUnprocessableEntity, signInForm{sessions: form.Get("hours"), problem: problems["organization_session"]})
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathSignInSettings), "Saved.")
}

func (d *dashboard) newProvider(v *request) error {
	return d.renderProvider(v, http.StatusOK, tenants.Provider{Kind: "google", Enabled: true}, nil, "")
}

// findProvider is the provider that the path names.
func (d *dashboard) findProvider(v *request) (tenants.Provider, error) {
	id, err := v.id("provider")
	if err != nil {
		return tenants.Provider{}, err
	}
	known, err := d.Projects.Providers(v.ctx(), v.actor(), v.org(), v.project.ID)
	for _, p := range known {
		if p.ID == id && p.Kind != tenants.KindExternal {
			return p, nil
		}
	}
	if err == nil {
		err = tenants.ErrNotFound
	}
	return tenants.Provider{}, err
}

func (d *dashboard) provider(v *request) error {
	p, err := d.findProvider(v)
	if err != nil {
		return err
	}
	return d.renderProvider(v, http.StatusOK, p, nil, "")
}

// renderProvider never shows a secret (catalogue 222).
func (d *dashboard) renderProvider(v *request, status int, p tenants.Provider, problems map[string]string, alert string) error {
	view := templates.ProviderPage{
		Shell: d.layout(v, "Add a provider", pathSignInSettings), New: p.ID.IsZero(), Action: v.href(pathProviders), CancelHref: v.href(pathSignInSettings), Kind: p.Kind, Enabled: p.Enabled,
		Name: templates.Field{Value: p.Name, Error: problems["name"]}, Issuer: templates.Field{Value: p.Issuer, Error: problems["issuer"]}, ClientID: templates.Field{Value: p.ClientID, Error: problems["client_id"]},
		ClientSecret: templates.Field{Error: problems["client_secret"]}, RedirectURI: providerRedirect(v), Alert: alert + problems["kind"],
	}
	if !view.New {
		view.Title = p.Name
		view.Action, view.RemoveAction = v.href(pathProvider, ":provider", p.ID.String()), v.href(pathRemoveProvider, ":provider", p.ID.String())
	}
	return web.Render(v, status, templates.ProviderForm(view))
}

func providerOf(form url.Values, kind string, id id.ID) tenants.Provider {
	return tenants.Provider{ID: id, Kind: kind, Name: form.Get("name"), Issuer: form.Get("issuer"), ClientID: form.Get("client_id"), ClientSecret: form.Get("client_secret"), Enabled: form.Get("enabled") == "yes"}
}

func (d *dashboard) addProvider(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	return d.saveProvider(v, providerOf(form, form.Get("kind"), id.ID{}))
}

func (d *dashboard) changeProvider(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	known, err := d.findProvider(v)
	if err != nil {
		return err
	}
	return d.saveProvider(v, providerOf(form, known.Kind, known.ID))
}

func (d *dashboard) saveProvider(v *request, p tenants.Provider) error {
	_, err := d.Projects.SetProvider(v.ctx(), v.actor(), v.org(), v.project.ID, p)
	if problems, ok := fieldErrors(err); ok {
		return d.renderProvider(v, http.StatusUnprocessableEntity, p, problems, "")
	}
	if errors.Is(err, tenants.ErrLimit) {
		return d.renderProvider(v, http.StatusConflict, p, nil, limitWords(err, "Twenty providers are the most. Remove one that is not used."))
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathSignInSettings), "Saved. People can use it when \"Account at another provider\" is switched on.")
}

func (d *dashboard) removeProvider(v *request) error {
	p, err := d.findProvider(v)
	if err == nil {
		err = d.Projects.RemoveProvider(v.ctx(), v.actor(), v.org(), v.project.ID, p.ID)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathSignInSettings), "The provider is removed.")
}

func (d *dashboard) getExternalLogin(v *request) error {
	known, err := d.Projects.Providers(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	form := url.Values{}
	for _, p := range known {
		if p.Kind == tenants.KindExternal {
			form.Set("name", p.Name)
			form.Set("url", p.Issuer)
		}
	}
	return d.renderExternalLogin(v, http.StatusOK, form, nil)
}

// postExternalLogin leads back to the page, where the secret is shown this once.
func (d *dashboard) postExternalLogin(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	_, shown, err := d.Projects.SetExternalLogin(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("name"), form.Get("url"))
	if problems, ok := fieldErrors(err); ok {
		return d.renderExternalLogin(v, http.StatusUnprocessableEntity, form, problems)
	}
	if err != nil {
		return err
	}
	return d.made(v, v.href(pathExternalLogin), "", madeSecret{Secret: shown})
}

func (d *dashboard) renderExternalLogin(v *request, status int, form url.Values, problems map[string]string) error {
	shown := d.madeSecret(v).Secret
	view := templates.ExternalLoginPage{Shell: d.layout(v, "Your own login", pathSignInSettings), CancelHref: v.href(pathSignInSettings), Name: field(form, "name", problems["name"]),
		URL: field(form, "url", problems["login_url"]), Configured: form.Get("url") != "" && len(problems) == 0, Secret: shown, Snippets: externalLoginSnippets(v.project.Issuer)}
	if shown != "" {
		view.EnvFile = "MCPAUTH_LOGIN_SECRET=" + shown + "\n"
	}
	if v.mayChange() {
		view.Action, view.SimulatorAction = v.href(pathExternalLogin), v.href(pathSimulator)
	}
	return web.Render(v, status, templates.ExternalLogin(view))
}
