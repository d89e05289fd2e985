// Package contract says as data what every guard answers: the rows of its JSON files. A row has a stable name, the numbers of the
// checklist and of the catalogue that it proves, how the guard is configured, what the project is like, the tokens that are presented,
// and steps, each with the answer that is expected. The test runner of each guard reads the same files; README.md says how.
//
// The package holds what stands in for a project meanwhile: [Control] starts one for a row, lets the row change it, and counts what the
// guard asks. Behind it is the fake of this package. It is for tests alone and must import nothing but the standard library.
package contract

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
)

//go:embed *.json
var files embed.FS

// Ways in which a guard finds out about a token.
const (
	Ask = "ask" // it asks the project (RFC 7662)
	// Follow is the beginning of Local: keys and the feed may not be at hand yet.
	Follow = "follow"
	Local  = "local" // it verifies by itself, with keys and the feed, from before the first step on
)

// Row is one case of the contract. Steps and the guard's configuration are for the runners.
type Row struct {
	Name   string           `json:"name"`
	What   string           `json:"what"`
	Proves []string         `json:"proves"`
	Ways   []string         `json:"ways"` // absent: both
	Guard  json.RawMessage  `json:"guard"`
	Before []Action         `json:"before"`
	Tokens map[string]Token `json:"tokens"`
	Steps  []Step           `json:"steps"`
	// NotReal says why the row cannot run against the product; empty: it can.
	NotReal string `json:"not_real"`
	// NotRealWays says the same of one way.
	NotRealWays map[string]string `json:"not_real_ways"`
}

// Step is one thing that happens: something is done to the project, time passes, the guard is to verify locally, a request is made, or the
// guard ends and what it told is looked at.
type Step struct {
	What    string          `json:"what"`
	Do      []Action        `json:"do"`
	Advance float64         `json:"advance"` // seconds, of the guard's clock
	Local   string          `json:"local"`   // the token whose approval the guard has met once this step is over
	Token   string          `json:"token"`   // for the Authorization header
	Request json.RawMessage `json:"request"`
	Body    *string         `json:"body"`
	Until   bool            `json:"until"` // repeat the request until the answer is the expected one
	Expect  json.RawMessage `json:"expect"`
	Report  json.RawMessage `json:"report"`
}

// Action changes the project; one member each.
type Action struct {
	// Revoke ends the approval of a token: the project says inactive and the feed tells it.
	Revoke string `json:"revoke,omitempty"`
	// Forget makes the project call a token inactive without a word in the feed, Remember active again.
	Forget   string `json:"forget,omitempty"`
	Remember string `json:"remember,omitempty"`
	// Suspend makes the project refuse everything, or no longer.
	Suspend *bool `json:"suspend,omitempty"`
	// Break replaces the answers of one address, Mend gives them back.
	Break string  `json:"break,omitempty"`
	As    *Answer `json:"as,omitempty"`
	Mend  string  `json:"mend,omitempty"`
	// Cut ends every stream of the feed.
	Cut bool `json:"cut,omitempty"`
	// Restore puts the project back to a time at which nothing was revoked, as a backup does.
	Restore bool `json:"restore,omitempty"`
	// Event is sent to every stream of the feed as it stands.
	Event string `json:"event,omitempty"`
	// Buffer lets no stream through, so that the feed has to be polled.
	Buffer bool `json:"buffer,omitempty"`
	// Publish makes these the published keys.
	Publish []string `json:"publish,omitempty"`
	// Set replaces members of the guard's configuration.
	Set map[string]any `json:"set,omitempty"`
	// Speaks are the versions of the protocol that the project speaks; an empty list: it is from before there were any.
	Speaks *[]string `json:"speaks,omitempty"`
	// Insists is the version that the project speaks whatever it is asked.
	Insists string `json:"insists,omitempty"`
}

// Answer is what a broken address says.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Drop    bool              `json:"drop"` // the connection ends without an answer
}

// file is one of the JSON files.
type file struct {
	About   string          `json:"about"`
	Answers json.RawMessage `json:"answers"` // expectations by name, for the runners
	Rows    []Row           `json:"rows"`
}

// Rows are all rows, in the order of the files.
func Rows() ([]Row, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	var all []Row
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		var one file
		if err := decoder.Decode(&one); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, one.Rows...)
	}
	return all, nil
}

// Find is the row of a name.
func Find(name string) (Row, error) {
	all, err := Rows()
	if err != nil {
		return Row{}, err
	}
	at := slices.IndexFunc(all, func(r Row) bool { return r.Name == name })
	if at < 0 {
		return Row{}, fmt.Errorf("no row %q", name)
	}
	return all[at], nil
}
