package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/secret"
	"mcpauth.example/oauth"
)

// purposeSigningKey names the sealing key of signing keys at rest.
const purposeSigningKey = "signing-key"

// signingKeyBinding ties a sealed key to its project and key id, so that rows cannot be swapped.
func signingKeyBinding(project id.ID, kid string) []byte {
	return secret.Join(project[:], []byte(kid))
}

type issuerRow struct {
	ID                 id.ID
	Name               string
	Suspended          bool
	Organization       string
	OrganizationID     id.ID
	Review             string
	AccessTokenTTL     int64 `gorm:"column:access_token_ttl"`
	RefreshIdleTTL     int64 `gorm:"column:refresh_idle_ttl"`
	RefreshTTL         int64 `gorm:"column:refresh_ttl"`
	RefreshGrace       int64 `gorm:"column:refresh_grace"`
	SignUpOpen         bool
	SignInMethods      string
	DocumentPolicy     string
	RegistrationPolicy string
	BrandVersion       int
	ScopesSelectable   bool
	WaysBesideOwn      bool
	URL                string
}

// loadIssuer reads everything about the project at an address.
func (s *Store) loadIssuer(ctx context.Context, address string) (*oauth.Issuer, error) {
	var row issuerRow
	err := s.db.WithContext(ctx).Raw(`
		SELECT p.id, p.name, `+isSuspended+` AS suspended, o.name AS organization, o.id AS organization_id, p.review, p.access_token_ttl, p.refresh_idle_ttl, p.refresh_ttl, p.refresh_grace, p.sign_up_open,
			array_to_string(p.sign_in_methods, ' ') AS sign_in_methods, p.document_policy, p.registration_policy, p.brand_version, p.scopes_selectable, p.ways_beside_own, i.url
		FROM project_issuers i JOIN projects p ON p.id = i.project_id JOIN organizations o ON o.id = p.organization_id WHERE i.address = ?`, address).Take(&row).Error
	if err != nil {
		return nil, translate(err)
	}
	if row.Review == reviewRejected {
		row.BrandVersion = 0
	}
	issuer := &oauth.Issuer{
		ID: row.ID, Name: row.Name, Suspended: row.Suspended, Organization: row.Organization, Reviewed: row.Review == reviewApproved, SignUpOpen: row.SignUpOpen, ScopesSelectable: row.ScopesSelectable, WaysBesideOwn: row.WaysBesideOwn, SignInMethods: strings.Fields(row.SignInMethods),
		DocumentPolicy: oauth.DocumentPolicy(row.DocumentPolicy), RegistrationPolicy: oauth.RegistrationPolicy(row.RegistrationPolicy),
		AccessTokenTTL: seconds(row.AccessTokenTTL), RefreshIdleTTL: seconds(row.RefreshIdleTTL), RefreshTTL: seconds(row.RefreshTTL),
		RefreshGrace: seconds(row.RefreshGrace),
	}
	if s.billing {
		account, err := s.BillingAccount(ctx, row.OrganizationID)
		if err != nil {
			return nil, err
		}
		issuer.Unbadged = !account.PlanAt(time.Now()).Badge
	}
	err = s.inProject(ctx, row.ID, func(tx *gorm.DB) error {
		return firstError(
			func() error { return loadURLs(tx, issuer) },
			func() error { return loadScopes(tx, issuer) },
			func() error { return loadResources(tx, issuer) },
			func() error { return loadClientRules(tx, issuer) },
			func() error { return loadProviders(tx, issuer) },
			func() error { return loadBrand(tx, issuer, row.BrandVersion) },
			func() error { return s.loadKeys(tx, issuer) },
		)
	})
	if err != nil {
		return nil, err
	}
	return issuer.At(row.URL), nil
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func loadURLs(tx *gorm.DB, issuer *oauth.Issuer) error {
	if err := tx.Raw(`SELECT url FROM project_issuers WHERE project_id = ? ORDER BY is_primary DESC, created_at, url`, issuer.ID).
		Scan(&issuer.URLs).Error; err != nil {
		return err
	}
	if len(issuer.URLs) == 0 {
		return errNotFound
	}
	issuer.Primary = issuer.URLs[0]
	return nil
}

func loadScopes(tx *gorm.DB, issuer *oauth.Issuer) error {
	var rows []struct {
		Name        string
		Description string
		IsDefault   bool
	}
	err := tx.Raw(`SELECT name, description, is_default FROM scopes WHERE project_id = ? ORDER BY position, name`, issuer.ID).Scan(&rows).Error
	if err != nil {
		return err
	}
	groups, err := toolsByScope(tx, issuer.ID)
	for _, row := range rows {
		issuer.Scopes = append(issuer.Scopes, oauth.Scope{Name: row.Name, Description: row.Description, Default: row.IsDefault, Tools: groups[row.Name]})
	}
	return err
}

func loadResources(tx *gorm.DB, issuer *oauth.Issuer) error {
	var rows []struct {
		ID       id.ID
		Name     string
		Resource string
	}
	err := tx.Raw(`SELECT id, name, resource FROM mcp_servers WHERE project_id = ? ORDER BY created_at, id`, issuer.ID).Scan(&rows).Error
	for _, row := range rows {
		issuer.Resources = append(issuer.Resources, oauth.Resource{ID: row.ID, Name: row.Name, URL: row.Resource})
	}
	return err
}

func loadClientRules(tx *gorm.DB, issuer *oauth.Issuer) error {
	var rows []struct {
		Subject  string
		Value    string
		Decision string
	}
	err := tx.Raw(`SELECT subject, value, decision FROM client_rules WHERE project_id = ? ORDER BY subject, value`, issuer.ID).Scan(&rows).Error
	for _, row := range rows {
		issuer.ClientRules = append(issuer.ClientRules, oauth.ClientRule{Client: row.Subject == "client", Value: row.Value, Allow: row.Decision == "allow"})
	}
	return err
}

func (s *Store) loadKeys(tx *gorm.DB, issuer *oauth.Issuer) error {
	var rows []struct {
		ID        string
		Algorithm string
		State     string
		Sealed    []byte
	}
	if err := tx.Raw(`SELECT id, algorithm, state, sealed FROM signing_keys WHERE project_id = ? ORDER BY created_at, id`, issuer.ID).
		Scan(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		pkcs8, err := s.keys.Open(purposeSigningKey, row.Sealed, signingKeyBinding(issuer.ID, row.ID))
		if err != nil {
			return fmt.Errorf("signing key %s: %w", row.ID, err)
		}
		key, err := oauth.ParseSigningKey(row.ID, row.Algorithm, oauth.KeyState(row.State), pkcs8)
		if err != nil {
			return err
		}
		issuer.Keys = append(issuer.Keys, key)
	}
	if !slices.ContainsFunc(issuer.Keys, func(k oauth.SigningKey) bool { return k.State == oauth.KeyCurrent }) {
		return fmt.Errorf("project %s has no current signing key", issuer.ID)
	}
	return nil
}

// Deployment reads the epoch that is part of every MAC.
func (s *Store) Deployment(ctx context.Context) (epoch uint32, err error) {
	err = s.db.WithContext(ctx).Raw(`SELECT epoch FROM deployment`).Scan(&epoch).Error
	return epoch, translate(err)
}
