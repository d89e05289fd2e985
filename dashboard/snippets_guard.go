package dashboard

import (
	"fmt"
	"net"
	"net/url"

	"mcpauth.example/internal/names"
	"mcpauth.example/sdk"
	"mcpauth.example/tenants"
)

// The servers to copy are whole programs, so that somebody with an empty folder gets to a tool call; a test runs them as they stand.

// expressNeeds brings what the server on Express imports beside the guard.
const expressNeeds = "npm install express@5 @modelcontextprotocol/sdk@1"

const expressSnippet = `// server.mjs; to start it: node --env-file=mcpauth.env server.mjs
import express from "express";
import { mcpAuth } from "` + names.NPM + `";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

const app = express();
app.use(%q, mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));

// A server to try it with. Yours stays as it is: it needs the line above, and nothing below.
app.post(%q, express.json(), async (req, res) => {
  const server = new McpServer({ name: "demo", version: "1.0.0" });
  server.registerTool("whoami", { description: "Who is calling" }, ({ authInfo }) => ({
    content: [{ type: "text", text: authInfo.extra.username }],
  }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  await transport.handleRequest(req, res, req.body);
});
app.listen(%s);
`

// goNeeds makes a module of an empty folder, and leaves an existing one alone.
const goNeeds = "test -f go.mod || go mod init tools"

const goSnippet = `// main.go; to start it: go mod tidy && env $(cat mcpauth.env) go run .
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	mcpauth "` + names.GoSDK + `"
)

func main() {
	guard, err := mcpauth.New(mcpauth.Config{RegistrationSecret: os.Getenv("MCPAUTH_SECRET")})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	guard.Register(mux, %q, newHandler())
	log.Fatal(http.ListenAndServe(":%s", mux))
}

// newHandler is a server to try it with. Yours stays as it is: any http.Handler will do.
func newHandler() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "demo", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Who is calling"},
		func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
			identity, _ := mcpauth.IdentityFrom(r.Extra.TokenInfo)
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: identity.Username}}}, nil, nil
		})
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
}
`

// port is where a server listens: the port of its address on this computer, behind a proxy of the customer's any.
func port(server tenants.MCPServer) string {
	const anyPort = "8090"
	u, err := url.Parse(server.Resource)
	if err != nil || u.Port() == "" {
		return anyPort
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return u.Port()
	}
	return anyPort
}

const promptText = `Guard the MCP server in this repository with mcpauth.

1. Install the guard with one of these commands, exactly as it stands. The package comes from this address; a package of a similar name
   elsewhere is not ours.
   Node.js with Express: %s
   Go: %s
2. Put the guard in front of the MCP route, before its handler. With Express:
   import { mcpAuth } from "` + names.NPM + `";
   app.use(%q, mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));
3. Read the secret from the environment variable MCPAUTH_SECRET. Never write it into the code or a file that is committed.
4. Remove any other authentication of that route. Leave the MCP handler itself as it is; req.auth says who is calling.
5. The server is reached at %s, and its issuer is %s. Do not change either.
6. Start the server and check: a POST to the route without a token is answered 401 with a WWW-Authenticate header that names
   resource_metadata.

Documentation for you: %s (Node.js), %s (Go)
`

// agentPrompt is what to paste into a coding agent.
func agentPrompt(baseURL string, project tenants.ProjectDetail, server tenants.MCPServer) string {
	path, _, _ := place(server)
	return fmt.Sprintf(promptText, sdk.InstallNPM(baseURL), sdk.InstallGo(baseURL), path, server.Resource, project.Issuer,
		baseURL+docsHref("express")+".md", baseURL+docsHref("go")+".md")
}
