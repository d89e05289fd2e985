package dashboard_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcpauth.example/internal/mail"
)

func (s *site) nextMail(t *testing.T) mail.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	select {
	case m := <-s.mails:
		return m
	case <-ctx.Done():
		t.Fatal("no mail")
		return mail.Message{}
	}
}

var sixDigits = regexp.MustCompile(`\b\d{3} ?\d{3}\b`)

func TestSignUpWithCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	b := s.browser()
	form := b.get(t, "/dashboard/sign-up").want(t, http.StatusOK)
	for _, field := range []string{"name", "email", "password"} {
		if form.doc.Find(`form[method=post] input[name=`+field+`]`).Length() != 1 {
			t.Errorf("no field %s", field)
		}
	}
	b.post(t, "/dashboard/sign-up", "name", "Acme", "email", "Ada@Example.com", "password", password).wantRedirect(t, "/dashboard/sign-up/code")
	page := b.get(t, "/dashboard/sign-up/code").want(t, http.StatusOK)
	challenge, _ := page.doc.Find("input[name=challenge]").Attr("value")
	if !strings.Contains(page.text, "Ada@Example.com") || challenge == "" {
		t.Errorf("the page does not say where the code went: challenge %q", challenge)
	}
	message := s.nextMail(t)
	code := strings.ReplaceAll(sixDigits.FindString(message.Text), " ", "")
	if message.To != "ada@example.com" || code == "" || !strings.Contains(message.HTML, "<") {
		t.Fatalf("mail %+v", message)
	}
	if s.rows(t, `SELECT FROM members`) != 0 {
		t.Error("there is an account before the code came back")
	}
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	refused := b.post(t, "/dashboard/sign-up/code", "challenge", challenge, "code", wrong).want(t, http.StatusUnprocessableEntity)
	if got, _ := refused.doc.Find("input[name=challenge]").Attr("value"); got != challenge {
		t.Errorf("the form lost its challenge: %q", got)
	}
	// catalogue 112: the code works in the browser that asked for it only.
	other := s.browser()
	other.get(t, "/dashboard/sign-up")
	other.post(t, "/dashboard/sign-up/code", "challenge", challenge, "code", code).want(t, http.StatusUnprocessableEntity)

	b.post(t, "/dashboard/sign-up/code", "challenge", challenge, "code", code).wantRedirect(t, "/dashboard")
	if n := s.rows(t, `SELECT FROM organization_members m JOIN organizations o ON o.id = m.organization_id WHERE o.name = 'Acme' AND m.role = 'owner'`); n != 1 {
		t.Errorf("%d organizations", n)
	}
	home := b.get(t, "/dashboard").want(t, http.StatusSeeOther)
	projects := b.get(t, home.Header.Get("Location")).want(t, http.StatusOK)
	if href, _ := projects.doc.Find("main a.btn").Attr("href"); !strings.HasSuffix(href, "/projects/new") {
		t.Errorf("the empty list leads to %q", href)
	}
	b.post(t, "/dashboard/sign-up/code", "challenge", challenge, "code", code).want(t, http.StatusUnprocessableEntity)
}

// catalogue 105: a known address is answered like an unknown one, and its owner is told.
func TestSignUpDoesNotTellWhoIsKnown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.work(t)
	s.member(t, "known@example.com")
	answers := map[string]answer{}
	for _, email := range []string{"known@example.com", "fresh@example.com"} {
		b := s.browser()
		first := b.post(t, "/dashboard/sign-up", "name", "Acme", "email", email, "password", password)
		first.wantRedirect(t, "/dashboard/sign-up/code")
		message := s.nextMail(t)
		if hasCode := sixDigits.MatchString(message.Text); hasCode != (email == "fresh@example.com") {
			t.Errorf("mail to %s: %s", email, message.Text)
		}
		page := b.get(t, "/dashboard/sign-up/code").want(t, http.StatusOK)
		challenge, _ := page.doc.Find("input[name=challenge]").Attr("value")
		a := b.post(t, "/dashboard/sign-up/code", "challenge", challenge, "code", "123456")
		a.text = strings.NewReplacer(challenge, "", email, "").Replace(a.doc.Find("main").Text())
		answers[email] = a
	}
	if diff := cmp.Diff(answers["known@example.com"].text, answers["fresh@example.com"].text); diff != "" {
		t.Error(diff)
	}
	if answers["known@example.com"].StatusCode != answers["fresh@example.com"].StatusCode {
		t.Error("the status tells them apart")
	}
}

func TestSignUpShowsEveryMistakeAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	page := s.browser().post(t, "/dashboard/sign-up", "name", " ", "email", "ada@", "password", "short").want(t, http.StatusUnprocessableEntity)
	for _, name := range []string{"name", "email", "password"} {
		described, _ := page.doc.Find("input[name=" + name + "]").Attr("aria-describedby")
		if page.doc.Find("input[name="+name+"][aria-invalid=true]").Length() != 1 || described == "" {
			t.Errorf("%s is not marked", name)
		}
	}
	if value, _ := page.doc.Find("input[name=email]").Attr("value"); value != "ada@" {
		t.Errorf("e-mail %q", value)
	}
	if value, has := page.doc.Find("input[name=password]").Attr("value"); has && value != "" {
		t.Errorf("the password came back: %q", value)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, _, organization := s.member(t, "ada@example.com")
	target := projectsPath(organization)

	b := s.browser()
	b.get(t, target).wantRedirect(t, "/dashboard/sign-in?next="+strings.ReplaceAll(target, "/", "%2F"))
	page := b.get(t, "/dashboard/sign-in?next="+target).want(t, http.StatusOK)
	if next, _ := page.doc.Find("input[name=next]").Attr("value"); next != target {
		t.Errorf("next is %q", next)
	}
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		refused := b.post(t, "/dashboard/sign-in", "email", email, "password", "wrong password").want(t, http.StatusUnprocessableEntity)
		if refused.doc.Find("[role=alert]").Length() != 1 || len(refused.Cookies()) != 0 {
			t.Errorf("%s: alert missing, or cookies %v", email, refused.Cookies())
		}
	}
	b.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password, "next", target).wantRedirect(t, target)
	b.get(t, target).want(t, http.StatusOK)
	if landing := b.get(t, "/").want(t, http.StatusOK); landing.doc.Find(`a[href="/dashboard"]`).Length() == 0 {
		t.Error("the front page does not know who is signed in")
	}
}

// catalogue 117
func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.member(t, "ada@example.com")
	for _, next := range []string{"//evil.example", `/\evil.example`, "/%09/evil.example", "https:evil.example", "https://evil.example/", "/../evil", "dashboard"} {
		s.browser().post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password, "next", next).wantRedirect(t, "/dashboard")
	}
}

// catalogue 106, 133
func TestSignInAndOutChangeTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b, _, organization := s.member(t, "ada@example.com")
	first := b.sessionCookie(t)
	b.post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).want(t, http.StatusSeeOther)
	second := b.sessionCookie(t)
	if first == second {
		t.Error("signing in again kept the session")
	}
	thief := s.browser()
	thief.setSession(t, first)
	thief.get(t, projectsPath(organization)).want(t, http.StatusSeeOther)
	b.post(t, "/dashboard/sign-out").wantRedirect(t, "/dashboard/sign-in")
	thief.setSession(t, second)
	thief.get(t, projectsPath(organization)).want(t, http.StatusSeeOther)
	b.post(t, "/dashboard/sign-out").wantRedirect(t, "/dashboard/sign-in")
	if logged := s.log.String(); strings.Contains(logged, first) || strings.Contains(logged, second) || strings.Contains(logged, password) {
		t.Error("the log holds a credential")
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	for baseURL, want := range map[string]http.Cookie{
		"http://localhost:8080":   {Name: "mcpauth_member", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 604800},
		"https://mcpauth.example": {Name: "__Host-mcpauth_member", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 604800, Secure: true},
	} {
		s := newSiteAt(t, baseURL)
		if _, _, err := s.store.EnsureMember(t.Context(), "ada@example.com", must(s.signin.Passwords.Hash(t.Context(), password)), "Acme"); err != nil {
			t.Fatal(err)
		}
		signedIn := s.browser().post(t, "/dashboard/sign-in", "email", "ada@example.com", "password", password).want(t, http.StatusSeeOther)
		cookies := signedIn.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: %v", baseURL, cookies)
		}
		got := *cookies[0]
		if got.Value == "" {
			t.Error("no value")
		}
		got.Value, got.Raw = "", ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", baseURL, diff)
		}
		if hsts := signedIn.Header.Get("Strict-Transport-Security"); (hsts != "") != want.Secure {
			t.Errorf("%s: HSTS %q", baseURL, hsts)
		}
	}
}
