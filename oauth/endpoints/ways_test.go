package endpoints_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// everyWay is a project that offers all ways to sign in, with somebody who has set up every one of them.
type everyWay struct {
	*world
	tn   *tenant  // whose person has no second step
	two  *tenant  // the same project, whose person has one
	keys []string // recovery codes of the second step
	d    *device
	p    *peer
	peer id.ID
	site *ownSite

	client string
	walks  int
}

func newEveryWay(t *testing.T) *everyWay {
	t.Helper()
	w := newWorld(t)
	e := &everyWay{world: w, tn: w.demo, p: newPeer(t)}
	e.peer, e.site = w.demo.offer(e.p, "oidc"), w.demo.ownSite()
	e.d = w.demo.withPasskeys()
	e.d.synced = true
	e.client = w.demo.client()
	two := *w.demo
	two.user = "two@acme.example"
	two.addUser(two.user)
	e.two = &two
	_, e.keys = two.setUpTwoStep(newBrowser(t, w.door))
	e.tn.enrolled(e.d, newBrowser(t, w.door))
	return e
}

// walk is a browser with what it needs to take a step of a sign-in.
type walk struct {
	*everyWay
	*browser
	client string
	email  string // of nobody else
}

// walk begins in a new browser.
func (e *everyWay) walk() walk {
	e.t.Helper()
	e.walks++
	return walk{everyWay: e, browser: newBrowser(e.t, e.door), client: e.client, email: fmt.Sprintf("walker%d@demo.example", e.walks)}
}

func (k walk) start() *answer {
	return k.get(k.tn.authorizeURL(k.tn.request(k.client)))
}

// later gets as far as the last step and returns that step.
type later struct {
	method, name string
	before       func(k walk) func() *answer
}

// code fills the code of a message in.
func (k walk) code() url.Values { return url.Values{"code": {sixDigits.FindString(k.lastMail().Text)}} }

func (k walk) says(subject, email string) map[string]any {
	person := ownPerson(subject)
	person["email"] = email
	return person
}

// second is the step after the first one, of the person who has set one up.
func (k walk) second(first *answer) func() *answer {
	k.t.Helper()
	if first.StatusCode == http.StatusSeeOther {
		first = k.get(first.location())
	}
	if !first.has(`form[action$="/oauth/sign-in/second"]`) {
		k.t.Fatalf("no second step: %d\n%s", first.StatusCode, first.body)
	}
	key := k.keys[0]
	k.keys = k.keys[1:]
	return func() *answer { return k.submit(first, "#code", url.Values{"code": {key}}) }
}

// laterSteps lists, for every way to sign in, each step that a person can take after the page was shown.
func laterSteps() []later {
	password := func(email string) url.Values { return url.Values{"email": {email}, "password": {userPassword}} }
	asked := func(k walk) *answer {
		page, _ := k.tn.askForCode(k.browser, k.client, k.email)
		return page
	}
	upstream := func(k walk, subject, email string) string {
		k.p.mu.Lock()
		k.p.claims = map[string]any{"sub": subject, "email": email}
		k.p.mu.Unlock()
		return k.p.answer(k.tn.leaveFor(k.browser, k.peer, k.tn.request(k.client)))
	}
	own := func(k walk, subject, email string) string {
		page := k.submit(k.start(), "#way-provider-"+k.site.id, nil)
		u, err := url.Parse(page.location())
		if err != nil {
			k.t.Fatal(err)
		}
		return k.site.say(u.Query().Get("request"), k.says(subject, email)).text("redirect_to")
	}
	signUp := func(k walk) url.Values { return url.Values{"email": {k.email}, "password": {"a long enough password"}} }
	return slices.Concat([]later{
		{tenants.SignInPassword, "password", func(k walk) func() *answer {
			page := k.start()
			return func() *answer { return k.submit(page, "#password", password(k.tn.user)) }
		}},
		{tenants.SignInPassword, "second step", func(k walk) func() *answer {
			return k.second(k.submit(k.start(), "#password", password(k.two.user)))
		}},
		{tenants.SignInPassword, "wish for a reset", func(k walk) func() *answer {
			page := k.submit(k.start(), `form[action$="/oauth/reset"] button`, nil)
			return func() *answer { return k.submit(page, "#email", url.Values{"email": {k.tn.user}}) }
		}},
		{tenants.SignInPassword, "reset", func(k walk) func() *answer {
			page, _ := k.tn.askForReset(k.browser, k.client, k.tn.user)
			fields := k.code()
			fields.Set("password", anotherPassword)
			return func() *answer { return k.submit(page, "#code", fields) }
		}},
		{tenants.SignInPassword, "sign-up", func(k walk) func() *answer {
			page := k.tn.signUpPage(k.browser, k.client)
			return func() *answer { return k.submit(page, "#password", signUp(k)) }
		}},
		{tenants.SignInPassword, "code of a sign-up", func(k walk) func() *answer {
			page := k.submit(k.tn.signUpPage(k.browser, k.client), "#password", signUp(k))
			fields := k.code()
			return func() *answer { return k.submit(page, "#code", fields) }
		}},
		{tenants.SignInEmailCode, "wish for a code", func(k walk) func() *answer {
			page := k.start()
			return func() *answer { return k.submit(page, "#way-email-code", url.Values{"email": {k.email}}) }
		}},
		{tenants.SignInEmailCode, "code", func(k walk) func() *answer {
			page := asked(k)
			fields := k.code()
			return func() *answer { return k.submit(page, "#code", fields) }
		}},
		{tenants.SignInEmailCode, "link", func(k walk) func() *answer {
			asked(k)
			link := linkIn(k.t, k.lastMail())
			return func() *answer { return k.get(link) }
		}},
		{tenants.SignInEmailCode, "link in another browser", func(k walk) func() *answer {
			asked(k)
			link, elsewhere := linkIn(k.t, k.lastMail()), newBrowser(k.t, k.world.door)
			return func() *answer { return elsewhere.get(link) }
		}},
		{tenants.SignInEmailCode, "button of the link's page", func(k walk) func() *answer {
			asked(k)
			page := k.get(linkIn(k.t, k.lastMail()))
			return func() *answer { return k.submit(page, "button", nil) }
		}},
		{tenants.SignInEmailCode, "second step", func(k walk) func() *answer {
			page, _ := k.tn.askForCode(k.browser, k.client, k.two.user)
			return k.second(k.submit(page, "#code", k.code()))
		}},
		{tenants.SignInPasskey, "passkey", func(k walk) func() *answer {
			page := k.start()
			fields := k.d.answer(page)
			return func() *answer { return k.submit(page, "button.passkey", fields) }
		}},
	}, []later{
		{tenants.SignInProvider, "button", func(k walk) func() *answer {
			page := k.start()
			return func() *answer { return k.submit(page, "#way-provider-"+k.peer.String(), nil) }
		}},
		{tenants.SignInProvider, "way back", func(k walk) func() *answer {
			back := upstream(k, "grace", "grace@demo.example")
			return func() *answer { return k.get(back) }
		}},
		{tenants.SignInProvider, "end of the way back", func(k walk) func() *answer {
			done := k.get(upstream(k, "two", k.two.user)).location()
			return func() *answer { return k.get(done) }
		}},
		{tenants.SignInProvider, "second step", func(k walk) func() *answer { return k.second(k.get(upstream(k, "two", k.two.user))) }},
		{tenants.SignInExternal, "button", func(k walk) func() *answer {
			page := k.start()
			return func() *answer { return k.submit(page, "#way-provider-"+k.site.id, nil) }
		}},
		{tenants.SignInExternal, "way back", func(k walk) func() *answer {
			back := own(k, "hedy", "hedy@acme.example")
			return func() *answer { return k.get(back) }
		}},
		{tenants.SignInExternal, "end of the way back", func(k walk) func() *answer {
			done := k.get(own(k, "two", k.two.user)).location()
			return func() *answer { return k.get(done) }
		}},
		{tenants.SignInExternal, "second step", func(k walk) func() *answer { return k.second(k.get(own(k, "two", k.two.user))) }},
		{tenants.SignInExternal, "link to the account", func(k walk) func() *answer {
			link := k.tn.issuer + "/account/enter?" + k.site.accountLink("hedy").Encode()
			return func() *answer { return k.get(link) }
		}},
		{tenants.SignInExternal, "button of the link to the account", func(k walk) func() *answer {
			page := k.get(k.tn.issuer + "/account/enter?" + k.site.accountLink("hedy").Encode())
			return func() *answer { return k.submit(page, "[name=answer]", nil) }
		}},
	})
}

// off switches a way off, in one of the ways in which a member does that.
func (e *everyWay) off(method, how string) {
	e.t.Helper()
	identity := e.peer.String()
	if method == tenants.SignInExternal {
		identity = e.site.id
	}
	switch how {
	case "the way":
		kept := slices.DeleteFunc([]string{tenants.SignInPasskey, tenants.SignInPassword, tenants.SignInEmailCode, tenants.SignInProvider, tenants.SignInExternal, tenants.SignInTOTP},
			func(m string) bool { return m == method })
		if err := e.projects.SetSignInMethods(e.t.Context(), tenants.SystemActor, e.org, e.tn.project.ID, kept); err != nil {
			e.t.Fatal(err)
		}
	case "the provider":
		e.exec(`UPDATE upstream_providers SET enabled = false WHERE id = $1::text::uuid`, identity)
	case "removed":
		provider, err := id.Parse(identity)
		if err == nil {
			err = e.projects.RemoveProvider(e.t.Context(), tenants.SystemActor, e.org, e.tn.project.ID, provider)
		}
		if err != nil {
			e.t.Fatal(err)
		}
	}
	e.forget()
}

// who describes everything that a sign-in changes: sessions, accounts and what proves them.
func (e *everyWay) who() string {
	e.t.Helper()
	return value[string](e.world, `SELECT concat_ws(' ', (SELECT count(*) FROM user_sessions), (SELECT count(*) FROM user_identities), (SELECT count(*) FROM user_passkeys),
		(SELECT string_agg(id::text || coalesce(password_hash, ''), ' ' ORDER BY id) FROM users))`)
}

// A way to sign in that is switched off while somebody is on it lets nobody in, whatever the next step is: the page says so, and offers the
// ways that are on (catalogue 124).
func TestSwitchedOffOnTheWay(t *testing.T) {
	t.Parallel()
	ways := map[string][]later{}
	for _, step := range laterSteps() {
		ways[step.method] = append(ways[step.method], step)
	}
	for method, steps := range ways {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			e := newEveryWay(t)
			for _, step := range steps {
				if on := step.before(e.walk())(); on.StatusCode >= 400 || strings.Contains(on.body, "switched off") {
					t.Fatalf("%s does not even work while it is on: %d\n%s", step.name, on.StatusCode, on.body)
				}
			}
			e.switchOff(method, "the way", steps)
			if method == tenants.SignInProvider || method == tenants.SignInExternal {
				e.switchOff(method, "the provider", steps)
				e.switchOff(method, "removed", steps)
			}
		})
	}
}

// switchOff takes the last steps after it, and switches on again what can be.
func (e *everyWay) switchOff(method, how string, steps []later) {
	e.t.Helper()
	var walks []walk
	var last []func() *answer
	for _, step := range steps {
		k := e.walk()
		walks, last = append(walks, k), append(last, step.before(k))
	}
	before := e.who()
	e.off(method, how)
	for i, step := range steps {
		e.refusedWay(step, how, walks[i].browser, last[i]())
	}
	if after := e.who(); after != before && how != "removed" {
		e.t.Errorf("%s: somebody was signed in or changed: got %s, want %s", how, after, before)
	}
	e.on()
}

// on switches everything on.
func (e *everyWay) on() {
	e.t.Helper()
	e.exec(`UPDATE upstream_providers SET enabled = true`)
	e.off("", "the way")
}

func (e *everyWay) refusedWay(step later, how string, b *browser, got *answer) {
	e.t.Helper()
	name := how + ": " + step.name
	if says := strings.TrimSpace(got.document().Find("[role=alert]").Text()); got.StatusCode != http.StatusForbidden ||
		!strings.Contains(says, "switched off") && !strings.Contains(says, "New accounts cannot be created") {
		e.t.Errorf("%s: got %d %q, want 403 and that the way is switched off\n%s", name, got.StatusCode, says, got.body)
	}
	for method, selector := range map[string]string{tenants.SignInPassword: "#password", tenants.SignInEmailCode: "#way-email-code", tenants.SignInPasskey: "button.passkey",
		tenants.SignInProvider: "#way-provider-" + e.peer.String(), tenants.SignInExternal: "#way-provider-" + e.site.id} {
		if has := got.has(selector); has != (method != step.method) {
			e.t.Errorf("%s: the page offers %s: got %t, want %t", name, method, has, !has)
		}
	}
	if session := b.cookie(e.tn, "mcpauth_session"); session != "" {
		e.t.Errorf("%s: got a session, want none", name)
	}
}

// What the customer's site says while its login is off is refused as well, from server to server.
func TestOwnLoginSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"the way", "the provider", "removed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			e := newEveryWay(t)
			request := e.site.leave(newBrowser(t, e.door))
			before := e.who()
			e.off(tenants.SignInExternal, how)
			for _, asked := range []string{request, "account"} {
				got := e.site.say(asked, ownPerson("ada"))
				var refusal struct{ Error string }
				if err := json.Unmarshal([]byte(got.body), &refusal); err != nil || got.StatusCode < 400 || got.StatusCode >= 500 || refusal.Error == "" {
					t.Errorf("%s: got %d %s, want a refusal", asked, got.StatusCode, got.body)
				}
			}
			if after := e.who(); after != before {
				t.Errorf("got %s, want %s", after, before)
			}
		})
	}
}

// A passkey that is being made while passkeys are switched off is not kept; whoever is signed in goes on.
func TestPasskeyOfferSwitchedOff(t *testing.T) {
	t.Parallel()
	e := newEveryWay(t)
	b := newBrowser(t, e.door)
	e.tn.addUser("new@demo.example")
	offer := b.submit(b.get(e.tn.authorizeURL(e.tn.request(e.client))), "#password", url.Values{"email": {"new@demo.example"}, "password": {userPassword}})
	fields := newDevice(e.tn).create(offer)
	before := value[int](e.world, `SELECT count(*) FROM user_passkeys`)
	e.off(tenants.SignInPasskey, "the way")
	if got := b.submit(offer, "button.passkey", fields); !signsIn(got) {
		t.Errorf("got %d, want the consent page\n%s", got.StatusCode, got.body)
	}
	if after := value[int](e.world, `SELECT count(*) FROM user_passkeys`); after != before {
		t.Errorf("got %d passkeys, want %d", after, before)
	}
}
