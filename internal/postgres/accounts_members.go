package postgres

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"mcpauth.example/internal/id"
	"mcpauth.example/internal/signin"
	"mcpauth.example/tenants"
)

// checkOrganizationName refuses before a code is sent what the organizations table would refuse after it was typed in.
func checkOrganizationName(name string) error {
	length := utf8.RuneCountInString(name)
	if length < 1 || length > 100 || !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
		return signin.FieldError{Field: "detail", Message: "Enter a name of 1 to 100 characters for your organization."}
	}
	return nil
}

// createOwnOrganization makes the organization that a new member owns. Without a name there is none: such a member joins another.
func createOwnOrganization(tx *gorm.DB, member id.ID, name, actor string) error {
	if name == "" {
		return nil
	}
	organization := id.New()
	v := values{
		"organization": organization, "name": name, "member": member, "role": string(tenants.RoleOwner), "id": id.New(),
		"actor": actor, "target": "organization:" + organization.String(),
	}.named()
	for _, statement := range []string{
		`INSERT INTO organizations (id, name) VALUES (@organization, @name)`,
		`INSERT INTO organization_members (organization_id, member_id, role) VALUES (@organization, @member, @role)`,
		`INSERT INTO organization_audit_log (organization_id, id, actor, action, target)
			VALUES (@organization, @id, @actor, 'organization.created', @target)`,
	} {
		if err := tx.Exec(statement, v).Error; err != nil {
			return err
		}
	}
	return nil
}
