package dashboard_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/internal/mail"
	"mcpauth.example/tenants"
)

// told returns the messages that an act queued.
func (w *world) told(t *testing.T, act func()) []mail.Message {
	t.Helper()
	const queued = `SELECT FROM river_job WHERE kind = 'mail'`
	before := w.rows(t, queued)
	act()
	messages := make([]mail.Message, w.rows(t, queued)-before)
	for i := range messages {
		messages[i] = <-w.mails
	}
	slices.SortFunc(messages, func(a, b mail.Message) int { return strings.Compare(a.To, b.To) })
	return messages
}

// notice is an act and what owners hear of it.
type notice struct {
	name    string
	act     func()
	to      []string // nobody: nothing is told
	subject string
	says    []string
}

func (w *world) hears(t *testing.T, n notice) {
	t.Helper()
	messages := w.told(t, n.act)
	var to []string
	for _, m := range messages {
		to = append(to, m.To)
		for _, want := range append(n.says, "If none of you wanted this", localURL+"/dashboard/"+w.organization.String()) {
			if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, strings.Split(want, ":")[0]) {
				t.Errorf("%s: %q is missing in %q", n.name, want, m.Text)
			}
		}
		if m.Subject != n.subject {
			t.Errorf("%s: subject %q, want %q", n.name, m.Subject, n.subject)
		}
	}
	if !slices.Equal(to, n.to) {
		t.Errorf("%s: told %q, want %q", n.name, to, n.to)
	}
}

const ownersOrganization = "Acme of owner@example.com"

// Owners hear of every change of who may take the organization from them, whoever made it, and the one who loses hears it as well
// (catalogue 228).
func TestOwnersHearOfMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `DELETE FROM river_job`)
	w.work(t)
	owner := w.as(t, "owner")
	w.colleague(t, "second@other.example", w.organization, tenants.RoleDeveloper)
	w.colleague(t, "blocked@other.example", w.organization, tenants.RoleOwner)
	w.exec(t, `UPDATE members SET blocked_at = now() WHERE email = 'blocked@other.example'`)
	second := w.memberID(t, "second@other.example")
	role := func(role string) func() {
		return func() { owner.post(t, w.team("/"+second+"/role"), "role", role).want(t, http.StatusSeeOther) }
	}
	both, one := []string{"owner@example.com", "second@other.example"}, []string{"owner@example.com"}
	for _, n := range []notice{
		{"developer to admin", role("admin"), one, "New admin of " + ownersOrganization + ": second@other.example", []string{"owner@example.com gave second@other.example the role admin. Before it was developer."}},
		{"admin to owner", role("owner"), both, "New owner of " + ownersOrganization + ": second@other.example", []string{"the role owner. Before it was admin."}},
		{"owner to admin", role("admin"), both, "second@other.example is no longer an owner of " + ownersOrganization, []string{"the role admin. Before it was owner."}},
		{"admin to viewer", role("viewer"), nil, "", nil},
		{"viewer to developer", role("developer"), nil, "", nil},
		{"no change", role("developer"), nil, "", nil},
		{"developer removed", func() { owner.post(t, w.team("/"+second+"/remove")).want(t, http.StatusSeeOther) }, one, "second@other.example was removed from " + ownersOrganization,
			[]string{"owner@example.com removed second@other.example, whose role was developer."}},
		{"viewer leaves", func() { w.as(t, "viewer").post(t, w.team("/leave")).want(t, http.StatusSeeOther) }, one, "viewer@example.com left " + ownersOrganization, []string{"whose role was viewer"}},
		{"account deleted", func() {
			w.as(t, "developer").post(t, "/dashboard/account/delete", "confirm", "developer@example.com").want(t, http.StatusSeeOther)
		}, one, "developer@example.com left " + ownersOrganization, []string{"whose role was developer"}},
	} {
		w.hears(t, n)
	}
	w.exec(t, `INSERT INTO organization_members (organization_id, member_id, role) VALUES ($1, $2, 'owner')`, w.organization.String(), second)
	w.hears(t, notice{"owner removed", func() { owner.post(t, w.team("/"+second+"/remove")).want(t, http.StatusSeeOther) }, both, "second@other.example was removed from " + ownersOrganization,
		[]string{"whose role was owner"}})
}

// An owner without an address hears of nothing, and keeps nobody from hearing; others hear of them by what they are called.
func TestOwnersWithoutAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `DELETE FROM river_job`)
	w.work(t)
	w.colleague(t, "nameless@other.example", w.organization, tenants.RoleOwner)
	nameless := w.memberID(t, "nameless@other.example")
	w.exec(t, `UPDATE members SET email = NULL, email_verified_at = NULL WHERE id = $1`, nameless)
	w.exec(t, `INSERT INTO member_identities (provider, subject, contact, account_id) VALUES ('github', '7', 'octo@example.com', $1)`, nameless)
	w.hears(t, notice{"owner without address to admin", func() {
		w.as(t, "owner").post(t, w.team("/"+nameless+"/role"), "role", "admin").want(t, http.StatusSeeOther)
	}, []string{"owner@example.com"}, "octo@example.com at GitHub is no longer an owner of " + ownersOrganization, []string{"the role admin. Before it was owner."}})
}

// Owners hear of who joined as one of them or as an admin, and not of others.
func TestOwnersHearOfWhoJoins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `DELETE FROM river_job`)
	w.work(t)
	for _, role := range []string{"viewer", "developer", "admin", "owner"} {
		email := role + "@guests.example"
		w.told(t, func() {
			w.as(t, "owner").post(t, w.team("/invitations"), "email", email, "role", role).want(t, http.StatusSeeOther)
		})
		guest, _, _ := w.member(t, email)
		action, _ := guest.get(t, "/dashboard/invitations").want(t, http.StatusOK).doc.Find("main form").Attr("action")
		n := notice{name: role, act: func() { guest.post(t, action).wantRedirect(t, projectsPath(w.organization)) }, subject: "New " + role + " of " + ownersOrganization + ": " + email,
			says: []string{email + " accepted the invitation of owner@example.com, and is " + role + " now."}}
		switch role {
		case "admin":
			n.to = []string{"owner@example.com"}
		case "owner":
			n.to = []string{"owner@example.com", email}
		}
		w.hears(t, n)
	}
}

// Owners hear of every change of who says who a project's people are.
func TestOwnersHearOfProviders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `DELETE FROM river_job`)
	w.work(t)
	b, one := w.as(t, "developer"), []string{"owner@example.com"}
	post := func(path string, pairs ...string) func() {
		return func() { b.post(t, w.of(t, path), pairs...).want(t, http.StatusSeeOther) }
	}
	provider := func() string {
		var id string
		if err := w.super.QueryRow(t.Context(), `SELECT id FROM upstream_providers WHERE project_id = $1 AND name = 'Google' ORDER BY created_at DESC`, w.project.String()).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	w.exec(t, `DELETE FROM upstream_providers WHERE project_id = $1`, w.project.String())
	w.hears(t, notice{"added", post("/sign-in/providers", "kind", "google", "client_id", "id", "client_secret", "secret of google"), one, "Identity provider added: Acme",
		[]string{"developer@example.com added the identity provider Google of the project Acme in " + ownersOrganization + "."}})
	w.hears(t, notice{"changed", post("/sign-in/providers/"+provider(), "kind", "google", "name", "Google", "client_id", "other", "enabled", "yes"), one, "Identity provider changed: Acme", []string{"changed the identity provider Google"}})
	w.hears(t, notice{"another issuer", post("/sign-in/providers/"+provider(), "kind", "oidc", "name", "Google", "issuer", "https://evil.example", "client_id", "other", "client_secret", "s", "enabled", "yes"), one, "Identity provider changed: Acme",
		[]string{"changed the identity provider Google"}})
	w.hears(t, notice{"removed", post("/sign-in/providers/" + provider() + "/remove"), one, "Identity provider removed: Acme", []string{"removed the identity provider Google", "Nobody signs in with it any more."}})
	w.hears(t, notice{"external login", post("/sign-in/own", "name", "Acme site", "url", "https://acme.example/login"), one, "External login added: Acme", []string{"added the external login Acme site", "Whoever holds its secret"}})
	w.hears(t, notice{"external login changed", post("/sign-in/own", "name", "Acme site", "url", "https://evil.example/login"), one, "External login changed: Acme", []string{"changed the external login Acme site"}})
	w.hears(t, notice{"its rules", post("/sign-in/own-rules", "beside", "yes", "hours", "12"), one, "External login changed: Acme", []string{"changed the external login of the project Acme"}})
	w.hears(t, notice{"something else", post("/sign-in/sign-up", "sign_up_open", "no"), nil, "", nil})
}

// The mail and the act are one: without the one there is not the other.
func TestNoticesAreOneWithTheAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `ALTER TABLE river_job ADD CONSTRAINT trouble CHECK (kind <> 'mail') NOT VALID`)
	before := w.everything(t)
	owner := w.as(t, "owner")
	for _, path := range []string{w.team("/" + w.memberID(t, "developer@example.com") + "/role"), w.team("/" + w.memberID(t, "viewer@example.com") + "/remove"), w.of(t, "/sign-in/providers"), w.of(t, "/sign-in/own")} {
		if got := owner.post(t, path, "role", "owner", "kind", "google", "client_id", "id", "client_secret", "secret", "name", "Acme", "url", "https://acme.example/login"); got.StatusCode < http.StatusInternalServerError {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if after := w.everything(t); after != before {
		t.Errorf("done without the mail:\n%s", difference(before, after))
	}
}
