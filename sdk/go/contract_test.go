package mcpauth

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The contract of guards (../contract) as this guard meets it. The rows say which numbers they prove; the guard for Node.js runs the same.
// MCPAUTH_CONTRACT is the address of a project that somebody else started, such as the product; without it a fake one is started.
func TestContract(t *testing.T) {
	contract := readContract(t)
	address, product := os.Getenv("MCPAUTH_CONTRACT"), true
	if address == "" {
		address, product = startFakeProject(t), false
	}
	for _, row := range contract.Rows {
		for _, way := range row.ways(product) {
			t.Run(row.Name+"/"+way, func(t *testing.T) {
				t.Parallel()
				runRow(t, contract, address, row, way)
			})
		}
	}
}

// contractRow is one case; ../contract says what its members mean.
type contractRow struct {
	Name        string
	Ways        []string
	Guard       contractGuard
	Steps       []contractStep
	NotReal     string            `json:"not_real"`
	NotRealWays map[string]string `json:"not_real_ways"`
}

type contractGuard struct {
	RequiredScopes   []string            `json:"required_scopes"`
	ToolScopes       map[string][]string `json:"tool_scopes"`
	ImpliedScopes    map[string][]string `json:"implied_scopes"`
	Resource         string              `json:"resource"`
	AllowedOrigins   []string            `json:"allowed_origins"`
	CacheSeconds     *float64            `json:"cache_seconds"`
	ReportCalls      *bool               `json:"report_calls"`
	AlwaysIntrospect bool                `json:"-"`
}

type contractStep struct {
	What    string
	Do      json.RawMessage
	Advance float64
	Local   string
	Token   string
	Request struct {
		Method, Path string
		Headers      [][2]string
		Body         any
	}
	Body   *string
	Until  bool
	Expect any
	Report *[]any
}

type contractFiles struct {
	Answers map[string]any
	Rows    []contractRow
}

// readContract reads every file of the contract. A member that this runner does not know is a failure: it would leave something unproved.
func readContract(t *testing.T) contractFiles {
	t.Helper()
	names, err := filepath.Glob("../contract/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("got files %v and error %v, want the contract", names, err)
	}
	all := contractFiles{Answers: map[string]any{}}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var one contractFiles
		if err := json.Unmarshal(text, &one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		maps.Copy(all.Answers, one.Answers)
		all.Rows = append(all.Rows, one.Rows...)
	}
	return all
}

// ways are those in which a row runs.
func (r contractRow) ways(product bool) []string {
	ways := r.Ways
	if len(ways) == 0 {
		ways = []string{"ask", "local"}
	}
	if !product {
		return ways
	}
	return slices.DeleteFunc(slices.Clone(ways), func(way string) bool { return r.NotReal != "" || r.NotRealWays[way] != "" })
}

// contractRun is one row under way.
type contractRun struct {
	t        *testing.T
	answers  map[string]any
	control  string // address of the project's control requests
	vars     map[string]string
	guard    *Guard
	clock    *clock
	server   *httptest.Server
	expanded func(any) any
}

func runRow(t *testing.T, contract contractFiles, address string, row contractRow, way string) {
	t.Helper()
	var started struct {
		ID     int
		Secret string
		Vars   map[string]string
	}
	control(t, http.MethodPost, address+"/projects", map[string]string{"row": row.Name}, &started)
	run := &contractRun{t: t, answers: contract.Answers, vars: started.Vars}
	run.control = address + "/projects/" + jsonText(started.ID)
	run.expanded = func(value any) any { return expand(value, run.vars) }
	row.Guard.AlwaysIntrospect = way == "ask"
	run.start(row.Guard, started.Secret)
	if way == "local" {
		run.untilLocal("good")
	}
	for i, step := range row.Steps {
		run.step(i, step)
	}
	run.guard.Close(t.Context())
	if wrong := run.seen().Wrong; len(wrong) > 0 {
		t.Errorf("got %v, want nothing where it does not belong", wrong)
	}
}

// start makes the guard and a server whose handler says what reached it.
func (run *contractRun) start(given contractGuard, secret string) {
	config := Config{
		RegistrationSecret: secret, RequiredScopes: given.RequiredScopes, ToolScopes: given.ToolScopes, ImpliedScopes: given.ImpliedScopes,
		Resource: given.Resource, AllowedOrigins: given.AllowedOrigins, AlwaysIntrospect: given.AlwaysIntrospect,
		DisableCallReports: given.ReportCalls != nil && !*given.ReportCalls, Logger: slog.New(slog.DiscardHandler),
	}
	if given.CacheSeconds != nil {
		if config.CacheTTL = time.Duration(*given.CacheSeconds * float64(time.Second)); config.CacheTTL == 0 {
			config.CacheTTL = -1
		}
	}
	guard, err := New(config)
	if err != nil {
		run.t.Fatal(err)
	}
	run.guard, run.clock = guard, &clock{time: time.Now()}
	guard.now = run.clock.now
	mux := http.NewServeMux()
	guard.Register(mux, "/mcp", http.HandlerFunc(sayWhatCame))
	run.server = httptest.NewServer(mux)
	run.t.Cleanup(func() {
		guard.Close(run.t.Context())
		run.server.Close()
	})
}

// step does what one step says.
func (run *contractRun) step(number int, step contractStep) {
	t := run.t
	t.Helper()
	switch {
	case step.Do != nil:
		control(t, http.MethodPost, run.control+"/do", step.Do, nil)
	case step.Advance > 0:
		run.clock.advance(time.Duration(step.Advance * float64(time.Second)))
	case step.Local != "":
		run.untilLocal(step.Local)
	case step.Report != nil:
		run.guard.Close(t.Context())
		if diff := differs(run.expanded(*step.Report), anyList(run.seen().Calls)); diff != "" {
			t.Errorf("step %d: the report: %s", number, diff)
		}
	case step.Until:
		diff := "not asked"
		until(t, func() bool {
			diff = run.try(step)
			return diff == ""
		})
	default:
		if diff := run.try(step); diff != "" {
			t.Errorf("step %d %s: %s", number, step.What, diff)
		}
	}
}

// try makes the request of a step and says how the answer differs.
func (run *contractRun) try(step contractStep) string {
	before := run.seen().Requests
	got := run.request(step)
	after := run.seen().Requests
	want := run.expectation(step.Expect)
	for member, address := range map[string]string{"asked": "introspection", "fetched": "keys", "configured": "configuration"} {
		got[member] = after[address] - before[address]
	}
	got["retried"] = after["feed"] > 1
	if _, ok := want["handler"]; ok && got["status"] == 200.0 {
		var handler any
		_ = json.Unmarshal([]byte(got["text"].(string)), &handler)
		got["handler"] = handler
	}
	return differs(run.expanded(want), got)
}

// expectation is what a step expects, with the answer that it is like.
func (run *contractRun) expectation(given any) map[string]any {
	if name, ok := given.(string); ok {
		given = map[string]any{"like": name}
	}
	own, ok := given.(map[string]any)
	if !ok {
		run.t.Fatalf("got expectation %v, want a name or an object", given)
	}
	like, named := own["like"].(string)
	base, ok := run.answers[like].(map[string]any)
	if named && !ok {
		run.t.Fatalf("got %q, want the name of an answer", like)
	}
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for member, value := range own {
		inner, isObject := value.(map[string]any)
		under, hasObject := out[member].(map[string]any)
		switch {
		case member == "like":
		case member != "challenge" && isObject && hasObject:
			merged := maps.Clone(under)
			maps.Copy(merged, inner)
			out[member] = merged
		default:
			out[member] = value
		}
	}
	return out
}

// request sends what a step says and returns the answer, as expectations speak of it.
func (run *contractRun) request(step contractStep) map[string]any {
	t := run.t
	method, path := http.MethodPost, "/mcp"
	if step.Request.Method != "" {
		method = step.Request.Method
	}
	if step.Request.Path != "" {
		path = step.Request.Path
	}
	var body io.Reader
	if method == http.MethodPost || method == http.MethodPut {
		body = strings.NewReader(run.body(step))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, run.server.URL+expandText(path, run.vars), body)
	if err != nil {
		t.Fatal(err)
	}
	if step.Token != "" {
		request.Header.Set("Authorization", "Bearer "+run.vars["token "+step.Token])
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	set := map[string]bool{}
	for _, header := range step.Request.Headers {
		if !set[header[0]] {
			request.Header.Del(header[0])
		}
		set[header[0]] = true
		request.Header.Add(header[0], expandText(header[1], run.vars))
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{"status": float64(response.StatusCode), "headers": map[string]any{}, "text": string(text), "challenge": nil}
	for name := range response.Header {
		got["headers"].(map[string]any)[name] = strings.Join(response.Header.Values(name), ", ")
	}
	var parsed any
	if json.Unmarshal(text, &parsed) == nil {
		got["json"] = parsed
	}
	if len(response.Header.Values("WWW-Authenticate")) > 0 {
		got["challenge"] = run.challenge(response.Header)
	}
	return got
}

// challenge is the one challenge of an answer without its description, which is there exactly when it has an error.
func (run *contractRun) challenge(header http.Header) map[string]any {
	members := map[string]any{}
	for name, value := range challengeOf(run.t, header) {
		members[name] = value
	}
	if (members["error"] == nil) != (members["error_description"] == nil) {
		members["error_description"] = "with an error and only with one"
		return members
	}
	delete(members, "error_description")
	return members
}

// body is the text of a step's body; a long one is described.
func (run *contractRun) body(step contractStep) string {
	if step.Body != nil {
		return *step.Body
	}
	switch body := step.Request.Body.(type) {
	case string:
		return expandText(body, run.vars)
	case map[string]any:
		return body["begin"].(string) + strings.Repeat(body["repeat"].(string), int(body["times"].(float64))) + body["end"].(string)
	default:
		return "{}"
	}
}

// untilLocal calls until a token that the guard never saw is judged without a question, and uses it from then on.
func (run *contractRun) untilLocal(token string) {
	run.t.Helper()
	until(run.t, func() bool {
		var next struct{ Token string }
		control(run.t, http.MethodPost, run.control+"/tokens", map[string]string{"token": token}, &next)
		run.vars["token "+token] = next.Token
		before := run.seen().Requests["introspection"]
		got := run.request(contractStep{Token: token})
		judged := got["status"] == 200.0 || got["status"] == 403.0 // a good token that allows too little is known as well
		return judged && run.seen().Requests["introspection"] == before
	})
}
