package tenants

import (
	"context"
	"errors"
	"strings"
	"time"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
)

// What is promised about custom domains.
const (
	// DomainCoolDown is how long a domain that a project gave up is kept from other projects (catalogue 265).
	DomainCoolDown = 7 * 24 * time.Hour
	// DomainGrace is how long a verified domain may lack its DNS records before the project stops answering there.
	DomainGrace = 3 * 24 * time.Hour
	// DomainRecord begins the name of the TXT record, and DomainValue its content.
	DomainRecord = "_mcpauth."
	DomainValue  = "mcpauth-domain-verification="
	// domainRecheck is the pause between two looks at a verified domain, domainPending at one that waits.
	domainRecheck = 6 * time.Hour
	domainPending = 5 * time.Minute
	// domainGiveUp is how long a claim without proof is looked at by itself.
	domainGiveUp = 7 * 24 * time.Hour
)

// DomainProver asks the DNS.
type DomainProver interface {
	// Prove says what is missing for the domain to belong to whoever holds the token: the TXT record and the CNAME to the target. An
	// empty problem is a proof; an error says that nothing could be learned.
	Prove(ctx context.Context, domain, target, token string) (problem string, err error)
	// Apex reports whether a domain is registered as it is, or a suffix below which people register: it can have no CNAME.
	Apex(domain string) bool
}

// Domains is what custom domains need.
type Domains struct {
	Prover DomainProver
	// Own are hosts of this service; no project gets them or what is below them.
	Own []string
}

// Domain is a custom domain of a project.
type Domain struct {
	Name         string
	Token        string
	Target       string // what the CNAME leads to, one per project
	Primary      bool
	CreatedAt    time.Time
	CheckedAt    time.Time // zero: not yet
	VerifiedAt   time.Time // zero: not yet
	FailingSince time.Time // zero: it is as it should be
	Problem      string
	Connections  int // living ones that were made there, at most CountedTo + 1
}

// DomainStore keeps custom domains, by the rules of ProjectStore.
type DomainStore interface {
	ListDomains(ctx context.Context, organization, project id.ID) ([]Domain, error)
	// AddDomain claims a domain. ErrConflict: the project has claimed it already.
	AddDomain(ctx context.Context, actor Actor, organization, project id.ID, domain, token string, limit Limit) error
	// RecordDomain keeps what a look at the DNS of a domain told; without a problem the project answers there from now on. It returns
	// ErrConflict when another project does, or gave the domain up a short while ago.
	RecordDomain(ctx context.Context, actor Actor, organization, project id.ID, domain, problem string, next time.Duration) error
	// RemoveDomain ends what was connected there and keeps the domain from others for DomainCoolDown.
	RemoveDomain(ctx context.Context, actor Actor, organization, project id.ID, domain, reason string) error
	// SetPrimary makes one of the project's addresses the main one.
	SetPrimary(ctx context.Context, actor Actor, organization, project id.ID, url string) error
	// DueDomains returns, over all projects, those that are to be looked at.
	DueDomains(ctx context.Context, most int) ([]DueDomain, error)
}

// DueDomain is a domain with the project it belongs to.
type DueDomain struct {
	Organization, Project id.ID
	Domain                Domain
}

// ErrNoDomains is returned where the installation offers no custom domains.
var ErrNoDomains = errors.New("custom domains are not offered here")

// ParseDomain returns the one spelling of a domain that a project may claim. It returns a FieldError for "domain".
func (d Domains) ParseDomain(text string) (string, error) {
	domain := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "."))
	wrong := func(message string) (string, error) { return "", FieldError{Field: "domain", Message: message} }
	switch {
	case domain == "":
		return wrong("Enter a host name, such as auth.example.com.")
	case strings.ContainsAny(domain, "/:@?#"):
		return wrong("Enter the host name alone, without https:// and without a path.")
	case strings.Contains(domain, "*"):
		return wrong("Name one host; * is not a wildcard here.")
	case strings.ContainsFunc(domain, func(r rune) bool { return r > '~' }):
		return wrong("Write the name in its xn-- form, as it stands in the DNS.")
	case !isHostName(domain) || !strings.Contains(domain, ".") || strings.Contains(domain, ":") || strings.Trim(domain, "0123456789.") == "":
		return wrong("This is no host name; expected one such as auth.example.com.")
	case d.Prover.Apex(domain):
		return wrong("Use a name below it, such as auth." + domain + ": this one can have no CNAME.")
	}
	for _, own := range d.Own {
		if domain == own || strings.HasSuffix(domain, "."+own) {
			return wrong("This name belongs to the service itself.")
		}
	}
	return domain, nil
}

// DomainTarget is where the CNAME of a project's domains leads: the host of its own that the service gave it. Empty: it has none.
func DomainTarget(p Project) string {
	for _, url := range append([]string{p.Issuer}, p.Aliases...) {
		host := Address(url)
		if strings.HasPrefix(host, p.Slug+".") && !strings.Contains(host, "/") {
			host, _, _ = strings.Cut(host, ":")
			return host
		}
	}
	return ""
}

// CustomDomains lists the custom domains of a project.
func (p Projects) CustomDomains(ctx context.Context, actor Actor, org, project id.ID) ([]Domain, error) {
	return read(ctx, p, actor, org, func() ([]Domain, error) { return p.Store.ListDomains(ctx, org, project) })
}

// AddDomain claims a domain for a project. It returns a FieldError for "domain", and a LimitError.
func (p Projects) AddDomain(ctx context.Context, actor Actor, org, project id.ID, text string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if p.Domains == nil {
		return ErrNoDomains
	}
	domain, err := p.Domains.ParseDomain(text)
	if err != nil {
		return err
	}
	limit, err := limitOf(ctx, p.Plans, org, CountDomains)
	if err != nil {
		return err
	}
	err = p.Store.AddDomain(ctx, actor, org, project, domain, secret.Encode(secret.Bytes(16)), limit)
	if errors.Is(err, ErrConflict) {
		return FieldError{Field: "domain", Message: "The project has this domain already."}
	}
	return err
}

// CheckDomain looks at the DNS of a domain now.
func (p Projects) CheckDomain(ctx context.Context, actor Actor, org, project id.ID, name string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	domains, err := p.Store.ListDomains(ctx, org, project)
	if err != nil {
		return err
	}
	for _, domain := range domains {
		if domain.Name == name {
			return p.check(ctx, actor, DueDomain{org, project, domain})
		}
	}
	return ErrNotFound
}

// check looks, records, and gives a domain up whose records were missing for too long.
func (p Projects) check(ctx context.Context, actor Actor, due DueDomain) error {
	if p.Domains == nil {
		return ErrNoDomains
	}
	domain := due.Domain
	problem, err := p.Domains.Prover.Prove(ctx, domain.Name, domain.Target, domain.Token)
	if err != nil { // nothing was learned: a fault of the DNS neither proves nor disproves
		problem = domain.Problem
		if problem == "" && domain.VerifiedAt.IsZero() {
			problem = "The DNS could not be asked. It is tried again in a few minutes."
		}
		if domain.VerifiedAt.IsZero() {
			return p.Store.RecordDomain(ctx, actor, due.Organization, due.Project, domain.Name, problem, domainPending)
		}
		return nil
	}
	next := domainRecheck
	switch {
	case problem != "" && !domain.FailingSince.IsZero() && time.Since(domain.FailingSince) > DomainGrace:
		return p.Store.RemoveDomain(ctx, SystemActor, due.Organization, due.Project, domain.Name, problem)
	case problem != "" && domain.VerifiedAt.IsZero() && time.Since(domain.CreatedAt) > domainGiveUp:
		next = 10 * 365 * 24 * time.Hour // only when asked for
	case problem != "":
		next = domainPending
	}
	err = p.Store.RecordDomain(ctx, actor, due.Organization, due.Project, domain.Name, problem, next)
	if errors.Is(err, ErrConflict) {
		return p.Store.RecordDomain(ctx, actor, due.Organization, due.Project, domain.Name,
			"Another project answers at this domain, or gave it up less than seven days ago.", domainRecheck)
	}
	return err
}

// CheckDueDomains looks at every domain whose time has come; what fails for one does not keep the others.
func (p Projects) CheckDueDomains(ctx context.Context) error {
	due, err := p.Store.DueDomains(ctx, 50)
	for _, one := range due {
		err = errors.Join(err, p.check(ctx, SystemActor, one))
	}
	return err
}

// RemoveDomain gives a domain up: what was connected there ends at once. The name has to be typed; it returns a FieldError for "confirm".
func (p Projects) RemoveDomain(ctx context.Context, actor Actor, org, project id.ID, name, confirm string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if err := Confirm(confirm, name); err != nil {
		return err
	}
	return p.Store.RemoveDomain(ctx, actor, org, project, name, "")
}

// SetPrimary makes one of a project's addresses the main one: metadata of MCP servers and new registration secrets carry it. The others
// go on, and so does what was connected there.
func (p Projects) SetPrimary(ctx context.Context, actor Actor, org, project id.ID, url string) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.SetPrimary(ctx, actor, org, project, url)
}
