package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

// maxBrandForm bounds the form of the branding editor in bytes: a logo, and the rest.
const maxBrandForm = tenants.MaxLogoUpload + 64<<10

// purposeDraft names the sealing key of looks that are shown and not stored.
const purposeDraft = "dashboard-brand-draft"

// actPublish is what the editor's button asks for, after "you asked to".
const actPublish = "show another brand to people"

func (d *dashboard) brand(v *request) error {
	draft, err := d.Projects.BrandDraft(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	return d.renderBrand(v, http.StatusOK, draft, nil, v.Request().URL.Query())
}

// saveBrand keeps a draft, publishes it, or only shows it.
func (d *dashboard) saveBrand(v *request) error {
	form, upload, err := web.FormWithFile(v, "logo")
	if err != nil {
		return err
	}
	draft, err := d.draftOf(v, form)
	if err != nil {
		return err
	}
	if form.Get("then") == "show" {
		return d.renderBrand(v, http.StatusOK, draft, nil, form)
	}
	err = d.Projects.SetBrandDraft(v.ctx(), v.actor(), v.org(), v.project.ID, draft, upload)
	if problems, ok := fieldErrors(err); ok {
		return d.renderBrand(v, http.StatusUnprocessableEntity, draft, problems, form)
	}
	if err != nil {
		return err
	}
	if form.Get("then") != "publish" {
		return d.done(v, v.href(pathBrand), "The draft is saved. People see what was published before.")
	}
	if !d.proved(v) { // the draft is kept: it is too large to wait with the proof
		return d.waitForProof(v, waiting{Method: http.MethodPost, Target: v.href(pathBrandPublish), Act: actPublish, Until: d.Now().Add(waitingLifetime)})
	}
	return d.publishBrand(v)
}

// publishBrand shows the draft to people.
func (d *dashboard) publishBrand(v *request) error {
	version, err := d.Projects.PublishBrand(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathBrand), "Version "+strconv.Itoa(version)+" is published.")
}

// draftOf reads the form; the logo stays the draft's unless it is removed.
func (d *dashboard) draftOf(v *request, form url.Values) (tenants.Brand, error) {
	stored, err := d.Projects.BrandDraft(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return tenants.Brand{}, err
	}
	b := tenants.Brand{
		Accent: form.Get("accent"), Page: form.Get("page"), PageDark: form.Get("page_dark"), Font: form.Get("font"), Radius: -1, Title: form.Get("title"), Text: form.Get("text"),
		SupportURL: form.Get("support_url"), TermsURL: form.Get("terms_url"), PrivacyURL: form.Get("privacy_url"),
	}
	if text := strings.TrimSpace(form.Get("radius")); text != "" {
		if b.Radius, err = strconv.Atoi(text); err != nil || b.Radius < 0 {
			b.Radius = tenants.MaxBrandRadius + 1 // refused with the words of the field
		}
	}
	if form.Get("remove_logo") != "yes" {
		b.LogoHash, b.Logo = stored.LogoHash, stored.Logo
	}
	return b, nil
}

func (d *dashboard) renderBrand(v *request, status int, b tenants.Brand, problems map[string]string, choice url.Values) error {
	versions, err := d.Projects.Brands(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	settings, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	of := func(name, value string) templates.Field { return templates.Field{Value: value, Error: problems[name]} }
	radius := ""
	if b.Radius >= 0 {
		radius = strconv.Itoa(b.Radius)
	}
	view := templates.BrandPage{
		Shell: d.layout(v, "Branding", pathBrand), Accent: of("accent", b.Accent), Page: of("page", b.Page), PageDark: of("page_dark", b.PageDark), Radius: of("radius", radius),
		Title: of("title", b.Title), Text: of("text", b.Text), SupportURL: of("support_url", b.SupportURL), TermsURL: of("terms_url", b.TermsURL), PrivacyURL: of("privacy_url", b.PrivacyURL),
		Logo: of("logo", ""), HasLogo: b.LogoHash != "", Font: b.Font, Fonts: tenants.BrandFonts(), Draft: b.Version == 0 && status == http.StatusOK && choice.Get("then") == "" && b.By != "",
		Preview: d.previewOf(v, b, choice), PreviewAction: v.href(pathBrandPreview),
	}
	if v.mayChange() {
		view.Action = v.href(pathBrand)
		if view.Draft {
			view.DiscardAction = v.href(pathBrandDiscard)
		}
	}
	for _, version := range versions {
		line := templates.BrandVersion{Number: strconv.Itoa(version.Version), By: d.actorWords(v, version.By), Current: version.Version == settings.BrandVersion}
		if v.mayChange() {
			line.ShowAction = v.href(pathBrandShow)
		}
		view.Versions = append(view.Versions, line)
	}
	return web.Render(v, status, templates.BrandEditor(view))
}

// actorWords names who did something, as far as this member can know.
func (d *dashboard) actorWords(v *request, actor string) string {
	switch actor {
	case string(v.actor()):
		return "published by you"
	case string(tenants.SystemActor):
		return "published by the operator"
	default:
		return "published by another member"
	}
}

// previewBrand answers with the preview of a form that is not stored.
func (d *dashboard) previewBrand(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	draft, err := d.draftOf(v, form)
	if err != nil {
		return err
	}
	return web.Render(v, http.StatusOK, templates.BrandPreviewPanel(d.previewOf(v, draft, form)))
}

// previewOf seals the look into the address of the framed page, which shows it and stores nothing. What the rules refuse is said, and the
// rest is shown without it.
func (d *dashboard) previewOf(v *request, b tenants.Brand, choice url.Values) templates.BrandPreview {
	p := templates.BrandPreview{State: choice.Get("state"), Scheme: oneOf(choice.Get("scheme"), "dark"), Size: oneOf(choice.Get("size"), "phone")}
	for _, s := range brandStates {
		p.States = append(p.States, templates.Choice{Value: s.id, Label: s.label})
	}
	if stateOf(p.State).id != p.State {
		p.State = brandStates[0].id
	}
	checked, err := tenants.ParseBrand(b)
	if problems, ok := fieldErrors(err); ok {
		for _, message := range problems {
			p.Problem = message + " The preview shows the rest."
		}
		checked = tenants.Brand{Radius: -1, LogoHash: b.LogoHash}
	}
	sealed, err := json.Marshal(checked)
	if err != nil {
		return p
	}
	query := url.Values{"state": {p.State}, "scheme": {p.Scheme}, "look": {secret.Encode(d.Keys.Seal(purposeDraft, sealed, v.project.ID[:]))}}
	p.Src = v.href(pathBrandFrame) + "?" + query.Encode()
	if light, dark := checked.Contrasts(); light.Button > 0 || light.Page+dark.Page > 0 {
		p.Contrasts = contrastLines(light, dark)
	}
	if checked.LinkCorrected() {
		p.Remark = "Links take a darker or lighter shade of the accent, since it could not be read as it is."
	}
	return p
}

func contrastLines(light, dark tenants.Contrasts) (lines []templates.ContrastLine) {
	ratio := func(r float64) string {
		if r == 0 {
			return "ours"
		}
		return fmt.Sprintf("%.1f", r)
	}
	for _, c := range []struct {
		what        string
		light, dark float64
	}{{"Text on the button", light.Button, dark.Button}, {"Links on the card", light.Link, dark.Link}, {"Text around the card", light.Page, dark.Page}} {
		lines = append(lines, templates.ContrastLine{What: c.what, Light: ratio(c.light), Dark: ratio(c.dark)})
	}
	return lines
}

func (d *dashboard) discardBrand(v *request) error {
	if err := d.Projects.DiscardBrandDraft(v.ctx(), v.actor(), v.org(), v.project.ID); err != nil {
		return err
	}
	return d.done(v, v.href(pathBrand), "The draft is gone. The form shows what is published.")
}

func (d *dashboard) showBrand(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	version, err := strconv.Atoi(form.Get("version"))
	if err != nil {
		return tenants.ErrNotFound
	}
	if err := d.Projects.ShowBrand(v.ctx(), v.actor(), v.org(), v.project.ID, version); err != nil {
		return err
	}
	return d.done(v, v.href(pathBrand), "People see version "+strconv.Itoa(version)+" again, exactly as it was.")
}
