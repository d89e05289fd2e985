package dashboard_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

func newID() id.ID { return id.New() }

func (w *world) team(path string) string {
	return "/dashboard/" + w.organization.String() + "/team" + path
}

// memberID is the id of a member by address.
func (s *site) memberID(t *testing.T, email string) string {
	t.Helper()
	var id string
	if err := s.super.QueryRow(t.Context(), `SELECT id FROM members WHERE email = $1`, email).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// Catalogue 217: nobody gives or takes a role above their own, nobody raises themself, and an owner is always left.
func TestRolesCannotBeRaised(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, owner := w.as(t, "admin"), w.as(t, "owner")
	ownerID, adminID, viewerID := w.memberID(t, "owner@example.com"), w.memberID(t, "admin@example.com"), w.memberID(t, "viewer@example.com")
	for _, refused := range [][]string{
		{w.team("/" + adminID + "/role"), "owner"}, {w.team("/" + viewerID + "/role"), "owner"}, {w.team("/" + ownerID + "/role"), "viewer"}, {w.team("/" + ownerID + "/remove"), ""},
	} {
		admin.post(t, refused[0], "role", refused[1]).want(t, http.StatusForbidden)
	}
	admin.post(t, w.team("/invitations"), "email", "new@example.com", "role", "owner").want(t, http.StatusUnprocessableEntity)
	owner.post(t, w.team("/"+ownerID+"/role"), "role", "viewer").want(t, http.StatusConflict)
	owner.post(t, w.team("/leave")).want(t, http.StatusConflict)
	if n := w.rows(t, `SELECT FROM organization_members WHERE organization_id = $1 AND role = 'owner'`, w.organization.String()); n != 1 {
		t.Errorf("%d owners", n)
	}
	owner.post(t, w.team("/"+adminID+"/role"), "role", "owner").want(t, http.StatusSeeOther)
	owner.post(t, w.team("/leave")).want(t, http.StatusSeeOther)
	if n := w.rows(t, `SELECT FROM organization_audit_log WHERE action IN ('member.role_changed', 'member.removed')`); n != 2 {
		t.Errorf("%d changes are in the log", n)
	}
}

// Catalogue 219: who was removed sees nothing from the next request on; what they made stays the organization's.
func TestRemovedMembersSeeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	developer := w.as(t, "developer")
	developer.make(t, w.of(t, "/clients/access/tokens"), "name", "build")
	w.as(t, "admin").post(t, w.team("/"+w.memberID(t, "developer@example.com")+"/remove")).want(t, http.StatusSeeOther)
	developer.get(t, w.of(t, "")).want(t, http.StatusNotFound)
	developer.post(t, w.of(t, "/clients/access/tokens"), "name", "again").want(t, http.StatusNotFound)
	if n := w.rows(t, `SELECT FROM initial_access_tokens WHERE revoked_at IS NULL`); n != 2 {
		t.Errorf("%d tokens are left", n)
	}
}

// Catalogue 218: an invitation is for one address, once, until its end, in the role that was offered.
func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(t)
	w.as(t, "admin").post(t, w.team("/invitations"), "email", " Grace@Example.com ", "role", "developer").want(t, http.StatusSeeOther)
	var text string
	for text == "" {
		if mail := <-w.mails; mail.To == "grace@example.com" {
			text = mail.Text
		}
	}
	if !strings.Contains(text, localURL+"/dashboard/invitations") || !strings.Contains(text, "as developer") {
		t.Errorf("mail: %s", text)
	}
	grace, member, _ := w.member(t, "grace@example.com")
	action, found := grace.get(t, "/dashboard/invitations").want(t, http.StatusOK).doc.Find("main form").Attr("action")
	if !found {
		t.Fatal("no invitation")
	}
	eve, _, _ := w.member(t, "eve@example.com")
	eve.post(t, action).want(t, http.StatusNotFound)
	w.exec(t, `UPDATE organization_invitations SET expires_at = now() - interval '1 second' WHERE email = 'grace@example.com'`)
	grace.post(t, action).want(t, http.StatusNotFound)
	w.exec(t, `UPDATE organization_invitations SET expires_at = now() + interval '1 day' WHERE email = 'grace@example.com'`)
	grace.post(t, action, "role", "owner", "organization_id", w.foreign.String()).wantRedirect(t, projectsPath(w.organization)) // catalogue 226
	var role string
	if err := w.super.QueryRow(t.Context(), `SELECT role FROM organization_members WHERE organization_id = $1 AND member_id = $2`, w.organization.String(), member.String()).Scan(&role); err != nil || role != "developer" {
		t.Errorf("role %q, %v", role, err)
	}
	grace.post(t, action).want(t, http.StatusNotFound)
}

// Catalogue 218: an invitation ends with its sender's right to give the role; the team sees it no more, and the invited person is told what
// may be the reason.
func TestInvitationsOfDemotedMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.as(t, "admin").post(t, w.team("/invitations"), "email", "grace@example.com", "role", "admin").want(t, http.StatusSeeOther)
	grace, member, _ := w.member(t, "grace@example.com")
	list := grace.get(t, "/dashboard/invitations").want(t, http.StatusOK)
	action, _ := list.doc.Find("main form").Attr("action")
	if text := list.doc.Find("li[data-invitation]").Text(); !strings.Contains(text, "admin@example.com") {
		t.Errorf("who sent it is not said: %s", text)
	}
	owner := w.as(t, "owner")
	if n := owner.get(t, w.team("")).doc.Find(`li[data-invitation]:contains("grace@")`).Length(); n != 1 {
		t.Fatalf("%d invitations on the team page", n)
	}
	owner.post(t, w.team("/"+w.memberID(t, "admin@example.com")+"/role"), "role", "developer").want(t, http.StatusSeeOther)
	if n := owner.get(t, w.team("")).doc.Find(`li[data-invitation]:contains("grace@")`).Length(); n != 0 {
		t.Errorf("%d invitations are left on the team page", n)
	}
	refused := grace.post(t, action).want(t, http.StatusNotFound)
	if text := refused.doc.Find("main").Text(); !strings.Contains(text, "whoever sent it may not invite any more") {
		t.Errorf("the invited person is told: %s", text)
	}
	if n := w.rows(t, `SELECT FROM organization_members WHERE organization_id = $1 AND member_id = $2`, w.organization.String(), member.String()); n != 0 {
		t.Error("joined all the same")
	}
}

// Catalogue 222, 223, 227: the log shows what strangers and members wrote as text, exports it as cells that are no formula, and holds no
// secret; other organizations see none of it (catalogue 235).
func TestAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.as(t, "owner")
	evil := `=cmd|'/c calc'!A1<script>alert(1)</script>`
	made := owner.make(t, w.of(t, "/clients"), "name", evil, "redirect_uris", "https://app.example/callback", "kind", "confidential")
	hidden := made.doc.Find(`[data-testid="client-secret"]`).Text()
	owner.post(t, w.of(t, "/settings"), "name", "-1+1").want(t, http.StatusSeeOther)
	page := owner.get(t, "/dashboard/"+w.organization.String()+"/audit").want(t, http.StatusOK)
	if page.doc.Find("main script").Length() != 0 || !strings.Contains(page.doc.Find("main").Text(), "<script>alert(1)") || !strings.Contains(page.text, "owner@example.com") {
		t.Error("the log is not text, or does not say who")
	}
	filtered := owner.get(t, "/dashboard/"+w.organization.String()+"/audit?action=project.&project="+w.project.String()).want(t, http.StatusOK)
	filtered.doc.Find("tbody tr").Each(func(_ int, row *goquery.Selection) {
		if !strings.HasPrefix(strings.TrimSpace(row.Find("th").Text()), "project.") {
			t.Errorf("not filtered: %s", row.Text())
		}
	})
	file := owner.post(t, "/dashboard/"+w.organization.String()+"/audit/export", "format", "csv").want(t, http.StatusOK)
	rows := must(csv.NewReader(strings.NewReader(file.text)).ReadAll())
	for _, row := range rows[1:] {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("a formula: %s", cell)
			}
		}
	}
	if len(rows) < 5 || strings.Contains(file.text+page.text, hidden) {
		t.Errorf("%d rows, or a secret", len(rows))
	}
	if n := w.rows(t, `SELECT FROM organization_audit_log WHERE action = 'audit.exported'`); n != 1 {
		t.Error("the export is not in the log")
	}
	theirs := w.as(t, "foreign").get(t, "/dashboard/"+w.foreign.String()+"/audit?project="+w.project.String()).want(t, http.StatusOK)
	if theirs.doc.Find("tbody tr").Length() != 0 {
		t.Error("the log of another organization's project")
	}
}

type onPlan tenants.Plan

func (p onPlan) PlanOf(context.Context, id.ID) (tenants.Plan, error) { return tenants.Plan(p), nil }

// Catalogue 229: of fifty creations at once under a limit of five, five succeed, whatever is counted; the others are told which limit it
// is, what is used, and the way out.
func TestLimitsHoldUnderParallelCreations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := onPlan{Counts: map[tenants.Countable]int{tenants.CountProjects: 5, tenants.CountServers: 5, tenants.CountSeats: 8}}
	projects, organizations := w.projects, tenants.Organizations{Store: w.store, Plans: plan}
	projects.Plans = plan
	actor := tenants.MemberActor(w.owner)
	mail := func(string) (string, string, string, error) { return "Join", "Join", "<p>Join</p>", nil }
	for what, c := range map[string]struct {
		create func(n int) error
		count  string
		most   int
	}{
		"production projects": {func(n int) error {
			_, _, _, err := projects.CreateLike(t.Context(), actor, w.organization, w.project, fmt.Sprintf("Parallel %d", n), "https://p.example.com/mcp")
			return err
		}, `SELECT FROM projects WHERE environment = 'production' AND organization_id = '` + w.organization.String() + `'`, 5},
		"servers": {func(n int) error {
			_, _, err := projects.AddServer(t.Context(), actor, w.organization, w.project, "", fmt.Sprintf("https://s%d.example.com/mcp", n))
			return err
		}, `SELECT FROM mcp_servers WHERE project_id = '` + w.project.String() + `'`, 5},
		"seats": {func(n int) error {
			return organizations.Invite(t.Context(), actor, w.organization, fmt.Sprintf("p%d@example.com", n), tenants.RoleViewer, mail)
		}, `SELECT organization_id FROM organization_members WHERE organization_id = '` + w.organization.String() + `'
			UNION ALL SELECT organization_id FROM organization_invitations WHERE organization_id = '` + w.organization.String() + `'`, 8},
	} {
		var all sync.WaitGroup
		errs := make([]error, 50)
		for n := range errs {
			all.Go(func() { errs[n] = c.create(n) })
		}
		all.Wait()
		refused := 0
		for _, err := range errs {
			limit, ok := errors.AsType[*tenants.LimitError](err)
			if err != nil && (!ok || limit.Max != c.most || limit.Used != c.most || !strings.Contains(limit.Error(), "change the plan")) {
				t.Errorf("%s: %v", what, err)
			}
			if err != nil {
				refused++
			}
		}
		if n := w.rows(t, c.count); n != c.most || refused == 0 {
			t.Errorf("%d %s, %d refused, expected %d", n, what, refused, c.most)
		}
	}
	if _, _, _, err := projects.Create(t.Context(), actor, w.organization, "For development", "https://p.example.com/mcp"); err != nil {
		t.Errorf("a development project under a full plan: %v", err)
	}
	// The other way into production has the same limit, and none for a project that is there already or leaves.
	if err := projects.SetProduction(t.Context(), actor, w.organization, w.project, true); !errors.Is(err, tenants.ErrLimit) {
		t.Errorf("a sixth production project by switching: %v", err)
	}
	list, err := projects.List(t.Context(), actor, w.organization)
	if err != nil {
		t.Fatal(err)
	}
	inProduction := slices.IndexFunc(list, func(p tenants.ProjectSummary) bool { return p.Production })
	for _, production := range []bool{true, false} {
		if err := projects.SetProduction(t.Context(), actor, w.organization, list[inProduction].ID, production); err != nil {
			t.Errorf("production %t of a project that is in production: %v", production, err)
		}
	}
	if err := projects.SetProduction(t.Context(), actor, w.organization, w.project, true); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
