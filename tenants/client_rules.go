package tenants

import (
	"context"
	"net/url"
	"strings"

	"mcpauth.example/internal/id"
)

// MaxClientRules is how many rules about clients a project may have: every process keeps them in memory.
const MaxClientRules = 500

// Longest values of a rule, in bytes.
const (
	maxClientID = 2048
	maxHost     = 253
)

// DocumentPolicy says which clients with a metadata document a project takes.
type DocumentPolicy string

// Open takes all but the blocked ones, approval only those that a rule allows, off none.
const (
	DocumentsOpen     DocumentPolicy = "open"
	DocumentsApproval DocumentPolicy = "approval"
	DocumentsOff      DocumentPolicy = "off"
)

// ClientRule is what a project decides about clients with a metadata document: about one by its id, or about all of a host.
type ClientRule struct {
	Host  bool   // Value is the host of documents; otherwise a client id
	Value string // a host in lower case and ASCII, or the exact URL of a document
	Allow bool   // otherwise what matches is blocked
}

// SetDocumentPolicy changes which clients with a metadata document may come. It returns a FieldError for "document_policy".
func (p Projects) SetDocumentPolicy(ctx context.Context, actor Actor, org, project id.ID, policy DocumentPolicy) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	if policy != DocumentsOpen && policy != DocumentsApproval && policy != DocumentsOff {
		return FieldError{Field: "document_policy", Message: "Choose open, approval or off."}
	}
	return p.Store.SetDocumentPolicy(ctx, actor, org, project, policy)
}

// SetClientRule adds a rule or changes what it decides; a block ends the grants of whom it meets. It returns a FieldError for "value",
// and ErrLimit at MaxClientRules.
func (p Projects) SetClientRule(ctx context.Context, actor Actor, org, project id.ID, rule ClientRule) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	rule, err := ParseClientRule(rule)
	if err != nil {
		return err
	}
	return p.Store.SetClientRule(ctx, actor, org, project, rule)
}

// DeleteClientRule removes a rule; it succeeds when there is none.
func (p Projects) DeleteClientRule(ctx context.Context, actor Actor, org, project id.ID, rule ClientRule) error {
	if err := p.mayChange(ctx, actor, org); err != nil {
		return err
	}
	return p.Store.DeleteClientRule(ctx, actor, org, project, rule)
}

// ParseClientRule checks the value of a rule and writes a host as documents are compared with it. It returns a FieldError for "value".
func ParseClientRule(rule ClientRule) (ClientRule, error) {
	rule.Value = strings.TrimSpace(rule.Value)
	if rule.Host {
		rule.Value = strings.ToLower(rule.Value)
		if rule.Value == "" || len(rule.Value) > maxHost || strings.ContainsFunc(rule.Value, notInHost) {
			return rule, FieldError{Field: "value", Message: "Enter a host name such as app.example.com, international ones in the form xn--."}
		}
		return rule, nil
	}
	u, err := url.Parse(rule.Value)
	if err != nil || len(rule.Value) > maxClientID || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return rule, FieldError{Field: "value", Message: "Enter the exact address of a metadata document, such as https://app.example.com/client.json."}
	}
	return rule, nil
}

func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
}
