package tenants

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// maxName is the longest name of a project or organization in characters, as the schema has it.
const maxName = 100

// slugAttempts is how often another slug is tried after the first one was taken.
const slugAttempts = 5

// Projects is what members may do with projects. Its methods return ErrNotFound for an organization the actor does not belong to, or a
// project of another organization, and ErrForbidden when the role does not allow a change.
type Projects struct {
	Store ProjectStore
	// Primary names the issuer URL that metadata, tokens and registration secrets carry.
	Primary IssuerTemplate
	// Aliases name further issuer URLs that a project answers at.
	Aliases []IssuerTemplate
	// OneOrganization lets the first organization with a project be the only one: issuers in path form share an origin, and browsers
	// keep nothing of one path from another. Only local work goes without.
	OneOrganization bool
	// Logo makes a PNG of at most 24 KiB of a picture that a member uploaded, or fails.
	Logo func(upload []byte) ([]byte, error)
	// Domains are custom domains; nil: none are offered.
	Domains *Domains
	// LooksLike names the well-known name that a text imitates; nil: none is known. Such projects get no slug of the bare name.
	LooksLike func(text string) string
	// Plans says what an organization may have; nil: as much as it likes.
	Plans Plans
}

// Create makes a project with its MCP server, its default scope, its signing keys and a first registration secret, which is returned
// here and never again. Without a name it gets one from the address. It returns a FieldError for "name" or "server_url".
func (p Projects) Create(ctx context.Context, actor Actor, org id.ID, name, serverURL string) (Project, MCPServer, string, error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return Project{}, MCPServer{}, "", err
	}
	return p.create(ctx, actor, org, name, serverURL, nil)
}

func (p Projects) create(ctx context.Context, actor Actor, org id.ID, name, serverURL string, like *SettingsCopy) (Project, MCPServer, string, error) {
	resource, urlErr := ParseServerURL(serverURL)
	if strings.TrimSpace(name) == "" {
		name = NameOf(resource)
	}
	name, nameErr := ParseName(name)
	if err := errors.Join(nameErr, urlErr); err != nil {
		return Project{}, MCPServer{}, "", err
	}
	limit, err := p.projectLimit(ctx, org, like != nil)
	if err != nil {
		return Project{}, MCPServer{}, "", err
	}
	slug := NewSlug(name)
	if p.LooksLike != nil && p.LooksLike(slug) != "" {
		slug = withSuffix(slug)
	}
	for attempt := 0; ; attempt++ {
		draft, shown := p.draft(org, slug, name, resource)
		draft.Limit, draft.Like, draft.Project.Production = limit, like, like != nil
		created, err := p.Store.CreateProject(ctx, actor, draft)
		if err == nil {
			return created.Project, draft.Server, shown, nil
		}
		if !errors.Is(err, ErrConflict) || attempt == slugAttempts {
			return Project{}, MCPServer{}, "", err
		}
		slug = withSuffix(slugCharacters(name))
	}
}

// draft puts together what a new project consists of.
func (p Projects) draft(org id.ID, slug, name, resource string) (project NewProject, shown string) {
	issuer := p.Primary.URL(slug)
	var aliases []string
	for _, template := range p.Aliases {
		aliases = append(aliases, template.URL(slug))
	}
	shown, stored := newSecret(issuer)
	return NewProject{
		Project: Project{ID: id.New(), OrganizationID: org, Slug: slug, Name: name, Issuer: issuer, Aliases: aliases},
		Server:  MCPServer{ID: id.New(), Name: name, Resource: resource},
		Secret:  stored,
		Scopes:  []Scope{{Name: "mcp:tools", Description: "Use the tools of " + name, Default: true}},

		OnlyOrganization: p.OneOrganization,
	}, shown
}

// List returns the organization's projects, the newest first.
func (p Projects) List(ctx context.Context, actor Actor, org id.ID) ([]ProjectSummary, error) {
	if err := p.maySee(ctx, actor, org); err != nil {
		return nil, err
	}
	return p.Store.ListProjects(ctx, org)
}

// Open returns one project without its configuration.
func (p Projects) Open(ctx context.Context, actor Actor, org, project id.ID) (Project, error) {
	if err := p.maySee(ctx, actor, org); err != nil {
		return Project{}, err
	}
	return p.Store.OpenProject(ctx, org, project)
}

// Find returns one project with its configuration.
func (p Projects) Find(ctx context.Context, actor Actor, org, project id.ID) (ProjectDetail, error) {
	if err := p.maySee(ctx, actor, org); err != nil {
		return ProjectDetail{}, err
	}
	return p.Store.FindProject(ctx, org, project)
}

// CreateSecret makes a further registration secret for an MCP server, which is returned here and never again.
func (p Projects) CreateSecret(ctx context.Context, actor Actor, org, project, server id.ID) (RegistrationSecret, string, error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return RegistrationSecret{}, "", err
	}
	found, err := p.Store.FindProject(ctx, org, project)
	if err != nil {
		return RegistrationSecret{}, "", err
	}
	// The address comes from the slug, which is never given to another project, and not from an issuer URL on a customer's domain.
	shown, stored := newSecret(p.Primary.URL(found.Slug))
	created, err := p.Store.CreateRegistrationSecret(ctx, actor, org, project, server, stored)
	if err != nil {
		return RegistrationSecret{}, "", err
	}
	return created, shown, nil
}

// RevokeSecret ends a registration secret at once.
func (p Projects) RevokeSecret(ctx context.Context, actor Actor, org, project, id id.ID) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.RevokeRegistrationSecret(ctx, actor, org, project, id)
}

// Suspend makes every issuer URL of the project refuse.
func (p Projects) Suspend(ctx context.Context, actor Actor, org, project id.ID) error {
	return p.setSuspended(ctx, actor, org, project, true)
}

// Resume reverses Suspend.
func (p Projects) Resume(ctx context.Context, actor Actor, org, project id.ID) error {
	return p.setSuspended(ctx, actor, org, project, false)
}

func (p Projects) setSuspended(ctx context.Context, actor Actor, org, project id.ID, suspended bool) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.SetSuspended(ctx, actor, org, project, suspended)
}

func (p Projects) maySee(ctx context.Context, actor Actor, org id.ID) error {
	_, err := p.role(ctx, actor, org)
	return err
}

func (p Projects) mayChange(ctx context.Context, actor Actor, org id.ID) error {
	role, err := p.role(ctx, actor, org)
	if err == nil && !role.CanChangeProjects() {
		return ErrForbidden
	}
	return err
}

// role asks anew each time: a member who was removed or given another role has it from the next request on.
func (p Projects) role(ctx context.Context, actor Actor, org id.ID) (Role, error) {
	if actor == SystemActor {
		return RoleOwner, nil
	}
	member, ok := actor.Member()
	if !ok {
		return "", ErrForbidden
	}
	membership, err := p.Store.FindMembership(ctx, member, org)
	return membership.Role, err
}

// Member is the member's id when the actor is one.
func (a Actor) Member() (id.ID, bool) {
	text, found := strings.CutPrefix(string(a), "member:")
	id, err := id.Parse(text)
	return id, found && err == nil
}

// genericLabels say nothing about whose server it is.
var genericLabels = []string{"www", "mcp", "api", "app", "server", "srv", "prod", "dev"}

// NameOf makes a name of the address of an MCP server, for who gives none: tools.acme.example becomes "Acme Tools".
func NameOf(serverURL string) string {
	u, err := url.Parse(serverURL)
	if err != nil || u.Hostname() == "" {
		return "MCP server"
	}
	if isLoopbackName(strings.Trim(u.Hostname(), "[]")) {
		return "Local server"
	}
	labels := strings.Split(u.Hostname(), ".")
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || len(labels) < 2 {
		return u.Hostname()
	}
	labels = slices.DeleteFunc(labels[:len(labels)-1], func(label string) bool { return slices.Contains(genericLabels, label) })
	slices.Reverse(labels)
	words := strings.FieldsFunc(strings.Join(labels, " "), func(r rune) bool { return r == '-' || r == '_' || r == ' ' })
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	name := strings.Join(words, " ")
	if name == "" || len(name) > maxName {
		return u.Hostname()[:min(len(u.Hostname()), maxName)]
	}
	return name
}

// ParseName reads the name of a project or organization: 1 to 100 visible characters. It returns a FieldError for "name".
func ParseName(raw string) (string, error) {
	name := strings.Join(strings.FieldsFunc(raw, unicode.IsSpace), " ")
	switch {
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.C) }):
		return "", FieldError{Field: "name", Message: "Use visible characters only."}
	case name == "":
		return "", FieldError{Field: "name", Message: "Enter a name of 1 to 100 characters."}
	case utf8.RuneCountInString(name) > maxName:
		return "", FieldError{Field: "name", Message: "Use at most 100 characters."}
	}
	return name, nil
}

func newSecret(address string) (shown string, stored NewSecret) {
	shown = NewRegistrationSecret(address)
	return shown, NewSecret{ID: id.New(), Hash: secret.Hash(shown), LastFour: LastFour(shown)}
}
