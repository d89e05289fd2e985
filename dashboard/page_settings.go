package dashboard

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func settingsTabs(v *request) templates.SettingsTabs {
	return templates.SettingsTabs{General: v.href(pathSettings), Tokens: v.href(pathTokenSettings), Danger: v.href(pathDanger)}
}

func (d *dashboard) settings(v *request) error {
	return d.renderSettings(v, http.StatusOK, templates.Field{Value: v.project.Name})
}

func (d *dashboard) renderSettings(v *request, status int, name templates.Field) error {
	view := templates.SettingsPage{Shell: d.layout(v, "Settings", pathSettings), Tabs: settingsTabs(v), Name: name, Slug: v.project.Slug, ID: v.project.ID.String(), Issuer: v.project.Issuer, Aliases: v.project.Aliases}
	if v.mayChange() {
		view.RenameAction = v.href(pathSettings)
	}
	return web.Render(v, status, templates.Settings(view))
}

func (d *dashboard) renameProject(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.Rename(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("name"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderSettings(v, http.StatusUnprocessableEntity, field(form, "name", problems["name"]))
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathSettings), "The project has its new name.")
}

func (d *dashboard) tokenSettings(v *request) error {
	s, err := d.Projects.Settings(v.ctx(), v.actor(), v.org(), v.project.ID)
	if err != nil {
		return err
	}
	days := func(t time.Duration) string { return strconv.FormatFloat(t.Hours()/24, 'f', -1, 64) }
	form := url.Values{
		"access_token": {strconv.FormatFloat(s.AccessTokenTTL.Minutes(), 'f', -1, 64)}, "refresh_idle": {days(s.RefreshIdleTTL)}, "refresh": {days(s.RefreshTTL)},
		"grace": {strconv.Itoa(int(s.RefreshGrace.Seconds()))},
	}
	return d.renderTokens(v, http.StatusOK, form, nil)
}

func (d *dashboard) renderTokens(v *request, status int, form url.Values, problems map[string]string) error {
	view := templates.TokensPage{Shell: d.layout(v, "Tokens", pathSettings), Tabs: settingsTabs(v), AccessToken: field(form, "access_token", problems["access_token"]),
		RefreshIdle: field(form, "refresh_idle", problems["refresh_idle"]), Refresh: field(form, "refresh", problems["refresh"]), Grace: field(form, "grace", problems["grace"])}
	if v.mayChange() {
		view.Action = v.href(pathTokenSettings)
	}
	return web.Render(v, status, templates.Tokens(view))
}

func (d *dashboard) setTokens(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	amount := func(name string, unit time.Duration) time.Duration {
		n, err := strconv.ParseFloat(strings.TrimSpace(form.Get(name)), 64)
		if err != nil || n < 0 || n > 1e6 {
			return -1 // refused with the words of the field
		}
		return time.Duration(n * float64(unit)).Truncate(time.Second)
	}
	err = d.Projects.SetTokenLifetimes(v.ctx(), v.actor(), v.org(), v.project.ID, tenants.TokenLifetimes{
		AccessToken: amount("access_token", time.Minute), RefreshIdle: amount("refresh_idle", 24*time.Hour), Refresh: amount("refresh", 24*time.Hour), Grace: amount("grace", time.Second),
	})
	if problems, ok := fieldErrors(err); ok {
		return d.renderTokens(v, http.StatusUnprocessableEntity, form, problems)
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathTokenSettings), "Saved. It holds for what is issued from now on.")
}

func (d *dashboard) danger(v *request) error {
	return d.renderDanger(v, http.StatusOK, "")
}

func (d *dashboard) renderDanger(v *request, status int, problem string) error {
	view := templates.DangerPage{Shell: d.layout(v, "Danger zone", pathSettings), Tabs: settingsTabs(v), Name: v.project.Name, Issuer: v.project.Issuer, Suspended: v.project.Suspended, DeleteError: problem}
	if v.mayChange() {
		if v.project.Suspended {
			view.ResumeAction = v.href(pathResume)
		} else {
			view.SuspendAction = v.href(pathSuspend)
		}
	}
	if v.membership.Role.CanChangeMembers() {
		view.DeleteAction = v.href(pathDeleteProject)
	}
	return web.Render(v, status, templates.Danger(view))
}

func (d *dashboard) suspendProject(v *request) error {
	if err := d.Projects.Suspend(v.ctx(), v.actor(), v.org(), v.project.ID); err != nil {
		return err
	}
	return d.done(v, v.href(pathDanger), "The project is suspended.")
}

func (d *dashboard) resumeProject(v *request) error {
	if err := d.Projects.Resume(v.ctx(), v.actor(), v.org(), v.project.ID); err != nil {
		return err
	}
	return d.done(v, v.href(pathDanger), "The project lets people in again.")
}

func (d *dashboard) deleteProject(v *request) error {
	form, err := v.form()
	if err == nil {
		err = d.Projects.Delete(v.ctx(), v.actor(), v.org(), v.project.ID, form.Get("confirm"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderDanger(v, http.StatusUnprocessableEntity, problems["confirm"])
	}
	if err != nil {
		return err
	}
	return d.done(v, v.href(pathProjects), "The project is deleted.")
}
