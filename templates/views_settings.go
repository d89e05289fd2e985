package templates

// SettingsPage is about a project as a whole. Fields: name.
type SettingsPage struct {
	Shell
	Tabs         SettingsTabs
	RenameAction string // empty for who may not
	Name         Field
	Slug, ID     string
	Issuer       string
	Aliases      []string
}

// SettingsTabs are the parts of the settings.
type SettingsTabs struct{ General, Tokens, Danger string }

// TokensPage is about lifetimes. Fields: access_token (minutes), refresh_idle (days), refresh (days), grace (seconds).
type TokensPage struct {
	Shell
	Tabs                                     SettingsTabs
	Action                                   string // empty for who may not
	AccessToken, RefreshIdle, Refresh, Grace Field
}

// DangerPage is about what cannot be undone, or stops everybody. DeleteAction takes confirm.
type DangerPage struct {
	Shell
	Tabs                                      SettingsTabs
	Name, Issuer                              string
	Suspended                                 bool
	SuspendAction, ResumeAction, DeleteAction string // empty: not offered
	DeleteError                               string
}

// SignInSettingsPage is about how a project's people prove who they are. Forms: MethodsAction (method, several), SignUpAction (open).
type SignInSettingsPage struct {
	Shell
	Methods                            []MethodLine
	MethodsAction, SignUpAction        string // empty for who may not
	SignUpOpen                         bool
	Alert                              string
	Providers                          []ProviderLine
	NewProviderHref, ExternalLoginHref string
	RedirectURI                        string
	OwnRulesAction                     string // empty for who may not
	WaysBesideOwn                      bool
	OrganizationSession                Field // hours
}

// MethodLine is a way to sign in that can be switched on.
type MethodLine struct {
	ID, Label, Help string
	On              bool
}

// ProviderLine is a provider whose accounts people may sign in with. Who may not change it has no Href.
type ProviderLine struct {
	Name, Kind, Issuer, Href string
	Enabled                  bool
}

// ProviderPage adds or changes a provider. Fields: kind, name, issuer, client_id, client_secret, enabled.
type ProviderPage struct {
	Shell
	New                                  bool
	Action, CancelHref, RemoveAction     string
	Kind                                 string
	Name, Issuer, ClientID, ClientSecret Field
	Enabled                              bool
	RedirectURI, Alert                   string
}

// ExternalLoginPage lets the customer's own site sign people in. Fields: name, url.
type ExternalLoginPage struct {
	Shell
	SimulatorAction    string // makes the dashboard play the site; empty for who may not
	Action, CancelHref string // Action is empty for who may not
	Name, URL          Field
	Configured         bool
	Secret, EnvFile    string // shown this once
	Snippets           []Snippet
}
