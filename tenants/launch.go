package tenants

import (
	"context"
	"strings"
	"time"

	"mcpauth.example/internal/id"
)

// LaunchStore is what a project needs on its way to production, by the rules of ProjectStore.
type LaunchStore interface {
	// SetProduction succeeds when nothing changes; the limit is one of production projects.
	SetProduction(ctx context.Context, actor Actor, organization, project id.ID, production bool, limit Limit) error
	// ReadSettingsCopy takes what CopySettings says of a project.
	ReadSettingsCopy(ctx context.Context, organization, project id.ID) (SettingsCopy, error)
	// ApplySettingsCopy replaces the same settings of another project in one transaction.
	ApplySettingsCopy(ctx context.Context, actor Actor, organization, project id.ID, settings SettingsCopy) error
}

// SettingsCopy is what a project takes over from another one, in a form that only the store reads.
type SettingsCopy struct {
	From id.ID
	Data []byte
}

// SetProduction says that a project is for real people, or for trying out. It returns a LimitError.
func (p Projects) SetProduction(ctx context.Context, actor Actor, org, project id.ID, production bool) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	limit, err := p.projectLimit(ctx, org, production)
	if err != nil {
		return err
	}
	return p.Store.SetProduction(ctx, actor, org, project, production, limit)
}

// projectLimit is the bound of production projects; those for trying out have none.
func (p Projects) projectLimit(ctx context.Context, org id.ID, production bool) (Limit, error) {
	if !production {
		return Limit{What: CountProjects, Max: Unlimited}, nil
	}
	return limitOf(ctx, p.Plans, org, CountProjects)
}

// CopySettings replaces the settings of one project by those of another one of the same organization: scopes with their tools, policies
// and rules for clients, sign-in methods, token lifetimes and the brand that people see. What is a credential or a person's is not
// copied: keys, secrets, clients, users, and the sign-in providers with the customer's own login, which are set up anew.
func (p Projects) CopySettings(ctx context.Context, actor Actor, org, from, to id.ID) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if from == to {
		return FieldError{Field: "to", Message: "Choose another project than the one that is copied."}
	}
	settings, err := p.Store.ReadSettingsCopy(ctx, org, from)
	if err != nil {
		return err
	}
	return p.Store.ApplySettingsCopy(ctx, actor, org, to, settings)
}

// CreateLike makes a production project for an MCP server, as Create does, with the settings of another project. Both happen or neither.
func (p Projects) CreateLike(ctx context.Context, actor Actor, org, from id.ID, name, serverURL string) (Project, MCPServer, string, error) {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return Project{}, MCPServer{}, "", err
	}
	settings, err := p.Store.ReadSettingsCopy(ctx, org, from)
	if err != nil {
		return Project{}, MCPServer{}, "", err
	}
	return p.create(ctx, actor, org, name, serverURL, &settings)
}

// LaunchState says how far one point of the checklist is.
type LaunchState string

// States of a point.
const (
	LaunchDone   LaunchState = "done"
	LaunchOpen   LaunchState = "open"   // stops people, or will
	LaunchAdvice LaunchState = "advice" // better, and not needed
)

// LaunchPoint is one line of the checklist. Key names what it is about.
type LaunchPoint struct {
	Key   string
	State LaunchState
	Text  string
}

// LaunchFacts are what the checklist is computed from.
type LaunchFacts struct {
	Project   Project
	Servers   []ServerSummary
	Scopes    []Scope
	Settings  ProjectSettings
	Brand     Brand // that people see; the zero value: none
	Providers []Provider
	Owners    int
	Connected bool // somebody got from the first page to a token
	Called    bool // a guard let a call through
	Reviewed  bool // or nobody has to
	Now       time.Time
}

// guardSilence is how long a guard may not have been seen before it is worth a look.
const guardSilence = 24 * time.Hour

// Checklist says what is left to do before real people come, computed from what is there. Keys: issuer, server, guard, connected,
// called, scopes, sign_in, brand, support, owners, review, running.
func (f LaunchFacts) Checklist() []LaunchPoint {
	var points []LaunchPoint
	add := func(key string, done bool, otherwise LaunchState, doneText, text string) {
		if done {
			points = append(points, LaunchPoint{key, LaunchDone, doneText})
		} else {
			points = append(points, LaunchPoint{key, otherwise, text})
		}
	}
	add("running", !f.Project.Suspended && !f.Project.Held, LaunchOpen, "The project lets people in.", "The project is suspended: nobody can connect.")
	add("issuer", strings.HasPrefix(f.Project.Issuer, "https://"), LaunchOpen, "The issuer is reached over https.", "The issuer is not reached over https. Clients on other computers refuse it.")
	local := ""
	for _, s := range f.Servers {
		if !strings.HasPrefix(s.Resource, "https://") {
			local = s.Resource
		}
	}
	add("server", len(f.Servers) > 0 && local == "", LaunchOpen, "Every MCP server has an https address.", serverText(local))
	silent := ""
	for _, s := range f.Servers {
		if f.Now.Sub(s.SecretUsed) > guardSilence {
			silent = s.Name
		}
	}
	add("guard", len(f.Servers) > 0 && silent == "", LaunchOpen, "Every guard was seen within a day.", "The guard of "+orAny(silent, "your MCP server")+" was not seen within a day. Its tools may be open to everybody.")
	add("connected", f.Connected, LaunchOpen, "A client got all the way to a token.", "No client has got all the way to a token yet. Connect one yourself.")
	add("called", f.Called, LaunchOpen, "A guarded call was let through.", "No guarded call was let through yet.")
	vague := ""
	for _, s := range f.Scopes {
		if strings.EqualFold(strings.TrimSpace(s.Description), s.Name) || s.Description == "Use the tools of "+f.Project.Name {
			vague = s.Name
		}
	}
	add("scopes", vague == "", LaunchAdvice, "Every scope says in words what it allows.", "The scope "+vague+" does not say what people allow. They decide by these words.")
	methods, missing := f.signIn()
	add("sign_in", len(methods) > 0 && missing == "", LaunchOpen, "People can sign in with "+strings.Join(methods, ", ")+".", missing)
	add("brand", f.Brand.Version > 0, LaunchAdvice, "The consent screen looks like yours.", "The consent screen does not look like yours yet.")
	add("support", f.Brand.SupportURL != "" && f.Brand.PrivacyURL != "", LaunchAdvice, "People find your support and your privacy policy.", "People do not find your support or your privacy policy on the sign-in page. Directories ask for both.")
	add("owners", f.Owners > 1, LaunchAdvice, "The organization has more than one owner.", "One owner alone holds the organization. Make somebody else an owner too.")
	add("review", f.Reviewed, LaunchAdvice, "The consent screen goes without a remark.", "Nobody has looked at what your pages say yet, and the consent screen tells people so. This happens by itself.")
	return points
}

func (f LaunchFacts) signIn() (methods []string, missing string) {
	words := map[string]string{SignInPasskey: "a passkey", SignInPassword: "a password", SignInEmailCode: "a code by mail", SignInProvider: "an account elsewhere", SignInExternal: "your own login"}
	elsewhere, own := false, false
	for _, p := range f.Providers {
		elsewhere = elsewhere || p.Enabled && p.Kind != KindExternal
		own = own || p.Enabled && p.Kind == KindExternal
	}
	for _, method := range f.Settings.SignInMethods {
		switch {
		case method == SignInProvider && !elsewhere:
			missing = "Accounts elsewhere are offered, and no provider is set up."
		case method == SignInExternal && !own:
			missing = "Your own login is offered, and not set up."
		case words[method] != "":
			methods = append(methods, words[method])
		}
	}
	if len(methods) == 0 && missing == "" {
		missing = "There is no way to sign in."
	}
	return methods, missing
}

func serverText(local string) string {
	if local == "" {
		return "There is no MCP server yet."
	}
	return "The address " + local + " is no https address. Clients elsewhere cannot reach it."
}

func orAny(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
