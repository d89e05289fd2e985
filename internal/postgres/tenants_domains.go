package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// reasonDomain is why grants ended that were made at a domain which the project gave up.
const reasonDomain = "domain_removed"

type domainRow struct {
	ProjectID      id.ID
	OrganizationID id.ID
	Domain         string
	Token          string
	IsPrimary      bool
	CreatedAt      time.Time
	CheckedAt      *time.Time
	VerifiedAt     *time.Time
	FailingSince   *time.Time
	Problem        string
	Connections    int
}

func (r domainRow) domain(target string) tenants.Domain {
	at := func(t *time.Time) time.Time {
		if t == nil {
			return time.Time{}
		}
		return *t
	}
	return tenants.Domain{Name: r.Domain, Token: r.Token, Target: target, Primary: r.IsPrimary, CreatedAt: r.CreatedAt, CheckedAt: at(r.CheckedAt), VerifiedAt: at(r.VerifiedAt),
		FailingSince: at(r.FailingSince), Problem: r.Problem, Connections: r.Connections}
}

// ListDomains implements tenants.DomainStore.
func (s *Store) ListDomains(ctx context.Context, organization, project id.ID) ([]tenants.Domain, error) {
	found, err := s.OpenProject(ctx, organization, project)
	if err != nil {
		return nil, err
	}
	var rows []domainRow
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return tx.Raw(`SELECT d.*, coalesce(i.is_primary, false) AS is_primary,
				(SELECT count(*) FROM (SELECT FROM grants g WHERE g.project_id = d.project_id AND g.issuer = 'https://' || d.domain AND `+activeGrant+` LIMIT ?) AS living) AS connections
			FROM project_domains d LEFT JOIN project_issuers i ON i.address = d.domain AND i.project_id = d.project_id
			WHERE d.project_id = ? ORDER BY d.created_at, d.domain`, tenants.CountedTo+1, project).Scan(&rows).Error
	})
	return mapRows(rows, func(r domainRow) tenants.Domain { return r.domain(tenants.DomainTarget(found)) }), err
}

// AddDomain implements tenants.DomainStore.
func (s *Store) AddDomain(ctx context.Context, actor tenants.Actor, organization, project id.ID, domain, token string, limit tenants.Limit) error {
	recorded := change{actor: actor, action: "domain.added", target: "domain:" + domain}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return requireRoom(tx, organization, limit, `SELECT count(*) FROM project_domains d JOIN projects p ON p.id = d.project_id WHERE p.organization_id = ?`, organization)
			},
			func() error {
				return orConflict(tx.Exec(`INSERT INTO project_domains (project_id, domain, token) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, project, domain, token))
			},
			func() error { return auditProject(tx, project, recorded) },
		)
	})
}

// RecordDomain implements tenants.DomainStore. The primary key of project_issuers decides between projects.
func (s *Store) RecordDomain(ctx context.Context, actor tenants.Actor, organization, project id.ID, domain, problem string, next time.Duration) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := lockProject(tx, organization, project); err != nil {
			return err
		}
		var row domainRow
		if err := tx.Raw(`SELECT * FROM project_domains WHERE project_id = ? AND domain = ? FOR UPDATE`, project, domain).Take(&row).Error; err != nil {
			return err
		}
		named := map[string]any{"project": project, "domain": domain, "problem": problem, "next": next.Seconds(), "cooldown": tenants.DomainCoolDown.Seconds()}
		if problem != "" {
			return tx.Exec(`UPDATE project_domains SET problem = @problem, checked_at = now(), check_at = now() + make_interval(secs => @next),
					failing_since = CASE WHEN verified_at IS NOT NULL THEN coalesce(failing_since, now()) END
				WHERE project_id = @project AND domain = @domain`, named).Error
		}
		if err := tx.Exec(`UPDATE project_domains SET problem = '', checked_at = now(), check_at = now() + make_interval(secs => @next), failing_since = NULL,
				verified_at = coalesce(verified_at, now()) WHERE project_id = @project AND domain = @domain`, named).Error; err != nil {
			return err
		}
		if row.VerifiedAt != nil {
			return nil
		}
		var cooling bool
		return firstError(
			func() error {
				return tx.Raw(`SELECT EXISTS (SELECT FROM released_domains WHERE domain = @domain AND project_id <> @project AND released_at > now() - make_interval(secs => @cooldown))`, named).Take(&cooling).Error
			},
			func() error {
				if cooling {
					return errConflict
				}
				return orConflict(tx.Exec(`INSERT INTO project_issuers (address, url, project_id) VALUES (@domain, 'https://' || @domain, @project) ON CONFLICT DO NOTHING`, named))
			},
			func() error { return tx.Exec(`DELETE FROM released_domains WHERE domain = @domain`, named).Error },
			func() error {
				return auditProject(tx, project, change{actor: actor, action: "domain.verified", target: "domain:" + domain})
			},
			func() error { return notifyProject(tx, project) },
		)
	})
}

// RemoveDomain implements tenants.DomainStore. The first address that the service gave the project becomes the primary one again.
func (s *Store) RemoveDomain(ctx context.Context, actor tenants.Actor, organization, project id.ID, domain, reason string) error {
	recorded := change{actor: actor, action: "domain.removed", target: "domain:" + domain}
	if reason != "" {
		recorded.detail = map[string]string{"reason": reason}
	}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var gone struct{ VerifiedAt *time.Time }
		named := map[string]any{"project": project, "domain": domain}
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return tx.Raw(`DELETE FROM project_domains WHERE project_id = @project AND domain = @domain RETURNING verified_at`, named).Take(&gone).Error
			},
			func() error { return auditProject(tx, project, recorded) },
			func() error {
				if gone.VerifiedAt == nil {
					return nil
				}
				return firstError(
					func() error { return releaseDomains(tx, project, domain) },
					func() error {
						return tx.Exec(`DELETE FROM project_issuers WHERE project_id = @project AND address = @domain`, named).Error
					},
					func() error {
						return tx.Exec(`UPDATE project_issuers SET is_primary = true WHERE address = (
							SELECT address FROM project_issuers WHERE project_id = @project ORDER BY is_primary DESC, created_at, url LIMIT 1)`, named).Error
					},
					func() error { return endGrants(tx, project, reasonDomain, `issuer = ?`, "https://"+domain) },
					func() error { return notifyProject(tx, project) },
				)
			},
		)
	})
}

// orConflict is ErrConflict for an insertion that another row kept from happening.
func orConflict(result *gorm.DB) error {
	if result.Error == nil && result.RowsAffected == 0 {
		return errConflict
	}
	return result.Error
}

// releaseDomains keeps verified domains of a project from others for a while; an empty domain: all of them.
func releaseDomains(tx *gorm.DB, project id.ID, domain string) error {
	return tx.Exec(`INSERT INTO released_domains (domain, project_id)
		SELECT address, project_id FROM project_issuers WHERE project_id = @project AND url = 'https://' || address AND (@domain = '' OR address = @domain)
		ON CONFLICT (domain) DO UPDATE SET project_id = excluded.project_id, released_at = now()`, map[string]any{"project": project, "domain": domain}).Error
}

// SetPrimary implements tenants.DomainStore.
func (s *Store) SetPrimary(ctx context.Context, actor tenants.Actor, organization, project id.ID, url string) error {
	recorded := change{actor: actor, action: "project.primary_changed", target: "project:" + project.String(), detail: map[string]string{"primary": url}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		var current struct{ IsPrimary bool }
		result := tx.Raw(`SELECT is_primary FROM project_issuers WHERE project_id = ? AND url = ?`, project, url).Take(&current)
		if result.Error != nil || current.IsPrimary {
			result.RowsAffected = 0
			return result
		}
		if result = tx.Exec(`UPDATE project_issuers SET is_primary = false WHERE project_id = ? AND is_primary`, project); result.Error != nil {
			return result
		}
		return tx.Exec(`UPDATE project_issuers SET is_primary = true WHERE project_id = ? AND url = ?`, project, url)
	})
}

// DueDomains implements tenants.DomainStore. Several workers may take the same one; a look changes nothing that a second one would not.
func (s *Store) DueDomains(ctx context.Context, most int) ([]tenants.DueDomain, error) {
	var rows []domainRow
	err := s.db.WithContext(ctx).Raw(`SELECT d.*, p.organization_id FROM project_domains d JOIN projects p ON p.id = d.project_id WHERE d.check_at <= now() ORDER BY d.check_at LIMIT ?`, most).Scan(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	found := make([]tenants.DueDomain, 0, len(rows))
	for _, r := range rows {
		project, err := s.OpenProject(ctx, r.OrganizationID, r.ProjectID)
		if err != nil {
			return nil, err
		}
		found = append(found, tenants.DueDomain{Organization: r.OrganizationID, Project: r.ProjectID, Domain: r.domain(tenants.DomainTarget(project))})
	}
	return found, nil
}

// domainsEvery is the pause between two looks at what is due.
const domainsEvery = time.Minute

type domainsArgs struct{}

// Kind names the job in the queue.
func (domainsArgs) Kind() string { return "check_domains" }

func newDomainsPass() (river.JobArgs, *river.InsertOpts) {
	return domainsArgs{}, &river.InsertOpts{MaxAttempts: 1}
}

type domainsWorker struct {
	river.WorkerDefaults[domainsArgs]

	check func(context.Context) error
}

// Work looks at what is due.
func (w *domainsWorker) Work(ctx context.Context, _ *river.Job[domainsArgs]) error {
	if w.check == nil {
		return errors.New("custom domains are not offered")
	}
	return w.check(ctx)
}

// CheckDomains sets how domains are looked at; without it nobody does.
func CheckDomains(check func(context.Context) error) WorkOption {
	return func(w *workSettings) { w.checkDomains = check }
}
