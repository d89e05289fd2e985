package mcpauth

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
)

// What every guard answers to the body of a tool call, as data: the guard for Node.js runs the same file (catalogue 25).
func TestContractOfToolCalls(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../contract/tool_calls.json")
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		ToolScopes map[string][]string `json:"tool_scopes"`
		Cases      []struct {
			Name, Body string
			Status     int
		}
	}
	if err := json.Unmarshal(file, &contract); err != nil || len(contract.Cases) == 0 {
		t.Fatalf("%d cases: %v", len(contract.Cases), err)
	}
	p := newProject(t)
	p.put("little", map[string]any{"scope": "mcp:tools"})
	guard, _ := newTestGuard(t, p, Config{ToolScopes: contract.ToolScopes})
	handler := guard.Protect(echo)
	for _, test := range contract.Cases {
		t.Run(test.Name, func(t *testing.T) {
			t.Parallel()
			answer := call(handler, "POST", "/mcp", "little", test.Body)
			if answer.Code != test.Status {
				t.Fatalf("got status %d %s, want %d", answer.Code, answer.Body, test.Status)
			}
			if answer.Code == http.StatusOK {
				if got := decode[echoed](t, answer).Body; got != test.Body {
					t.Errorf("the handler read %q, want %q", got, test.Body)
				}
			}
		})
	}
}
