package dashboard_test

import (
	"net/url"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// organizationArea is who belongs to an organization, its log and its settings.
var organizationArea = area{
	seed: func(t *testing.T, w *world) {
		t.Helper()
		_, member, _ := w.member(t, "second@example.com")
		w.exec(t, `UPDATE organization_members SET organization_id = $1, role = 'viewer' WHERE member_id = $2`, w.organization.String(), member.String())
		w.params[":member"] = member.String()
		for _, email := range []string{"invited@example.com", "viewer@example.com"} {
			mail := func(string) (string, string, string, error) { return "Join", "Join", "<p>Join</p>", nil }
			invitation := tenants.Invitation{ID: newID(), Organization: tenants.Organization{ID: w.organization}, Email: email, Role: tenants.RoleDeveloper}
			name, inviter := ":invitation", w.owner
			if email == "viewer@example.com" { // to another organization: a member of this one can accept it
				invitation.Organization.ID, name, inviter = w.foreign, ":invited", must(id.Parse(w.memberID(t, "stranger@example.com")))
			}
			if err := w.store.Invite(t.Context(), tenants.MemberActor(inviter), invitation, tenants.Limit{Max: tenants.Unlimited}, mail); err != nil {
				t.Fatal(err)
			}
			w.params[name] = invitation.ID.String()
		}
	},
	forms: map[string]func(*world) url.Values{
		"POST /dashboard/invitations/:invited/accept":                       form(),
		"GET /dashboard/:organization/team":                                 nil,
		"POST /dashboard/:organization/team/invitations":                    form("email", "new@example.com", "role", "viewer"),
		"POST /dashboard/:organization/team/invitations/:invitation/revoke": form(),
		"POST /dashboard/:organization/team/:member/role":                   form("role", "developer"),
		"POST /dashboard/:organization/team/:member/remove":                 form(),
		"POST /dashboard/:organization/team/leave":                          form(),
		"GET /dashboard/:organization/audit":                                nil,
		"POST /dashboard/:organization/audit/export":                        form("format", "csv"),
		"GET /dashboard/:organization/settings":                             nil,
		"POST /dashboard/:organization/settings":                            form("name", "Acme International"),
		"POST /dashboard/:organization/settings/delete":                     form("confirm", "Acme of owner@example.com"),
	},
}
