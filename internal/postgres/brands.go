package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

type brandRow struct {
	Version   int
	Settings  json.RawMessage
	LogoHash  string
	WrittenBy string
	Png       []byte
}

func (r brandRow) brand() (tenants.Brand, error) {
	var b tenants.Brand
	err := json.Unmarshal(r.Settings, &b)
	b.Version, b.LogoHash, b.Logo, b.By = r.Version, r.LogoHash, r.Png, r.WrittenBy
	return b, err
}

const selectBrand = `SELECT b.version, b.settings, coalesce(b.logo_hash, '') AS logo_hash, b.written_by, l.png
	FROM brands b LEFT JOIN brand_logos l ON l.project_id = b.project_id AND l.hash = b.logo_hash WHERE b.project_id = ?`

// SetBrandDraft implements tenants.BrandStore. Logos that no version shows any more go with the draft that had them.
func (s *Store) SetBrandDraft(ctx context.Context, actor tenants.Actor, organization, project id.ID, b tenants.Brand) error {
	settings, err := json.Marshal(b)
	if err != nil {
		return err
	}
	recorded := change{actor: actor, action: "brand.drafted", target: "project:" + project.String()}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		if len(b.Logo) > 0 {
			result := tx.Exec(`INSERT INTO brand_logos (project_id, hash, png) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, project, b.LogoHash, b.Logo)
			if result.Error != nil {
				return result
			}
		}
		result := tx.Exec(`INSERT INTO brands (project_id, version, settings, logo_hash, written_by)
			VALUES (?, 0, ?, (SELECT hash FROM brand_logos WHERE project_id = ? AND hash = ?), ?)
			ON CONFLICT (project_id, version) DO UPDATE SET settings = excluded.settings, logo_hash = excluded.logo_hash,
				written_by = excluded.written_by, written_at = now()`, project, string(settings), project, b.LogoHash, string(actor))
		if result.Error != nil {
			return result
		}
		unused := tx.Exec(`DELETE FROM brand_logos l WHERE project_id = ? AND NOT EXISTS (SELECT FROM brands b WHERE b.project_id = l.project_id AND b.logo_hash = l.hash)`, project)
		if unused.Error != nil {
			return unused
		}
		return result
	})
}

// FindBrandDraft implements tenants.BrandStore.
func (s *Store) FindBrandDraft(ctx context.Context, organization, project id.ID) (found tenants.Brand, err error) {
	var row brandRow
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		if err := requireOwn(tx, organization, project); err != nil {
			return err
		}
		return tx.Raw(selectBrand+` AND b.version IN (0, (SELECT brand_version FROM projects WHERE id = ?)) ORDER BY b.version LIMIT 1`, project, project).Take(&row).Error
	})
	switch {
	case errors.Is(err, tenants.ErrNotFound) && row.Settings == nil:
		if _, err := s.FindProject(ctx, organization, project); err != nil {
			return found, err
		}
		return tenants.Brand{Radius: -1}, nil
	case err != nil:
		return found, err
	}
	return row.brand()
}

// PublishBrand implements tenants.BrandStore. The project's row is locked, so that versions are counted one by one.
func (s *Store) PublishBrand(ctx context.Context, actor tenants.Actor, organization, project id.ID) (version int, err error) {
	recorded := change{actor: actor, action: "brand.published", target: "project:" + project.String()}
	err = s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		result := tx.Raw(`INSERT INTO brands (project_id, version, settings, logo_hash, written_by)
			SELECT project_id, (SELECT max(version) + 1 FROM brands WHERE project_id = ?), settings, logo_hash, ?
			FROM brands WHERE project_id = ? AND version = 0 RETURNING version`, project, string(actor), project).Scan(&version)
		if result.Error != nil {
			return result
		}
		if version == 0 {
			_ = result.AddError(gorm.ErrRecordNotFound)
			return result
		}
		if dropped := tx.Exec(`DELETE FROM brands WHERE project_id = ? AND version = 0`, project); dropped.Error != nil {
			return dropped
		}
		return showVersion(tx, project, version)
	})
	return version, err
}

// DiscardBrandDraft implements tenants.BrandStore. A logo that only the draft had goes with the next one.
func (s *Store) DiscardBrandDraft(ctx context.Context, actor tenants.Actor, organization, project id.ID) error {
	recorded := change{actor: actor, action: "brand.discarded", target: "project:" + project.String()}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		return tx.Exec(`DELETE FROM brands WHERE project_id = ? AND version = 0`, project)
	})
}

// ShowBrand implements tenants.BrandStore.
func (s *Store) ShowBrand(ctx context.Context, actor tenants.Actor, organization, project id.ID, version int) error {
	recorded := change{actor: actor, action: "brand.shown", target: "project:" + project.String(), detail: map[string]string{"version": strconv.Itoa(version)}}
	return s.changeRules(ctx, organization, project, recorded, func(tx *gorm.DB) *gorm.DB {
		var known bool
		result := tx.Raw(`SELECT ? = 0 OR EXISTS (SELECT FROM brands WHERE project_id = ? AND version = ?)`, version, project, version).Scan(&known)
		if result.Error == nil && (!known || version < 0) {
			_ = result.AddError(gorm.ErrRecordNotFound)
		}
		if result.Error != nil {
			return result
		}
		return showVersion(tx, project, version)
	})
}

// showVersion makes people see a version. One with other words or another logo than before is to be looked at by somebody.
func showVersion(tx *gorm.DB, project id.ID, version int) *gorm.DB {
	return tx.Exec(`WITH worded AS (
			SELECT version, settings - '{accent,page,page_dark,font,radius}'::text[] AS words, logo_hash FROM brands WHERE project_id = @project
		), compared AS (
			SELECT (SELECT (words, logo_hash) FROM worded WHERE version = p.brand_version) IS DISTINCT FROM (SELECT (words, logo_hash) FROM worded WHERE version = @version) AS differs
			FROM projects p WHERE p.id = @project
		)
		UPDATE projects p SET brand_version = @version,
			review = CASE WHEN c.differs AND p.review = 'approved' THEN 'pending' ELSE p.review END,
			review_due = CASE WHEN c.differs THEN coalesce(p.review_due, now()) ELSE p.review_due END
		FROM compared c WHERE p.id = @project AND p.brand_version <> @version`, map[string]any{"project": project, "version": version})
}

// ListBrands implements tenants.BrandStore.
func (s *Store) ListBrands(ctx context.Context, organization, project id.ID) (found []tenants.Brand, err error) {
	var rows []brandRow
	err = s.inProject(ctx, project, func(tx *gorm.DB) error {
		return firstError(
			func() error { return requireOwn(tx, organization, project) },
			func() error {
				return tx.Raw(selectBrand+` AND b.version > 0 ORDER BY b.version DESC LIMIT 100`, project).Scan(&rows).Error
			},
		)
	})
	for _, row := range rows {
		b, wrong := row.brand()
		if wrong != nil {
			return nil, wrong
		}
		found = append(found, b)
	}
	return found, err
}

// loadBrand reads what people see.
func loadBrand(tx *gorm.DB, issuer *oauth.Issuer, version int) error {
	if version == 0 {
		return nil
	}
	var row brandRow
	if err := tx.Raw(selectBrand+` AND b.version = ?`, issuer.ID, version).Take(&row).Error; err != nil {
		return err
	}
	b, err := row.brand()
	if err != nil {
		return err
	}
	background, text := b.MailColours()
	issuer.Brand = oauth.Brand{Stylesheet: []byte(b.Stylesheet()), Logo: b.Logo, Title: b.Title, Text: b.Text, SupportURL: b.SupportURL,
		TermsURL: b.TermsURL, PrivacyURL: b.PrivacyURL, MailBackground: background, MailText: text}
	return nil
}
