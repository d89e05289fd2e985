// Command goclient is an MCP client made of the go-sdk and nothing of this project, for tests that drive it: it
// registers itself, sends its user through the browser the test controls, lists and calls tools, and asks for more
// scopes when a tool needs them, all by the go-sdk's own handling.
//
// It writes one JSON object a line on standard output and reads commands the same way from standard input:
//
//	{"event":"authorize","url":"..."}                      open this address as the user
//	{"event":"connected"}                                  commands are read from here on
//	{"event":"tools","tools":["whoami"]}                   answer to {"op":"list"}
//	{"event":"call","tool":"whoami","text":"..."}          answer to {"op":"call","tool":"whoami","args":{}}
//	{"event":"refreshed"}                                  answer to {"op":"refresh"}: other tokens were got with the refresh token
//	{"event":"revoked"}                                    answer to {"op":"revoke"}: the refresh token was revoked (RFC 7009)
//	{"event":"error","message":"..."}                      a command failed; the next one is read all the same
//
// {"op":"quit"} or the end of the input ends it. It must not import any package of this module, so that it proves
// what a stranger's client can do.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program with its surroundings as parameters. It returns the exit status: 0 after quit or the end of the
// input, 1 when it could not connect, 2 for bad flags.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("goclient", flag.ContinueOnError)
	flags.SetOutput(stderr)
	url := flags.String("url", "http://localhost:8090/mcp", "URL of the MCP server")
	port := flags.Int("callback-port", 0, "port on localhost to which the browser returns, 0 for any")
	name := flags.String("name", "Go test client", "client name shown to the user")
	wait := flags.Duration("authorize-timeout", 2*time.Minute, "how long to wait for the user")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "goclient: unexpected argument", flags.Arg(0))
		return 2
	}
	output := &events{encoder: json.NewEncoder(stdout)}
	output.encoder.SetEscapeHTML(false)
	callback, err := listen(ctx, *port)
	if err != nil {
		output.fail(err)
		return 1
	}
	defer callback.close()
	session, err := connect(ctx, settings{url: *url, name: *name, wait: *wait}, callback, output)
	if err != nil {
		output.fail(err)
		return 1
	}
	defer func() { _ = session.Close() }()
	output.emit(event{Event: "connected"})
	serve(ctx, session, stdin, output)
	return 0
}

// event is one line of output.
type event struct {
	Event   string   `json:"event"`
	URL     string   `json:"url,omitempty"`
	Tools   []string `json:"tools,omitempty"`
	Tool    string   `json:"tool,omitempty"`
	Text    *string  `json:"text,omitempty"`
	IsError bool     `json:"is_error,omitempty"` // the tool ran and reported a failure
	Message string   `json:"message,omitempty"`
}

// events writes whole lines, also when an authorization begins while a call is under way.
type events struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (e *events) emit(one event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.encoder.Encode(one) //nolint:errchkjson // a driver that stopped reading has also stopped waiting
}

func (e *events) fail(err error) { e.emit(event{Event: "error", Message: err.Error()}) }
