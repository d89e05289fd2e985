package templates_test

import . "mcpauth.example/templates"

// settingsSamples are what changes a project as a whole, and how its people sign in.
func settingsSamples() []sample {
	tabs := SettingsTabs{General: "/dashboard/settings", Tokens: "/dashboard/tokens", Danger: "/dashboard/danger"}
	frame := shell("Settings", "Acme Tools")
	methods := []MethodLine{{ID: "passkey", Label: "Passkey", Help: "With the fingerprint, face or PIN of the device.", On: true}, {ID: "password", Label: "Password", Help: "At least ten characters."}, {ID: "email_code", Label: "Code or link by e-mail", On: true}}
	signIn := SignInSettingsPage{Shell: shell("Sign-in", "Acme Tools"), Methods: methods, MethodsAction: "/dashboard/sign-in", SignUpAction: "/dashboard/sign-up", SignUpOpen: true, OwnRulesAction: "/dashboard/own-rules", OrganizationSession: Field{Value: "0", Error: "Enter 1 to 168 hours."}, NewProviderHref: "/dashboard/new", ExternalLoginHref: "/dashboard/own",
		RedirectURI: issuer + "/oauth/sign-in/upstream/callback", Alert: "Choose at least one way that works alone: a password, a code by e-mail, accounts at other providers, or your own login.",
		Providers: []ProviderLine{{Name: "Google", Kind: "google", Issuer: "https://accounts.google.com", Enabled: true, Href: "/dashboard/p1"}, {Name: "Acme staff", Kind: "oidc", Issuer: "https://login.acme.example", Href: "/dashboard/p2"}}}
	return []sample{
		{"settings", dashboard, Settings(SettingsPage{Shell: frame, Tabs: tabs, RenameAction: "/dashboard/settings", Name: Field{Value: "", Error: "Enter a name of 1 to 100 characters."}, Slug: "acme", ID: "019ab0c4-1c1b-7a55-8d5e-6f0f5a1b2c3d", Issuer: issuer, Aliases: []string{"https://auth.acme.example"}})},
		{"settings-tokens", dashboard, Tokens(TokensPage{Shell: frame, Tabs: tabs, Action: "/dashboard/tokens", AccessToken: Field{Value: "60"}, RefreshIdle: Field{Value: "30"}, Refresh: Field{Value: "20", Error: "Without use, access cannot last longer than in all."}, Grace: Field{Value: "60"}})},
		{"settings-tokens-viewer", dashboard, Tokens(TokensPage{Shell: frame, Tabs: tabs, AccessToken: Field{Value: "60"}, RefreshIdle: Field{Value: "30"}, Refresh: Field{Value: "365"}, Grace: Field{Value: "60"}})},
		{"settings-danger", dashboard, Danger(DangerPage{Shell: frame, Tabs: tabs, Name: "Acme Tools", Issuer: issuer, SuspendAction: "/dashboard/suspend", DeleteAction: "/dashboard/delete", DeleteError: "Expected exactly: Acme Tools"})},
		{"settings-danger-suspended", dashboard, Danger(DangerPage{Shell: frame, Tabs: tabs, Name: "Acme Tools", Issuer: issuer, Suspended: true, ResumeAction: "/dashboard/resume"})},
		{"sign-in-settings", dashboard, SignInSettings(signIn)},
		{"sign-in-settings-viewer", dashboard, SignInSettings(SignInSettingsPage{Shell: shell("Sign-in", "Acme Tools"), Methods: methods, ExternalLoginHref: "/dashboard/own", RedirectURI: issuer})},
		{"provider-new", dashboard, ProviderForm(ProviderPage{Shell: shell("Sign-in", "Acme Tools"), New: true, Action: "/dashboard/providers", CancelHref: "/dashboard/sign-in", Kind: "oidc", Issuer: Field{Value: "login", Error: "Enter the provider's issuer URL, such as https://login.example.com."}, Enabled: true, RedirectURI: issuer + "/oauth/sign-in/upstream/callback"})},
		{"provider", dashboard, ProviderForm(ProviderPage{Shell: shell("Sign-in", "Acme Tools"), Action: "/dashboard/providers/1", CancelHref: "/dashboard/sign-in", RemoveAction: "/dashboard/remove", Name: Field{Value: "Google"}, ClientID: Field{Value: "1234.apps.googleusercontent.com"}, RedirectURI: issuer})},
		{"own-login", dashboard, ExternalLogin(ExternalLoginPage{Shell: shell("Sign-in", "Acme Tools"), Action: "/dashboard/own", CancelHref: "/dashboard/sign-in", Name: Field{Value: "Acme"}, URL: Field{Value: "https://acme.example/login"}, Configured: true,
			Secret: "mcpauth_ol_kq3Yb1Zt0e9wVx7RrLmPz4sUa8HdNfJcGoTi2Bv5EyQ", EnvFile: "MCPAUTH_LOGIN_SECRET=x\n", Snippets: []Snippet{{Label: "Node", Language: "node", Code: "const issuer = \"https://acme.mcpauth.example\";\n"}, {Label: "Go", Language: "go", Code: "const issuer = \"https://acme.mcpauth.example\"\n"}}})},
	}
}
