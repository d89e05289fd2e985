package dashboard

import (
	"errors"
	"net/http"
	"strings"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/internal/web"
	"mcpauth.example/templates"
	"mcpauth.example/tenants"
)

func (d *dashboard) account(v *request) error {
	return d.renderAccount(v, http.StatusOK, accountProblems{})
}

// accountProblems are what was wrong with a form of the member's page.
type accountProblems struct{ password, passkey, deletion string }

func (d *dashboard) renderAccount(v *request, status int, problems accountProblems) error {
	sessions, err := d.Accounts.ListSessions(v.ctx(), v.session.Account.ID)
	if err != nil {
		return err
	}
	hash, err := d.passwordHash(v)
	if err != nil {
		return err
	}
	view := templates.MemberAccountPage{Shell: d.layout(v, "Your account", pathAccount), Email: v.session.Account.Called(), NoAddress: v.session.Account.Email == "", HasPassword: hash != "", PasswordAction: pathAccountPassword, SessionsAction: pathAccountSessions,
		DeleteAction: pathAccountDelete, Password: templates.Field{Error: problems.password}, PasswordMin: signin.MinPassword, DeleteError: problems.deletion, PasskeyError: problems.passkey, InvitationsHref: pathInvitations}
	view.AccountHref, view.SessionsCut = pathAccount, len(sessions) == signin.MaxListedSessions
	for _, s := range sessions {
		view.Sessions = append(view.Sessions, templates.MemberSession{ID: s.ID.String(), Agent: s.Agent, Since: s.CreatedAt, Current: s.ID == v.session.ID})
	}
	for _, o := range view.Shell.Organizations {
		view.Organizations = append(view.Organizations, templates.Place{Name: o.Name, Href: o.Href})
	}
	if err := d.showPasskeys(v, &view); err != nil {
		return err
	}
	return web.Render(v, status, templates.MemberAccount(view))
}

// passwordHash is that of the member who looks; empty: they have none, or no address that a password would go by.
func (d *dashboard) passwordHash(v *request) (string, error) {
	if v.session.Account.Email == "" {
		return "", nil
	}
	_, hash, err := d.Accounts.FindByEmail(v.ctx(), v.session.Account.Email)
	return hash, err
}

func (d *dashboard) setPassword(v *request) error {
	if v.session.Account.Email == "" {
		return tenants.ErrForbidden
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	err = signin.CheckPassword(form.Get("password"))
	if err == nil {
		err = d.SignIn.SetPassword(v.ctx(), d.Accounts, v.session, form.Get("password"))
	}
	if problems, ok := fieldErrors(err); ok {
		return d.renderAccount(v, http.StatusUnprocessableEntity, accountProblems{password: problems["password"]})
	}
	if err != nil {
		return d.signedOut(v, err)
	}
	return d.done(v, pathAccount, "The password is saved, and you are signed out everywhere else.")
}

// endSessions signs one other browser out, or all of them. A sign-in of long ago ends at once what is as old as itself; for what came
// later it proves itself first. Otherwise an old session in the wrong hands would end each one in which its member could end it.
func (d *dashboard) endSessions(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	done, kept := "Signed out everywhere else.", id.ID{}
	if form.Get("others") != "yes" {
		done = "Signed out there."
		if kept, err = id.Parse(form.Get("session")); err != nil {
			return tenants.ErrNotFound
		}
	}
	later := 0
	switch {
	case !d.proved(v):
		later, err = d.Accounts.EndEarlierSessions(v.ctx(), v.session.Account.ID, v.session.ID, kept)
	case kept.IsZero():
		err = d.Accounts.EndOtherSessions(v.ctx(), v.session.Account.ID, v.session.ID)
	default:
		err = d.Accounts.EndSessions(v.ctx(), v.session.Account.ID, kept)
	}
	if err != nil {
		return d.signedOut(v, err)
	}
	if later > 0 {
		r := v.Request()
		return d.waitForProof(v, waiting{Method: r.Method, Target: r.URL.RequestURI(), Form: form.Encode(), Act: "sign out browsers that signed in after this one",
			Back: cameFrom(r), Until: d.Now().Add(waitingLifetime)})
	}
	return d.done(v, pathAccount, done)
}

// signedOut leads to sign-in when another browser was faster and ended this session.
func (d *dashboard) signedOut(v *request, err error) error {
	if errors.Is(err, signin.ErrNotFound) {
		return seeOther(v, pathSignIn)
	}
	return err
}

// deleteAccount is refused while an organization would be left without an owner.
func (d *dashboard) deleteAccount(v *request) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if strings.TrimSpace(form.Get("confirm")) != v.session.Account.Called() {
		return d.renderAccount(v, http.StatusUnprocessableEntity, accountProblems{deletion: "Expected exactly: " + v.session.Account.Called()})
	}
	err = d.Accounts.DeleteAccount(v.ctx(), v.session.Account.ID)
	if last, ok := errors.AsType[tenants.LastOwnerError](err); ok {
		return d.renderAccount(v, http.StatusConflict, accountProblems{deletion: "You are the only owner of " + last.Organization.Name + ". Make somebody else an owner, or delete the organization first. Nothing was changed."})
	}
	if err != nil {
		return d.signedOut(v, err)
	}
	d.cookies.Clear(v, cookieSession)
	return seeOther(v, pathHome)
}
