package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/picture"
	"mcpauth.example/internal/postgres"
	"mcpauth.example/tenants"
)

type projectCommand struct {
	SignIn        projectSignInCommand        `cmd:"" help:"Ways in which people may sign in."`
	Provider      projectProviderCommand      `cmd:"" help:"Add a provider whose accounts people may sign in with. The client secret is read from standard input."`
	ExternalLogin projectExternalLoginCommand `cmd:"" name:"own-login" help:"Let the customer's own site sign people in; prints the secret of its backend, once."`
	Scopes        projectScopesCommand        `cmd:"" help:"Let people allow all scopes or nothing, or choose among them."`
	Brand         projectBrandCommand         `cmd:"" help:"Publish a brand, or go back to an earlier version."`
	Reviewer      projectReviewerCommand      `cmd:"" help:"Make an account for the people who review an app for a directory; prints its code, once."`
	Suspend       projectSuspendCommand       `cmd:"" help:"Let nobody into the project: no sign-in, no tokens, and those that exist are inactive. Its members cannot resume it."`
	Resume        projectResumeCommand        `cmd:"" help:"End what suspend began."`
	Users         projectUsersCommand         `cmd:"" help:"List, find, block, unblock, sign out or delete users."`
}

// projectOf is what every command on a project takes.
type projectOf struct {
	Project string `help:"Slug of the project." required:""`
}

// target is a project with what changes it.
type target struct {
	projects     tenants.Projects
	organization id.ID
	project      id.ID
}

// with opens the store for one command.
func (p projectOf) with(ctx context.Context, do func(target) error) error {
	return openStore(ctx, func(store *postgres.Store) error {
		t, err := p.find(ctx, store)
		if err != nil {
			return err
		}
		return do(t)
	})
}

func (p projectOf) find(ctx context.Context, store *postgres.Store) (t target, err error) {
	t.projects = tenants.Projects{Store: store, Logo: picture.Logo}
	if t.project, err = store.ProjectBySlug(ctx, p.Project); err == nil {
		t.organization, err = store.OwnerOf(ctx, t.project)
	}
	if err != nil {
		return t, fmt.Errorf("project %s: %w", p.Project, err)
	}
	return t, nil
}

type projectSignInCommand struct {
	projectOf
	Methods []string `arg:"" help:"Any of passkey, password, email_code, upstream, own, totp."`
}

// Run replaces the list.
func (c projectSignInCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t target) error {
		return t.projects.SetSignInMethods(ctx, tenants.SystemActor, t.organization, t.project, c.Methods)
	})
}

type projectProviderCommand struct {
	projectOf
	Kind     string `help:"google, microsoft, github or oidc." enum:"google,microsoft,github,oidc" required:""`
	Name     string `help:"As the button says it; known for all but oidc."`
	Issuer   string `help:"Issuer URL of an oidc provider, tenant's of microsoft, address of a GitHub server of one's own."`
	ClientID string `help:"Client id that the provider gave." required:""`
}

// Run prints the id of the provider.
func (c projectProviderCommand) Run(ctx context.Context) error {
	given, err := io.ReadAll(io.LimitReader(os.Stdin, 8<<10))
	if err != nil {
		return err
	}
	return c.with(ctx, func(t target) error {
		id, err := t.projects.SetProvider(ctx, tenants.SystemActor, t.organization, t.project,
			tenants.Provider{Kind: c.Kind, Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: string(given), Enabled: true})
		if err == nil {
			fmt.Println(id)
		}
		return err
	})
}

type projectExternalLoginCommand struct {
	projectOf
	Name string `help:"As the button says it." required:""`
	URL  string `help:"Page of the site that signs people in." required:"" name:"url"`
}

// Run prints the secret.
func (c projectExternalLoginCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t target) error {
		_, shown, err := t.projects.SetExternalLogin(ctx, tenants.SystemActor, t.organization, t.project, c.Name, c.URL)
		if err == nil {
			fmt.Println(shown)
		}
		return err
	})
}

type projectScopesCommand struct {
	projectOf
	Selectable string `arg:"" help:"all or choose." enum:"all,choose"`
}

// Run switches.
func (c projectScopesCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t target) error {
		return t.projects.SetScopesSelectable(ctx, tenants.SystemActor, t.organization, t.project, c.Selectable == "choose")
	})
}

type projectBrandCommand struct {
	projectOf
	File string `help:"JSON with accent, page, page_dark, font, radius, title, text, support_url, terms_url, privacy_url; published as a new version." type:"existingfile" xor:"what" required:""`
	Logo string `help:"PNG, JPEG or WebP picture." type:"existingfile"`
	Show *int   `help:"Published version to go back to; 0 for none." xor:"what" required:""`
}

// Run prints the version that people see now.
func (c projectBrandCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t target) error {
		if c.Show != nil {
			return t.projects.ShowBrand(ctx, tenants.SystemActor, t.organization, t.project, *c.Show)
		}
		b := tenants.Brand{Radius: -1}
		content, err := os.ReadFile(c.File)
		if err == nil {
			err = json.Unmarshal(content, &b)
		}
		var logo []byte
		if err == nil && c.Logo != "" {
			logo, err = os.ReadFile(c.Logo)
		}
		if err == nil {
			err = t.projects.SetBrandDraft(ctx, tenants.SystemActor, t.organization, t.project, b, logo)
		}
		if err != nil {
			return err
		}
		version, err := t.projects.PublishBrand(ctx, tenants.SystemActor, t.organization, t.project)
		if err == nil {
			fmt.Println(version)
		}
		return err
	})
}

type projectReviewerCommand struct {
	projectOf
	Email string `arg:"" help:"Address of the account."`
	Days  int    `help:"Days that the code works, at most 90." default:"30"`
}

// Run prints the code.
func (c projectReviewerCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t target) error {
		code, err := t.projects.SetReviewer(ctx, tenants.SystemActor, t.organization, t.project, c.Email, time.Duration(c.Days)*24*time.Hour)
		if err == nil {
			fmt.Println(code)
		}
		return err
	})
}

type projectUsersCommand struct {
	projectOf
	Do   string `arg:"" help:"list, block, unblock, sign-out, disconnect or delete." enum:"list,block,unblock,sign-out,disconnect,delete"`
	Text string `arg:"" optional:"" help:"Part of an address for list, a user's id for everything else."`
}

// Run prints users, or changes one.
func (c projectUsersCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t target) error { return c.run(ctx, t, os.Stdout) })
}

func (c projectUsersCommand) run(ctx context.Context, t target, out io.Writer) error {
	if c.Do == "list" {
		found, err := t.projects.Users(ctx, tenants.SystemActor, t.organization, t.project, tenants.UserQuery{Search: c.Text})
		for _, u := range found {
			_, _ = fmt.Fprintf(out, "%s\t%s\t%d\t%t\n", u.ID, u.Called(), u.Connections, u.Blocked)
		}
		return err
	}
	user, err := id.Parse(c.Text)
	if err != nil {
		return errors.New("expected the user's id, as `users list` prints it")
	}
	p, actor := t.projects, tenants.SystemActor
	return map[string]func() error{
		"block":      func() error { return p.BlockUser(ctx, actor, t.organization, t.project, user) },
		"unblock":    func() error { return p.UnblockUser(ctx, actor, t.organization, t.project, user) },
		"sign-out":   func() error { return p.EndUserSessions(ctx, actor, t.organization, t.project, user) },
		"disconnect": func() error { return p.EndUserGrants(ctx, actor, t.organization, t.project, user, id.ID{}) },
		"delete":     func() error { return p.DeleteUser(ctx, actor, t.organization, t.project, user) },
	}[c.Do]()
}
