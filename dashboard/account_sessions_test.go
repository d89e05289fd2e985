package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
)

// However many browsers somebody is signed in with, this one alone stays (catalogue 135).
func TestSignOutEverywhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, member, _ := s.member(t, "ada@example.com")
	s.exec(t, `INSERT INTO member_sessions (id, token_hash, account_id, expires_at) SELECT gen_random_uuid(), sha256(convert_to(n::text, 'UTF8')), $1, now() + interval '1 day'
		FROM generate_series(1, 131) n`, member.String())
	if text := b.get(t, "/dashboard/account").want(t, http.StatusOK).doc.Find("main").Text(); !strings.Contains(text, "the latest 100. There may be more") {
		t.Error("the page does not say that it leaves some out")
	}
	b.post(t, "/dashboard/account/sessions", "others", "yes").wantRedirect(t, "/dashboard/account")
	page := b.get(t, "/dashboard/account").want(t, http.StatusOK)
	if n := s.rows(t, `SELECT FROM member_sessions WHERE ended_at IS NULL`); n != 1 || page.doc.Find("li[data-session]").Length() != 1 || strings.Contains(page.doc.Find("main").Text(), "There may be more") {
		t.Errorf("%d sessions are left, and the page shows %d", n, page.doc.Find("li[data-session]").Length())
	}
}

// Whoever has an old session cannot keep its member out: it ends at once what is as old as itself, and asks before what came later.
func TestOldSessionsEndNoLaterOnes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	thief, member, _ := s.member(t, "ada@example.com")
	earlier := s.browser()
	earlier.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	s.longAgo(t)
	owner := s.browser()
	owner.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	epoch := func() int { return s.rows(t, `SELECT FROM members WHERE id = $1 AND epoch = 1`, member.String()) }
	asked := thief.post(t, "/dashboard/account/sessions", "others", "yes").want(t, http.StatusForbidden)
	if !strings.Contains(asked.doc.Find("main").Text(), "You asked to sign out browsers that signed in after this one") {
		t.Error("the page does not say what waits")
	}
	newest := thief.get(t, "/dashboard/account").doc.Find("li[data-session] input[name=session]").First().AttrOr("value", "")
	thief.post(t, "/dashboard/account/sessions", "session", newest).want(t, http.StatusForbidden)
	owner.get(t, "/dashboard/account").want(t, http.StatusOK)
	earlier.get(t, "/dashboard/account").want(t, http.StatusSeeOther) // that stop did not wait
	if epoch() != 1 {
		t.Error("a sign-in under way would be refused")
	}
	thief.post(t, "/dashboard/account/sessions", "others", "yes") // however often
	owner.post(t, "/dashboard/account/sessions", "others", "yes").wantRedirect(t, "/dashboard/account")
	thief.get(t, "/dashboard/account").want(t, http.StatusSeeOther)
}

// A member whose own session is old signs later ones out once they have proved themselves.
func TestSignOutLaterOnesWithProof(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, _ := s.member(t, "ada@example.com")
	s.longAgo(t)
	thief := s.browser()
	thief.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	b.confirm(t, b.post(t, "/dashboard/account/sessions", "others", "yes")).wantRedirect(t, "/dashboard/account")
	thief.get(t, "/dashboard/account").want(t, http.StatusSeeOther)
	b.get(t, "/dashboard/account").want(t, http.StatusOK)
}

// Sessions are listed and ended by their member alone (catalogue 135).
func TestAccountSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	first, _, _ := s.member(t, "ada@example.com")
	second := s.browser()
	second.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).wantRedirect(t, "/dashboard")
	eve, _, _ := s.member(t, "eve@example.com")
	list := first.get(t, "/dashboard/account").want(t, http.StatusOK).doc.Find("li[data-session]")
	if list.Length() != 2 {
		t.Fatalf("%d sessions", list.Length())
	}
	other, _ := list.Find("input[name=session]").Attr("value")
	eve.post(t, "/dashboard/account/sessions", "session", other)
	second.get(t, "/dashboard/account").want(t, http.StatusOK)
	first.post(t, "/dashboard/account/sessions", "session", other).want(t, http.StatusSeeOther)
	second.get(t, "/dashboard/account").want(t, http.StatusSeeOther)
	first.get(t, "/dashboard/account").want(t, http.StatusOK)
}
