package postgres

import (
	"context"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// purposeProviderSecret names the sealing key of what providers gave a project.
const purposeProviderSecret = "provider-secret"

// providerBinding ties a sealed secret to its project and provider, so that rows cannot be swapped.
func providerBinding(project, provider id.ID) []byte { return secret.Join(project[:], provider[:]) }

func providerTarget(id id.ID) string { return "provider:" + id.String() }

type providerRow struct {
	ID           id.ID
	Kind         string
	Name         string
	Issuer       string
	ClientID     string
	SealedSecret []byte
	Enabled      bool
}

// SetProvider implements tenants.ProjectStore. No statement here gives a kept secret to another issuer.
func (s *Store) SetProvider(ctx context.Context, actor tenants.Actor, organization, project id.ID, p tenants.Provider) error {
	recorded := change{actor: actor, action: "provider.set", target: providerTarget(p.ID), detail: map[string]string{"kind": p.Kind, "name": p.Name, "issuer": p.Issuer}}
	if !p.Replaces.IsZero() {
		recorded.detail["replaces"] = p.Replaces.String()
	}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		notice := tenants.Notice{Kind: tenants.NoticeProviderAdded, Provider: p.Name, External: p.Kind == tenants.KindExternal}
		before := tx.Raw(`SELECT 'provider changed' AS kind FROM upstream_providers WHERE project_id = ? AND id IN (?, ?)`, project, p.ID, p.Replaces).Scan(&notice.Kind)
		if before.Error != nil {
			return before
		}
		if !p.Replaces.IsZero() {
			removed := removeProvider(tx, project, p.Replaces)
			if err := mustChange(removed); err != nil { // of two changes at once, one takes the place
				_ = removed.AddError(err)
				return removed
			}
		}
		var others int
		result := tx.Raw(`SELECT count(*) FROM upstream_providers WHERE project_id = ? AND id <> ?`, project, p.ID).Scan(&others)
		if result.Error == nil && others >= tenants.MaxProviders {
			_ = result.AddError(tenants.ErrLimit)
		}
		if result.Error != nil {
			return result
		}
		if p.ClientSecret == "" {
			result = tx.Exec(`UPDATE upstream_providers SET name = ?, client_id = ?, enabled = ? WHERE project_id = ? AND id = ? AND kind = ? AND issuer = ?`,
				p.Name, p.ClientID, p.Enabled, project, p.ID, p.Kind, p.Issuer)
		} else {
			sealed := s.keys.Seal(purposeProviderSecret, []byte(p.ClientSecret), providerBinding(project, p.ID))
			result = tx.Exec(`INSERT INTO upstream_providers AS p (project_id, id, kind, name, issuer, client_id, sealed_secret, enabled) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (project_id, id) DO UPDATE SET name = excluded.name, issuer = excluded.issuer, client_id = excluded.client_id,
					sealed_secret = excluded.sealed_secret, enabled = excluded.enabled WHERE p.kind = excluded.kind AND (p.issuer = excluded.issuer OR p.kind = 'own')`,
				project, p.ID, p.Kind, p.Name, p.Issuer, p.ClientID, sealed, p.Enabled)
		}
		err := mustChange(result)
		if err == nil {
			err = s.tellOfProvider(tx, actor, organization, project, notice)
		}
		if err != nil {
			_ = result.AddError(err)
		}
		return result
	})
}

// removeProvider leaves the identities, of which there may be any number: whoever comes back from the same issuer is the same person. Those
// whose issuer never became known open nothing any more, and are swept.
func removeProvider(tx *gorm.DB, project, provider id.ID) *gorm.DB {
	return tx.Exec(`DELETE FROM upstream_providers WHERE project_id = ? AND id = ?`, project, provider)
}

// RemoveProvider implements tenants.ProjectStore. With the customer's own login the connections for organizations end, since nobody says
// any more who left. Approvals wait for the lock of the project and find no own login then.
func (s *Store) RemoveProvider(ctx context.Context, actor tenants.Actor, organization, project, provider id.ID) error {
	return s.changeRules(ctx, organization, project, change{actor: actor, action: "provider.removed", target: providerTarget(provider)}, func(tx *gorm.DB) *gorm.DB {
		var gone struct{ Name, Kind string }
		if found := tx.Raw(`SELECT name, kind FROM upstream_providers WHERE project_id = ? AND id = ?`, project, provider).Scan(&gone); found.Error != nil || found.RowsAffected == 0 {
			return found
		}
		result := removeProvider(tx, project, provider)
		notice := tenants.Notice{Kind: tenants.NoticeProviderRemoved, Provider: gone.Name, External: gone.Kind == tenants.KindExternal}
		err := firstError(
			func() error { return result.Error },
			func() error { return s.tellOfProvider(tx, actor, organization, project, notice) },
			func() error {
				if !notice.External {
					return nil
				}
				return endGrants(tx, project, reasonOwnLoginRemoved, `organization IS NOT NULL`)
			},
		)
		if err != nil && result.Error == nil {
			_ = result.AddError(err)
		}
		return result
	})
}

// ListProviders implements tenants.ProjectStore.
func (s *Store) ListProviders(ctx context.Context, organization, project id.ID) (found []tenants.Provider, err error) {
	var rows []providerRow
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT id, kind, name, issuer, client_id, enabled FROM upstream_providers WHERE project_id = ? ORDER BY created_at, id`, project).Scan(&rows).Error
			},
		)
	})
	for _, r := range rows {
		found = append(found, tenants.Provider{ID: r.ID, Kind: r.Kind, Name: r.Name, Issuer: r.Issuer, ClientID: r.ClientID, Enabled: r.Enabled})
	}
	return found, err
}

func requireOwn(tx *gorm.DB, organization, project id.ID) error {
	var own idRow
	return tx.Raw(`SELECT id FROM projects WHERE id = ? AND organization_id = ?`, project, organization).Take(&own).Error
}

// loadProviders reads what the sign-in page shows.
func loadProviders(tx *gorm.DB, issuer *oauth.Issuer) error {
	return tx.Raw(`SELECT id, kind, name FROM upstream_providers WHERE project_id = ? AND enabled ORDER BY created_at, id`, issuer.ID).Scan(&issuer.Providers).Error
}

// sweepAnswers forgets, in one project, answers of providers that would be refused as old.
func (s *Store) sweepAnswers(ctx context.Context, project id.ID) (swept int, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`DELETE FROM upstream_answers WHERE project_id = ? AND state_hash IN (
			SELECT state_hash FROM upstream_answers WHERE project_id = ? AND expires_at < now() - interval '10 minutes' ORDER BY expires_at LIMIT ?)`,
			project, project, sweepMost)
		if result.Error != nil {
			return result.Error
		}
		swept = int(result.RowsAffected)
		return tx.Exec(`DELETE FROM own_logins WHERE project_id = ? AND flow_id IN (
			SELECT flow_id FROM own_logins WHERE project_id = ? AND expires_at < now() - interval '10 minutes' ORDER BY expires_at LIMIT ?)`,
			project, project, sweepMost).Error
	})
	return swept, err
}

// sweepIdentities deletes, in one project, identities of which nothing says any more where they are from: their provider is gone, and its
// issuer was not known yet.
func (s *Store) sweepIdentities(ctx context.Context, project id.ID) (swept int, err error) {
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		result := tx.Exec(`DELETE FROM user_identities WHERE project_id = ? AND id IN (
			SELECT id FROM user_identities i WHERE i.project_id = ? AND i.issuer IS NULL AND NOT `+providerIsThere+` LIMIT ?)`, project, project, sweepMost)
		swept = int(result.RowsAffected)
		return result.Error
	})
	return swept, err
}

// UseAnswer implements signin.Identities.
func (i *identities) UseAnswer(ctx context.Context, stateHash []byte, ttl time.Duration) error {
	return i.people.transaction(ctx, func(tx *gorm.DB) error { return i.useAnswer(tx, stateHash, ttl) })
}

// useAnswer notes an answer: of any number that come with the same one, one inserts.
func (i *identities) useAnswer(tx *gorm.DB, hash []byte, ttl time.Duration) error {
	result := tx.Exec(`INSERT INTO upstream_answers (project_id, state_hash, expires_at) VALUES (?, ?, now() + make_interval(secs => ?)) ON CONFLICT DO NOTHING`,
		i.people.project, hash, ttl.Seconds())
	if result.Error == nil && result.RowsAffected == 0 {
		return gorm.ErrRecordNotFound
	}
	return result.Error
}
