package templates_test

import (
	"strings"
	"testing"

	"github.com/a-h/templ"

	. "mcpauth.example/templates"
)

// TestElements names what people, password managers and the browser tests find on each page.
func TestElements(t *testing.T) {
	t.Parallel()
	pages := map[string]templ.Component{}
	for _, page := range samples() {
		pages[page.name] = page.page
	}
	for name, selectors := range map[string][]string{
		"sign-in":         {`input[name=email][type=email][autocomplete=username]`, `input[name=password][type=password][autocomplete="current-password"]`, `form[action="/oauth/sign-in"] button:contains("Sign in")`, `form[action="/oauth/sign-up"] button:contains("Create an account")`},
		"sign-in-error":   {`[role=alert]:contains("wrong")`, `input[name=email][value="ada@acme.example"]`, `input[name=password][aria-invalid=true][aria-describedby=password-error][autofocus]`, `#password-error`},
		"sign-up":         {`input[name=password][autocomplete="new-password"][aria-describedby~="password-help"]`, `input[name=email][autocomplete=email][autofocus]`, `form[action="/oauth/sign-up"] button:contains("Create account")`, `form[action="/oauth/sign-in"] button:contains("Sign in instead")`},
		"code":            {`input[name=code][inputmode=numeric][autocomplete="one-time-code"]`, `input[type=hidden][name=challenge][value="challenge-1"]`, `button:contains("Continue")`, `form[action="/oauth/sign-up"] button:contains("Start again")`},
		"code-plain":      {`a[href="/oauth/sign-up"]:contains("Start again")`},
		"consent":         {`button[name=decision][value=deny]:contains("Deny")`, `button[name=decision][value=allow]:contains("Allow")`, `input[type=hidden][name=approval][value="approval-token"]`, `form[action="/oauth/switch"] button:contains("Use another account")`, `dd:contains("tools.acme.example/mcp")`, `dd:contains("an app on this computer")`, `[role=note]:contains("just started it yourself")`, `dd:contains("until it is taken back")`},
		"consent-step-up": {`h2:contains("It asks to be able to do more")`, `h2:contains("It is already allowed to")`, `dd:contains("cursor")`, `a[href="/account"]`},
		"consent-warned":  {`[role=note]:contains("is not made by Acme Tools")`, `div:contains("Takes you to") > dd b:contains("xn--cme-pla.example")`},
		"message":         {`#error-code:contains("invalid_request")`, `#request-id:contains("01938f0e")`, `ol li:contains("Close this page")`, `dd.expected:contains("one of")`, `h2:contains("For the people who make the app")`, `footer`},
		"message-short":   {`.brand:contains("mcpauth")`},
		"member-sign-in":  {`[role=alert]`, `input[name=next][value="/dashboard/projects/acme"]`, `button:contains("Sign in")`, `a:contains("Create an account")`},
		"member-sign-up":  {`input[name=name][autocomplete=organization]`, `input[name=email]`, `input[name=password]`, `button:contains("Create account")`},
		"member-code":     {`input[name=code][inputmode=numeric]`, `input[name=challenge][value="challenge-2"]`, `button:contains("Continue")`},
		"projects":        {`a[href="#main"]`, `a[href="/dashboard/projects/acme"]`, `main a[href="/dashboard/projects/new"]`, `nav a[aria-current=page]`, `time[datetime="2026-11-21T15:04:05Z"]:contains("2 days ago")`},
		"projects-empty":  {`main a[href="/dashboard/projects/new"]`, `pre:contains("mcpAuth")`},
		"new-project":     {`input[name=name][value=Acme]`, `input[name=server_url][type=url][aria-invalid=true]`, `button:contains("Create project")`},
		"overview":        {`[data-testid=issuer]:contains("https://acme.mcpauth.example")`, `form[action="/dashboard/sign-out"] button`, `button[name=theme][value=""][aria-pressed=true]`},
		"keys":            {`li[data-secret=s1]:contains("x7Qd")`, `form[action="/dashboard/s1/revoke"] button`, `form[action="/dashboard/secrets"] button`},
		"setup-fresh":     {`[data-testid=secret]`, `copy-button[data-value^="mcpauth_rs_"]`, `env-download[data-name="mcpauth.env"][data-content^="MCPAUTH_SECRET="] button`},
		"mail":            {`details[data-mail=m2][open] pre:contains("493027")`},
		"landing":         {`header a[href="/dashboard/sign-up"]`, `pre:contains("MCPAUTH_SECRET")`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := parse(t, pages[name])
			for _, selector := range selectors {
				if n := doc.Find(selector).Length(); n != 1 {
					t.Errorf("%s: %d elements, want 1", selector, n)
				}
			}
		})
	}
}

// What must not be on a page unless the view asks for it.
func TestAbsent(t *testing.T) {
	t.Parallel()
	plain := SignIn(SignInPage{FlowPage: FlowPage{Brand: brand}, Action: "/sign-in"})
	web := consent()
	web.Destination = Destination{Host: "claude.ai", Kind: "web"}
	for _, c := range []struct {
		what     string
		page     templ.Component
		selector string
	}{
		{"no request outside an authorization", plain, `input[name=request]`},
		{"no sign-up when it is closed", plain, `button:contains("Create")`},
		{"no alert when nothing went wrong", plain, `[role=alert]`},
		{"Allow is not focused beforehand", Consent(consent()), `[autofocus]`},
		{"a stranger's address is no link", Consent(consent()), `a[href*="claude.ai"]`},
		{"no warning about this device on the way to the web", Consent(web), `[role=note]`},
		{"what the title says is not said again", Message(MessagePage{Brand: brand, Title: "This app is not known here", Text: "This app is not known here."}), `.lead`},
		{"a page of our own is not secured by somebody else", Message(MessagePage{Title: "There is nothing here"}), `footer`},
		{"who denied is not told to connect again", Leave(LeavePage{Brand: brand, ClientName: "Cursor", Location: "cursor://x", Denied: true}), `li:contains("connect again")`},
		{"the length of a password is told once", SignUp(SignUpPage{FlowPage: frame, Action: "/a", PasswordMin: 12, Password: Field{Error: "Enter at least 12 characters."}}), `.help:contains("12")`},
		{"no secret after the first time", SetUp(setUp("")), `[data-testid=secret]`},
	} {
		if n := parse(t, c.page).Find(c.selector).Length(); n != 0 {
			t.Errorf("%s: found %d × %s", c.what, n, c.selector)
		}
	}
}

// catalogue 28 and 69: names and addresses that strangers choose are text, shown without what bends the text around them.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'\u202Eevil\u202C"
	page := consent()
	page.ClientName, page.ServerName, page.Brand.Name, page.AccountEmail, page.Resource, page.ClientURI = evil, evil, evil, evil, evil, "javascript:"+evil
	page.Alert, page.NameWarning, page.Approval, page.Request = evil, evil, evil, "sealed-request"
	page.Scopes, page.Destination = []ScopeLine{{Name: evil, Description: evil}}, Destination{Host: evil, Kind: "web"}
	dash := setUp(evil)
	dash.Name, dash.Project, dash.Organization, dash.MemberEmail, dash.Issuer, dash.EnvFile, dash.Flash, dash.ServerURL, dash.Prompt = evil, evil, evil, evil, evil, evil, evil, evil, evil
	dash.Panel.Client, dash.Panel.Version, dash.Panel.State, dash.Panel.Failure = evil, evil, evil, &StepFailure{Reason: evil, Stage: evil, Parameter: evil, Got: evil, Expected: evil, Code: evil, Advice: evil}
	for name, hostile := range map[string]sample{
		"consent": {page: Consent(page), kind: flow},
		"sign-in": {page: SignIn(SignInPage{FlowPage: page.FlowPage, Action: "/a", Email: Field{Value: evil, Error: evil}}), kind: flow},
		"leave":   {page: Leave(LeavePage{Brand: page.Brand, ClientName: evil, Location: "cursor://x?\"><script>"}), kind: flow},
		"message": {page: Message(MessagePage{Brand: page.Brand, Title: evil, Text: evil, Steps: []string{evil}, LinkText: evil, LinkURL: "javascript:" + evil}), kind: flow},
		"project": {page: SetUp(dash), kind: dashboard},
		"mail":    {page: Mail(MailPage{Mails: []CaughtMail{{ID: evil, From: evil, To: evil, Subject: evil, Text: evil}}}), kind: dashboard},
	} {
		doc := parse(t, hostile.page)
		checkPolicy(t, doc, hostile.kind)
		if doc.Find("img").Length() != 0 {
			t.Errorf("%s: a name became markup", name)
		}
	}
	doc := parse(t, Consent(page))
	if text := doc.Find("h1, .who, .facts, .scopes, title, .brand").Text(); strings.ContainsRune(text, '\u202E') {
		t.Error("a direction override reached the page")
	}
	if !strings.Contains(doc.Find("h1").Text(), "<script>alert(1)</script>") {
		t.Errorf("the name is not shown as it is: %q", doc.Find("h1").Text())
	}
}

func TestUnnamedClient(t *testing.T) {
	t.Parallel()
	page := consent()
	page.ClientName = "\u200B\u202E"
	if got := parse(t, Consent(page)).Find("h1").Text(); !strings.Contains(got, "An app without a name wants to use Acme Tools") {
		t.Errorf("heading = %q", got)
	}
}
