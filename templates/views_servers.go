package templates

import "time"

// ServersPage lists the MCP servers of a project.
type ServersPage struct {
	Shell
	Servers             []ServerLine
	NewHref, ScopesHref string // NewHref is empty for who may not add one
}

// ServerLine is one MCP server in the list.
type ServerLine struct {
	Name, URL, Href, SetUpHref string
	Secrets                    int
	SecretUsed                 time.Time
	Connections                string
}

// NewServerPage adds an MCP server. Fields: server_url, name (may stay empty).
type NewServerPage struct {
	Shell
	Action, CancelHref, CheckHref string
	Name, ServerURL               Field
	Alert                         string
}

// ServerPage is one MCP server.
type ServerPage struct {
	Shell
	Name, URL, ListHref, SetUpHref, KeysHref, ConnectionsHref string
	RenameAction, RemoveAction, EndAction                     string // empty for who may not
	Rename                                                    Field
	RemoveError, EndError                                     string
	Connections                                               string
	CreatedAt, SecretUsed                                     time.Time
	Tools                                                     []ToolLine
}

// ToolLine is how a tool is used.
type ToolLine struct {
	Tool                   string
	Calls, Failed, Refused int
	LastUsed               time.Time
}

// ScopesPage lists what can be allowed. Forms: SelectableAction takes selectable (yes or no).
type ScopesPage struct {
	Shell
	ServersHref, NewHref, SelectableAction string
	Selectable, MayChange                  bool
	Scopes                                 []ScopeRow
	Remarks                                []string // what is odd about them
}

// ScopeRow is one scope in the list.
type ScopeRow struct {
	Name, Description, EditHref, UpAction string
	Default                               bool
	Tools                                 []string
}

// ScopePage makes or changes a scope. Fields: name (new ones only), description, default, tools (one per line).
type ScopePage struct {
	Shell
	New                              bool
	Action, CancelHref, DeleteAction string
	Name, Description, Tools         Field
	Default                          bool
	DefaultError                     string
	Unassigned                       []string // tools that were called and stand in no group
}

// KeysPage is about signing keys and registration secrets. RotateAction takes algorithm; ReplaceAction takes confirm.
type KeysPage struct {
	Shell
	Keys                        []KeyLine
	Algorithm                   string
	RotateAction, ReplaceAction string
	ReplaceError, Name          string
	Servers                     []ServerRow
	Secret, EnvFile             string // a registration secret just created, shown this once
	SecretServer                string
}

// KeyLine is a signing key.
type KeyLine struct {
	ID, Algorithm, State, Tone, Note string
	CreatedAt                        time.Time
}
