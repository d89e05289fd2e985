package postgres

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/oauth"
	"mcpauth.example/tenants"
)

// Reasons of revocation.
const (
	reasonClientBlocked    = "client_blocked"
	reasonClientDeleted    = "client_deleted"
	reasonRedirectsChanged = "redirect_uris_changed"
)

// managedBySQL is a registration that the token with this hash manages. The row is locked: an approval under way is finished and
// found by what follows, a later one sees the change.
const managedBySQL = ` FROM clients WHERE project_id = ? AND id = ? AND registration_token_hash = ? AND kind = 'registered' AND blocked_at IS NULL FOR UPDATE`

// ReplaceRegistration implements oauth.RegistrationStore. Neither a redirect URI nor a grant type holds a space.
func (s *Store) ReplaceRegistration(ctx context.Context, project id.ID, tokenHash []byte, c oauth.Client) error {
	redirects, grants := strings.Join(c.RedirectURIs, " "), strings.Join(c.GrantTypes, " ")
	var keys *string
	if len(c.JWKS) > 0 {
		text := string(c.JWKS)
		keys = &text
	}
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var before struct{ Moved bool }
		return firstError(
			func() error {
				return tx.Raw(`SELECT redirect_uris <> string_to_array(?, ' ') AS moved`+managedBySQL, redirects, project, c.ID, tokenHash).Take(&before).Error
			},
			func() error {
				return tx.Exec(`UPDATE clients SET name = ?, redirect_uris = string_to_array(?, ' '), grant_types = string_to_array(?, ' '), application_type = ?,
					client_uri = ?, metadata = ?::jsonb, jwks = ?::jsonb, jwks_uri = ?, registration_token_hash = ?, renewed_at = now() WHERE project_id = ? AND id = ?`,
					c.Name, redirects, grants, c.ApplicationType, c.URI, string(c.Metadata), keys, c.JWKSURI, c.RegistrationTokenHash, project, c.ID).Error
			},
			func() error {
				if !before.Moved {
					return nil
				}
				return forgetApprovals(tx, project, c.ID)
			},
			func() error { return auditProject(tx, project, byClient(c.ID, "client.updated")) },
		)
	})
}

// DeleteRegistration implements oauth.RegistrationStore.
func (s *Store) DeleteRegistration(ctx context.Context, project id.ID, tokenHash []byte, clientID string) error {
	return s.inProject(ctx, project, func(tx *gorm.DB) error {
		var found struct{ ID string }
		return firstError(
			func() error {
				return tx.Raw(`SELECT id`+managedBySQL, project, clientID, tokenHash).Take(&found).Error
			},
			func() error { return dropClient(tx, project, clientID) },
			func() error { return auditProject(tx, project, byClient(clientID, "client.deleted")) },
		)
	})
}

func byClient(clientID, action string) change {
	return change{actor: tenants.Actor("client:" + clientID), action: action, target: "client:" + clientID}
}

// forgetApprovals ends what people allowed for redirect URIs that are gone (catalogue 41). Grants in use go on: their tokens are with
// the client already.
func forgetApprovals(tx *gorm.DB, project id.ID, clientID string) error {
	if err := tx.Exec(`DELETE FROM consents WHERE project_id = ? AND client_id = ?`, project, clientID).Error; err != nil {
		return err
	}
	return endGrants(tx, project, reasonRedirectsChanged, `client_id = ? AND code_redeemed_at IS NULL`, clientID)
}

// endClientGrants revokes every living grant of a client.
func endClientGrants(tx *gorm.DB, project id.ID, clientID, reason string) error {
	return endGrants(tx, project, reason, `client_id = ?`, clientID)
}

// dropClient revokes before it deletes, so that guards learn of these too; grants and consents go with the row.
func dropClient(tx *gorm.DB, project id.ID, clientID string) error {
	return firstError(
		func() error { return endClientGrants(tx, project, clientID, reasonClientDeleted) },
		func() error {
			return mustChange(tx.Exec(`DELETE FROM clients WHERE project_id = ? AND id = ?`, project, clientID))
		},
	)
}
