package dashboard

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/mcpauth/mcpauth/templates"
	"github.com/mcpauth/mcpauth/tenants"
)

const expressSnippet = `import express from "express";
import { mcpAuth } from "mcpauth";

const app = express();
app.use(%q, mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));
`

const goSnippet = `import mcpauth "github.com/mcpauth/mcpauth/sdk/go"

guard, err := mcpauth.New(mcpauth.Config{RegistrationSecret: os.Getenv("MCPAUTH_SECRET")})
if err != nil {
	log.Fatal(err)
}
guard.Register(mux, %q, handler)
`

// snippets is the code to copy, with the values of the server that a secret was just made for, else of the first one.
func snippets(project tenants.ProjectDetail, created newSecret) []templates.Snippet {
	if len(project.Servers) == 0 {
		return nil
	}
	server := project.Servers[0]
	for _, s := range project.Servers {
		if s.ID == created.server {
			server = s
		}
	}
	path := "/"
	if u, err := url.Parse(server.Resource); err == nil && u.Path != "" {
		path = u.EscapedPath()
	}
	text := created.text
	if text == "" {
		text = "mcpauth_rs_…"
	}
	return []templates.Snippet{
		{Label: "Express", Language: "ts", Code: fmt.Sprintf(expressSnippet, path)},
		{Label: "Go", Language: "go", Code: fmt.Sprintf(goSnippet, path)},
		{Label: "Claude Code", Language: "sh", Code: "claude mcp add --transport http " + project.Slug + " " + shellWord(server.Resource) + "\n"},
		{Label: ".env", Language: "sh", Code: envLine(text) + "\n"},
	}
}

func envLine(registrationSecret string) string { return "MCPAUTH_SECRET=" + registrationSecret }

// shellWord quotes what a shell would not take as it is: an address is chosen by a member and pasted by another.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~:/%@,+=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
