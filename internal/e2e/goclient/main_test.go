package main

import (
	"bufio"
	"context"
	"encoding/json"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// driver runs the program as a test would and plays the user's browser.
type driver struct {
	t      *testing.T
	input  io.WriteCloser
	events chan event
	exit   chan int
}

func start(t *testing.T, args ...string) *driver {
	t.Helper()
	stdin, input := io.Pipe()
	output, stdout := io.Pipe()
	d := &driver{t: t, input: input, events: make(chan event, 100), exit: make(chan int, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	go func() {
		defer cancel()
		d.exit <- run(ctx, args, stdin, stdout, io.Discard)
		_ = stdout.Close()
	}()
	go func() {
		defer close(d.events)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var next event
			if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
				t.Errorf("output %q: %v", lines.Text(), err)
			}
			d.events <- next
		}
	}()
	t.Cleanup(func() { _ = input.Close() })
	return d
}

func (d *driver) send(line string) {
	d.t.Helper()
	if _, err := io.WriteString(d.input, line+"\n"); err != nil {
		d.t.Fatal(err)
	}
}

// expect returns the next event, which must be of this kind.
func (d *driver) expect(kind string) event {
	d.t.Helper()
	next, ok := <-d.events
	if !ok || next.Event != kind {
		d.t.Fatalf("event %+v, want %q", next, kind)
	}
	return next
}

// approve opens the address of an authorize event; the issuer sends the browser on to the callback.
func (d *driver) approve() {
	d.t.Helper()
	response, err := http.Get(d.expect("authorize").URL)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); !strings.Contains(string(body), `id="returned"`) {
		d.t.Fatalf("the browser ended at %s: %s", response.Request.URL, body)
	}
}

func scopesOf(s string) string {
	scopes := strings.Fields(s)
	slices.Sort(scopes)
	return strings.Join(scopes, " ")
}

func TestConversation(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	d := start(t, "-url", i.resource, "-name", "Tester")
	d.approve()
	d.expect("connected")
	d.send(`{"op":"list"}`)
	if got := strings.Join(d.expect("tools").Tools, " "); got != "add_note list_notes whoami" {
		t.Errorf("tools %q", got)
	}
	d.send(`{"op":"call","tool":"whoami"}`)
	if got := d.expect("call"); got.Tool != "whoami" || !strings.HasPrefix(*got.Text, "Hello ada@example.com") {
		t.Errorf("call %+v", got)
	}

	// The 403 of the guard makes the go-sdk ask for the union of scopes (C7), and the call then succeeds.
	d.send(`{"op":"call","tool":"add_note","args":{"text":"buy milk"}}`)
	d.approve()
	if got := d.expect("call"); got.IsError || *got.Text != "Added note 1: buy milk" {
		t.Errorf("call %+v", got)
	}
	asked := i.requests()
	if len(asked) != 2 {
		t.Fatalf("%d authorization requests, want 2", len(asked))
	}
	for n, want := range []string{"mcp:tools offline_access", "mcp:tools notes:write offline_access"} {
		if got := scopesOf(asked[n].Get("scope")); got != want {
			t.Errorf("request %d asks for %q, want %q", n+1, got, want)
		}
		if got := asked[n].Get("resource"); got != i.resource {
			t.Errorf("request %d: resource %q", n+1, got)
		}
		if got := asked[n].Get("redirect_uri"); !strings.HasPrefix(got, "http://localhost:") || !strings.HasSuffix(got, "/callback") {
			t.Errorf("request %d: redirect_uri %q", n+1, got)
		}
	}
	if got := i.registrations[0]["client_name"]; got != "Tester" {
		t.Errorf("client_name %v", got)
	}

	// A revoked approval needs a new one.
	i.revokeAll()
	d.send(`{"op":"call","tool":"list_notes"}`)
	d.approve()
	if got := d.expect("call"); *got.Text != "1. buy milk" {
		t.Errorf("call %+v", got)
	}

	d.send(`{"op":"call","tool":"add_note","args":{"text":""}}`)
	if got := d.expect("call"); !got.IsError {
		t.Errorf("call %+v, want the tool's error", got)
	}
	for _, bad := range []string{`{"op":"dance"}`, `{"op":`, `{"op":"call","tool":"no_such_tool"}`} {
		d.send(bad)
		if got := d.expect("error"); got.Message == "" {
			t.Errorf("%s: %+v", bad, got)
		}
	}
	d.send("")
	d.send(`{"op":"quit"}`)
	if got := <-d.exit; got != 0 {
		t.Errorf("exit status %d", got)
	}
}

func TestUserSaysNo(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.setDeny(true)
	d := start(t, "-url", i.resource)
	// The go-sdk tries to connect by server/discover and then by initialize, and asks the user for each.
	d.approve()
	d.approve()
	if got := d.expect("error"); !strings.Contains(got.Message, "access_denied") {
		t.Errorf("message %q", got.Message)
	}
	if got := <-d.exit; got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
}

func TestUserSaysNoToMore(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	d := start(t, "-url", i.resource)
	d.approve()
	d.expect("connected")
	i.setDeny(true)
	d.send(`{"op":"call","tool":"add_note","args":{"text":"x"}}`)
	d.approve()
	if got := d.expect("error"); !strings.Contains(got.Message, "access_denied") {
		t.Errorf("message %q", got.Message)
	}
	d.send(`{"op":"call","tool":"whoami"}`) // what was granted before still works
	d.expect("call")
	_ = d.input.Close()
	if got := <-d.exit; got != 0 {
		t.Errorf("exit status %d at the end of the input", got)
	}
}

func TestBadStart(t *testing.T) {
	t.Parallel()
	if got := <-start(t, "-no-such-flag").exit; got != 2 {
		t.Errorf("unknown flag: exit status %d, want 2", got)
	}
	if got := <-start(t, "surplus").exit; got != 2 {
		t.Errorf("surplus argument: exit status %d, want 2", got)
	}
	d := start(t, "-callback-port", "70000")
	d.expect("error")
	if got := <-d.exit; got != 1 {
		t.Errorf("bad port: exit status %d, want 1", got)
	}
}

// The program proves what a stranger's client can do only as long as nothing of this module is in it.
func TestImportsNothingOfThisModule(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			if strings.Contains(spec.Path.Value, "mcpauth/mcpauth") {
				t.Errorf("%s imports %s", name, spec.Path.Value)
			}
		}
	}
}
