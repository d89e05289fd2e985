package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// devFile tells scripts and tests what runs where.
const devFile = "dev.json"

// devInfo is the content of dev.json. Its credentials are made for one data folder.
type devInfo struct {
	DashboardURL       string `json:"dashboard_url"`
	Issuer             string `json:"issuer"`
	IssuerAlias        string `json:"issuer_alias"`
	RegistrationSecret string `json:"registration_secret"`
	MCPServerURL       string `json:"mcp_server_url"`
	MemberEmail        string `json:"member_email"`
	MemberPassword     string `json:"member_password"`
	UserEmail          string `json:"user_email"`
	UserPassword       string `json:"user_password"`
	MailURL            string `json:"mail_url"`
	StripeURL          string `json:"stripe_url"`
}

const (
	demoSlug = "demo"
	demoName = "Demo"
)

var demoScopes = []tenants.Scope{
	{Name: "mcp:tools", Description: "See who you are and list your notes", Default: true},
	{Name: "notes:write", Description: "Add notes in your name"},
}

// seed makes sure that the demo is there, whatever an earlier run left, and writes dev.json.
func seed(ctx context.Context, a *app, dataDir, serverURL string) (devInfo, *ownSimulator, error) {
	info, err := readDevInfo(dataDir)
	if err != nil {
		return devInfo{}, nil, err
	}
	before := info
	info.DashboardURL, info.MailURL, info.MCPServerURL = a.settings.baseURL+"/dashboard", a.settings.baseURL+"/dev/mail", serverURL
	info.MemberEmail, info.UserEmail = "member@example.com", "user@example.com"
	info.StripeURL = a.settings.stripeURL
	if info.MemberPassword == "" {
		info.MemberPassword, info.UserPassword = "member-"+secret.Encode(secret.Bytes(9)), "user-"+secret.Encode(secret.Bytes(9))
	}
	organization, err := seedMember(ctx, a, info)
	if err != nil {
		return devInfo{}, nil, err
	}
	if account, err := a.store.BillingAccount(ctx, organization); err == nil && account.Agreed == "" { // so that nobody meets a limit while trying out
		if err := a.store.OverridePlan(ctx, organization, tenants.PlanEnterprise); err != nil {
			return devInfo{}, nil, err
		}
	}
	project, server, err := seedProject(ctx, a, organization, serverURL)
	if err != nil {
		return devInfo{}, nil, err
	}
	info.Issuer, info.IssuerAlias = project.Issuer, project.Aliases[0]
	if err := seedUser(ctx, a, project.ID, info); err != nil {
		return devInfo{}, nil, err
	}
	if info.Issuer != before.Issuer || info.MCPServerURL != before.MCPServerURL || info.RegistrationSecret == "" {
		if info.RegistrationSecret, err = replaceSecrets(ctx, a, organization, project.ID, server.ID); err != nil {
			return devInfo{}, nil, err
		}
	}
	if err := writeEnvironment(dataDir, a.settings); err != nil {
		return devInfo{}, nil, err
	}
	simulator, err := simulateExternalLogin(ctx, a, organization, project)
	if err != nil {
		return devInfo{}, nil, err
	}
	return info, simulator, writeDevInfo(dataDir, info)
}

func seedMember(ctx context.Context, a *app, info devInfo) (organization id.ID, err error) {
	if account, hash, err := a.store.Members().FindByEmail(ctx, info.MemberEmail); err == nil {
		if ok, _, err := a.signin.Passwords.Verify(ctx, hash, info.MemberPassword); err == nil && ok {
			memberships, err := a.store.Memberships(ctx, account.ID)
			if err == nil && len(memberships) > 0 {
				return memberships[0].Organization.ID, nil
			}
		}
	}
	hash, err := a.signin.Passwords.Hash(ctx, info.MemberPassword)
	if err != nil {
		return id.ID{}, err
	}
	_, organization, err = a.store.EnsureMember(ctx, info.MemberEmail, hash, demoName)
	return organization, err
}

func seedUser(ctx context.Context, a *app, project id.ID, info devInfo) error {
	_, hash, err := a.store.Users(project).FindByEmail(ctx, info.UserEmail)
	if err != nil && !errors.Is(err, signin.ErrNotFound) {
		return err
	}
	if ok, _, err := a.signin.Passwords.Verify(ctx, hash, info.UserPassword); err == nil && ok {
		return nil
	}
	if hash, err = a.signin.Passwords.Hash(ctx, info.UserPassword); err != nil {
		return err
	}
	_, err = a.store.EnsureUser(ctx, project, info.UserEmail, hash)
	return err
}

// seedProject finds or makes the demo project and gives it the issuer URLs of this run's address.
func seedProject(ctx context.Context, a *app, organization id.ID, serverURL string) (tenants.Project, tenants.MCPServer, error) {
	known, err := a.projects.List(ctx, tenants.SystemActor, organization)
	if err != nil {
		return tenants.Project{}, tenants.MCPServer{}, err
	}
	var project tenants.Project
	for _, p := range known {
		if p.Slug == demoSlug {
			project = p.Project
		}
	}
	if project.ID.IsZero() {
		if project, _, _, err = a.projects.Create(ctx, tenants.SystemActor, organization, demoName, serverURL); err != nil {
			return tenants.Project{}, tenants.MCPServer{}, err
		}
		methods := []string{tenants.SignInPassword, tenants.SignInEmailCode, tenants.SignInExternal, tenants.SignInTOTP}
		if err := a.projects.SetSignInMethods(ctx, tenants.SystemActor, organization, project.ID, methods); err != nil {
			return tenants.Project{}, tenants.MCPServer{}, err
		}
	}
	primary, alias := a.settings.issuerTemplate.URL(demoSlug), a.settings.issuerAliases[0].URL(demoSlug)
	if project.Issuer != primary {
		if err := a.store.SetIssuers(ctx, project.ID, primary, []string{alias}); err != nil {
			return tenants.Project{}, tenants.MCPServer{}, err
		}
	}
	project.Issuer, project.Aliases = primary, []string{alias}
	if err := a.store.EnsureScopes(ctx, project.ID, demoScopes); err != nil {
		return tenants.Project{}, tenants.MCPServer{}, err
	}
	server, err := a.store.EnsureServer(ctx, project.ID, demoName, serverURL)
	return project, server, err
}

// replaceSecrets gives the demo server one secret that names this run's address, in place of those that name another.
func replaceSecrets(ctx context.Context, a *app, organization, project, server id.ID) (string, error) {
	found, err := a.projects.Find(ctx, tenants.SystemActor, organization, project)
	if err != nil {
		return "", err
	}
	for _, old := range found.Secrets {
		if err := a.projects.RevokeSecret(ctx, tenants.SystemActor, organization, project, old.ID); err != nil {
			return "", err
		}
	}
	_, shown, err := a.projects.CreateSecret(ctx, tenants.SystemActor, organization, project, server)
	return shown, err
}

func readDevInfo(dataDir string) (devInfo, error) {
	var info devInfo
	content, err := os.ReadFile(filepath.Join(dataDir, devFile)) //nolint:gosec // the folder of the command line
	switch {
	case errors.Is(err, os.ErrNotExist):
		return info, nil
	case err != nil:
		return info, err
	}
	if err := json.Unmarshal(content, &info); err != nil {
		return info, fmt.Errorf("%s: %w (start with --reset to make a new one)", devFile, err)
	}
	return info, nil
}

// writeDevInfo replaces the file as a whole, readable by its owner only.
func writeDevInfo(dataDir string, info devInfo) error {
	content, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dataDir, devFile)
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// welcome says in a few lines what runs where and how to connect a client.
func (i devInfo) welcome(dataDir string) string {
	lines := []string{
		"mcpauth is running. Stop it with Ctrl-C; the data stays in " + dataDir + ".",
		"",
		"  Dashboard    " + i.DashboardURL,
		"               " + i.MemberEmail + "  " + i.MemberPassword,
		"  Issuer       " + i.Issuer,
		"  MCP server   " + i.MCPServerURL + "  (guarded; tools whoami, list_notes, add_note)",
		"  Mail         " + i.MailURL,
		"  Stripe       " + i.StripeURL + "  (a stand-in; its clock can be moved)",
		"",
		"Connect a client:  claude mcp add --transport http demo " + i.MCPServerURL,
		"and sign in as     " + i.UserEmail + "  " + i.UserPassword,
		"",
		"The same for scripts: " + filepath.Join(dataDir, devFile),
	}
	return strings.Join(lines, "\n") + "\n"
}

// environmentFile lets the other commands work on the demo: `set -a; . .data/dev.env; mcpauth project users list --project demo`.
const environmentFile = "dev.env"

func writeEnvironment(dataDir string, s settings) error {
	var out strings.Builder
	for _, pair := range [][2]string{
		{"MCPAUTH_BASE_URL", s.baseURL}, {"MCPAUTH_ISSUER_TEMPLATE", s.baseURL + "/t/{project}"}, {"MCPAUTH_DATABASE_URL", s.databaseURL},
		{"MCPAUTH_MASTER_KEYS_FILE", filepath.Join(dataDir, keysFile)}, {"MCPAUTH_SMTP_URL", s.smtpURL}, {"MCPAUTH_MAIL_FROM", s.mailFrom},
		{"MCPAUTH_STRIPE_KEY", s.stripeKey}, {"MCPAUTH_STRIPE_WEBHOOK_SECRETS", strings.Join(s.stripeSecrets, ",")}, {"MCPAUTH_STRIPE_URL", s.stripeURL},
	} {
		fmt.Fprintf(&out, "%s='%s'\n", pair[0], strings.ReplaceAll(pair[1], "'", `'\''`))
	}
	return os.WriteFile(filepath.Join(dataDir, environmentFile), []byte(out.String()), 0o600)
}
