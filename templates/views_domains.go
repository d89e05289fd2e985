package templates

import "time"

// DomainsPage is about the addresses that a project answers at. Forms: AddAction (domain), PrimaryAction (url); a domain's CheckAction
// and RemoveAction (confirm).
type DomainsPage struct {
	Shell
	Addresses                []AddressLine // that the service gave it
	Domains                  []DomainLine
	Offered                  bool
	AddAction, PrimaryAction string // empty for who may not
	Domain                   Field
	Alert                    string
}

// AddressLine is an issuer URL.
type AddressLine struct {
	URL     string
	Primary bool
}

// DomainLine is a custom domain with the records that prove it.
type DomainLine struct {
	Name, Record, Value, Target string
	Primary, Verified, Failing  bool
	CheckedAt                   time.Time // zero: not yet
	Until                       time.Time // when a failing one is given up
	Problem, Connections        string
	CheckAction, RemoveAction   string
	RemoveError                 string
}
