package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	maxNoteLength   = 2000 // characters
	maxNotesPerUser = 100
	maxUsers        = 1000
)

// notebook keeps each user's notes until the process ends.
type notebook struct {
	mu     sync.Mutex
	byUser map[string][]string
}

func newNotebook() *notebook { return &notebook{byUser: make(map[string][]string)} }

func (n *notebook) add(_ context.Context, request *mcp.CallToolRequest, input noteInput) (*mcp.CallToolResult, any, error) {
	identity, err := caller(request)
	if err != nil {
		return nil, nil, err
	}
	note := strings.TrimSpace(input.Text)
	switch {
	case note == "":
		return nil, nil, errors.New("the note is empty")
	case utf8.RuneCountInString(note) > maxNoteLength:
		return nil, nil, fmt.Errorf("the note is longer than %d characters", maxNoteLength)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	notes, known := n.byUser[identity.Subject]
	switch {
	case len(notes) >= maxNotesPerUser:
		return nil, nil, fmt.Errorf("you have %d notes already, this demo keeps no more", maxNotesPerUser)
	case !known && len(n.byUser) >= maxUsers:
		return nil, nil, errors.New("this demo keeps notes of no further users")
	}
	n.byUser[identity.Subject] = append(notes, note)
	return text(fmt.Sprintf("Added note %d: %s", len(notes)+1, note)), nil, nil
}

func (n *notebook) list(_ context.Context, request *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
	identity, err := caller(request)
	if err != nil {
		return nil, nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	notes := n.byUser[identity.Subject]
	if len(notes) == 0 {
		return text("You have no notes yet. The tool add_note adds one."), nil, nil
	}
	var lines strings.Builder
	for i, note := range notes {
		fmt.Fprintf(&lines, "%d. %s\n", i+1, note)
	}
	return text(strings.TrimSuffix(lines.String(), "\n")), nil, nil
}
