package mcpauth

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startFakeProject builds and runs the fake project, which belongs to the module of the product: this one gains no dependency by it.
func startFakeProject(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "project")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./project")
	build.Dir = "../contract"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the fake project: %v\n%s", err, out)
	}
	program := exec.CommandContext(t.Context(), binary)
	program.Stderr = os.Stderr
	input, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_ = program.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the fake project says no address: %v", err)
	}
	return strings.TrimSpace(line)
}

type contractSeen struct {
	Requests map[string]float64
	Calls    []map[string]any
	Wrong    []string
}

func (run *contractRun) seen() contractSeen {
	var seen contractSeen
	control(run.t, http.MethodGet, run.control, nil, &seen)
	return seen
}

// sayWhatCame answers with what the guard let through.
func sayWhatCame(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	said := map[string]any{"body": string(body), "authorization": nil, "identity": nil}
	if given := r.Header.Values("Authorization"); len(given) > 0 {
		said["authorization"] = given[0]
	}
	if identity, ok := IdentityFrom(tokenInfoOf(r)); ok {
		said["identity"] = map[string]any{
			"subject": identity.Subject, "client": identity.ClientID, "issuer": identity.Issuer, "grant": identity.GrantID,
			"username": identity.Username, "scopes": identity.Scopes,
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("X-Answer") != "" {
		w.WriteHeader(http.StatusTeapot)
	}
	_ = json.NewEncoder(w).Encode(said)
}

// control asks the project that the rows are tried with.
func control(t *testing.T, method, address string, body, into any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: got status %d, error %v, %s, want 200", method, address, response.StatusCode, err, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatal(err)
		}
	}
}
