package templates_test

import (
	"slices"
	"time"

	"github.com/a-h/templ"

	. "mcpauth.example/templates"
)

// kind says under which rules a page stands.
type kind int

const (
	flow      kind = iota // a page of an issuer: no script, not indexed
	dashboard             // a page behind or before the dashboard's sign-in
	site                  // a public page
)

// sample is a page filled with plausible values.
type sample struct {
	name string
	kind kind
	page templ.Component
}

var (
	brand = Brand{Name: "Acme Tools"}
	frame = FlowPage{Brand: brand, ClientName: "Claude Code", ServerName: "Acme Tools", Request: "sealed-request"}
	now   = time.Date(2026, 11, 23, 15, 4, 5, 0, time.UTC)
)

const issuer = "https://acme.mcpauth.example"

func consent() ConsentPage {
	return ConsentPage{
		FlowPage: frame, Action: "/oauth/consent", SwitchAction: "/oauth/switch", Approval: "approval-token", AccountEmail: "ada@acme.example", Resource: "https://tools.acme.example/mcp",
		Scopes: []ScopeLine{
			{Name: "mcp:tools", Description: "Use the tools of this server: greet and list notes"},
			{Name: "notes:write", Description: "Add notes in your name"},
		},
		Destination: Destination{Host: "localhost", Kind: "loopback"}, ClientURI: "https://claude.ai/code", KeepsAccess: true,
	}
}

func account() AccountPage {
	return AccountPage{
		Brand: brand, Email: "ada@acme.example", Token: "token", DisconnectAction: "/account/disconnect", SessionsAction: "/account/sessions",
		PasswordAction: "/account/password", DeleteAction: "/account/delete", PasswordMin: 10,
		Connections: []ConnectionLine{
			{ClientID: "https://claude.ai/client.json", Name: "Claude", Host: "claude.ai", Server: "Acme Tools", Resource: "https://tools.acme.example/mcp",
				Scopes: []string{"Use the tools of this server: greet and list notes", "Add notes in your name"}, Since: now.Add(-40 * 24 * time.Hour),
				LastUsed: now.Add(-time.Hour), Tools: []string{"list_notes", "add_note"}},
			{ClientID: "c2", Name: "Cursor", Server: "Acme Tools", Resource: "https://tools.acme.example/mcp",
				Scopes: []string{"Use the tools of this server: greet and list notes"}, Since: now.Add(-2 * time.Hour)},
		},
		Sessions: []SessionLine{
			{ID: "s1", Agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36", Since: now.Add(-time.Hour), Current: true},
			{ID: "s2", Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/604.1", Since: now.Add(-60 * time.Hour)},
		},
	}
}

func shell(title, project string) Shell {
	s := Shell{
		Title: title, MemberEmail: "grace@acme.example", Organization: "Acme", SignOutAction: "/dashboard/sign-out", ThemeAction: "/dashboard/theme", Now: now, Here: "/dashboard/acme", AccountHref: "/dashboard/account",
		Organizations: []Place{{Name: "Acme", Href: "/dashboard/acme/projects", Projects: []Place{{Name: "Acme Tools", Href: "/dashboard/acme/projects/tools"}}}, {Name: "Harbour", Href: "/dashboard/harbour/projects"}}, NewOrganizationHref: "/dashboard/organizations/new",
		Nav: []NavItem{{Label: "Projects", Href: "/dashboard", Icon: "folder", Group: "Organization", Current: project == ""}},
	}
	if project != "" {
		s.Project = project
		nav := []NavItem{}
		for _, entry := range [][2]string{{"Overview", "layout-dashboard"}, {"Activity", "activity"}, {"MCP servers", "server"}, {"Clients", "app-window"}, {"Users", "users"},
			{"Connections", "plug"}, {"Sign-in", "log-in"}, {"Branding", "palette"}, {"Keys and secrets", "key-round"}, {"Settings", "settings"}} {
			nav = append(nav, NavItem{Label: entry[0], Href: "/dashboard/projects/acme/" + entry[1], Icon: entry[1], Group: "Project", Current: entry[0] == title})
		}
		s.Nav = append(nav, s.Nav...)
	}
	return s
}

// samples returns every page of the product, the usual cases first.
func samples() []sample {
	return slices.Concat(
		flowSamples(),
		dashboardSamples(),
		siteSamples(),
		projectSamples(),
		peopleSamples(),
		settingsSamples(),
		brandSamples(),
		organizationSamples(),
		billingSamples(),
		memberSamples(),
		launchSamples(),
		domainSamples(),
		tryoutSamples(),
	)
}

func flowSamples() []sample {
	stepUp := consent()
	stepUp.Scopes[1].New = true
	stepUp.Destination = Destination{Host: "cursor", Kind: "app"}
	stepUp.ClientName, stepUp.ClientURI, stepUp.KeepsAccess, stepUp.AccountHref = "Cursor", "", false, "/account"
	warned := consent()
	warned.ClientName, warned.NameWarning = "Acme Tools Support", "This app uses a name like \"Acme Tools\" but is not made by Acme Tools."
	warned.Destination, warned.ClientURI = Destination{Host: "xn--cme-pla.example", Kind: "web"}, "https://xn--cme-pla.example/about"
	warned.Unreviewed = "Acme Incorporated"
	choose := consent()
	choose.Selectable, choose.Organizations = true, []OrganizationLine{{ID: "north", Name: "Acme North"}, {ID: "south", Name: "Acme South"}}
	passkey := PasskeyForm{Action: "/oauth/sign-in/passkey", Label: "Sign in with a passkey", Options: "{}", Ceremony: "ceremony"}
	factors := account()
	factors.NewPasskey, factors.PasskeysAction, factors.TwoStepAction = &passkey, "/account/passkeys", "/account/two-step"
	factors.Passkeys = []PasskeyLine{{ID: "AAAA", Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Safari/605.1", Since: now.Add(-40 * 24 * time.Hour), LastUsed: now}}
	fromOwn := account()
	fromOwn.ExternalLogin, fromOwn.PasskeysAction, fromOwn.Passkeys, fromOwn.PasswordAction = "Acme", factors.PasskeysAction, factors.Passkeys, ""
	failed := frame
	failed.Alert = "E-mail address or password is wrong."
	return []sample{
		{"sign-in", flow, SignIn(SignInPage{FlowPage: frame, Action: "/oauth/sign-in", SignUpAction: "/oauth/sign-up"})},
		{"sign-in-error", flow, SignIn(SignInPage{FlowPage: failed, Action: "/oauth/sign-in", SignUpAction: "/oauth/sign-up", Email: Field{Value: "ada@acme.example"}, Password: Field{Error: "Enter your password."}})},
		{"sign-in-ways", flow, SignIn(SignInPage{FlowPage: frame, Action: "/oauth/sign-in", SignUpAction: "/oauth/sign-up", ResetAction: "/oauth/reset",
			Ways: []SignInWay{{ID: "email-code", Label: "E-mail me a code", Action: "/oauth/sign-in/email", Email: true}}})},
		{"sign-in-code-only", flow, SignIn(SignInPage{FlowPage: frame, NoPassword: true,
			Ways: []SignInWay{{ID: "email-code", Label: "E-mail me a code", Action: "/oauth/sign-in/email", Email: true}}})},
		{"sign-in-all-ways", flow, SignIn(SignInPage{FlowPage: frame, Action: "/oauth/sign-in", SignUpAction: "/oauth/sign-up", ResetAction: "/oauth/reset", Ways: []SignInWay{
			{ID: "passkey", Passkey: &passkey}, {ID: "email-code", Label: "E-mail me a code", Action: "/oauth/sign-in/email", Email: true},
			{ID: "google", Label: "Continue with Google", Action: "/oauth/sign-in/upstream", Fields: map[string]string{"provider": "1"}},
		}})},
		{"offer-passkey", flow, OfferPasskey(OfferPasskeyPage{FlowPage: frame, Form: passkey})},
		{"second-step", flow, Second(SecondFactorPage{FlowPage: frame, Action: "/oauth/sign-in/second", Pending: "pending", Restart: "/oauth/sign-in", Code: Field{Error: "Enter the six digits that the app shows now, or a recovery code that you did not use yet."}})},
		{"two-step", flow, TwoStep(TwoStepPage{Brand: brand, Action: "/account/two-step", Token: "token", AccountHref: "/account", Key: "key", KeyText: "F4EG MEPZ GKQ5 PCW3 AX6G AGDT UZ2R DSNB", Picture: "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="})},
		{"recovery-codes", flow, RecoveryCodes(RecoveryCodesPage{Brand: brand, AccountHref: "/account", Codes: []string{"kq3yb-1zt0e", "9wvx7-rrlmp", "z4sua-8hdnf", "jcgot-i2bv5"}})},
		{"account-factors", flow, Account(factors)},
		{"account-own-login", flow, Account(fromOwn)},
		{"account-enter", flow, Enter(EnterPage{Brand: brand, Action: "/account/enter", State: "state", Answer: "answer", Email: "ada@acme.example"})},
		{"allow-more", flow, AllowMore(AllowMorePage{Brand: brand, Action: "/account/allow", Token: "token", Email: "ada@acme.example", ClientID: "client", ClientName: "Claude Code",
			Server: "Acme Tools", Resource: "https://tools.acme.example/mcp", Scope: "notes:write", Added: consent().Scopes[1:2], Known: consent().Scopes[:1]})},
		{"consent-choose", flow, Consent(choose)},
		{"reset", flow, Reset(ResetPage{FlowPage: frame, Action: "/oauth/reset", SignInAction: "/oauth/sign-in", Email: Field{Value: "ada@acme.example"}})},
		{"new-password", flow, NewPassword(NewPasswordPage{FlowPage: frame, Action: "/oauth/reset/code", Email: "ada@acme.example", Challenge: "challenge-1",
			PasswordMin: 10, Restart: "/oauth/reset", Password: Field{Error: "Enter at least 10 characters."}})},
		{"link", flow, Link(LinkPage{FlowPage: frame, Action: "/oauth/sign-in/code", Challenge: "challenge-1", Code: "493027"})},
		{"link-elsewhere", flow, Link(LinkPage{FlowPage: FlowPage{Brand: brand}, Code: "493027"})},
		{"account", flow, Account(account())},
		{"account-empty", flow, Account(AccountPage{Brand: brand, Email: "ada@acme.example", Token: "token", DisconnectAction: "/account/disconnect",
			SessionsAction: "/account/sessions", DeleteAction: "/account/delete", Sessions: account().Sessions[:1], Notice: "The app is disconnected. It has to ask you again."})},
		{"sign-in-plain", flow, SignIn(SignInPage{FlowPage: FlowPage{Brand: brand}, Action: "/oauth/sign-in"})},
		{"sign-up", flow, SignUp(SignUpPage{FlowPage: frame, Action: "/oauth/sign-up", SignInAction: "/oauth/sign-in", PasswordMin: 12, Email: Field{Value: "ada@acme", Error: "Expected an address such as ada@acme.example."}})},
		{"code", flow, Code(CodePage{FlowPage: frame, Action: "/oauth/code", Email: "ada@acme.example", Challenge: "challenge-1", Restart: "/oauth/sign-up", Code: Field{Error: "That code has expired. We sent a new one."}})},
		{"code-plain", flow, Code(CodePage{FlowPage: FlowPage{Brand: brand}, Action: "/oauth/code", Email: "ada@acme.example", Challenge: "challenge-1", Restart: "/oauth/sign-up"})},
		{"consent", flow, Consent(consent())},
		{"consent-step-up", flow, Consent(stepUp)},
		{"consent-warned", flow, Consent(warned)},
		{"leave", flow, Leave(LeavePage{Brand: brand, ClientName: "Claude Code", Location: "http://localhost:3118/callback?code=abc&state=x%22y&iss=https%3A%2F%2Facme.mcpauth.example"})},
		{"leave-app", flow, Leave(LeavePage{Brand: brand, ClientName: "Cursor", Location: "cursor://anysphere.cursor-mcp/oauth/callback?error=access_denied", Denied: true})},
		{"leave-refused", flow, Leave(LeavePage{Brand: brand, ClientName: "Evil", Location: "javascript:alert(1)"})},
		{"message", flow, Message(MessagePage{Brand: brand, Title: "This link cannot be used", Text: "The app asked to be answered at an address it has not registered: http://localhost:3118/cb.", Expected: "one of http://localhost/callback", Steps: []string{"Close this page.", "Remove the connection in the app and connect again."}, LinkText: "Back to Claude Code", LinkURL: "https://claude.ai", RequestID: "01938f0e-7b1c-7d1e-9f11-3c0d5a1b2c3d", Code: "invalid_request"})},
		{"message-short", flow, Message(MessagePage{Title: "Try again in a minute", Text: "We could not reach our database. Nothing was lost."})},
	}
}

func dashboardSamples() []sample {
	rows := []ProjectRow{
		{Name: "Acme Tools", Href: "/dashboard/projects/acme", Issuer: issuer, ServerURL: "https://tools.acme.example/mcp", CreatedAt: now.Add(-50 * 24 * time.Hour)},
		{Name: "Acme Tools (staging)", Href: "/dashboard/projects/staging", Issuer: issuer, ServerURL: "https://staging.tools.acme.example/mcp", CreatedAt: now.Add(-2 * 24 * time.Hour)},
		{Name: "Old notes", Href: "/dashboard/projects/old", Issuer: issuer, ServerURL: "https://notes.acme.example/mcp", Suspended: true, CreatedAt: now.Add(-time.Hour)},
	}
	invalid := NewProjectPage{Shell: shell("Create a project", ""), Action: "/dashboard/projects", CancelHref: "/dashboard", Name: Field{Value: "Acme"}, ServerURL: Field{Value: "tools.acme.example", Error: "Expected a full URL such as https://tools.example.com/mcp."}}
	return []sample{
		{"member-sign-in", dashboard, MemberSignIn(MemberSignInPage{Action: "/dashboard/sign-in", CodeAction: "/dashboard/sign-in/email", SignUpHref: "/dashboard/sign-up", Alert: "E-mail address or password is wrong.", Email: Field{Value: "grace@acme.example"}, Next: "/dashboard/projects/acme"})},
		{"member-sign-up", dashboard, MemberSignUp(MemberSignUpPage{Action: "/dashboard/sign-up", SignInHref: "/dashboard/sign-in", PasswordMin: 12})},
		{"member-code", dashboard, MemberCode(MemberCodePage{Action: "/dashboard/code", Email: "grace@acme.example", Challenge: "challenge-2", RestartHref: "/dashboard/sign-up"})},
		{"projects", dashboard, Projects(ProjectsPage{Shell: shell("Projects", ""), Projects: rows, CreateHref: "/dashboard/projects/new"})},
		{"projects-empty", dashboard, Projects(ProjectsPage{Shell: shell("Projects", ""), CreateHref: "/dashboard/projects/new"})},
		{"new-project", dashboard, NewProject(invalid)},
		{"mail", dashboard, Mail(MailPage{Mails: []CaughtMail{
			{ID: "m2", From: "no-reply@mcpauth.example", To: "ada@acme.example", Subject: "Your code for Acme Tools", Text: CodeMailText(CodeMail{Brand: brand, Code: "493027", Minutes: 10, Requested: "create your account at Acme Tools"}), At: now},
			{ID: "m1", From: "no-reply@mcpauth.example", To: "grace@acme.example", Subject: "You already have an account", Text: KnownAddressMailText(KnownAddressMail{Brand: brand, SignInURL: issuer}), At: now.Add(-time.Minute)},
		}})},
		{"mail-empty", dashboard, Mail(MailPage{})},
	}
}
