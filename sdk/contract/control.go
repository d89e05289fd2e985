package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Project is what a guard is tried with.
type Project interface {
	http.Handler // what guards and clients ask
	// Path is that of the project's issuer, for example /t/demo.
	Path() string
	// Secret is the registration secret of its MCP server.
	Secret() string
	// Vars are what rows name in braces: issuer, alias, resource, resource_metadata, subject, client, username.
	Vars() map[string]string
	// Token makes a token that the row describes, another one each time, and says the id of its approval.
	Token(name string, spec Token) (text, grant string, err error)
	// Do changes the project; what the way to it does is not its matter.
	Do(Action) error
}

// Host makes projects.
type Host interface {
	Start(address string, row Row) (Project, error)
}

// Addresses of a project, by the names that rows use.
var addresses = map[string]string{
	"configuration": "/api/oauth/server",
	"introspection": "/api/oauth/introspect",
	"keys":          "/api/oauth/jwks",
	"feed":          "/api/oauth/revocations",
	"calls":         "/api/oauth/server/calls",
}

// HeaderVersion names the version of the protocol in requests and answers.
const HeaderVersion = "Mcpauth-Guard-Version"

const metadataPath = "/.well-known/oauth-authorization-server"

// Control starts projects for rows and stands between them and the guards: it counts, breaks and looks for what has no business there.
//
//	POST /projects {"row": name}           starts a project: its id, secret, variables and tokens
//	POST /projects/{id}/do [action, ...]   changes it
//	POST /projects/{id}/tokens {"token"}   makes one more token
//	GET  /projects/{id}                    what was seen: requests by address, reported calls, and what was wrong
type Control struct {
	address string
	host    Host
	routes  *http.ServeMux

	mu       sync.Mutex
	projects []*watched
}

// watched is a project with what was seen of the guard.
type watched struct {
	project Project
	row     Row

	mu       sync.Mutex
	requests map[string]int
	broken   map[string]*Answer
	tokens   []string
	calls    []map[string]any
	wrong    []string
}

// NewControl serves the control requests and the projects at an address.
func NewControl(address string, host Host) *Control {
	c := &Control{address: address, host: host, routes: http.NewServeMux()}
	c.routes.HandleFunc("POST /projects", c.start)
	c.routes.HandleFunc("POST /projects/{id}/do", c.withProject(do))
	c.routes.HandleFunc("POST /projects/{id}/tokens", c.withProject(moreTokens))
	c.routes.HandleFunc("GET /projects/{id}", c.withProject(seen))
	c.routes.HandleFunc("/", c.pass)
	return c
}

func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.routes.ServeHTTP(w, r) }

func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, jsonText(value))
}

func refuse(w http.ResponseWriter, err error) {
	answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

func (c *Control) start(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Row string }
	err := json.NewDecoder(r.Body).Decode(&asked)
	if err != nil {
		refuse(w, err)
		return
	}
	row, err := Find(asked.Row)
	if err != nil {
		refuse(w, err)
		return
	}
	project, err := c.host.Start(c.address, row)
	if err != nil {
		refuse(w, err)
		return
	}
	p := &watched{project: project, row: row, requests: map[string]int{}, broken: map[string]*Answer{}}
	c.mu.Lock()
	id := len(c.projects)
	c.projects = append(c.projects, p)
	c.mu.Unlock()
	vars := map[string]string{}
	maps.Copy(vars, project.Vars())
	for name := range p.specs() {
		text, grant, err := p.token(name)
		if err != nil {
			refuse(w, fmt.Errorf("token %s: %w", name, err))
			return
		}
		vars["token "+name], vars["grant "+name] = text, grant
	}
	for _, action := range row.Before {
		if err := p.do(action); err != nil {
			refuse(w, err)
			return
		}
	}
	answer(w, http.StatusOK, map[string]any{"id": id, "secret": project.Secret(), "vars": vars})
}

// specs are the row's tokens, and a good one.
func (p *watched) specs() map[string]Token {
	all := map[string]Token{"good": {}}
	maps.Copy(all, p.row.Tokens)
	return all
}

func (p *watched) token(name string) (text, grant string, err error) {
	spec, ok := p.specs()[name]
	if !ok {
		return "", "", fmt.Errorf("the row describes no token %q", name)
	}
	text, grant, err = p.project.Token(name, spec)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(text) > 20 {
		p.tokens = append(p.tokens, text)
	}
	return text, grant, err
}

func (c *Control) withProject(next func(http.ResponseWriter, *http.Request, *watched)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var id int
		_, err := fmt.Sscan(r.PathValue("id"), &id)
		c.mu.Lock()
		known := err == nil && id >= 0 && id < len(c.projects)
		c.mu.Unlock()
		if !known {
			refuse(w, fmt.Errorf("no project %q", r.PathValue("id")))
			return
		}
		next(w, r, c.projects[id])
	}
}

func do(w http.ResponseWriter, r *http.Request, p *watched) {
	var actions []Action
	if err := json.NewDecoder(r.Body).Decode(&actions); err != nil {
		refuse(w, err)
		return
	}
	for _, action := range actions {
		if err := p.do(action); err != nil {
			refuse(w, err)
			return
		}
	}
	answer(w, http.StatusOK, struct{}{})
}

func (p *watched) do(action Action) error {
	p.mu.Lock()
	switch {
	case action.Break != "":
		p.broken[action.Break] = action.As
	case action.Mend != "":
		delete(p.broken, action.Mend)
	default:
		p.mu.Unlock()
		return p.project.Do(action)
	}
	p.mu.Unlock()
	return nil
}

func moreTokens(w http.ResponseWriter, r *http.Request, p *watched) {
	var asked struct{ Token string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, err)
		return
	}
	text, _, err := p.token(asked.Token)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"token": text})
}

func seen(w http.ResponseWriter, _ *http.Request, p *watched) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"requests": p.requests, "calls": merged(p.calls), "wrong": append([]string{}, p.wrong...)})
}

// merged adds up the counts of what several reports say of the same.
func merged(calls []map[string]any) []map[string]any {
	out := []map[string]any{}
	places := map[string]int{}
	for _, call := range calls {
		count, _ := call["count"].(float64)
		same := map[string]any{}
		for name, value := range call {
			if name != "count" && name != "at" {
				same[name] = value
			}
		}
		key := fmt.Sprint(same) // keys in order, so that the same report has the same text
		at, ok := places[key]
		if !ok {
			at = len(out)
			places[key] = at
			same["count"] = 0.0
			out = append(out, same)
		}
		sum, _ := out[at]["count"].(float64)
		out[at]["count"] = sum + count
	}
	return out
}

// find is the project that a request is for, and the name of the address.
func (c *Control) find(path string) (*watched, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.projects {
		if path == metadataPath+p.project.Path() {
			return p, "metadata"
		}
		for name, suffix := range addresses {
			if path == p.project.Path()+suffix {
				return p, name
			}
		}
	}
	return nil, ""
}

// pass hands a request on to its project.
func (c *Control) pass(w http.ResponseWriter, r *http.Request) {
	p, name := c.find(r.URL.Path)
	if p == nil {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	broken := p.see(name, r, string(body))
	if broken == nil {
		p.project.ServeHTTP(w, r)
		return
	}
	if broken.Drop {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	for header, value := range broken.Headers {
		w.Header().Set(header, value)
	}
	w.WriteHeader(broken.Status)
	_, _ = io.WriteString(w, broken.Body)
}

// see notes a request, and what must not be in it: the secret belongs where guards are known by it, access tokens into the question about
// them (R10).
func (p *watched) see(name string, r *http.Request, body string) *Answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[name]++
	public := name == "keys" || name == "metadata"
	if public && r.Header.Get("Authorization") != "" {
		p.wrong = append(p.wrong, name+" was asked with the secret")
	}
	if r.Header.Get(HeaderVersion) != "1" {
		p.wrong = append(p.wrong, name+" was asked without the version")
	}
	everything := fmt.Sprint(r.URL, r.Header)
	if name != "introspection" {
		everything += body
	}
	if slices.ContainsFunc(p.tokens, func(token string) bool { return strings.Contains(everything, token) }) {
		p.wrong = append(p.wrong, name+" was sent an access token")
	}
	if name == "calls" && p.broken[name] == nil {
		var report struct{ Calls []map[string]any }
		if json.Unmarshal([]byte(body), &report) != nil {
			p.wrong = append(p.wrong, "a report cannot be read")
		}
		for _, call := range report.Calls {
			if at, _ := call["at"].(float64); at < 1e9 {
				p.wrong = append(p.wrong, "a report without its time")
			}
		}
		p.calls = append(p.calls, report.Calls...)
	}
	return p.broken[name]
}

// jsonText is a value as JSON. What cannot be written as JSON is a mistake in this package.
func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
