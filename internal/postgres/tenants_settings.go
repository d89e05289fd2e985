package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/tenants"
)

// reasonProjectDeleted is why grants ended with their project.
const reasonProjectDeleted = "project_deleted"

// FindSettings implements tenants.ListStore.
func (s *Store) FindSettings(ctx context.Context, organization, project id.ID) (tenants.ProjectSettings, error) {
	var row struct {
		Name                                                          string
		AccessTokenTTL                                                int64 `gorm:"column:access_token_ttl"`
		RefreshIdleTTL                                                int64 `gorm:"column:refresh_idle_ttl"`
		RefreshTTL                                                    int64 `gorm:"column:refresh_ttl"`
		RefreshGrace                                                  int64
		SignUpOpen, ScopesSelectable                                  bool
		RegistrationPolicy, DocumentPolicy, Methods, SigningAlgorithm string
		BrandVersion                                                  int
		WaysBesideOwn                                                 bool
		OrganizationSession                                           int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT name, access_token_ttl, refresh_idle_ttl, refresh_ttl, refresh_grace, sign_up_open, scopes_selectable, registration_policy,
			document_policy, array_to_string(sign_in_methods, ' ') AS methods, signing_algorithm, brand_version, ways_beside_own, organization_session
		FROM projects WHERE id = ? AND organization_id = ?`, project, organization).Take(&row).Error
	return tenants.ProjectSettings{
		Name: row.Name, AccessTokenTTL: seconds(row.AccessTokenTTL), RefreshIdleTTL: seconds(row.RefreshIdleTTL), RefreshTTL: seconds(row.RefreshTTL),
		RefreshGrace: seconds(row.RefreshGrace), SignUpOpen: row.SignUpOpen, ScopesSelectable: row.ScopesSelectable,
		RegistrationPolicy: tenants.RegistrationPolicy(row.RegistrationPolicy), DocumentPolicy: tenants.DocumentPolicy(row.DocumentPolicy),
		SignInMethods: strings.Fields(row.Methods), SigningAlgorithm: row.SigningAlgorithm, BrandVersion: row.BrandVersion,
		ExternalLoginRules: tenants.ExternalLoginRules{WaysBeside: row.WaysBesideOwn, OrganizationSession: seconds(row.OrganizationSession)},
	}, translate(err)
}

// RenameProject implements tenants.SettingsStore.
func (s *Store) RenameProject(ctx context.Context, actor tenants.Actor, organization, project id.ID, name string) error {
	recorded := change{actor: actor, action: "project.renamed", target: "project:" + project.String(), detail: map[string]string{"name": name}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET name = ?, review = CASE review WHEN 'approved' THEN 'pending' ELSE review END, review_due = coalesce(review_due, now())
			WHERE id = ? AND name <> ?`, name, project, name)
	})
}

// SetTokenLifetimes implements tenants.SettingsStore.
func (s *Store) SetTokenLifetimes(ctx context.Context, actor tenants.Actor, organization, project id.ID, l tenants.TokenLifetimes) error {
	text := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
	recorded := change{actor: actor, action: "project.token_lifetimes_changed", target: "project:" + project.String(), detail: map[string]string{
		"access_token": text(l.AccessToken), "refresh_idle": text(l.RefreshIdle), "refresh": text(l.Refresh), "grace": text(l.Grace),
	}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET access_token_ttl = @access, refresh_idle_ttl = @idle, refresh_ttl = @refresh, refresh_grace = @grace
			WHERE id = @project AND (access_token_ttl, refresh_idle_ttl, refresh_ttl, refresh_grace) <> (@access, @idle, @refresh, @grace)`, map[string]any{
			"project": project, "access": int64(l.AccessToken / time.Second), "idle": int64(l.RefreshIdle / time.Second),
			"refresh": int64(l.Refresh / time.Second), "grace": int64(l.Grace / time.Second),
		})
	})
}

// SetSignUpOpen implements tenants.SettingsStore.
func (s *Store) SetSignUpOpen(ctx context.Context, actor tenants.Actor, organization, project id.ID, open bool) error {
	recorded := change{actor: actor, action: "project.sign_up_changed", target: "project:" + project.String(), detail: map[string]string{"open": strconv.FormatBool(open)}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`UPDATE projects SET sign_up_open = ? WHERE id = ? AND sign_up_open <> ?`, open, project, open)
	})
}

// SetExternalLoginRules implements tenants.SettingsStore. What other ways began ends when they are not allowed any more.
func (s *Store) SetExternalLoginRules(ctx context.Context, actor tenants.Actor, organization, project id.ID, rules tenants.ExternalLoginRules) error {
	longest := int64(rules.OrganizationSession / time.Second)
	recorded := change{actor: actor, action: "project.own_login_rules_changed", target: "project:" + project.String(), detail: map[string]string{
		"ways_beside_own": strconv.FormatBool(rules.WaysBeside), "organization_session": strconv.FormatInt(longest, 10),
	}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		result := tx.Exec(`UPDATE projects SET ways_beside_own = @beside, organization_session = @longest
			WHERE id = @project AND (ways_beside_own, organization_session) <> (@beside, @longest)`,
			map[string]any{"project": project, "beside": rules.WaysBeside, "longest": longest})
		if result.Error == nil && result.RowsAffected > 0 {
			notice := tenants.Notice{Kind: tenants.NoticeProviderChanged, External: true}
			err := s.tellOfProvider(tx, actor, organization, project, notice)
			if err == nil && !rules.WaysBeside {
				err = endOtherWays(tx, project)
			}
			if err != nil {
				_ = result.AddError(err)
			}
		}
		return result
	})
}

// RotateSigningKeys implements tenants.SettingsStore.
func (s *Store) RotateSigningKeys(ctx context.Context, actor tenants.Actor, organization, project id.ID, algorithm string, replace bool) (bool, time.Time, error) {
	if _, err := s.OpenProject(ctx, organization, project); err != nil {
		return false, time.Time{}, err
	}
	rotated, err := s.RotateKeys(ctx, actor, project, KeyRotation{Algorithm: algorithm, Replace: replace})
	return rotated.Outcome == KeysRotated || rotated.Outcome == KeysReplaced, rotated.After, err
}

// EndGrants implements tenants.SettingsStore. The project is locked: approvals under way are finished and found.
func (s *Store) EndGrants(ctx context.Context, actor tenants.Actor, organization, project, grant id.ID, clientID string, server id.ID) (ended int, err error) {
	condition, arg, target := `id = ?`, any(grant), "grant:"+grant.String()
	switch {
	case clientID != "":
		condition, arg, target = `client_id = ?`, clientID, "client:"+clientID
	case !server.IsZero():
		condition, arg, target = `mcp_server_id = ?`, server, serverTarget(server)
	}
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		var living struct{ Count int }
		return firstError(
			func() error { return lockProject(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT count(*) AS count FROM grants g WHERE project_id = ? AND `+activeGrant+` AND `+condition, project, arg).Scan(&living).Error
			},
			func() error {
				return tx.Exec(`DELETE FROM consents WHERE project_id = ? AND (user_id, client_id, resource) IN (
					SELECT user_id, client_id, resource FROM grants WHERE project_id = ? AND revoked_at IS NULL AND `+condition+`)`, project, project, arg).Error
			},
			func() error { return endGrants(tx, project, reasonMember, condition, arg) },
			func() error {
				if ended = living.Count; ended == 0 {
					return nil
				}
				return auditProject(tx, project, change{actor: actor, action: "grants.revoked", target: target, detail: map[string]string{"count": strconv.Itoa(ended)}})
			},
		)
	})
	return ended, err
}

// MoveScope implements tenants.SettingsStore. Positions may have gaps and doubles; they are written anew.
func (s *Store) MoveScope(ctx context.Context, actor tenants.Actor, organization, project id.ID, name string) error {
	recorded := change{actor: actor, action: "scope.moved", target: "scope:" + name}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`WITH placed AS (
				SELECT name, row_number() OVER (ORDER BY position, name) * 2 AS place FROM scopes WHERE project_id = @project
			), moved AS (
				SELECT name, CASE WHEN name = @name THEN place - 3 ELSE place END AS place FROM placed
			), numbered AS (
				SELECT name, row_number() OVER (ORDER BY place) - 1 AS place FROM moved
			)
			UPDATE scopes s SET position = n.place FROM numbered n WHERE s.project_id = @project AND s.name = n.name AND s.position <> n.place`,
			map[string]any{"project": project, "name": name})
	})
}

// DeleteProject implements tenants.SettingsStore. What belongs to the project goes with its row; the slug stays taken, and the
// organization's log keeps that there was one.
func (s *Store) DeleteProject(ctx context.Context, actor tenants.Actor, organization, project id.ID) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var row struct{ Slug, Name string }
		return firstError(
			func() error {
				return tx.Raw(`SELECT slug, name FROM projects WHERE id = ? AND organization_id = ? FOR UPDATE`, project, organization).Take(&row).Error
			},
			func() error { return endGrants(tx, project, reasonProjectDeleted, `true`) },
			func() error { return releaseDomains(tx, project, "") },
			func() error {
				return auditOrganization(tx, organization, change{actor: actor, action: "project.deleted", target: "project:" + project.String(),
					detail: map[string]string{"slug": row.Slug, "name": row.Name}})
			},
			func() error {
				return tx.Exec(`INSERT INTO deleted_projects (organization_id, id, slug) VALUES (?, ?, ?)`, organization, project, row.Slug).Error
			},
			func() error { return mustChange(tx.Exec(`DELETE FROM projects WHERE id = ?`, project)) },
			func() error { return notifyProject(tx, project) },
		)
	})
}

// CountDays implements tenants.ListStore.
func (s *Store) CountDays(ctx context.Context, organization, project id.ID, days int) (tenants.DailyCounts, error) {
	var rows []struct {
		Day    time.Time
		Metric string
		Count  int
	}
	var totals struct {
		Now                 time.Time
		Users, LivingGrants int
	}
	err := s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error {
				return tx.Raw(`SELECT day, metric, count FROM daily_counts WHERE project_id = ? AND day > (now() AT TIME ZONE 'UTC')::date - CAST(? AS integer)`, project, days).Scan(&rows).Error
			},
			func() error {
				return tx.Raw(`SELECT now() AS now, (SELECT count(*) FROM users WHERE project_id = @project) AS users,
					(SELECT count(*) FROM (SELECT FROM grants g WHERE g.project_id = @project AND `+activeGrant+` LIMIT @most) AS living) AS living_grants`,
					map[string]any{"project": project, "most": 100 * tenants.CountedTo}).Scan(&totals).Error
			},
		)
	})
	if err != nil {
		return tenants.DailyCounts{}, err
	}
	counts := tenants.DailyCounts{TotalUsers: totals.Users, LivingGrants: totals.LivingGrants}
	lists := map[string]*[]int{"attempts": &counts.Attempts, "connections": &counts.Connections, "failures": &counts.Failures, "users": &counts.Users}
	for i := days - 1; i >= 0; i-- {
		counts.Days = append(counts.Days, totals.Now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -i))
	}
	for _, list := range lists {
		*list = make([]int, days)
	}
	for _, row := range rows {
		for i, day := range counts.Days {
			if list := lists[row.Metric]; list != nil && day.Format(time.DateOnly) == row.Day.Format(time.DateOnly) {
				(*list)[i] = row.Count
			}
		}
	}
	return counts, nil
}
